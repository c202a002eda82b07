"""HTTP mode: receives Slack's signed requests at ``/slack/events``, acknowledges them, and passes them to Bolt.

* The signature is checked over the raw bytes before anything parses them (bot.slack.signature).
* A request has an effect once: its signature is remembered for longer than it is valid, and a request from before the
  start of this process is refused, since the previous process may have handled it.
* A request that needs only an acknowledgement is acknowledged before the work begins; Bolt itself would check every
  10 ms whether a listener has done so (bot/docs/slack-limits.md#acknowledgements). Submitted modals and menu options
  are answered with the listener's result, and steps of workflows once they are recorded.
* Bolt gets requests as from Socket Mode, so it does not check them again.
* The Host header is the public name of the TLS proxy in front of the bot, so no check of Host headers may apply to
  PATH. The signature protects it, also against DNS rebinding.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from slack_bolt.async_app import AsyncApp
from starlette.requests import ClientDisconnect

from bot.adapters.slack_client import TokenInfo, verify_bot_token
from bot.errors import DeliveryError
from bot.queries.slack_status import SlackStatus
from bot.slack import signature
from bot.slack.credentials import TokenSource
from bot.slack.deduplication import SIGNATURE_MEMORY, RecentKeys, is_acknowledged_last
from bot.slack.fallbacks import dispatch

log = logging.getLogger("brownout")

PATH = "/slack/events"
MAX_BODY_BYTES = 1_000_000  # Slack's own are below 100,000
BODY_TIMEOUT_S = 5.0  # for the whole body; Slack gives up after 3
MAX_PENDING = 5000  # requests acknowledged and not begun; Slack sends no refused command again
LOG_INTERVAL = timedelta(minutes=1)
RETRY_WAITS_S = (1.0, 60.0)  # between attempts to reach Slack: the first, doubled up to the last
MAX_FORM_FIELDS = 200
MAX_CHALLENGE_LENGTH = 500
FORM_TYPE, JSON_TYPE = "application/x-www-form-urlencoded", "application/json"
# passed on to Bolt, and no others: Bolt obeys some headers that Slack does not send
_FORWARDED_HEADERS = ("x-slack-retry-num", "x-slack-retry-reason")

_Request = tuple[dict[str, Any], dict[str, Any]]  # its payload, and the headers that are passed on


class _RequestRefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


async def _is_new(_: str) -> bool:
    return True


@dataclass(slots=True)
class SlackHttpHandler:
    """Accepts requests and passes them to Bolt in the order of arrival.

    ``process_queue`` must run beside the web server. ``most`` is the length of the queue, ``patience_s`` the time for a
    whole body. ``is_new_elsewhere`` says whether no other bot has seen the signature of a submitted modal.
    """

    bolt: AsyncApp
    secret: str = field(repr=False)
    now: Callable[[], datetime]
    most: int = MAX_PENDING
    patience_s: float = BODY_TIMEOUT_S
    is_new_elsewhere: Callable[[str], Awaitable[bool]] = _is_new
    _started_at: int = field(init=False)
    _signatures: RecentKeys = field(default_factory=RecentKeys)
    _queue: deque[_Request] = field(default_factory=deque)
    _has_queued: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _refused_at: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._started_at = int(self.now().timestamp())

    def add_route(self, app: FastAPI) -> None:
        """Adds ``/slack/events`` to the app."""

        @app.post(PATH, include_in_schema=False)
        async def slack_events(request: Request) -> Response:
            try:
                return await self._handle_request(request)
            except _RequestRefusedError as error:
                self._log_refusal(str(error))
                return PlainTextResponse("not accepted", error.status)

    async def process_queue(self) -> None:
        """Starts the queued requests, until it is cancelled."""
        try:
            while await self._has_queued.wait():
                while self._queue:
                    self._start_request(self._queue.popleft())
                    await asyncio.sleep(0)  # one per turn of the loop, so that new requests are acknowledged in between
                self._has_queued.clear()
        finally:
            for task in self._tasks:
                task.cancel()

    def _start_request(self, request: _Request) -> None:
        task = asyncio.create_task(dispatch(self.bolt, *request))
        self._tasks.add(task)
        task.add_done_callback(self._finish_request)

    async def _handle_request(self, request: Request) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if (
            content_type not in (FORM_TYPE, JSON_TYPE)
            or request.headers.get("content-encoding", "identity") != "identity"
        ):
            raise _RequestRefusedError(415, "a body of a kind that Slack does not send")
        body = await _read_body(request, self.patience_s)
        if content_type == FORM_TYPE and body.startswith(b"ssl_check=1&"):
            return Response()  # Slack checks the certificate; unsigned, and without effect
        timestamps, signatures = (
            request.headers.getlist(f"x-slack-{name}") for name in ("request-timestamp", "signature")
        )
        if refusal := signature.signature_error(self.secret, timestamps, signatures, body, self.now()):
            raise _RequestRefusedError(401, refusal)
        if int(timestamps[0]) < self._started_at:
            raise _RequestRefusedError(401, "a signature from before this bot began")
        payload = _parse_payload(content_type, body)
        if payload.get("type") == "url_verification":
            return JSONResponse({"challenge": str(payload.get("challenge", ""))[:MAX_CHALLENGE_LENGTH]})
        headers = {name: request.headers[name] for name in _FORWARDED_HEADERS if name in request.headers}
        return await self._accept_payload(signatures[0], payload, headers)

    async def _accept_payload(
        self, request_signature: str, payload: dict[str, Any], headers: dict[str, Any]
    ) -> Response:
        if len(self._queue) >= self.most:
            raise _RequestRefusedError(503, "more than can be done at once")
        if not self._signatures.add_if_new(request_signature, self.now(), SIGNATURE_MEMORY):
            return Response()
        is_modal = payload.get("type") == "view_submission"
        if is_modal and not await self.is_new_elsewhere(f"signature {request_signature}"):
            return Response()
        if is_acknowledged_last(payload):
            answer = await dispatch(self.bolt, payload, headers)
            return Response(answer.body, answer.status, {k: v[0] for k, v in answer.headers.items()})
        self._queue.append((payload, headers))
        self._has_queued.set()
        return Response()

    def _finish_request(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a request from Slack could not be answered: %s", type(error).__name__)

    def _log_refusal(self, why: str) -> None:
        """Logs each kind of refusal at most once a minute, since anybody can send any number of bad requests."""
        now = self.now()
        if why not in self._refused_at or now - self._refused_at[why] >= LOG_INTERVAL:
            self._refused_at[why] = now
            log.warning("a request to %s was refused: %s", PATH, why)


async def verify_until_answered(
    tokens: TokenSource,
    url: str,
    link: SlackStatus,
    *,
    waits_s: tuple[float, float] = RETRY_WAITS_S,
    on_badge: Callable[[TokenInfo], None] = lambda _: None,
) -> None:
    """Verifies the token with Slack, trying until Slack lets the app in; then sets ``link`` and waits until cancelled.

    Raises:
        DeliveryError: Slack refuses the token.
    """
    wait, last_error = waits_s[0], ""
    while True:
        try:
            on_badge(await verify_bot_token(tokens.tokens.bot, base_url=url))
            break
        except DeliveryError as error:
            if error.permanent and not (error.is_token and tokens.reload()):
                raise
            link.why = str(error)
            if str(error) != last_error:
                log.warning("can't verify the Slack token: %s; retrying", error)
            last_error = str(error)
            await asyncio.sleep(max(wait, error.retry_after or 0))
            wait = min(wait * 2, waits_s[1])
    log.info("ready for Slack at %s", PATH)
    link.why = ""
    link.is_up = _is_always_up
    await asyncio.Event().wait()


async def _is_always_up() -> bool:
    return True


async def _read_body(request: Request, timeout_s: float) -> bytes:
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:12]) > MAX_BODY_BYTES:
        raise _RequestRefusedError(413, "a body that is too large")
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise _RequestRefusedError(413, "a body that is too large")
    except TimeoutError:
        raise _RequestRefusedError(408, "a body that did not arrive") from None
    except ClientDisconnect:
        raise _RequestRefusedError(400, "a body that broke off") from None
    return bytes(body)


def _parse_payload(content_type: str, body: bytes) -> dict[str, Any]:
    """The payload of a signed body: JSON, a form, or JSON in a form's ``payload``."""
    try:
        text = body.decode()
        if content_type == FORM_TYPE:
            fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS))
            if "payload" not in fields:
                return dict(fields)
            text = fields["payload"]
        payload = json.loads(text)
    except (ValueError, RecursionError):
        raise _RequestRefusedError(400, "a body that can't be read") from None
    if not isinstance(payload, dict):
        raise _RequestRefusedError(400, "a body that can't be read")
    return payload
