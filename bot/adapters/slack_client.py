"""Client of Slack's Web API: posts, edits and finds messages, uploads files, publishes App Home views, checks tokens.

Every failure is a ``DeliveryError`` that says whether and when to retry. The client never repeats a request by itself,
since Slack has no idempotency key: only the outbox retries. No token appears in a log line or in an error. See
bot/docs/slack-limits.md, above all #no-idempotency-key and #refusals, and bot/docs/decisions.md#answers-from-slack.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from bot.adapters import slack_refusals
from bot.domain import NO_TS, File, LinkPlace, Message, StepValue
from bot.errors import DeliveryError, RefusalScope

SLACK_API_URL = "https://slack.com/api/"
MAX_TEXT = 4000  # bytes; chat.update refuses more (bot/docs/slack-limits.md#message-limits)
EVENT_TYPE = "brownout_post"

UNKNOWN_OUTCOME = "unknown_outcome"  # the request may have been accepted: search before sending again
UNREACHABLE = "unreachable"  # there was no connection, so nothing was sent
NO_REASON = "no_reason"  # Slack refused, and did not say why
MESSAGE_GONE = "message_not_found"  # this message can't be edited any more: post a new one

MAX_CONNECTIONS = 32  # at the same time
# Seconds that an idle connection is kept: a handshake costs two round trips, but a request on a connection that Slack
# closes in the same moment has an unknown outcome, so none is kept for long.
KEPT_S = 8.0

_MAX_TITLE, _MAX_ALT_TEXT = 250, 1000  # characters of a file's title and alternative text
_USER_ID_PREFIXES = ("U", "W")  # first letters of user ids
_RETRY_AFTER_DEFAULT = 30.0
_RETRY_AFTER_MAX = 300.0
_TOO_LONG_CODE = "msg_too_long"
MAX_FALLBACK_TEXT = 1000  # bytes; for a text that Slack refuses as too long all the same
# Bytes of text that are tried one after the other while Slack calls it too long.
_TOO_LONG_STEPS = (MAX_FALLBACK_TEXT, 300, 100)
_WRONG_TOKEN_CODES = frozenset({"not_allowed_token_type", "missing_scope"})  # at the start: a token of another kind
_BLOCK_ERRORS = frozenset(
    [
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "invalid_attachments",
        "too_many_attachments",
        "attachment_payload_limit_exceeded",
        "invalid_arguments",
    ]
)
_METADATA_ERRORS = frozenset(
    ["invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large", "metadata_must_be_sent_from_app"]
)
_GUARDED_METHODS = frozenset({"chat.postMessage", "chat.update"})
# Slack takes no Work Object: the workspace or the app has none, or not this one.
WORK_OBJECT_ERRORS = _METADATA_ERRORS | {
    "feature_not_enabled",
    "invalid_arg_name",
    "invalid_arguments",
    "invalid_metadata",
    "missing_unfurls",
}
_PARTLY_DONE_CODES = frozenset({"internal_error", "fatal_error"})  # some of it may have succeeded, Slack says
_FIRST_FAILURE = HTTPStatus.INTERNAL_SERVER_ERROR
_RATE_LIMIT_CODES = frozenset({"ratelimited", "rate_limited"})
CHANNEL_NOT_FOUND, CHANNEL_ARCHIVED = "channel_not_found", "is_archived"
CHANNEL_CHECK_TIMEOUT_S = 1.5  # a submitted modal has to be answered within three seconds

_HISTORY_SCOPES = frozenset({"channels:history", "groups:history"})
_HISTORY_PAGE_SIZE = 200  # messages
_MAX_HISTORY_PAGES = 5  # that a search reads
_CHANNEL_PAGE_SIZE, _MAX_CHANNEL_PAGES = 1000, 20  # of a search for a channel by its name

_URL_PREFIXES = ("https://", "http://")

_Parts = list[dict[str, Any]] | None  # of a message: its blocks, or its attachments
_Send = Callable[[str, _Parts, _Parts], Awaitable[Any]]
_log = logging.getLogger(__name__)


class DirectMessageChannels(Protocol):
    """Storage of the channel ids of direct messages, by user id."""

    def save_dm_channel(self, person: str, channel: str) -> None:
        """Stores one, now or soon; nothing is raised."""


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token's scopes (None: Slack did not say), the address and name of its workspace, and the bot's name there."""

    scopes: frozenset[str] | None = None
    home: str = ""
    team: str = ""
    bot: str = ""


class SlackClient:
    """A ChatClient over Slack's Web API. One call creates at most one message, whatever goes wrong."""

    burst = 1  # Slack accepts about one message per second and channel

    def __init__(
        self,
        token: str,
        *,
        base_url: str = SLACK_API_URL,
        timeout_s: int = 10,
        look_up: bool = True,
        rooms: DirectMessageChannels | None = None,
        guard: Callable[[], None] | None = None,
    ) -> None:
        """``base_url`` ends in /api/ and may be an emulator's; ``timeout_s`` bounds a whole call, in seconds.

        Without ``look_up`` no history is ever read. ``rooms`` stores the channel ids of direct messages: Slack accepts
        posts to a user id, but edits and history requests only to the channel's id. ``guard`` is called as the last
        step before the bytes of a post or an edit leave; it may raise, or end the process. With one, the client keeps a
        session from its first request on, which ``keep_connections`` closes when it is cancelled.
        """
        self._guard = guard
        self._client = AsyncWebClient(token=token, base_url=base_url, timeout=timeout_s, retry_handlers=[])
        self._look_up = look_up
        self._can_read_history: bool | None = None  # None: the scopes are not known yet
        self._scopes: frozenset[str] | None = None  # None: Slack has not named them yet
        self._workspace_url = ""  # the workspace's address, once known
        self._rooms = rooms
        self._dm_channels: dict[str, str] = {}

    def know_dm_channels(self, channels: Mapping[str, str]) -> None:
        """Takes on the channel ids of direct messages, by user id, that were stored before, by any bot."""
        self._dm_channels |= channels

    async def keep_connections(self) -> None:
        """Keeps connections for some seconds after a request, until it is cancelled; else each request opens one."""
        async with self._client.session or self._open_session() as session:
            self._client.session = session
            try:
                await asyncio.Event().wait()
            finally:
                self._client.session = None

    def _open_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEPT_S),
            timeout=aiohttp.ClientTimeout(total=self._client.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_guarded_requests(self._guard) if self._guard else aiohttp.ClientRequest,
        )

    def _guarded_client(self) -> AsyncWebClient:
        """The client on a session that asks the guard; slack_sdk's own sessions, one per request, would not."""
        if self._guard is not None and self._client.session is None:
            self._client.session = self._open_session()
        return self._client

    @property
    def can_search_history(self) -> bool:
        """Whether channel histories may be read: with ``look_up``, unless the scopes are known to be missing."""
        return self._look_up and self._can_read_history is not False

    async def post(
        self, channel: str, message: Message, *, thread_ts: str | None = None, broadcast: bool = False
    ) -> str:
        """Posts to a channel, or to a thread (``broadcast``: to both); returns the new message's ts.

        The ts is ``NO_TS`` where Slack accepted the message without one and its history may not be searched for it.
        The message's key is sent as ``metadata.event_payload.key``. Raises DeliveryError.
        """
        metadata: dict[str, Any] = {"event_type": EVENT_TYPE, "event_payload": {"key": message.key}}

        async def send(text: str, blocks: _Parts, attachments: _Parts) -> Any:
            return await self._guarded_client().chat_postMessage(
                channel=channel,
                text=text,
                blocks=blocks,
                attachments=attachments,
                thread_ts=thread_ts,
                reply_broadcast=True if broadcast and thread_ts else None,
                unfurl_links=False,
                unfurl_media=False,
                metadata=metadata or None,
            )

        try:
            answer = await _send_with_fallback(send, channel, message, slack_refusals.POST)
        except DeliveryError as error:
            if error.code not in _METADATA_ERRORS:
                raise
            metadata.clear()  # the key is lost, the message is not
            answer = await _send_with_fallback(send, channel, message, slack_refusals.POST)
        self.set_scopes(_token_scopes(answer))
        self._remember_dm_channel(channel, answer.get("channel"))
        if answer.get("ok") is not True:  # slack_sdk takes any value that is not empty
            raise DeliveryError(f"Slack's answer made no sense; {channel} may have the message", code=UNKNOWN_OUTCOME)
        ts = answer.get("ts") or (answer.get("message") or {}).get("ts")
        if isinstance(ts, str):
            return ts
        if self.can_search_history:
            raise DeliveryError(f"Slack took the post to {channel} and named no ts", code=UNKNOWN_OUTCOME)
        _log.warning("Slack took the message to %s and named no ts: it can't be edited", channel)
        return NO_TS

    async def edit(self, channel: str, ts: str, message: Message) -> None:
        """Replaces text and blocks of one of the bot's messages; its metadata stays.

        Raises DeliveryError, with the code ``message_not_found`` where the message can't be edited any more.
        """
        channel_id = self._dm_channels.get(channel, channel)
        if channel_id[:1] in _USER_ID_PREFIXES:
            raise DeliveryError(
                f"it is no longer known where {channel_id} has the message",
                code=MESSAGE_GONE,
                blame=RefusalScope.MESSAGE,
            )

        async def send(text: str, blocks: _Parts, attachments: _Parts) -> Any:
            # An empty list removes the old ones; what omitting them does has changed in the documentation.
            return await self._guarded_client().chat_update(
                channel=channel_id, ts=ts, text=text, blocks=blocks or [], attachments=attachments or []
            )

        await _send_with_fallback(send, channel, message, slack_refusals.UPDATE)

    async def find_message(
        self, channel: str, key: str, since: datetime, *, thread_ts: str | None = None
    ) -> str | None:
        """The ts of the bot's newest message with this key since ``since``, in the channel or a thread; None if none.

        Raises DeliveryError, permanent where this history may not be read.
        """
        channel_id = self._dm_channels.get(channel, channel)
        arguments = {
            "channel": channel_id,
            "oldest": f"{since.timestamp():.6f}",
            "limit": _HISTORY_PAGE_SIZE,
            "include_all_metadata": True,
        }
        request = self._client.conversations_replies if thread_ts else self._client.conversations_history
        arguments |= {"ts": thread_ts} if thread_ts else {}
        matches: list[str] = []
        for _ in range(_MAX_HISTORY_PAGES):
            answer = await self._read_history(request, channel, arguments)
            if not isinstance(answer.get("messages"), list):
                raise DeliveryError(f"Slack's answer is no history of {channel}", code="no_history")
            matches += [m["ts"] for m in answer["messages"] if _message_key(m) == key]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if matches or not cursor:
                break
            arguments["cursor"] = cursor
        return max(matches, default=None)

    async def _read_history(
        self, request: Callable[..., Awaitable[Any]], channel: str, arguments: dict[str, Any]
    ) -> Any:
        try:
            return await _call_slack(lambda *_: request(**arguments), channel, "", None)
        except DeliveryError as error:
            if error.code == "missing_scope" and self._can_read_history is None:
                self._can_read_history = False
                _log.info("the history scopes are not granted: a message with an unknown outcome is sent again")
            raise

    async def is_token_accepted(self) -> bool | None:
        """Whether Slack accepts the token, by auth.test; None if it does not answer that."""
        try:
            await _call_slack(lambda *_: self._client.auth_test(), "us", method=slack_refusals.AUTH)
        except DeliveryError as error:
            return False if error.is_token else None
        return True

    def set_token(self, token: str) -> None:
        """Takes on another token. What the old one was allowed to do is forgotten."""
        if token != self._client.token:
            self._client.token = token
            self._can_read_history = None

    def set_identity(self, info: TokenInfo) -> None:
        """Updates the token's scopes and the workspace's address."""
        self.set_scopes(info.scopes)
        self._workspace_url = info.home or self._workspace_url

    def permalink(self, channel: str, ts: str) -> str:
        """A message's permalink in the form of chat.getPermalink, without a request that could delay a message.

        Empty until the workspace's address is known.
        """
        channel_id = self._dm_channels.get(channel, channel)
        is_known = (
            self._workspace_url.startswith(_URL_PREFIXES) and ts != NO_TS and channel_id[:1] not in _USER_ID_PREFIXES
        )
        return f"{self._workspace_url.rstrip('/')}/archives/{channel_id}/p{ts.replace('.', '')}" if is_known else ""

    def set_scopes(self, scopes: frozenset[str] | None) -> None:
        """Updates the token's scopes; None (Slack did not name them) changes nothing."""
        if scopes is not None:
            self._scopes = scopes
            self._can_read_history = not _HISTORY_SCOPES.isdisjoint(scopes)

    def _remember_dm_channel(self, person: str, channel: Any) -> None:
        """Stores the channel that Slack opened for a user. The message is delivered already, so this must not fail."""
        if person[:1] in _USER_ID_PREFIXES and isinstance(channel, str) and self._dm_channels.get(person) != channel:
            self._dm_channels[person] = channel
            if self._rooms is not None:
                self._rooms.save_dm_channel(person, channel)

    # --- cards of links -----------------------------------------------------------------------------------------------

    async def show_cards(
        self,
        place: LinkPlace,
        *,
        entities: Sequence[Mapping[str, Any]] = (),
        attachments: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Shows cards below a message with links, or replaces those that it has; again changes nothing.

        Args:
            place: The message.
            entities: Work Objects; each names its link.
            attachments: Plain cards by their links, instead of ``entities``.

        Raises:
            DeliveryError: With a code of ``WORK_OBJECT_ERRORS`` also where Slack accepted the call and dropped the
                Work Objects, which it says in a warning only.
        """
        where: dict[str, Any] = {"channel": place.channel, "ts": place.ts}
        if place.unfurl_id and place.source:
            where = {"unfurl_id": place.unfurl_id, "source": place.source}
        shown: dict[str, Any] = {"unfurls": dict(attachments or {})}
        if entities:
            shown = {"metadata": {"entities": list(entities)}}
        answer = await _call_slack(
            lambda *_: self._client.chat_unfurl(**where, **shown), place.channel, method=slack_refusals.UNFURL
        )
        warning = str(answer.get("warning") or "")
        if entities and (code := next((c for c in warning.split(",") if c in WORK_OBJECT_ERRORS), "")):
            raise DeliveryError("Slack dropped the Work Objects", code=code, permanent=True, blame=RefusalScope.POST)

    async def present_details(self, trigger: str, entity: Mapping[str, Any] | None) -> None:
        """Fills the pane that a person has opened; with None it says that there is nothing. Raises DeliveryError."""
        shown: dict[str, Any] = {"metadata": dict(entity)} if entity else {"error": {"status": "not_found"}}
        await _call_slack(
            lambda *_: self._client.entity_presentDetails(trigger_id=trigger, **shown),
            "the pane",
            method=slack_refusals.DETAILS,
        )

    # --- channels and messages of declared incidents ------------------------------------------------------------------

    @property
    def granted_scopes(self) -> frozenset[str] | None:
        """The token's scopes; None where Slack has not named them yet."""
        return self._scopes

    async def create_channel(self, name: str, *, is_private: bool) -> str:
        """Creates a channel, and returns its id. Raises DeliveryError: ``name_taken`` where one has this name."""

        async def request(*_: Any) -> str:
            answer = await self._client.conversations_create(name=name, is_private=is_private)
            return str(answer["channel"]["id"])

        return str(await _call_slack(request, name))

    async def find_channel(self, name: str, since: datetime, *, is_private: bool) -> str:
        """The id of a channel with this name that was created at ``since`` or later; empty if there is none.

        Raises DeliveryError.
        """
        kinds, cursor = "private_channel" if is_private else "public_channel", ""
        for _ in range(_MAX_CHANNEL_PAGES):

            async def request(*_: Any, page: str = cursor) -> Any:
                return await self._client.conversations_list(types=kinds, limit=_CHANNEL_PAGE_SIZE, cursor=page)

            answer = await _call_slack(request, name)
            for channel in answer.get("channels") or ():
                if channel.get("name") == name and int(channel.get("created") or 0) >= int(since.timestamp()):
                    return str(channel["id"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return ""

    async def invite(self, channel: str, person: str) -> None:
        """Invites a person to a channel. Raises DeliveryError: ``already_in_channel`` where they are in it."""
        await _call_slack(lambda *_: self._client.conversations_invite(channel=channel, users=person), channel)

    async def pin(self, channel: str, ts: str) -> None:
        """Pins a message in its channel. Raises DeliveryError: ``already_pinned`` where it is."""
        channel_id = self._dm_channels.get(channel, channel)
        await _call_slack(lambda *_: self._client.pins_add(channel=channel_id, timestamp=ts), channel)

    async def read_message(self, channel: str, ts: str) -> Mapping[str, Any] | None:
        """One message of a channel or a thread, as Slack stores it; None if it is not there. Raises DeliveryError."""
        channel_id = self._dm_channels.get(channel, channel)

        async def request(*_: Any) -> Any:
            return await self._client.conversations_replies(
                channel=channel_id, ts=ts, oldest=ts, latest=ts, inclusive=True, limit=1
            )

        messages = (await _call_slack(request, channel)).get("messages") or ()
        return next((message for message in messages if message.get("ts") == ts), None)

    async def person_name(self, person: str) -> str:
        """The name that people see of a person; empty without the scope ``users:read``, or where Slack fails."""

        async def request(*_: Any) -> Any:
            return (await self._client.users_info(user=person)).get("user") or {}

        try:
            user = await _call_slack(request, person)
        except DeliveryError:
            return ""
        profile = user.get("profile") or {}
        return str(profile.get("display_name") or user.get("real_name") or user.get("name") or "")

    # --- App Home, user groups, workflow steps, files -----------------------------------------------------------------

    async def publish_home(self, person: str, view: Mapping[str, Any], state: str = "") -> str:
        """Publishes a user's App Home view, and returns its hash for the next call.

        ``state`` is the hash of the view that this one replaces. Raises DeliveryError, with the code ``hash_conflict``
        where another view was published since.
        """
        previous = {"hash": state} if state else {}

        async def send(*_: Any) -> str:
            answer = await self._client.views_publish(user_id=person, view=dict(view), **previous)
            return str((answer.get("view") or {}).get("hash") or "")

        return str(await _call_slack(send, person, method=slack_refusals.PUBLISH))

    async def group_members(self, group: str) -> frozenset[str]:
        """The user ids in a user group. Raises DeliveryError."""

        async def request(*_: Any) -> frozenset[str]:
            return frozenset((await self._client.usergroups_users_list(usergroup=group)).get("users") or ())

        return frozenset(await _call_slack(request, group))

    async def complete_step(self, execution: str, outputs: Mapping[str, StepValue]) -> None:
        """Ends a step of a workflow with its outputs, by the bot's own token. Raises DeliveryError.

        A step that has ended already is refused with ``execution_not_in_running_state``.
        """

        def send(*_: Any) -> Awaitable[Any]:
            return self._client.functions_completeSuccess(function_execution_id=execution, outputs=dict(outputs))

        await _call_slack(send, execution, method=slack_refusals.COMPLETE)

    async def fail_step(self, execution: str, error: str) -> None:
        """Ends a step of a workflow with an error, which its owner reads. Raises DeliveryError as ``complete_step``."""

        def send(*_: Any) -> Awaitable[Any]:
            return self._client.functions_completeError(function_execution_id=execution, error=error)

        await _call_slack(send, execution, method=slack_refusals.FAIL)

    async def upload(self, channel: str, files: Iterable[File], comment: str) -> None:
        """Uploads files to a channel as one message. Raises DeliveryError; nothing is visible in the channel then."""
        uploads = [
            {
                "filename": f.name,
                "content": f.content,
                "title": f.title[:_MAX_TITLE],
                "alt_txt": f.alt[:_MAX_ALT_TEXT] or None,
            }
            for f in files
        ]

        def send(*_: Any) -> Awaitable[Any]:
            return self._client.files_upload_v2(file_uploads=uploads, channel=channel, initial_comment=comment)

        await _call_slack(send, channel, method=slack_refusals.UPLOAD_DONE)


def _token_scopes(answer: Any) -> frozenset[str] | None:
    """The scopes of the token, which Slack names in every response; None where it does not."""
    header = answer.headers.get("x-oauth-scopes") if isinstance(answer.headers, Mapping) else None
    return frozenset(scope.strip() for scope in header.split(",")) if isinstance(header, str) else None


def _message_key(message: dict[str, Any]) -> str | None:
    """The key of one of the bot's messages; None for other messages."""
    metadata = message.get("metadata") or {}
    key = (metadata.get("event_payload") or {}).get("key") if metadata.get("event_type") == EVENT_TYPE else None
    return key if isinstance(key, str) else None


def _guarded_requests(guard: Callable[[], None]) -> type[aiohttp.ClientRequest]:
    class GuardedRequest(aiohttp.ClientRequest):
        """Calls the guard when the connection is there and nothing is left but to write a post or an edit."""

        @override
        async def send(self, conn: Any) -> aiohttp.ClientResponse:
            if self.url.name in _GUARDED_METHODS:
                guard()
            return await super().send(conn)

    return GuardedRequest


async def request_socket_url(app_token: str, *, base_url: str = SLACK_API_URL, timeout_s: int = 10) -> str:
    """Requests the address of a Socket Mode connection.

    Raises DeliveryError, permanent where Slack refuses the app token; slack_sdk itself would repeat the request.
    """
    client = AsyncWebClient(base_url=base_url, timeout=timeout_s, retry_handlers=[])
    wanted = "an app-level token with connections:write"

    def request(*_: Any) -> Awaitable[Any]:
        return client.apps_connections_open(app_token=app_token)

    answer = await _verify_token("SLACK_APP_TOKEN", wanted, request, slack_refusals.CONNECT)
    address = answer.get("url")
    if not isinstance(address, str):
        raise DeliveryError("Slack named no address for Socket Mode", code=UNKNOWN_OUTCOME)
    return address


async def verify_bot_token(bot_token: str, *, base_url: str = SLACK_API_URL, timeout_s: int = 10) -> TokenInfo:
    """Checks the bot token by auth.test, and returns its scopes and workspace.

    Raises DeliveryError, permanent where Slack refuses the token.
    """
    client = AsyncWebClient(base_url=base_url, timeout=timeout_s, retry_handlers=[])
    answer = await _verify_token(
        "SLACK_BOT_TOKEN", "the app's bot token", lambda *_: client.auth_test(token=bot_token), slack_refusals.AUTH
    )
    home, team, bot = (value if isinstance(value := answer.get(key), str) else "" for key in ("url", "team", "user"))
    return TokenInfo(_token_scopes(answer), home, team, bot)


async def _verify_token(name: str, wanted: str, request: _Send, method: str) -> Any:
    """Raises DeliveryError, permanent where the token itself is refused; everything else is waited for."""
    try:
        return await _call_slack(request, "us", "", None, method)
    except DeliveryError as error:
        if error.is_token or error.code in _WRONG_TOKEN_CODES:
            why = f"Slack refuses {name} ({error.code}): it takes {wanted}"
            raise DeliveryError(why, code=error.code, permanent=True, is_token=True) from error
        if error.permanent:
            why = f"Slack lets the app in again later ({error.code}: {error.remedy or 'wait'})"
            raise DeliveryError(why, code=error.code, blame=error.blame, remedy=error.remedy) from error
        raise


async def cannot_post_reason(client: AsyncWebClient, channel: str) -> str:
    """Slack's error code where the bot can't post to a channel; empty where it can, or where that is not known.

    A private channel that the bot is not a member of does not exist for it; public ones accept its messages anyway.
    """
    if channel[:1] in _USER_ID_PREFIXES:
        return ""
    try:
        async with asyncio.timeout(CHANNEL_CHECK_TIMEOUT_S):
            answer = await _call_slack(
                lambda *_: client.conversations_info(channel=channel), channel, method=slack_refusals.INFO
            )
    except DeliveryError as error:
        return CHANNEL_NOT_FOUND if error.code == CHANNEL_NOT_FOUND else ""
    except TimeoutError:
        return ""
    return CHANNEL_ARCHIVED if (answer.get("channel") or {}).get("is_archived") else ""


async def _send_with_fallback(send: _Send, channel: str, message: Message, method: str) -> Any:
    """Sends blocks and attachments; where Slack refuses those, less: no attachments, the text alone, its beginning.

    A message is never lost because of its form. The refused payload is logged by its hash.
    """
    text, blocks = _truncate(message.text), list(message.blocks)
    lengths = iter(_TOO_LONG_STEPS)
    sent_text, sent_blocks, sent_attachments = text, blocks or None, list(message.attachments) or None
    while True:
        try:
            return await _call_slack(send, channel, sent_text, sent_blocks, method, attachments=sent_attachments)
        except DeliveryError as error:
            shorter = next(lengths, None) if error.code == _TOO_LONG_CODE else None
            if shorter is None and not ((sent_blocks or sent_attachments) and error.code in _BLOCK_ERRORS):
                raise
            if sent_attachments and not shorter:
                what = "it without its attachments"
            else:
                what = "its beginning alone" if shorter else "its text alone"
                sent_text, sent_blocks = _truncate(message.text, shorter) if shorter else text, None
            _log.warning("Slack refused payload %s (%s); sending %s", _hash(text, blocks), error.code, what)
            sent_attachments = None


async def _call_slack(
    send: _Send,
    channel: str,
    text: str = "",
    blocks: _Parts = None,
    method: str = slack_refusals.POST,
    *,
    attachments: _Parts = None,
) -> Any:
    try:
        return await send(text, blocks, attachments)
    except SlackApiError as error:
        raise _delivery_error(channel, error.response, method) from error
    except SlackRequestError as error:  # the upload of a file's content was refused
        raise DeliveryError(f"Slack did not take a file to {channel}", code="upload_failed") from error
    except aiohttp.ClientConnectorError as error:
        raise DeliveryError(f"Slack can't be reached; nothing was sent to {channel}", code=UNREACHABLE) from error
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        why = f"the connection to Slack broke ({type(error).__name__}); {channel} may have the message"
        raise DeliveryError(why, code=UNKNOWN_OUTCOME) from error
    except (AttributeError, ValueError) as error:  # slack_sdk calls .get on any response, whatever its type
        why = f"Slack's answer made no sense; {channel} may have the message"
        raise DeliveryError(why, code=UNKNOWN_OUTCOME) from error


def _delivery_error(channel: str, answer: Any, method: str = slack_refusals.POST) -> DeliveryError:
    """The error for a response of Slack; ``answer`` is slack_sdk's, or aiohttp's where the body was not JSON."""
    status = getattr(answer, "status_code", None) or answer.status
    data = getattr(answer, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    retry_header = answer.headers.get("Retry-After")
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in _RATE_LIMIT_CODES:
        wait = _retry_after(retry_header)
        return DeliveryError(f"Slack asks to wait {wait:.0f} s", code="ratelimited", retry_after=wait)
    is_refused = isinstance(data, dict) and data.get("ok") is False
    if not code and not (is_refused and status == HTTPStatus.OK):
        code = UNKNOWN_OUTCOME if status == HTTPStatus.OK else f"http_{status}"
        why = f"Slack answered HTTP {status} without a reason for {channel}"
        asked_s = _retry_after(retry_header) if retry_header else None
        return DeliveryError(
            why, code=code, retry_after=asked_s, may_be_taken=status >= _FIRST_FAILURE and not is_refused
        )
    code = code or NO_REASON
    rule = slack_refusals.rule(code, method, channel)
    if rule.scope is RefusalScope.MESSAGE:
        why = f"the message in {channel} can't be edited any more ({code})"
        return DeliveryError(why, code=MESSAGE_GONE, blame=rule.scope)
    why = f"Slack did not take the message to {channel}: {code}" + (f" ({rule.remedy})" if rule.remedy else "")
    is_permanent = rule.scope not in (RefusalScope.TRANSIENT, RefusalScope.UNKNOWN)
    return DeliveryError(
        why,
        code=code,
        permanent=is_permanent,
        blame=rule.scope,
        remedy=rule.remedy,
        is_token=rule.is_token,
        may_be_taken=code in _PARTLY_DONE_CODES,
    )


def _retry_after(header: str | None) -> float:
    """Seconds to wait: 30 where the header is missing or invalid, never under 1 or over 300."""
    try:
        wait = float(header or "")
    except ValueError:
        return _RETRY_AFTER_DEFAULT
    return min(max(wait, 1.0), _RETRY_AFTER_MAX) if math.isfinite(wait) else _RETRY_AFTER_DEFAULT


def _truncate(text: str, most: int = MAX_TEXT) -> str:
    """At most ``most`` bytes of UTF-8, cut between characters, with an ellipsis where it was cut."""
    raw = text.encode(errors="replace")  # a lone surrogate can't be encoded
    if len(raw) > most:
        raw = raw[: most - len("…".encode())].decode(errors="ignore").encode() + "…".encode()
    return raw.decode()


def _hash(text: str, blocks: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps([text, blocks], sort_keys=True).encode()).hexdigest()[:16]
