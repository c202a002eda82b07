"""Client of a tool of ``[[notify]]`` over HTTP: sends announcements, and signs them where the tool wants that.

Every failure is a ``DeliveryError`` that says whether and when to retry. Redirects are not followed, an answer is read
up to 64 KiB, and a request takes 10 seconds at most. Neither the key nor the address is in an error: many addresses are
secrets themselves. Private addresses are allowed: the address comes from the operator's own configuration.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from bot import __version__
from bot.errors import DeliveryError, RefusalScope
from bot.formats.http_body import retry_after
from bot.import_guard import block_import
from bot.messages.announcement import Announcement
from bot.messages.tools.base import ToolAddress, ToolKind, ToolRequest

with block_import("pygments"):
    import httpx

TIMEOUT_S = 10.0
MAX_ANSWER = 65_536  # bytes that are read of an answer
SECRET_PREFIX = "whsec_"  # noqa: S105  (of a secret of Standard Webhooks)
MIN_SECRET = 24  # bytes of a secret's key
_MAX_REASON = 200  # characters of an answer in an error
_SHORTEST_SECRET = 6  # characters; what is shorter is not looked for in an answer
_LONG_PART = 12  # characters of a part of an address that may be a secret without a digit
_CHANNEL_STATUSES = {
    401: "it refuses the request: check the key and the address",
    403: "it refuses the request: check the key and the address",
    404: "nothing is at its address: check the address",
    410: "its address was deleted: make a new one",
}
_BEFORE_BYTES = ".send_request_headers.started"  # a step's name, after the version of HTTP
_TRANSIENT_STATUSES = (408, 425, 429)


class HttpToolClient:
    """A ChatClient of one tool. Use it as an async context manager, which closes it.

    What it returns as a message's ``ts`` is the key by which the tool knows the incident.
    """

    burst = 1
    can_search_history = False

    def __init__(
        self,
        kind: ToolKind,
        address: ToolAddress,
        now: Callable[[], datetime],
        secrets: Sequence[str] = (),
        *,
        timeout_s: float = TIMEOUT_S,
        guard: Callable[[], None] | None = None,
    ) -> None:
        """Takes what a request is made of.

        Args:
            kind: The form of the requests.
            address: The address, and the key.
            now: The clock.
            secrets: They sign each request, the newest first: the receiver may check any.
            timeout_s: Seconds that a request has.
            guard: Called as the last step before the bytes of a request leave; it may raise, or end the process.
        """
        self._timeout_s = timeout_s
        self._extensions = {"trace": _guarding_trace(guard)} if guard else {}
        self._kind, self._address, self._now = kind, address, now
        self._secrets = tuple(map(decode_secret, secrets))
        self._hidden = _hidden_texts(address, secrets)
        self._client = httpx.AsyncClient(
            timeout=timeout_s,
            trust_env=False,
            follow_redirects=False,
            headers={"user-agent": f"brownout/{__version__}", "accept-encoding": "identity"},
            limits=httpx.Limits(max_connections=2, keepalive_expiry=5),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(self, channel: str, message: Announcement, *, thread_ts: str | None, broadcast: bool) -> str:  # noqa: ARG002
        """Sends an announcement; returns the key by which the tool knows its incident, empty if nothing was to send.

        Args:
            channel: The tool's channel in the outbox.
            message: The announcement.
            thread_ts: The key that the incident's beginning had; None at the beginning.
            broadcast: Without meaning here.

        Raises:
            DeliveryError: It was not accepted.
        """
        dedup_key = thread_ts or message.dedup_key
        request = self._kind.request(message, self._address, dedup_key)
        if request is None:
            return ""
        await self._send(request, message_id(channel, message.key))
        return dedup_key

    async def edit(self, channel: str, ts: str, message: Announcement) -> None:
        """Sends it as an update: a tool has no message to edit."""
        await self.post(channel, message, thread_ts=ts, broadcast=False)

    async def find_message(self, channel: str, key: str, since: datetime, *, thread_ts: str | None) -> str | None:  # noqa: ARG002
        """Always None: a tool has no history to search."""
        return None

    async def is_token_accepted(self) -> bool | None:
        """Not known: there is no request that only asks that."""
        return None

    def permalink(self, channel: str, ts: str) -> str:  # noqa: ARG002
        """Always empty."""
        return ""

    async def _send(self, request: ToolRequest, ident: str) -> None:
        body = json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        headers = {"content-type": "application/json", **request.headers}
        if self._kind.is_signed:
            headers |= signed_headers(ident, self._now(), body, self._secrets)
        try:
            _ = urlsplit(request.url).port  # ValueError for a port that httpx would try and fail with something else
            async with asyncio.timeout(self._timeout_s):
                status, text, answer_headers = await self._exchange(request.url, body, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise DeliveryError(f"{self._kind.label} can't be reached", code="unreachable") from error
        except (httpx.InvalidURL, ValueError) as error:
            raise DeliveryError(
                f"{self._kind.label} can't be asked with this address and key",
                code="unreachable",
                permanent=True,
                blame=RefusalScope.CHANNEL,
                remedy="check the address and the key for odd signs",
            ) from error
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise DeliveryError(f"{self._kind.label} gave no answer", code="unknown_outcome") from error
        if not httpx.codes.is_success(status):
            raise self._refusal(status, text, retry_after(answer_headers))

    async def _exchange(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, Mapping[str, str]]:
        """The answer's status, the beginning of its text, and its headers."""
        async with self._client.stream(
            "POST", url, content=body, headers=headers, extensions=self._extensions
        ) as response:
            read = b""
            if not response.is_success:
                async for chunk in response.aiter_raw():
                    read += chunk[: MAX_ANSWER - len(read)]
                    if len(read) >= MAX_ANSWER:
                        break
            return response.status_code, read.decode("utf-8", "replace"), dict(response.headers)

    def _refusal(self, status: int, text: str, wait_s: float | None) -> DeliveryError:
        label, code = self._kind.label, f"http_{status}"
        reason = self._one_line(text)
        why = f"{label} answered {status}{f': {reason}' if reason else ''}"
        if status in _TRANSIENT_STATUSES or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            code = "ratelimited" if status == httpx.codes.TOO_MANY_REQUESTS else code
            return DeliveryError(why, code=code, retry_after=wait_s)
        remedy = _CHANNEL_STATUSES.get(status, "")
        if httpx.codes.is_redirect(status):
            remedy = "it redirects, which is not followed: write the new address"
        blame = RefusalScope.CHANNEL if remedy else RefusalScope.POST
        return DeliveryError(why, code=code, permanent=True, blame=blame, remedy=remedy)

    def _one_line(self, text: str) -> str:
        """The beginning of an answer, printable, in one line and without secrets."""
        for secret in self._hidden:
            text = text.replace(secret, "[secret]")
        return " ".join("".join(c if c.isprintable() else " " for c in text[:_MAX_REASON]).split())


def _guarding_trace(guard: Callable[[], None]) -> Callable[[str, object], Awaitable[None]]:
    """What httpcore calls at each step of a request: the guard, once the connection is there and nothing is written."""

    async def trace(step: str, _: object) -> None:
        if step.endswith(_BEFORE_BYTES):
            guard()

    return trace


def _hidden_texts(address: ToolAddress, secrets: Sequence[str]) -> tuple[str, ...]:
    """What an error must not repeat, the longest first: secrets, the address, and each part of it that may be one.

    A server's answer often names the path that it does not know.
    """
    try:
        parts = urlsplit(address.url)
    except ValueError:
        parts = urlsplit("")
    raw = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query)), *re.split("[&=]", parts.query)]
    inner = [text for part in raw for text in (part, unquote(part)) if _may_be_secret(text)]
    whole = [address.key, address.url, *secrets]
    return tuple(sorted({s for s in (*whole, *inner) if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True))


def _may_be_secret(part: str) -> bool:
    """Whether a part of an address may be a secret, rather than a word such as ``services``."""
    return len(part) >= _LONG_PART or any(c.isdigit() for c in part)


def message_id(channel: str, key: str) -> str:
    """The ``webhook-id`` of a notification: the same at every attempt, so that a receiver can drop repetitions."""
    digest = hashlib.sha256(f"{channel}\x00{key}".encode("utf-8", "replace")).hexdigest()
    return f"msg_{digest[:32]}"


def signed_headers(ident: str, now: datetime, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The headers of Standard Webhooks; with several keys, one signature for each, so that secrets can be rotated."""
    timestamp = str(int(now.timestamp()))
    headers = {"webhook-id": ident, "webhook-timestamp": timestamp}
    if keys:
        content = f"{ident}.{timestamp}.".encode() + body
        digests = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
        headers["webhook-signature"] = " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
    return headers


def decode_secret(secret: str) -> bytes:
    """The key of a secret: base64, with or without ``whsec_`` before it.

    Raises:
        ValueError: It is not that, or too short.
    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < MIN_SECRET:
        raise ValueError(
            f"a secret is {SECRET_PREFIX} and {MIN_SECRET} or more bytes in base64;"
            " make one with: brownout notify secret"
        )
    return key
