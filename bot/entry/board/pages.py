"""A desk -> the board's pages, their static files, and the stream that tells a page to look again.

Server-rendered and complete without JavaScript (then it reloads every minute). Nothing comes from another server and
nothing is inline, so that the Content-Security-Policy can forbid all else: vendor words are hostile (DESIGN.md 4.12).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path as File
from typing import Annotated
from urllib.parse import quote

from fastapi import FastAPI, Path
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import __version__
from bot.core import forecast
from bot.entry import health
from bot.entry.desk import Desk
from bot.errors import UsageError
from bot.model import Known, World
from bot.voice import board as view
from bot.voice import health as voice
from bot.voice import replies, words
from bot.voice.sheet import BOLD, CODE

HERE = File(__file__).parent
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
RECENT = 10  # closed incidents on the board
LATELY = 60  # incidents that are looked through for them
STREAMS = 64  # boards that may be live at once
LOOK_S = 1.0  # between two looks whether something happened
AGE_S = 30  # a page is told to look again after so long, since verdicts change with time too
BEAT_S = 15  # a comment, so that a dead connection is noticed


class Guarded:
    """Puts the headers that hold a browser back on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Wraps an ASGI app."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; see the ASGI specification."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, guarded)


def add(app: FastAPI, desk: Desk, closing: asyncio.Event) -> None:
    """Adds the board to the app. ``closing`` ends its streams."""
    draw = _templates()

    def drawn(template: str, status: int = 200, **values: object) -> HTMLResponse:
        html = draw.get_template(template).render(version=__version__, now=desk.now(), **values)
        return HTMLResponse(html, status, {"Cache-Control": "no-store"})

    @app.get("/", include_in_schema=False)
    async def board() -> HTMLResponse:
        found, surfaces, now = desk.board(), desk.surfaces(), desk.now()
        return drawn(
            "board.html",
            title=replies.headline(found, now),
            parts=view.parts(found, surfaces, now),
            open=_stories(desk, (k for _, w in found for k in w.open_incidents if replies.has_begun(k))),
            announced=_stories(desk, (k for _, w in found for k in w.open_incidents if not replies.has_begun(k))),
            closed=_closed(desk),
        )

    @app.get("/sources", include_in_schema=False)
    async def sources() -> HTMLResponse:
        found, now = health.found(desk), desk.now()
        return drawn("sources.html", title=voice.headline(found), lines=[voice.line(s, now) for s in found])

    @app.get("/incidents/{incident:path}", include_in_schema=False)
    async def incident(incident: Annotated[str, Path(max_length=200)]) -> HTMLResponse:
        try:
            story = _story(desk, incident)
        except UsageError as error:
            return drawn("missing.html", 404, title="Not found", why=str(error))
        return drawn("incident.html", title=f"{story.provider}: {story.title}", story=story)

    _static(app)
    _stream(app, desk, closing)


def _static(app: FastAPI) -> None:
    files = {file.name: (file.read_bytes(), KINDS[file.suffix]) for file in (HERE / "static").iterdir()}

    @app.get("/static/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in files:
            return Response("not found", 404, media_type="text/plain")
        body, kind = files[name]
        return Response(body, media_type=kind, headers={"Cache-Control": "max-age=3600"})


def _stream(app: FastAPI, desk: Desk, closing: asyncio.Event) -> None:
    live: set[object] = set()

    @app.get("/events", include_in_schema=False)
    async def events() -> Response:
        if len(live) >= STREAMS:
            return Response("too many boards are live; reload later", 503, {"Retry-After": "60"}, "text/plain")
        stream = changes(desk, closing, live)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def changes(desk: Desk, closing: asyncio.Event, live: set[object]) -> AsyncIterator[str]:
    """Server-sent events: ``changed`` where the timeline grew, or where time alone has passed. Ends with ``closing``.

    ``live`` holds one token for every stream that runs.
    """
    token = object()
    live.add(token)
    try:
        loop = asyncio.get_running_loop()
        seen, told = desk.book.newest_event(), loop.time()
        yield "retry: 3000\n\n"
        while not await _is_set(closing, LOOK_S):
            newest, at = desk.book.newest_event(), loop.time()
            if newest != seen or at - told >= AGE_S:
                seen, told = newest, at
                yield f"event: changed\ndata: {newest}\n\n"
            elif (at - told) % BEAT_S < LOOK_S:
                yield ": still here\n\n"
    finally:
        live.discard(token)


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    try:
        return await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False


def _story(desk: Desk, incident: str) -> view.Story:
    provider, known, events = desk.incident(incident)
    ahead = (desk.book.world(provider.id) or World(provider.id)).outlook
    first = (ahead.of(known.incident.id), forecast.record(ahead.grades))
    return view.story(known, provider, events, desk.surfaces(), desk.now(), first=first)


def _closed(desk: Desk) -> list[view.Story]:
    """The incidents that ended last, the newest first."""
    ids = {p.id for p in desk.providers}
    found = [k for i in desk.book.incident_ids(limit=LATELY) if (k := desk.book.known(i)) and k[0] in ids]
    ended = sorted(((k.closed_at, k.incident.id) for _, k in found if k.closed_at), reverse=True)
    return [_story(desk, incident) for _, incident in ended[:RECENT]]


def _stories(desk: Desk, known: Iterable[Known]) -> list[view.Story]:
    """The incidents with all that is known of them, the newest first."""
    newest = sorted(known, key=lambda k: k.incident.created_at, reverse=True)
    return [_story(desk, k.incident.id) for k in newest]


# --- templates --------------------------------------------------------------------------------------------------------


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"marked": marked, "day": words.day, "cut": words.cut, "iso": _iso, "web": _web, "quoted": _quoted}
    return made


def marked(text: str) -> Markup:
    """A sentence of ours as HTML: escaped, then ``**bold**`` and `` `code` ``. Never for somebody else's words."""
    bold = BOLD.sub(r"<strong>\1</strong>", str(escape(text)))
    return Markup(CODE.sub(r"<code>\1</code>", bold))  # noqa: S704  (escaped above)


def _web(url: str | None) -> str | None:
    """An address that may become a link: only http and https."""
    is_safe = url is not None and re.match(r"https?://[^\s<>\"']+$", url)
    return url if is_safe else None


def _quoted(identity: str) -> str:
    """An id as one piece of a path."""
    return quote(identity, safe="")


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
