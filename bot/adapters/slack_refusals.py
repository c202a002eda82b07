"""The table of Slack's error codes: what each method may answer, what a refusal applies to, and what to do about it.

``DOCUMENTED`` lists the codes on the page of each method (https://docs.slack.dev/reference/methods), and codes that
Slack is known to answer there without documenting them. ``rule`` says what one of them applies to; a code that is in no
list is ``RefusalScope.UNKNOWN``. The manual has the table with what follows
from each (bot/docs/slack.md#refusals-by-code).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.errors import RefusalScope as Scope

POST, UPDATE, PUBLISH, OPEN = "chat.postMessage", "chat.update", "views.publish", "views.open"
UPLOAD_URL, UPLOAD_DONE = "files.getUploadURLExternal", "files.completeUploadExternal"
UNFURL, DETAILS = "chat.unfurl", "entity.presentDetails"
INFO, AUTH, CONNECT = "conversations.info", "auth.test", "apps.connections.open"
COMPLETE, FAIL = "functions.completeSuccess", "functions.completeError"

_TOKEN_HINT = "check SLACK_BOT_TOKEN; `brownout check` says more"  # noqa: S105 - advice, not a token
_INVITE_HINT = "invite the bot with /invite @brownout in that channel"
_SCOPE_HINT = "install the app again from manifest.yml"
_ADMIN_HINT = "ask an admin of the workspace"
_BUG_HINT = "this is a mistake of Brownout; please report it"
_CARDS_HINT = "for cards, install the app again from `brownout manifest`; without them nothing else is missing"
_FILES_HINT = "ask an admin of the workspace whether apps may upload files"


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """What a code applies to.

    Attributes:
        scope: What else would be refused too.
        remedy: What people can do; empty if only waiting helps.
        is_token: The token itself is refused, so it is read again from where it came from.
        is_thread: The post may be accepted outside its thread.
    """

    scope: Scope
    remedy: str = ""
    is_token: bool = False
    is_thread: bool = False


UNKNOWN = RefusalRule(Scope.UNKNOWN)


def _rules(scope: Scope, remedy: str, codes: str, *, is_token: bool = False) -> dict[str, RefusalRule]:
    return dict.fromkeys(codes.split(), RefusalRule(scope, remedy, is_token))


_RULES: Mapping[str, RefusalRule] = {
    # the token, or all that it may do
    **_rules(
        Scope.WORKSPACE,
        _TOKEN_HINT,
        "not_authed invalid_auth token_revoked token_expired account_inactive",
        is_token=True,
    ),
    **_rules(Scope.WORKSPACE, _TOKEN_HINT, "not_allowed_token_type forbidden_team missing_args"),
    **_rules(Scope.WORKSPACE, _SCOPE_HINT, "missing_scope no_permission"),
    **_rules(
        Scope.WORKSPACE,
        _ADMIN_HINT,
        "access_denied team_access_not_granted org_login_required enterprise_is_restricted accesslimited"
        " two_factor_setup_required app_access_restricted team_not_found",
    ),
    **_rules(Scope.WORKSPACE, "ask an admin: posting is suspended", "ekm_access_denied"),
    **_rules(Scope.WORKSPACE, "wait: the workspace is being moved to an organization", "team_added_to_org"),
    **_rules(Scope.WORKSPACE, "wait, or change the plan: it allows no more messages now", "message_limit_exceeded"),
    **_rules(
        Scope.WORKSPACE,
        "install a newer Brownout: this one is too old for Slack",
        "method_deprecated deprecated_endpoint upgrade_required unknown_method",
    ),
    # the channel
    **_rules(Scope.CHANNEL, _INVITE_HINT, "not_in_channel"),
    **_rules(
        Scope.CHANNEL, f"it does not exist, or it is private: {_INVITE_HINT}", "channel_not_found invalid_channel"
    ),
    **_rules(Scope.CHANNEL, "unarchive the channel, or subscribe in another one", "is_archived"),
    **_rules(
        Scope.CHANNEL,
        "ask an admin: the workspace does not let apps post there",
        "restricted_action posting_to_channel_denied posting_to_general_channel_denied",
    ),
    **_rules(Scope.CHANNEL, "ask an admin: the channel is read-only", "restricted_action_read_only_channel"),
    **_rules(
        Scope.CHANNEL,
        "subscribe in another channel: this one takes replies only",
        "restricted_action_thread_only_channel",
    ),
    **_rules(Scope.CHANNEL, "subscribe in another channel", "channel_type_not_supported"),
    **_rules(Scope.CHANNEL, "wait: the channel is being moved to another workspace", "external_channel_migrating"),
    **_rules(Scope.CHANNEL, "switch the Messages tab on in the app's settings", "messages_tab_disabled"),
    # one person
    **_rules(
        Scope.PERSON,
        "the person has left, or takes no messages from apps",
        "user_not_found user_disabled users_not_found cannot_dm_bot user_is_bot user_not_visible is_bot",
    ),
    # the message that was to be edited
    **_rules(
        Scope.MESSAGE,
        "",
        "message_not_found cant_update_message edit_window_closed is_inactive block_mismatch cant_broadcast_message"
        " no_dual_broadcast_content_update",
    ),
    # this post
    **dict.fromkeys(
        ("restricted_action_thread_locked", "thread_locked"),
        RefusalRule(Scope.POST, "the thread is locked; ask an admin", is_thread=True),
    ),
    "restricted_action_non_threadable_channel": RefusalRule(
        Scope.POST, "the channel takes no threads; subscribe in another one", is_thread=True
    ),
    **dict.fromkeys(
        ("cannot_reply_to_message", "thread_not_found", "invalid_thread_ts"),
        RefusalRule(Scope.POST, "the message that it replies to takes no replies", is_thread=True),
    ),
    **_rules(
        Scope.POST,
        _ADMIN_HINT,
        "slack_connect_file_link_sharing_blocked slack_connect_canvas_sharing_blocked"
        " slack_connect_lists_sharing_blocked send_on_behalf_not_allowed",
    ),
    **_rules(
        Scope.POST,
        _BUG_HINT,
        "msg_too_long msg_blocks_too_long no_text invalid_blocks invalid_blocks_format invalid_attachments"
        " too_many_attachments too_many_contact_cards attachment_payload_limit_exceeded invalid_metadata_format"
        " invalid_metadata_schema metadata_too_large metadata_must_be_sent_from_app markdown_text_conflict"
        " as_user_not_supported duplicate_channel_not_found duplicate_message_not_found missing_file_data"
        " file_ids_limit_exceeded invalid_arguments invalid_arg_name invalid_array_arg invalid_charset"
        " invalid_form_data invalid_post_type missing_post_type invalid_json json_not_object insecure_request"
        " draft_already_deleted draft_already_sent draft_has_conflict draft_not_found",
    ),
    # cards of links
    **_rules(
        Scope.POST,
        "",
        "cannot_unfurl_url cannot_unfurl_message cannot_find_channel cannot_find_message cannot_parse_attachment"
        " missing_unfurl_id invalid_unfurl_id missing_source invalid_source missing_channel missing_ts"
        " cannot_auth_user cannot_prompt entity_metadata_does_not_match_trigger missing_unfurls invalid_unfurls_format"
        " missing_interactivity_url missing_options_load_url user_auth_url_missing",
    ),
    **_rules(
        Scope.POST,
        "add the domain to the app's unfurl domains (`brownout manifest`)",
        "cannot_find_service",
    ),
    **_rules(
        Scope.POST,
        "switch Work Object Previews on in the app's settings, or use `brownout manifest`",
        "feature_not_enabled invalid_metadata invalid_app_id",
    ),
    # views
    **_rules(Scope.POST, "", "hash_conflict duplicate_external_id"),
    **_rules(Scope.POST, _BUG_HINT, "view_too_large invalid_view push_limit_reached not_found"),
    **_rules(Scope.WORKSPACE, "switch the Home tab on in the app's settings", "not_enabled"),
    **_rules(
        Scope.POST,
        "click again",
        "expired_trigger_id invalid_trigger_id exchanged_trigger_id trigger_expired trigger_exchanged invalid_trigger",
    ),
    # files
    **_rules(Scope.WORKSPACE, _FILES_HINT, "file_uploads_disabled file_uploads_except_images_disabled"),
    **_rules(Scope.WORKSPACE, "delete files in Slack, or change its plan", "storage_limit_reached"),
    **_rules(
        Scope.POST,
        _FILES_HINT,
        "file_upload_size_restricted blocked_file_type slack_connect_blocked_file_type malware_detected"
        " slack_connect_file_upload_sharing_blocked slack_connect_clip_sharing_blocked",
    ),
    **_rules(
        Scope.POST,
        _BUG_HINT,
        "missing_argument snippet_too_large unknown_snippet_type unknown_subtype alt_txt_too_large file_not_found",
    ),
    # workflow steps
    **_rules(Scope.POST, "", "execution_not_in_running_state function_execution_not_found"),
    **_rules(
        Scope.POST, "install the app again from `brownout manifest --workflow-steps`", "parameter_validation_failed"
    ),
    # nothing in particular: it passes
    **_rules(
        Scope.TRANSIENT,
        "",
        "ratelimited rate_limited request_timeout service_unavailable fatal_error internal_error update_failed"
        " file_update_failed streaming_state_conflict",
    ),
}

_BY_METHOD: Mapping[tuple[str, str], RefusalRule] = {
    # for these, a right that the bot can do without
    **{(method, "missing_scope"): RefusalRule(Scope.POST, _SCOPE_HINT) for method in (UPLOAD_URL, UPLOAD_DONE, INFO)},
    **{(method, "missing_scope"): RefusalRule(Scope.POST, _CARDS_HINT) for method in (UNFURL, DETAILS)},
    (CONNECT, "missing_scope"): RefusalRule(Scope.WORKSPACE, "the app-level token needs connections:write"),
    (UNFURL, "is_bot"): RefusalRule(Scope.POST, _CARDS_HINT),
    (CONNECT, "is_bot"): RefusalRule(Scope.WORKSPACE, "SLACK_APP_TOKEN is an app-level token, not the bot's"),
    (UPDATE, "message_not_found"): RefusalRule(Scope.MESSAGE),
    (POST, "message_not_found"): RefusalRule(
        Scope.POST, "the message that it replies to takes no replies", is_thread=True
    ),
}

_COMMON = frozenset(
    [
        "not_authed",
        "invalid_auth",
        "access_denied",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "no_permission",
        "org_login_required",
        "ekm_access_denied",
        "missing_scope",
        "not_allowed_token_type",
        "method_deprecated",
        "deprecated_endpoint",
        "two_factor_setup_required",
        "enterprise_is_restricted",
        "team_access_not_granted",
        "invalid_arguments",
        "invalid_arg_name",
        "invalid_array_arg",
        "invalid_charset",
        "invalid_form_data",
        "invalid_post_type",
        "missing_post_type",
        "team_added_to_org",
        "ratelimited",
        "accesslimited",
        "request_timeout",
        "service_unavailable",
        "fatal_error",
        "internal_error",
    ]
)
_MESSAGE = frozenset(
    [
        "as_user_not_supported",
        "channel_not_found",
        "external_channel_migrating",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "is_archived",
        "markdown_text_conflict",
        "message_not_found",
        "messages_tab_disabled",
        "metadata_must_be_sent_from_app",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "not_in_channel",
        "rate_limited",
        "slack_connect_canvas_sharing_blocked",
        "slack_connect_file_link_sharing_blocked",
        "slack_connect_lists_sharing_blocked",
        "team_not_found",
        "too_many_attachments",
        "too_many_contact_cards",
        "attachment_payload_limit_exceeded",
        "app_access_restricted",
    ]
)
_VIEW = frozenset(["duplicate_external_id", "view_too_large", "invalid_blocks", "invalid_view", "user_not_found"])

DOCUMENTED: Mapping[str, frozenset[str]] = {
    POST: _COMMON
    | _MESSAGE
    | frozenset(
        [
            "cannot_reply_to_message",
            "channel_type_not_supported",
            "duplicate_channel_not_found",
            "duplicate_message_not_found",
            "draft_already_deleted",
            "draft_already_sent",
            "draft_has_conflict",
            "draft_not_found",
            "message_limit_exceeded",
            "missing_file_data",
            "restricted_action",
            "restricted_action_non_threadable_channel",
            "restricted_action_read_only_channel",
            "restricted_action_thread_locked",
            "restricted_action_thread_only_channel",
            "send_on_behalf_not_allowed",
            "posting_to_general_channel_denied",
            "thread_not_found",
            "thread_locked",
            "invalid_thread_ts",
            "user_not_found",
            "user_disabled",
            "cannot_dm_bot",
            "user_is_bot",
            "user_not_visible",
        ]
    ),
    UPDATE: _COMMON
    | _MESSAGE
    | frozenset(
        [
            "block_mismatch",
            "cant_broadcast_message",
            "cant_update_message",
            "edit_window_closed",
            "file_ids_limit_exceeded",
            "invalid_attachments",
            "is_inactive",
            "no_dual_broadcast_content_update",
            "streaming_state_conflict",
            "update_failed",
        ]
    ),
    PUBLISH: _COMMON | _VIEW | frozenset(["hash_conflict", "not_enabled", "user_disabled"]),
    OPEN: _COMMON
    | _VIEW
    | frozenset(
        [
            "expired_trigger_id",
            "invalid_trigger_id",
            "exchanged_trigger_id",
            "trigger_expired",
            "trigger_exchanged",
            "invalid_trigger",
            "push_limit_reached",
            "not_found",
        ]
    ),
    UPLOAD_URL: _COMMON
    | frozenset(
        [
            "alt_txt_too_large",
            "blocked_file_type",
            "file_upload_size_restricted",
            "file_uploads_disabled",
            "file_uploads_except_images_disabled",
            "missing_argument",
            "slack_connect_blocked_file_type",
            "slack_connect_clip_sharing_blocked",
            "slack_connect_file_upload_sharing_blocked",
            "snippet_too_large",
            "storage_limit_reached",
            "unknown_snippet_type",
            "unknown_subtype",
        ]
    ),
    UPLOAD_DONE: _COMMON
    | frozenset(
        [
            "channel_not_found",
            "file_not_found",
            "file_update_failed",
            "invalid_channel",
            "is_archived",
            "malware_detected",
            "not_in_channel",
            "posting_to_channel_denied",
            "posting_to_general_channel_denied",
            "restricted_action",
            "restricted_action_read_only_channel",
            "restricted_action_thread_only_channel",
            "slack_connect_file_upload_sharing_blocked",
        ]
    ),
    UNFURL: _COMMON
    | frozenset(
        [
            "cannot_auth_user",
            "cannot_find_channel",
            "cannot_find_message",
            "cannot_find_service",
            "cannot_parse_attachment",
            "cannot_prompt",
            "cannot_unfurl_message",
            "cannot_unfurl_url",
            "invalid_metadata_format",
            "invalid_metadata_schema",
            "invalid_source",
            "invalid_unfurl_id",
            "invalid_unfurls_format",
            "is_bot",
            "missing_channel",
            "missing_source",
            "missing_ts",
            "missing_unfurl_id",
            "missing_unfurls",
        ]
    ),
    DETAILS: _COMMON
    | frozenset(
        [
            "entity_metadata_does_not_match_trigger",
            "feature_not_enabled",
            "invalid_app_id",
            "invalid_metadata",
            "invalid_trigger_id",
            "missing_interactivity_url",
            "missing_options_load_url",
            "user_auth_url_missing",
        ]
    ),
    INFO: _COMMON | frozenset({"channel_not_found", "team_not_found"}),
    AUTH: _COMMON,
    COMPLETE: _COMMON
    | frozenset(
        [
            "execution_not_in_running_state",
            "function_execution_not_found",
            "parameter_validation_failed",
            "unknown_method",
        ]
    ),
    FAIL: _COMMON | frozenset({"execution_not_in_running_state", "function_execution_not_found", "unknown_method"}),
    CONNECT: _COMMON | frozenset({"forbidden_team", "insecure_request", "is_bot", "missing_args"}),
}
"""The codes that each method may answer."""

TOKEN_CODES = frozenset(code for code, rule in _RULES.items() if rule.is_token)
"""The codes with which Slack refuses the token itself."""

PERSON_PREFIXES = ("U", "W", "D")
"""First letters of the ids of people and of their direct messages."""


def rule(code: str, method: str = POST, channel: str = "") -> RefusalRule:
    """What a code of a method applies to; ``UNKNOWN`` if it is in no list.

    ``channel`` is where the post went: for a person, an address that Slack does not know is a person who has left; for
    a channel, what Slack says of a person says nothing that is known.
    """
    found = _BY_METHOD.get((method, code)) or _RULES.get(code) or UNKNOWN
    if code == "channel_not_found" and channel.startswith(PERSON_PREFIXES):
        return _RULES["user_not_found"]
    is_of_nobody = found.scope is Scope.PERSON and channel and not channel.startswith(PERSON_PREFIXES)
    return UNKNOWN if is_of_nobody else found
