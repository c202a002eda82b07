"""The world on loopback that the bot is tried in: a status page and Slack's Web API, both with bad days on demand."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from aiohttp import web

from bot.domain import Provider
from tests.support.acme import ACME
from tests.support.loopback import abort, never_answer, serving_app
from tests.support.pages import SUMMARY, page

HTML = b"<html><body><h1>Bad gateway</h1></body></html>"
SOURCE_FAULTS = ("500", "429", "hang", "html", "empty", "truncated", "reset", "html as json", "{}")
TOOL_PATH = "/hook"  # of a tool of [[notify]], which stands where Slack stands
TOOL_FAULTS = ("429", "500", "close", "hang", "lost")
SLACK_FAULTS = ("429", "500", "close", "hang", "ok:false", "lost")


class LoopbackService:
    """Something that serves on a free port of 127.0.0.1 while it is entered."""

    def __init__(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        self._server = serving_app(web.route("*", "/{path:.*}", handler))
        self.url = ""

    async def __aenter__(self) -> Self:
        self.url = await self._server.__aenter__()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self._server.__aexit__(*problem)


class FakeStatusPage(LoopbackService):
    """A status page of ours. ``fault`` is one of SOURCE_FAULTS, for every path."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.paths = {SUMMARY: page()}
        self.fault = ""
        self.looks = 0

    def show(self, body: bytes, path: str = SUMMARY) -> None:
        self.paths[path] = body

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.looks += 1
        body = self.paths.get(request.path)
        if self.fault:
            return await self._badly(request, body or page())
        if body is None:
            raise web.HTTPNotFound
        return web.Response(body=body, content_type="application/json")

    async def _badly(self, request: web.Request, body: bytes) -> web.StreamResponse:
        json_type = {"content_type": "application/json"}
        match self.fault:
            case "500" | "429":
                return web.Response(status=int(self.fault), headers={"retry-after": "1"})
            case "html":
                return web.Response(body=HTML, content_type="text/html")
            case "html as json" | "empty" | "{}":
                told = {"html as json": HTML, "empty": b"", "{}": b"{}"}
                return web.Response(body=told[self.fault], **json_type)
            case "truncated":
                half = web.StreamResponse(
                    headers={"content-length": str(len(body)), "content-type": "application/json"}
                )
                await half.prepare(request)
                await half.write(body[: len(body) // 2])
        return await abort(request) if self.fault in ("reset", "truncated") else await never_answer()


@dataclass
class AcceptedMessage:
    """A message that Slack took: ``key`` is ours."""

    key: str
    channel: str
    text: str
    thread_ts: str | None
    at: float
    ts: str

    def shown(self) -> dict[str, Any]:
        """As a history has it."""
        metadata = {"event_type": "brownout_post", "event_payload": {"key": self.key}}
        thread = {"thread_ts": self.thread_ts} if self.thread_ts else {}
        return {"type": "message", "ts": self.ts, "text": self.text, "metadata": metadata} | thread


class FakeSlackApi(LoopbackService):
    """chat.postMessage, chat.update and auth.test, and the channel's history where that ``may_be_read``.

    ``fault`` is one of SLACK_FAULTS, or an error code of Slack's.
    """

    def __init__(self, retry_after: int = 2, *, may_be_read: bool = False) -> None:
        super().__init__(self._answer)
        self.retry_after = retry_after
        self.may_be_read = may_be_read
        self.fault = ""
        self.posts: list[AcceptedMessage] = []
        self.edits: list[tuple[str, str]] = []
        self.tries: list[tuple[float, str]] = []  # when, and what went wrong

    @property
    def api(self) -> str:
        return f"{self.url}/api/"

    @property
    def keys(self) -> list[str]:
        return [p.key for p in self.posts]

    def forget(self) -> None:
        self.posts, self.edits, self.tries = [], [], []

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        is_tool = request.path.endswith(TOOL_PATH)
        args = {"id": request.headers["webhook-id"]} if is_tool else await _args(request)
        fault = self.fault
        self.tries.append((time.monotonic(), fault))
        match fault:
            case "429":
                return web.json_response(
                    {"ok": False, "error": "ratelimited"}, status=429, headers={"retry-after": str(self.retry_after)}
                )
            case "500":
                return web.Response(status=500)
            case "close":
                return await abort(request)
            case "hang":
                return await never_answer()
            case "" | "lost":
                answer = self._done(request.path, args)
                return (
                    await abort(request)
                    if fault
                    else web.json_response(answer, headers={"x-oauth-scopes": self.scopes})
                )
        return web.json_response({"ok": False, "error": "internal_error" if fault == "ok:false" else fault})

    @property
    def scopes(self) -> str:
        return "chat:write,channels:history" if self.may_be_read else "chat:write"

    def _done(self, path: str, args: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("auth.test"):  # asked before a post is sent again
            return {"ok": True, "user_id": "UBOT", "bot_id": "B1", "team_id": "T1"}
        if "conversations." not in path:
            return {"ok": True, "ts": self._take(path, args), "channel": args.get("channel")}
        if not self.may_be_read:
            return {"ok": False, "error": "missing_scope"}
        there = [p for p in self.posts if p.channel == args["channel"] and p.thread_ts == args.get("ts")]
        return {"ok": True, "messages": [p.shown() for p in reversed(there) if float(p.ts) >= float(args["oldest"])]}

    def _take(self, path: str, args: dict[str, Any]) -> str:
        if path.endswith(TOOL_PATH):
            self.posts.append(AcceptedMessage(args["id"], "notify:t", "", None, time.monotonic(), "1"))
            return "1"
        if path.endswith("chat.update"):
            self.edits.append((args["ts"], args["text"]))
            return args["ts"]
        key = args["metadata"]["event_payload"]["key"]
        ts = f"{int(time.time())}.{len(self.posts):06}"
        self.posts.append(
            AcceptedMessage(key, args["channel"], args["text"], args.get("thread_ts"), time.monotonic(), ts)
        )
        return ts


async def _args(request: web.Request) -> dict[str, Any]:
    if "json" in request.content_type:
        return await request.json()
    given = {**request.query, **await request.post()}
    return {k: json.loads(v) if k in ("metadata", "blocks") else v for k, v in given.items()}


def acme_at(url: str) -> Provider:
    """Acme, with its page there."""
    return replace(ACME, source=replace(ACME.source, url=url))
