"""Slack's end of workflow steps: the event that starts one, in the shape of its manual, and the two methods that end it.

An execution ends once. Ended again, it is refused, as the pages of ``functions.completeSuccess`` and
``functions.completeError`` say.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.support.loopback import abort

WORKFLOW_TOKEN = "xwfp-of-this-execution-alone"  # noqa: S105  (it opens nothing)
NOT_RUNNING, NOT_FOUND = "execution_not_in_running_state", "function_execution_not_found"


def step_event(kind: str, inputs: Mapping[str, Any], execution: str = "Fx1", event_id: str = "") -> dict[str, Any]:
    """The body of ``function_executed`` (https://docs.slack.dev/reference/events/function_executed)."""
    parameters = [
        {"type": "string", "name": name, "description": name, "title": name, "is_required": True} for name in inputs
    ]
    function = {
        "id": "Fn123456789O",
        "callback_id": kind,
        "title": kind,
        "description": kind,
        "type": "app",
        "input_parameters": parameters,
        "output_parameters": [],
        "app_id": "A123ABC456",
        "date_created": 1694727597,
        "date_updated": 1698947481,
        "date_deleted": 0,
    }
    event = {
        "type": "function_executed",
        "function": function,
        "inputs": dict(inputs),
        "function_execution_id": execution,
        "workflow_execution_id": "Wx1234567O9L",
        "event_ts": "1698958075.998738",
        "bot_access_token": WORKFLOW_TOKEN,
    }
    return {
        "token": "XXYYZZ",
        "team_id": "T1",
        "api_app_id": "A123ABC456",
        "event": event,
        "type": "event_callback",
        "event_id": event_id or f"Ev{execution}",
        "event_time": 1698958075,
        "authorizations": [{"team_id": "T1", "user_id": "U123ABC456", "is_bot": True, "is_enterprise_install": False}],
    }


class FakeWorkflows:
    """Slack's Web API for steps, and Socket Mode. ``ended`` has how each execution ended, ``asked`` all calls with their tokens.

    ``faults`` are played by the next calls that end a step: ``429``, ``500``, ``close`` (before it is taken), ``lost``
    (taken, and no answer), or a code of Slack. ``on_end`` is called when a step is taken, before the answer; ``on_fault``
    before a connection is broken off.
    """

    def __init__(self):
        self.running = set()
        self.ended = {}
        self.refused = []
        self.asked = []
        self.faults = deque()
        self.connection = None
        self.acknowledged = {}
        self.on_end = lambda _: None
        self.on_fault = lambda: None

    def routes(self):
        """The routes of all methods."""
        return [web.route("*", "/api/{method}", self.answer), web.get("/socket", self._connect)]

    def start(self, kind, inputs, execution="Fx1"):
        """Starts an execution; its event."""
        self.running.add(execution)
        return step_event(kind, inputs, execution)

    async def deliver(self, body, timeout_s=10):
        """Sends an event over Socket Mode; whether it is acknowledged."""
        envelope = f"e{len(self.acknowledged)}"
        acknowledged = self.acknowledged[envelope] = asyncio.Event()
        told = {"envelope_id": envelope, "type": "events_api", "accepts_response_payload": False, "payload": body}
        try:
            async with asyncio.timeout(timeout_s):
                await self.connection.send_json(told)
                await acknowledged.wait()
        except (TimeoutError, OSError, AttributeError):  # not connected, or not any more
            return False
        return True

    async def _connect(self, request):
        self.connection = connection = web.WebSocketResponse()
        await connection.prepare(request)
        await connection.send_json({"type": "hello", "num_connections": 1})
        async for message in connection:
            if message.type is web.WSMsgType.TEXT:
                self.acknowledged[json.loads(message.data)["envelope_id"]].set()
        if self.connection is connection:
            self.connection = None
        return connection

    async def answer(self, request):
        """Answers one call."""
        method = request.match_info["method"]
        if method == "apps.connections.open":
            return web.json_response({"ok": True, "url": f"ws://{request.host}/socket"})
        given = {**request.query, **(await request.json() if "json" in request.content_type else await request.post())}
        self.asked.append((method, request.headers.get("Authorization", "").removeprefix("Bearer ")))
        if not method.startswith("functions."):
            us = {"user_id": "UBOT", "bot_id": "B1", "team_id": "T1", "url": "https://acme.slack.com/", "ts": "1.1"}
            return web.json_response({"ok": True, **us})
        return await self._end(request, method, given)

    async def _end(self, request, method, given):
        match fault := self.faults.popleft() if self.faults else "":
            case "429":
                body = {"ok": False, "error": "ratelimited"}
                return web.json_response(body, status=429, headers={"retry-after": "30"})
            case "500":
                return web.Response(status=500)
            case "close" | "lost":
                if fault == "lost":
                    self._take(method, given)
                self.on_fault()
                return await abort(request)
            case "":
                return web.json_response(self._take(method, given))
        return web.json_response({"ok": False, "error": fault})

    def _take(self, method, given):
        execution = given["function_execution_id"]
        if execution not in self.running:
            code = NOT_RUNNING if execution in self.ended else NOT_FOUND
            self.refused.append((execution, code))
            return {"ok": False, "error": code}
        self.running.remove(execution)
        is_done = method == "functions.completeSuccess"
        self.ended[execution] = json.loads(given["outputs"]) if is_done else given["error"]
        self.on_end(execution)
        return {"ok": True}
