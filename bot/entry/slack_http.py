"""HTTP mode: a signed request to ``/slack/events`` -> its acknowledgement at once, and Bolt's listeners after it.

A request is checked over its raw bytes before anything reads them (bot.entry.signature), and a second time the same
one has no effect: its signature is remembered for longer than it is good, and one that is older than the process is
refused, since the process before may have heard it. What Slack only wants acknowledged is answered before the work
begins; Bolt itself would look every 10 ms whether a listener has done so (performance-reliability.md 2e). A modal that
was sent off and a menu's options are answered with what the listener says. Bolt gets a request as it would from Socket
Mode: checked already.

Its Host is the public name of whatever ends TLS in front of the bot, so no check of Host headers must apply to PATH.
The signature is what protects it, also against a page that has rebound a name to this address.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from starlette.requests import ClientDisconnect

from bot.edge.slack import Badge, prove_bot
from bot.entry import signature
from bot.entry.link import Link
from bot.entry.once import ANSWERED, SIGNED, Recent
from bot.errors import DeliveryError

log = logging.getLogger("brownout")

PATH = "/slack/events"
LARGEST = 1_000_000  # bytes; Slack's own are below 100,000
LONGEST_S = 5.0  # for the whole body; Slack gives up after 3
WAITING = 1000  # acknowledged and not begun
SAID = timedelta(minutes=1)
WAITS_S = (1.0, 20.0)  # between attempts to reach Slack: the first, doubled up to the last
FIELDS = 200
LONGEST_CHALLENGE = 500
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
_KEPT = ("x-slack-retry-num", "x-slack-retry-reason")  # of the headers; Bolt obeys some that are not Slack's to send


class _RefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(slots=True)
class HttpDoor:
    """Takes requests and hands them to Bolt, in the order in which they came. ``work`` runs beside the server."""

    bolt: AsyncApp
    secret: str = field(repr=False)
    now: Callable[[], datetime]
    most: int = WAITING
    patience_s: float = LONGEST_S
    _since: int = field(init=False)
    _signed: Recent = field(default_factory=Recent)
    _waiting: deque[AsyncBoltRequest] = field(default_factory=deque)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _working: set[asyncio.Task[Any]] = field(default_factory=set)
    _refused: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._since = int(self.now().timestamp())

    def add(self, app: FastAPI) -> None:
        """Adds ``/slack/events`` to the app."""

        @app.post(PATH, include_in_schema=False)
        async def slack_events(request: Request) -> Response:
            try:
                return await self._take(request)
            except _RefusedError as error:
                self._say(str(error))
                return PlainTextResponse("not accepted", error.status)

    async def work(self) -> None:
        """Begins what was acknowledged, until it is cancelled."""
        try:
            while await self._more.wait():
                while self._waiting:
                    self._begin(self._waiting.popleft())
                    await asyncio.sleep(0)  # one a turn: between two, the loop acknowledges what has come meanwhile
                self._more.clear()
        finally:
            for task in self._working:
                task.cancel()

    def _begin(self, request: AsyncBoltRequest) -> None:
        task = asyncio.create_task(self.bolt.async_dispatch(request))
        self._working.add(task)
        task.add_done_callback(self._done)

    async def _take(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (FORM, JSON) or request.headers.get("content-encoding", "identity") != "identity":
            raise _RefusedError(415, "a body of a kind that Slack does not send")
        body = await _body(request, self.patience_s)
        if kind == FORM and body.startswith(b"ssl_check=1&"):
            return Response()  # Slack looks at the certificate; unsigned, and without effect
        stamps, signatures = (request.headers.getlist(f"x-slack-{name}") for name in ("request-timestamp", "signature"))
        if why := signature.wrong(self.secret, stamps, signatures, body, self.now()):
            raise _RefusedError(401, why)
        if int(stamps[0]) < self._since:
            raise _RefusedError(401, "a signature from before this bot began")
        payload = _payload(kind, body)
        if payload.get("type") == "url_verification":
            return JSONResponse({"challenge": str(payload.get("challenge", ""))[:LONGEST_CHALLENGE]})
        headers = {name: request.headers[name] for name in _KEPT if name in request.headers}
        return await self._heard(signatures[0], payload, headers)

    async def _heard(self, signed: str, payload: dict[str, Any], headers: dict[str, Any]) -> Response:
        if len(self._waiting) >= self.most:
            raise _RefusedError(503, "more than can be done at once")
        if not self._signed.is_new(signed, self.now(), SIGNED):
            return Response()
        asked = AsyncBoltRequest(body=payload, headers=headers, mode="socket_mode")
        if payload.get("type") in ANSWERED:
            answer = await self.bolt.async_dispatch(asked)
            return Response(answer.body, answer.status, {k: v[0] for k, v in answer.headers.items()})
        self._waiting.append(asked)
        self._more.set()
        return Response()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._working.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a request from Slack could not be answered: %s", type(error).__name__)

    def _say(self, why: str) -> None:
        """Logs each kind of refusal once a minute: anybody can send bad requests, as many as they like."""
        now = self.now()
        if why not in self._refused or now - self._refused[why] >= SAID:
            self._refused[why] = now
            log.warning("a request to %s was refused: %s", PATH, why)


async def prove(
    bot_token: str,
    url: str,
    link: Link,
    *,
    waits_s: tuple[float, float] = WAITS_S,
    on_badge: Callable[[Badge], None] = lambda _: None,
) -> None:
    """Asks Slack whose token this is until it answers; ``link`` is told. DeliveryError where it refuses the token."""
    wait, said = waits_s[0], ""
    while True:
        try:
            on_badge(await prove_bot(bot_token, base_url=url))
            break
        except DeliveryError as error:
            if error.permanent:
                raise
            if str(error) != said:
                log.warning("Slack can't be asked who we are: %s; trying again until it can", error)
            said = str(error)
            await asyncio.sleep(max(wait, error.retry_after or 0))
            wait = min(wait * 2, waits_s[1])
    log.info("ready for Slack at %s", PATH)
    link.is_up = _always
    await asyncio.Event().wait()


async def _always() -> bool:
    return True


async def _body(request: Request, patience_s: float) -> bytes:
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:12]) > LARGEST:
        raise _RefusedError(413, "a body that is too large")
    body = bytearray()
    try:
        async with asyncio.timeout(patience_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST:
                    raise _RefusedError(413, "a body that is too large")
    except TimeoutError:
        raise _RefusedError(408, "a body that did not arrive") from None
    except ClientDisconnect:
        raise _RefusedError(400, "a body that broke off") from None
    return bytes(body)


def _payload(kind: str, body: bytes) -> dict[str, Any]:
    """What a signed body says: JSON, a form, or JSON in a form's ``payload``."""
    try:
        text = body.decode()
        if kind == FORM:
            fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS))
            if "payload" not in fields:
                return dict(fields)
            text = fields["payload"]
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _RefusedError(400, "a body that can't be read") from None
    if not isinstance(found, dict):
        raise _RefusedError(400, "a body that can't be read")
    return found
