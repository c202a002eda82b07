"""Slack on loopback: the Web API and Socket Mode, as far as the bot uses them. Keeps what it took, and has bad days."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from tests.support.loopback import abort, never_answer

FAULTS = ("429", "500", "close", "hang", "ok:false", "lost")
RETRY_AFTER_S = 2


class FakeSlackServer:
    """``log`` is handed every message that was taken; ``fault`` says what goes wrong with this call, if anything."""

    def __init__(self, log: Callable[[dict[str, Any]], None], fault: Callable[[], str]) -> None:
        self._log, self._fault = log, fault
        self.url = ""
        self.calls: dict[str, int] = {}
        self.asked: dict[str, float] = {}  # commands by envelope, and when they were sent
        self.acks: list[float] = []
        self.answers = 0
        self._numbers = itertools.count(int(time.time() * 1000))
        self._line: web.WebSocketResponse | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/{method}", self._call),
            web.get("/api/{method}", self._call),
            web.get("/link", self._link),
            web.post("/respond/{number}", self._responded),
        ]

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if method == "apps.connections.open":
            return web.json_response({"ok": True, "url": f"{self.url.replace('http', 'ws', 1)}/link?ticket=1"})
        if method.startswith("conversations."):
            return web.json_response({"ok": False, "error": "missing_scope"})
        if not method.startswith("chat."):
            who = {"user_id": "U0BOT", "bot_id": "B0BOT", "team_id": "T1", "team": "Team", "user": "brownout"}
            scopes = {"x-oauth-scopes": "commands,chat:write,chat:write.public"}  # of what manifest.yml installs
            return web.json_response({"ok": True, "url": "https://team.slack.com/", **who}, headers=scopes)
        return await self._chat(request, method)

    async def _chat(self, request: web.Request, method: str) -> web.StreamResponse:
        args = dict(await request.post()) if "json" not in request.content_type else await request.json()
        fault = self._fault()
        self.calls[fault or "ok"] = self.calls.get(fault or "ok", 0) + 1
        if fault not in ("", "lost"):
            return await _refused(request, fault)
        ts = self._take(method, args)
        return await abort(request) if fault else web.json_response({"ok": True, "ts": ts, "channel": args["channel"]})

    def _take(self, method: str, args: dict[str, Any]) -> str:
        at, number = time.time(), next(self._numbers)
        told = {"at": at, "channel": args["channel"], "size": len(args.get("text", ""))}
        if method == "chat.update":
            self._log(told | {"kind": "edit", "ts": args["ts"]})
            return str(args["ts"])
        metadata = args["metadata"] if isinstance(args["metadata"], dict) else json.loads(args["metadata"])
        ts = f"{number / 1000:.3f}000"
        self._log(
            told | {"kind": "post", "ts": ts, "key": metadata["event_payload"]["key"], "thread": args.get("thread_ts")}
        )
        return ts

    # --- Socket Mode --------------------------------------------------------------------------------------------------

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse(heartbeat=20)
        await line.prepare(request)
        await line.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}})
        self._line = line
        async for heard in line:
            if heard.type is WSMsgType.TEXT:
                with suppress(ValueError):
                    envelope = json.loads(heard.data).get("envelope_id", "")
                    if sent := self.asked.pop(envelope, 0):
                        self.acks.append(time.monotonic() - sent)
        return line

    async def command(self, text: str, channel: str, number: int) -> bool:
        """Types a command; False where nobody is on the line."""
        if self._line is None or self._line.closed:
            return False
        envelope = f"e{number}"
        payload = {"command": "/brownout", "text": text, "channel_id": channel, "channel_name": channel.lower()}
        payload |= {"user_id": "U1", "user_name": "ada", "team_id": "T1", "team_domain": "team", "api_app_id": "A1"}
        payload |= {"token": "x", "trigger_id": f"t{number}", "response_url": f"{self.url}/respond/{number}"}
        told = {"envelope_id": envelope, "type": "slash_commands", "accepts_response_payload": True, "payload": payload}
        self.asked[envelope] = time.monotonic()
        with suppress(OSError, RuntimeError):
            await self._line.send_json(told)
        return True

    async def hang_up(self) -> None:
        """The line breaks."""
        if self._line is not None:
            with suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(self._line.close(), 2)

    async def _responded(self, request: web.Request) -> web.Response:
        await request.read()
        self.answers += 1
        return web.Response(text="ok")


async def _refused(request: web.Request, fault: str) -> web.StreamResponse:
    match fault:
        case "429":
            headers = {"retry-after": str(RETRY_AFTER_S)}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        case "500":
            return web.Response(status=500)
        case "ok:false":
            return web.json_response({"ok": False, "error": "internal_error"})
    return await (abort(request) if fault == "close" else never_answer())
