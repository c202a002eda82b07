"""The board: its pages, their static files, and the event stream that tells an open page to refresh.

Pages are rendered on the server and complete without JavaScript (then they reload every minute). Nothing is loaded from
another server and nothing is inline, so that the Content-Security-Policy can forbid both: vendor text is hostile
(bot/docs/decisions.md#rule-12-vendor-text-is-hostile).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from itertools import groupby
from pathlib import Path as File
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import FastAPI, Path
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import __version__
from bot.domain import ProviderState, TrackedIncident
from bot.errors import UsageError
from bot.messages import board as messages_board
from bot.messages import formatting, replies, service_status, source_health
from bot.messages.builder import BOLD, CODE
from bot.queries import delivery, manual
from bot.queries import sources as queries_sources
from bot.queries.current import StatusQueries
from bot.rules.forecast import duration, tracker

if TYPE_CHECKING:
    from bot.web.board.manual import RenderedPage

BOARD_FOLDER = File(__file__).parent
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MAX_CLOSED_INCIDENTS = 10  # closed incidents on the board
SEARCHED_INCIDENTS = 60  # the newest incidents, among which the closed ones are searched
MAX_STREAMS = 64  # open event streams at once
CHANGE_CHECK_S = 1.0  # seconds between two checks for new events
REFRESH_S = 30  # a page is refreshed after this time even without an event, since verdicts change with time
HEARTBEAT_S = 15  # a comment, so that a dead connection is noticed


class SecurityHeadersMiddleware:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Wraps an ASGI app."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; see the ASGI specification."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, guarded)


def add_board(app: FastAPI, queries: StatusQueries, closing: asyncio.Event) -> None:
    """Adds the board to the app. ``closing`` ends its streams."""
    templates = _create_environment()

    def render(template: str, status: int = 200, **values: object) -> HTMLResponse:
        html = templates.get_template(template).render(
            version=__version__, now=queries.now(), problem=delivery.stop_text(queries), **values
        )
        return HTMLResponse(html, status, {"Cache-Control": "no-store"})

    @app.get("/", include_in_schema=False)
    async def board() -> HTMLResponse:
        snapshot, surfaces, now = queries.snapshot(), queries.surfaces(), queries.now()
        return render(
            "board.html",
            title=service_status.overall_headline(snapshot, now),
            parts=messages_board.provider_sections(snapshot, surfaces, now),
            open=_incident_views(
                queries,
                (tracked for _, state in snapshot for tracked in state.open_incidents if replies.has_begun(tracked)),
            ),
            announced=_incident_views(
                queries,
                (
                    tracked
                    for _, state in snapshot
                    for tracked in state.open_incidents
                    if not replies.has_begun(tracked)
                ),
            ),
            closed=_recently_closed(queries),
        )

    @app.get("/sources", include_in_schema=False)
    async def sources() -> HTMLResponse:
        sources_now, now = queries_sources.list_sources(queries), queries.now()
        return render(
            "sources.html",
            title=source_health.sources_headline(sources_now),
            lines=[*delivery.delivery_lines(queries), *(source_health.source_line(s, now) for s in sources_now)],
        )

    @app.get("/incidents/{incident:path}", include_in_schema=False)
    async def incident(incident: Annotated[str, Path(max_length=200)]) -> HTMLResponse:
        try:
            view = _incident_view(queries, incident)
        except UsageError as error:
            return render("missing.html", 404, title="Not found", why=str(error))
        return render("incident.html", title=f"{view.provider}: {view.title}", story=view)

    _add_manual(app, render)
    _add_static_files(app)
    _add_event_stream(app, queries, closing)


def _add_manual(app: FastAPI, render: Callable[..., HTMLResponse]) -> None:
    @app.get("/docs", include_in_schema=False)
    async def manual_index() -> HTMLResponse:
        return render("manual_index.html", title="Manual", groups=_manual_groups(), typed="", nearest=())

    @app.get("/docs/{page}", include_in_schema=False)
    async def manual_page(page: Annotated[str, Path(max_length=200)]) -> HTMLResponse:
        try:
            rendered = await asyncio.to_thread(_render_manual_page, page)
        except UsageError as error:
            unknown = {"typed": error.typed, "nearest": error.choices}
            return render("manual_index.html", 404, title="Not found", groups=_manual_groups(), **unknown)
        return render("manual_page.html", title=rendered.title, page=rendered)


def _manual_groups() -> list[tuple[str, list[manual.ManualPage]]]:
    return [(group, list(pages)) for group, pages in groupby(manual.list_pages(), key=lambda page: page.group)]


def _render_manual_page(typed: str) -> RenderedPage:
    """Renders a page. Run it in a thread: it reads files, and the first call imports a Markdown parser."""
    from bot.web.board.manual import render_page  # noqa: PLC0415  (1 MB of memory that only the manual needs)

    return render_page(manual.find_page(typed))


def _add_static_files(app: FastAPI) -> None:
    files = {file.name: (file.read_bytes(), MEDIA_TYPES[file.suffix]) for file in (BOARD_FOLDER / "static").iterdir()}

    @app.get("/static/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in files:
            return Response("not found", 404, media_type="text/plain")
        body, kind = files[name]
        return Response(body, media_type=kind, headers={"Cache-Control": "max-age=3600"})


def _add_event_stream(app: FastAPI, queries: StatusQueries, closing: asyncio.Event) -> None:
    live: set[object] = set()

    @app.get("/events", include_in_schema=False)
    async def events() -> Response:
        if len(live) >= MAX_STREAMS:
            return Response("too many boards are live; reload later", 503, {"Retry-After": "60"}, "text/plain")
        stream = stream_changes(queries, closing, live)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def stream_changes(queries: StatusQueries, closing: asyncio.Event, live: set[object]) -> AsyncIterator[str]:
    """Server-sent events: ``changed`` after every new event, and every REFRESH_S seconds. Ends with ``closing``.

    ``live`` has one token for every open stream.
    """
    token = object()
    live.add(token)
    try:
        loop = asyncio.get_running_loop()
        last_event_id, last_sent_at = queries.repository.latest_event_id(), loop.time()
        yield "retry: 3000\n\n"
        while not await _wait_for_event(closing, CHANGE_CHECK_S):
            event_id, now = queries.repository.latest_event_id(), loop.time()
            if event_id != last_event_id or now - last_sent_at >= REFRESH_S:
                last_event_id, last_sent_at = event_id, now
                yield f"event: changed\ndata: {event_id}\n\n"
            elif (now - last_sent_at) % HEARTBEAT_S < CHANGE_CHECK_S:
                yield ": still here\n\n"
    finally:
        live.discard(token)


async def _wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    try:
        return await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False


def _incident_view(queries: StatusQueries, incident: str) -> messages_board.IncidentView:
    provider, tracked, events = queries.find_incident(incident)
    outlook = (queries.repository.provider_state(provider.id) or ProviderState(provider.id)).outlook
    first = tracker.shown_estimate(outlook, tracked.incident.id, queries.now())
    first_estimate = (first, duration.track_record_text(outlook.grades))
    return messages_board.incident_view(
        tracked, provider, events, queries.surfaces(), queries.now(), first=first_estimate
    )


def _recently_closed(queries: StatusQueries) -> list[messages_board.IncidentView]:
    """The incidents that were closed last, the newest first."""
    ids = {p.id for p in queries.providers}
    incidents = [
        stored
        for i in queries.repository.incident_ids(limit=SEARCHED_INCIDENTS)
        if (stored := queries.repository.tracked_incident(i)) and stored[0] in ids
    ]
    ended = sorted(
        ((tracked.closed_at, tracked.incident.id) for _, tracked in incidents if tracked.closed_at), reverse=True
    )
    return [_incident_view(queries, incident) for _, incident in ended[:MAX_CLOSED_INCIDENTS]]


def _incident_views(
    queries: StatusQueries, tracked_incidents: Iterable[TrackedIncident]
) -> list[messages_board.IncidentView]:
    """The views of the incidents, the newest first."""
    newest = sorted(tracked_incidents, key=lambda tracked: tracked.incident.created_at, reverse=True)
    return [_incident_view(queries, tracked.incident.id) for tracked in newest]


# --- templates --------------------------------------------------------------------------------------------------------


def _create_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(BOARD_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "marked": to_markup,
        "day": formatting.format_datetime,
        "cut": formatting.truncate,
        "iso": _iso,
        "web": _web_url,
        "quoted": _quote_path,
    }
    return environment


def to_markup(text: str) -> Markup:
    """A text of the bot as HTML: escaped, then ``**bold**`` and `` `code` ``. Not for vendor text."""
    bold = BOLD.sub(r"<strong>\1</strong>", str(escape(text)))
    return Markup(CODE.sub(r"<code>\1</code>", bold))  # noqa: S704  (escaped above)


def _web_url(url: str | None) -> str | None:
    """The address, if it may become a link (http or https); None otherwise."""
    is_safe = url is not None and re.match(r"https?://[^\s<>\"']+$", url)
    return url if is_safe else None


def _quote_path(identity: str) -> str:
    """An id as one segment of a path."""
    return quote(identity, safe="")


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
