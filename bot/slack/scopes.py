"""What each scope of the app is for, so that a missing one is named with what does not work without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

SCOPE_USES: Mapping[str, str] = {
    "commands": "/brownout",
    "app_mentions:read": "answers to mentions of the bot",
    "im:history": "answers to direct messages",
    "chat:write": "every message",
    "chat:write.public": "messages to public channels without an invitation",
    "channels:read": "events of public channels: invitations, renames, archiving",
    "groups:read": "the same for private channels",
    "files:write": "exported summaries",
    "usergroups:read": "user groups in `[slack] admins`",
}
_NEEDED_FOR_GROUPS_ONLY = "usergroups:read"


def missing_scope_texts(scopes: frozenset[str] | None, *, has_admin_groups: bool = False) -> Iterator[str]:
    """Each scope of the manifest that a token lacks, with what does not work; none where Slack did not name any.

    ``has_admin_groups``: whether the admins include user groups, which one scope is for alone.
    """
    if scopes is None:
        return
    for scope, use in SCOPE_USES.items():
        if scope not in scopes and (scope != _NEEDED_FOR_GROUPS_ONLY or has_admin_groups):
            yield f"Slack: the bot token lacks {scope}: {use} will not work. Reinstall the app from manifest.yml"
