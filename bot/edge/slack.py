"""A Message and where it goes -> its ts in Slack, or a DeliveryError that says whether and when to try again.

The only file that knows slack_sdk. It never sends a post a second time by itself, since Slack has no idempotency key:
only the outbox retries. No token appears in a log line or in an error. The facts are from slack.md 2.1, 3 and 6 and
from performance-reliability.md 0.3 and 4.25.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Blame, DeliveryError, StoreError
from bot.model import File, Message

SLACK_API_URL = "https://slack.com/api/"
MAX_TEXT = 4000  # chat.update refuses more, in bytes at that (slack.md 2.1)
SHORT_TEXT = 1000  # bytes of what Slack calls too long all the same
EVENT_TYPE = "brownout_post"

UNKNOWN_OUTCOME = "unknown_outcome"  # the request may have been taken: look before sending again
UNREACHABLE = "unreachable"  # no connection came about, so nothing was sent
MESSAGE_GONE = "message_not_found"  # this message can't be edited any more: post afresh

_TITLE, _ALT = 250, 1000  # characters of a file's title and of what it says to those who don't see it
_PEOPLE = ("U", "W")  # with what a person's id begins
_RETRY_AFTER_DEFAULT = 30.0
_RETRY_AFTER_MAX = 300.0
_TOO_LONG = "msg_too_long"
_BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
_SLOW_DOWN = frozenset({"ratelimited", "rate_limited"})
_GONE = frozenset({MESSAGE_GONE, "cant_update_message", "edit_window_closed", "is_inactive"})
_INVITE = "invite the bot with /invite @brownout in that channel"
_TOKEN = "check SLACK_BOT_TOKEN; `brownout check` says more"  # noqa: S105 - advice, not a token
_REMEDIES = {
    "not_in_channel": _INVITE,
    "channel_not_found": f"it does not exist, or it is private: {_INVITE}",
    "is_archived": "unarchive the channel, or subscribe in another one",
    "restricted_action": "the workspace does not let apps post there; ask an admin",
    "restricted_action_read_only_channel": "the channel is read-only; ask an admin",
    "restricted_action_thread_only_channel": "the channel takes replies only; subscribe in another one",
    "restricted_action_non_threadable_channel": "the channel takes no threads; subscribe in another one",
    "restricted_action_thread_locked": "the thread is locked; ask an admin",
    "messages_tab_disabled": "the app's Messages tab is off; switch it on in the app's settings",
    "missing_scope": "install the app again from manifest.yml",
    "no_permission": "install the app again from manifest.yml",
    "not_allowed_token_type": _TOKEN,
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "account_inactive": _TOKEN,
    "access_denied": "ask an admin of the workspace",
    "team_access_not_granted": "ask an admin of the workspace",
    "org_login_required": "ask an admin of the workspace",
    "ekm_access_denied": "admins have suspended posting",
    "enterprise_is_restricted": "ask an admin of the workspace",
    "msg_too_long": "this is a mistake of Brownout; please report it",
    "no_text": "this is a mistake of Brownout; please report it",
    "invalid_metadata_format": "this is a mistake of Brownout; please report it",
    "metadata_too_large": "this is a mistake of Brownout; please report it",
}
"""Refusals that trying again can't mend, and what would. Any other refusal is tried again: nothing is dropped."""

_OF_THE_BOT = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})
_OF_THE_POST = frozenset({"msg_too_long", "no_text", "invalid_metadata_format", "metadata_too_large"})

NOT_THERE, ARCHIVED = "channel_not_found", "is_archived"
BARRED_S = 1.5  # a modal that was sent off has to be answered within three seconds

_HISTORY = frozenset({"channels:history", "groups:history"})
_PAGE, _PAGES = 200, 5  # messages of a history: by the page, and how many pages are looked through

_WEB = ("https://", "http://")

_Send = Callable[[str, list[dict[str, Any]] | None], Awaitable[Any]]
_log = logging.getLogger(__name__)


class Rooms(Protocol):
    """Remembers where people's direct messages are."""

    def rooms(self) -> dict[str, str]: ...  # noqa: D102
    def keep_room(self, person: str, channel: str) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Badge:
    """What Slack says of a token: what it may do (None: Slack does not say), and its workspace's address."""

    scopes: frozenset[str] | None = None
    home: str = ""


class SlackEdge:
    """Posts and edits over Slack's Web API. One call is at most one message, whatever goes wrong."""

    burst = 1  # Slack takes about one message a second in a channel

    def __init__(
        self,
        token: str,
        *,
        base_url: str = SLACK_API_URL,
        timeout_s: int = 10,
        look_up: bool = True,
        rooms: Rooms | None = None,
    ) -> None:
        """``base_url`` ends in /api/ and may be an emulator's; ``timeout_s`` bounds a whole call, in seconds.

        Without ``look_up`` no history is ever asked for. ``rooms`` keeps Slack's ids of direct messages, by person:
        posts go to people too, edits and histories only to the room.
        """
        self._client = AsyncWebClient(token=token, base_url=base_url, timeout=timeout_s, retry_handlers=[])
        self._look_up = look_up
        self._may_look: bool | None = None  # None: Slack has not said
        self._home = ""  # the workspace's address, once Slack has said
        self._rooms = rooms
        self._room_of = rooms.rooms() if rooms else {}

    @property
    def looks(self) -> bool:
        """Whether a channel's history may be read, as far as is known."""
        return self._look_up and self._may_look is not False

    async def post(
        self, channel: str, message: Message, *, thread_ts: str | None = None, broadcast: bool = False
    ) -> str:
        """Posts to a channel, or to a thread (``broadcast``: to both); returns the new message's ts.

        The key travels as ``metadata.event_payload.key``. Raises DeliveryError.
        """

        async def send(text: str, blocks: list[dict[str, Any]] | None) -> Any:
            return await self._client.chat_postMessage(
                channel=channel,
                text=text,
                blocks=blocks,
                thread_ts=thread_ts,
                reply_broadcast=True if broadcast and thread_ts else None,
                unfurl_links=False,
                unfurl_media=False,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"key": message.key}},
            )

        answer = await _deliver(send, channel, message)
        self.heed(_scopes(answer))
        self._learn(channel, answer.get("channel"))
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise DeliveryError(f"Slack took the post to {channel} and named no ts", code=UNKNOWN_OUTCOME)
        return ts

    async def edit(self, channel: str, ts: str, message: Message) -> None:
        """Replaces text and blocks of our own message; its metadata stays what the post set.

        Raises DeliveryError; its code is ``message_not_found`` where the message can't be edited any more.
        """
        room = self._room_of.get(channel, channel)
        if room[:1] in _PEOPLE:
            raise DeliveryError(f"nobody knows any more where {room} has the message", code=MESSAGE_GONE)

        async def send(text: str, blocks: list[dict[str, Any]] | None) -> Any:
            # An empty list takes the old blocks away; the documentation has changed its mind on leaving them out.
            return await self._client.chat_update(channel=room, ts=ts, text=text, blocks=blocks or [])

        await _deliver(send, channel, message)

    async def find(self, channel: str, key: str, since: datetime, *, thread_ts: str | None = None) -> str | None:
        """The ts of our newest message with this key since then, in the channel or in a thread; None: there is none.

        Raises DeliveryError, permanent where this history may not be read.
        """
        room = self._room_of.get(channel, channel)
        place = {"channel": room, "oldest": f"{since.timestamp():.6f}", "limit": _PAGE, "include_all_metadata": True}
        ask = self._client.conversations_replies if thread_ts else self._client.conversations_history
        place |= {"ts": thread_ts} if thread_ts else {}
        found: list[str] = []
        for _ in range(_PAGES):
            answer = await self._read(ask, channel, place)
            if not isinstance(answer.get("messages"), list):
                raise DeliveryError(f"Slack's answer is no history of {channel}", code="no_history")
            found += [m["ts"] for m in answer["messages"] if _key(m) == key]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if found or not cursor:
                break
            place["cursor"] = cursor
        return max(found, default=None)

    async def _read(self, ask: Callable[..., Awaitable[Any]], channel: str, place: dict[str, Any]) -> Any:
        try:
            return await _once(lambda *_: ask(**place), channel, "", None)
        except DeliveryError as error:
            if error.code == "missing_scope" and self._may_look is None:
                self._may_look = False
                _log.info("the history scopes are not granted: a post whose fate is unknown is sent again")
            raise

    def meet(self, badge: Badge) -> None:
        """Who the bot is, as Slack has just said."""
        self.heed(badge.scopes)
        self._home = badge.home or self._home

    def link(self, channel: str, ts: str) -> str:
        """A message's permalink in the form that chat.getPermalink gives, without a call that could hold a post up.

        Empty before Slack has said where the workspace is.
        """
        room = self._room_of.get(channel, channel)
        is_known = self._home.startswith(_WEB) and room[:1] not in _PEOPLE
        return f"{self._home.rstrip('/')}/archives/{room}/p{ts.replace('.', '')}" if is_known else ""

    def heed(self, scopes: frozenset[str] | None) -> None:
        """What the token may do, as Slack has just said; None where it has not."""
        if scopes is not None:
            self._may_look = not _HISTORY.isdisjoint(scopes)

    def _learn(self, person: str, room: Any) -> None:
        """Slack names the room that it has opened for a person; the post is taken, so nothing may go wrong here."""
        if person[:1] in _PEOPLE and isinstance(room, str) and self._room_of.get(person) != room:
            self._room_of[person] = room
            try:
                if self._rooms is not None:
                    self._rooms.keep_room(person, room)
            except StoreError as error:
                _log.warning("where the direct messages of %s are is not kept: %s", person, error)

    # --- what is no message -------------------------------------------------------------------------------------------

    async def publish(self, person: str, view: Mapping[str, Any], state: str = "") -> str:
        """Draws somebody's Home; its state, with which the next drawing proves that none came between.

        Raises DeliveryError; its code is ``hash_conflict`` where one did.
        """
        told = {"hash": state} if state else {}

        async def send(*_: Any) -> str:
            answer = await self._client.views_publish(user_id=person, view=dict(view), **told)
            return str((answer.get("view") or {}).get("hash") or "")

        return str(await _once(send, person))

    async def members(self, group: str) -> frozenset[str]:
        """Who is in a user group. Raises DeliveryError."""

        async def ask(*_: Any) -> frozenset[str]:
            return frozenset((await self._client.usergroups_users_list(usergroup=group)).get("users") or ())

        return frozenset(await _once(ask, group))

    async def upload(self, channel: str, files: Iterable[File], comment: str) -> None:
        """Puts files into a channel, as one message. Raises DeliveryError; what was half done is seen by nobody."""
        told = [
            {"filename": f.name, "content": f.content, "title": f.title[:_TITLE], "alt_txt": f.alt[:_ALT] or None}
            for f in files
        ]

        def send(*_: Any) -> Awaitable[Any]:
            return self._client.files_upload_v2(file_uploads=told, channel=channel, initial_comment=comment)

        await _once(send, channel)


def _scopes(answer: Any) -> frozenset[str] | None:
    """Every answer names the scopes of its token."""
    told = answer.headers.get("x-oauth-scopes") if isinstance(answer.headers, Mapping) else None
    return frozenset(scope.strip() for scope in told.split(",")) if isinstance(told, str) else None


def _key(message: dict[str, Any]) -> str | None:
    """The key that we gave one of our messages; None for everybody else's."""
    metadata = message.get("metadata") or {}
    key = (metadata.get("event_payload") or {}).get("key") if metadata.get("event_type") == EVENT_TYPE else None
    return key if isinstance(key, str) else None


async def knock(app_token: str, bot_token: str = "", *, base_url: str = SLACK_API_URL, timeout_s: int = 10) -> Badge:
    """Asks for a Socket Mode address and who we are, which proves the tokens. slack_sdk itself would ask for ever.

    What Slack says of the bot's token, if there is one. Raises DeliveryError, permanent where Slack refuses a token.
    """
    client = AsyncWebClient(base_url=base_url, timeout=timeout_s, retry_handlers=[])
    app_level = "an app-level token with connections:write"
    await _prove("SLACK_APP_TOKEN", app_level, lambda *_: client.apps_connections_open(app_token=app_token))
    return await prove_bot(bot_token, base_url=base_url, timeout_s=timeout_s) if bot_token else Badge()


async def prove_bot(bot_token: str, *, base_url: str = SLACK_API_URL, timeout_s: int = 10) -> Badge:
    """Asks who we are.

    Raises DeliveryError, permanent where Slack refuses the token.
    """
    client = AsyncWebClient(base_url=base_url, timeout=timeout_s, retry_handlers=[])
    answer = await _prove("SLACK_BOT_TOKEN", "the app's bot token", lambda *_: client.auth_test(token=bot_token))
    home = answer.get("url")
    return Badge(_scopes(answer), home if isinstance(home, str) else "")


async def _prove(name: str, wanted: str, ask: _Send) -> Any:
    try:
        return await _once(ask, "us", "", None)
    except DeliveryError as error:
        if error.permanent:
            why = f"Slack refuses {name} ({error.code}): it takes {wanted}"
            raise DeliveryError(why, code=error.code, permanent=True) from error
        raise


async def barred(client: AsyncWebClient, channel: str) -> str:
    """Why a channel would take nothing of ours, in Slack's word; empty where it takes posts, or nobody can say now.

    A private channel that the bot is not a member of does not exist for it; public ones take posts all the same.
    """
    if channel[:1] in _PEOPLE:
        return ""
    try:
        async with asyncio.timeout(BARRED_S):
            answer = await _once(lambda *_: client.conversations_info(channel=channel), channel)
    except DeliveryError as error:
        return NOT_THERE if error.code == NOT_THERE else ""
    except TimeoutError:
        return ""
    return ARCHIVED if (answer.get("channel") or {}).get("is_archived") else ""


async def _deliver(send: _Send, channel: str, message: Message) -> Any:
    """Sends with blocks; where Slack refuses those, the text alone; where that is too long, its beginning.

    So something is always delivered; what was refused is logged with its hash.
    """
    text, blocks = _cut(message.text), list(message.blocks)
    try:
        return await _once(send, channel, text, blocks or None)
    except DeliveryError as error:
        if error.code == _TOO_LONG:
            short = _cut(message.text, SHORT_TEXT)
            what = "its beginning"
        elif blocks and error.code in _BLOCKS_REFUSED:
            short, what = text, "its text"
        else:
            raise
        _log.warning("Slack refused payload %s (%s); sending %s alone", _hash(text, blocks), error.code, what)
    return await _once(send, channel, short, None)


async def _once(send: _Send, channel: str, text: str = "", blocks: list[dict[str, Any]] | None = None) -> Any:
    try:
        return await send(text, blocks)
    except SlackApiError as error:
        raise _refusal(channel, error.response) from error
    except SlackRequestError as error:  # a file's bytes were refused
        raise DeliveryError(f"Slack did not take a file to {channel}", code="upload_failed") from error
    except aiohttp.ClientConnectorError as error:
        raise DeliveryError(f"Slack can't be reached; nothing was sent to {channel}", code=UNREACHABLE) from error
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        why = f"the connection to Slack broke ({type(error).__name__}); {channel} may have the message"
        raise DeliveryError(why, code=UNKNOWN_OUTCOME) from error
    except (AttributeError, ValueError) as error:  # slack_sdk asks an answer for its .get, whatever the answer is
        why = f"Slack's answer made no sense; {channel} may have the message"
        raise DeliveryError(why, code=UNKNOWN_OUTCOME) from error


def _refusal(channel: str, answer: Any) -> DeliveryError:
    """What Slack's answer means; ``answer`` is slack_sdk's, or aiohttp's where the body was no JSON."""
    status = getattr(answer, "status_code", None) or answer.status
    data = getattr(answer, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    told = answer.headers.get("Retry-After")
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in _SLOW_DOWN:
        wait = _retry_after(told)
        return DeliveryError(f"Slack asks to wait {wait:.0f} s", code="ratelimited", retry_after=wait)
    if not code:
        code = UNKNOWN_OUTCOME if status == HTTPStatus.OK else f"http_{status}"
        why = f"Slack answered HTTP {status} without a reason for {channel}"
        return DeliveryError(why, code=code, retry_after=_retry_after(told) if told else None)
    if code in _GONE:
        return DeliveryError(f"the message in {channel} can't be edited any more ({code})", code=MESSAGE_GONE)
    remedy = _REMEDIES.get(code, "")
    why = f"Slack did not take the message to {channel}: {code}" + (f" ({remedy})" if remedy else "")
    return DeliveryError(why, code=code, permanent=bool(remedy), blame=_blame(code), remedy=remedy)


def _blame(code: str) -> Blame:
    if code in _OF_THE_BOT:
        return Blame.BOT
    return Blame.POST if code in _OF_THE_POST else Blame.CHANNEL


def _retry_after(header: str | None) -> float:
    """Seconds to wait: 30 where the header is missing or garbage, never under 1 or over 300."""
    try:
        wait = float(header or "")
    except ValueError:
        return _RETRY_AFTER_DEFAULT
    return min(max(wait, 1.0), _RETRY_AFTER_MAX) if math.isfinite(wait) else _RETRY_AFTER_DEFAULT


def _cut(text: str, most: int = MAX_TEXT) -> str:
    """At most so many bytes of UTF-8, cut on a character's edge, with an ellipsis where something is missing."""
    raw = text.encode(errors="replace")  # a lone surrogate can't travel
    if len(raw) > most:
        raw = raw[: most - len("…".encode())].decode(errors="ignore").encode() + "…".encode()
    return raw.decode()


def _hash(text: str, blocks: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps([text, blocks], sort_keys=True).encode()).hexdigest()[:16]
