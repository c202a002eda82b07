"""The event stream that tells an open page to refresh, and which providers changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from bot.queries.current import StatusQueries

MAX_STREAMS = 64  # open event streams at once
CHANGE_CHECK_S = 1.0  # seconds between two checks for new events
REFRESH_S = 30  # a page is refreshed after this time even without an event, since advice changes with time
HEARTBEAT_S = 15  # a comment, so that a dead connection is noticed


def add_event_stream(app: FastAPI, queries: StatusQueries, closing: asyncio.Event) -> None:
    """Adds ``/events``. ``closing`` ends its streams."""
    live: set[object] = set()

    @app.get("/events", include_in_schema=False)
    async def events() -> Response:
        if len(live) >= MAX_STREAMS:
            return Response("too many boards are live; reload later", 503, {"Retry-After": "60"}, "text/plain")
        token = object()
        live.add(token)  # before the answer begins, so that many who ask at once are counted
        return _CountedStream(stream_changes(queries, closing), lambda: live.discard(token))


class _CountedStream(StreamingResponse):
    """A stream that says when it ends, also where it never began."""

    def __init__(self, stream: AsyncIterator[str], ended: Callable[[], None]) -> None:
        super().__init__(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._ended = ended

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


async def stream_changes(queries: StatusQueries, closing: asyncio.Event) -> AsyncIterator[str]:
    """Server-sent events: ``changed`` after every new event, and every REFRESH_S seconds. Ends with ``closing``.

    Its data is JSON: ``event`` is the number of the newest event, ``providers`` those that changed; none after
    REFRESH_S without a change.
    """
    loop = asyncio.get_running_loop()
    last_event_id, last_sent_at = await queries.newest_event(), loop.time()
    yield "retry: 3000\n\n"
    while not await _wait_for_event(closing, CHANGE_CHECK_S):
        event_id, now = await queries.newest_event(), loop.time()
        if event_id != last_event_id or now - last_sent_at >= REFRESH_S:
            changed = await queries.units.run(queries.repository.providers_changed_since, last_event_id)
            last_event_id, last_sent_at = event_id, now
            yield f"event: changed\ndata: {json.dumps({'event': event_id, 'providers': changed})}\n\n"
        elif (now - last_sent_at) % HEARTBEAT_S < CHANGE_CHECK_S:
            yield ": still here\n\n"


async def _wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    try:
        return await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
