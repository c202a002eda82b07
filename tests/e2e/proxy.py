"""The way to the emulator, with Slack's bad days: every call and every envelope goes through here, and may go wrong.

What the emulator lacks is added: a history has each message's metadata, knows ``oldest`` and ``latest``, and asks for its
scope, which is not granted at first; so do channels, pins and people's names. Faults of a method of the Web API, in one channel or in all, and
with ``in_thread`` of replies only:

    slow_down  429 with Retry-After           error   HTTP 500
    hang       not taken, and never answered  drop    not taken, connection cut
    lost       taken, and never answered      cut     taken, connection cut
    anything else: {"ok": false, "error": KIND}

And what can happen to the sockets:

    abort          the connections break                     freeze  they stay, and nothing comes through any more
    refresh        Slack asks for a new connection, and closes the old ones a second later
    link_disabled  Socket Mode is switched off, and no connection is made until "mended"
    repeat         from now on every envelope comes twice, the second one marked as a retry; "mended" ends it
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

SCOPES = ("commands", "chat:write", "chat:write.public")
NEEDED = {  # by method, the scopes of which the app needs one; what the emulator does not ask for
    "conversations.create": ("channels:manage", "groups:write"),
    "conversations.invite": ("channels:manage", "groups:write"),
    "pins.add": ("pins:write",),
    "users.info": ("users:read",),
}
HISTORIES = ("conversations.history", "conversations.replies")
TAKEN = ("lost", "cut")
ADDED = ("chat.unfurl", "entity.presentDetails")  # methods that the emulator does not have: taken as they are
STATUSES = {"slow_down": 429, "error": 500, "hang": None, "drop": None}
REFUSALS = {"slow_down": "ratelimited", "error": "internal_error"}


@dataclass(eq=False)
class ProxiedSocket:
    """One socket of the bot's, and the emulator's end of it."""

    request: web.Request
    near: web.WebSocketResponse
    far: aiohttp.ClientWebSocketResponse
    is_frozen: bool = False

    async def down(self, *, twice: Any) -> None:
        """Slack's envelopes to the bot."""
        async for heard in self.far:
            if self.is_frozen or heard.type is not aiohttp.WSMsgType.TEXT:
                continue
            await self.near.send_str(heard.data)
            envelope = json.loads(heard.data)
            if twice() and "envelope_id" in envelope:
                await self.near.send_json(envelope | {"retry_attempt": 1, "retry_reason": "timeout"})

    async def up(self) -> None:
        """The bot's acks to Slack."""
        async for heard in self.near:
            await self.far.send_str(heard.data)

    def freeze(self) -> None:
        """Neither envelopes nor pongs come any more, and nothing says so."""
        self.is_frozen = True
        if self.request.transport:
            self.request.transport.pause_reading()

    def abort(self) -> None:
        """Cuts the bot's end."""
        if self.request.transport:
            self.request.transport.abort()


@dataclass
class Proxy:
    """``host`` is the emulator, ``here`` this proxy, ``bot`` the bot's own web server."""

    client: aiohttp.ClientSession
    host: str
    here: str
    bot: str
    scopes: list[str] = field(default_factory=lambda: [*SCOPES])
    calls: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[tuple[str, str | None], dict[str, Any]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    lines: set[ProxiedSocket] = field(default_factory=set)
    is_repeating: bool = False

    # --- told from outside --------------------------------------------------------------------------------------------

    async def plan(self, request: web.Request) -> web.Response:
        fault = await request.json()
        self.faults[fault["method"], fault.get("channel")] = fault
        return web.Response()

    async def tell(self, _: web.Request) -> web.Response:
        return web.json_response(self.calls)

    async def grant(self, request: web.Request) -> web.Response:
        self.scopes = await request.json()
        return web.Response()

    async def disturb(self, request: web.Request) -> web.Response:
        kind = (await request.json())["kind"]
        self.is_repeating = kind == "repeat"
        if kind in ("link_disabled", "mended"):
            times = 10**6 if kind == "link_disabled" else 0
            self.faults["apps.connections.open", None] = {"kind": "link_disabled", "times": times}
        for line in [*self.lines]:
            if kind == "abort":
                line.abort()
            elif kind == "freeze":
                line.freeze()
            elif kind in ("refresh", "link_disabled"):
                reason = "refresh_requested" if kind == "refresh" else kind
                await line.near.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "here"}})
                asyncio.get_running_loop().call_later(1, line.abort)
        return web.Response()

    async def send_event(self, request: web.Request) -> web.Response:
        """An event that the emulator does not have comes down one of the sockets."""
        event = await request.json()
        number = f"Ev{len(self.calls)}{event['event_ts']}"
        payload = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": number, "event": event}
        envelope = {"envelope_id": number, "type": "events_api", "accepts_response_payload": False, "payload": payload}
        await next(iter(self.lines)).near.send_json(envelope)
        return web.Response()

    # --- the Web API --------------------------------------------------------------------------------------------------

    async def call(self, request: web.Request) -> web.Response:
        """One call of the bot."""
        body = await request.read()
        said = json.loads(body) if "json" in request.content_type else {**request.query, **await request.post()}
        method = request.match_info["method"]
        call = {"method": method, "args": said, "status": None, "answer": None}
        self.calls.append(call)
        fault = self._fault(method, said.get("channel"), is_reply="thread_ts" in said)
        kind = fault["kind"] if fault else None
        if kind is None or kind in TAKEN:
            call["status"], call["answer"] = await self._pass(request, method, said, body)
        else:
            call["status"], call["answer"] = STATUSES.get(kind, 200), kind
        return await self._answer(request, call, fault)

    async def _answer(self, request: web.Request, call: dict[str, Any], fault: dict[str, Any] | None) -> web.Response:
        headers = {"x-oauth-scopes": ",".join(self.scopes)}
        if fault is None:
            return web.json_response(call["answer"], status=call["status"], headers=headers)
        kind = str(fault["kind"])
        if kind in ("hang", "lost"):
            await asyncio.Event().wait()
        if kind in ("drop", "cut") and request.transport:
            request.transport.abort()
        headers |= {"Retry-After": str(fault.get("retry_after", 1))} if kind == "slow_down" else {}
        refusal = {"ok": False, "error": REFUSALS.get(kind, kind)}
        return web.json_response(refusal, status=call["status"] or 500, headers=headers)

    def _fault(self, method: str, channel: str | None, *, is_reply: bool) -> dict[str, Any] | None:
        for place in (channel, None):
            fault = self.faults.get((method, place))
            if fault and fault["times"] > 0 and (is_reply or not fault.get("in_thread")):
                fault["times"] -= 1
                return fault
        return None

    async def _pass(self, request: web.Request, method: str, said: dict[str, Any], body: bytes) -> tuple[int, Any]:
        if method in ADDED:
            return 200, {"ok": True}
        if method in HISTORIES and not any(scope.endswith(":history") for scope in self.scopes):
            return 200, {"ok": False, "error": "missing_scope"}
        if method in NEEDED and not set(NEEDED[method]) & set(self.scopes):
            return 200, {"ok": False, "error": "missing_scope"}
        if method == "pins.add":  # which the emulator does not know
            return 200, {"ok": True}
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        url = f"http://{self.host}{request.path_qs}"
        async with self.client.request(request.method, url, data=body, headers=headers) as answer:
            told = await answer.json()
        if method == "chat.postMessage" and told.get("ok"):
            self.metadata[told["ts"]] = said.get("metadata")
        if method in HISTORIES and told.get("ok"):
            self._complete(told, said)
        if method == "apps.connections.open" and told.get("ok"):
            told["url"] = told["url"].replace(self.host, self.here)
        return answer.status, told

    def _complete(self, told: dict[str, Any], said: dict[str, Any]) -> None:
        """Adds to a history what the emulator leaves out."""
        for message in told["messages"]:
            message["metadata"] = self.metadata.get(message["ts"])
        oldest, latest = float(said.get("oldest", 0)), float(said.get("latest", "inf"))
        told["messages"] = [m for m in told["messages"] if oldest <= float(m["ts"]) <= latest]

    # --- Socket Mode --------------------------------------------------------------------------------------------------

    async def line(self, request: web.Request) -> web.WebSocketResponse:
        """A socket of the bot's, for as long as both ends hold."""
        near = web.WebSocketResponse()
        await near.prepare(request)
        async with self.client.ws_connect(f"http://{self.host}{request.path_qs}") as far:
            line = ProxiedSocket(request, near, far)
            self.lines.add(line)
            pumps = [asyncio.create_task(c) for c in (line.down(twice=lambda: self.is_repeating), line.up())]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.lines.discard(line)
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        return near

    async def forward(self, request: web.Request) -> web.Response:
        """To the emulator as it is."""
        return await self._forward(request, f"http://{self.host}{request.path_qs}")

    async def knock(self, request: web.Request) -> web.Response:
        """To the bot's own web server, as a program of the team's would."""
        return await self._forward(request, f"http://{self.bot}{request.path_qs.removeprefix('/bot')}")

    async def _forward(self, request: web.Request, url: str) -> web.Response:
        headers = {"Content-Type": "application/json"}
        headers |= {name: request.headers[name] for name in ("Authorization",) if name in request.headers}
        async with self.client.request(request.method, url, data=await request.read(), headers=headers) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)
