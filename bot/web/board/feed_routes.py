"""Feeds, the maintenance calendar, badges, the page for frames, and the favicon in the colour of a status."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Annotated

from fastapi import FastAPI, Path, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from bot.domain import Provider, Surface
from bot.errors import UsageError
from bot.messages import service_status
from bot.messages.board import feeds, incident_page, status_page
from bot.messages.board.feeds import CalendarEntry, FeedEntry
from bot.messages.service_status import ProviderView
from bot.messages.words import Status
from bot.queries.board import BoardQueries, maintenance_window
from bot.storage.incident_list import ListedIncident
from bot.web.board.reader import BoardReader
from bot.web.board.rendering import PageRenderer
from bot.web.board.security_headers import framing_headers

MAX_ENTRIES = 50
ALL = "all"  # the feed of every provider
_TARGET = Annotated[str, Path(max_length=300)]
_FEED_TYPES = {"atom": "application/atom+xml", "json": "application/feed+json"}
_FEED_HELP = "Feeds: /feeds/ID.atom and /feeds/ID.json; ID is all, a provider, or a service."
_MAX_AGE_S = 60


def add_feeds(app: FastAPI, reader: BoardReader, renderer: PageRenderer, embed_origins: Sequence[str]) -> None:
    """Adds the routes. ``embed_origins`` are the origins whose pages may frame ``/embed/ID``."""
    _add_feed_routes(app, reader)
    _add_picture_routes(app, reader)

    @app.get("/embed/{target}", include_in_schema=False)
    async def embed(target: _TARGET) -> Response:
        try:
            page = await reader.read(partial(_embedded_page, renderer, target))
        except UsageError as error:
            return PlainTextResponse(str(error), 404)
        page.headers.update(framing_headers(embed_origins))
        return page


def _add_feed_routes(app: FastAPI, reader: BoardReader) -> None:
    @app.get("/feeds/{name}", include_in_schema=False)
    async def feed(request: Request, name: _TARGET) -> Response:
        target, _, form = name.rpartition(".")
        if form not in _FEED_TYPES:
            return PlainTextResponse(_FEED_HELP, 404)
        try:
            body = await reader.read(
                lambda board: _Feeds(board).feed(target, form, _base_url(request), request.url.path)
            )
        except UsageError as error:
            return PlainTextResponse(str(error), 404)
        return _cached(request, body, _FEED_TYPES[form])

    @app.get("/maintenance.ics", include_in_schema=False)
    async def maintenance_calendar(request: Request) -> Response:
        return _cached(request, await reader.read(lambda board: _Feeds(board).calendar()), "text/calendar")


def _add_picture_routes(app: FastAPI, reader: BoardReader) -> None:
    @app.get("/badges/{name}", include_in_schema=False)
    async def badge(request: Request, name: _TARGET) -> Response:
        try:
            body = await reader.read(lambda board: _Feeds(board).badge(name.removesuffix(".svg")))
        except UsageError as error:
            return PlainTextResponse(str(error), 404)
        return _cached(request, body, "image/svg+xml", {"Cross-Origin-Resource-Policy": "cross-origin"})

    @app.get("/icons/{name}", include_in_schema=False)
    async def icon(request: Request, name: _TARGET) -> Response:
        wanted = name.removesuffix(".svg").replace("-", " ")
        status = next((s for s in Status if s == wanted), Status.UNKNOWN)
        return _cached(request, feeds.icon(status), "image/svg+xml")


def _embedded_page(renderer: PageRenderer, target: str, board: BoardQueries) -> HTMLResponse:
    """The page for frames. UsageError if there is no such service or provider."""
    return renderer.render(board.queries, "embed.html", title=target, rows=_Feeds(board).service_rows(target))


class _Feeds:
    def __init__(self, board: BoardQueries) -> None:
        self._board, self._queries = board, board.queries

    def feed(self, target: str, form: str, base: str, path: str) -> str:
        """A feed of everything, of a provider, or of a service. UsageError if there is no such thing."""
        if target == ALL:
            title, listed = "Incidents", self._board.recent_incidents(MAX_ENTRIES)
        else:
            provider, surface = self._find(target)
            listed = self._board.recent_incidents(
                MAX_ENTRIES, provider=None if surface else provider.id, surface=surface.id if surface else None
            )
            title = f"{surface.name if surface else provider.name}: incidents"
        names = {p.id: p.name for p in self._queries.providers}
        entries = [_feed_entry(incident, names.get(incident.provider, incident.provider)) for incident in listed]
        if form == "json":
            return feeds.json_feed(title, entries, base, path)
        return feeds.atom_feed(title, entries, base, path)

    def calendar(self) -> str:
        """The maintenances in progress and to come."""
        now = self._queries.now()
        entries = []
        for provider, tracked in self._board.maintenances(self._queries.snapshot()):
            window, incident = maintenance_window(tracked, now), tracked.incident
            entries.append(
                CalendarEntry(
                    incident.id,
                    provider.name,
                    incident.name,
                    window.start,
                    window.end,
                    incident.updated_at or incident.created_at,
                    incident.url,
                )
            )
        return feeds.calendar(entries)

    def badge(self, target: str) -> str:
        """The badge of a service, or of a provider with the worst of its services."""
        view, surface = self._view(target)
        if surface is None:
            return feeds.badge(view.provider.name, view.worst)
        [service] = [s for s in view.services if s.surface.id == surface.id]
        return feeds.badge(surface.name, service.status)

    def service_rows(self, target: str) -> list[status_page.ServiceRow]:
        """The rows of a service, or of all services of a provider."""
        view, surface = self._view(target)
        services = [s for s in view.services if surface is None or s.surface.id == surface.id]
        return [status_page.service_row(s, view) for s in services]

    def _view(self, target: str) -> tuple[ProviderView, Surface | None]:
        """A provider as it is now, with the service that the target is; None where it is the provider."""
        provider, surface = self._find(target)
        state = self._queries.provider_state(provider)
        return service_status.view_provider(provider, state, self._queries.now()), surface

    def _find(self, target: str) -> tuple[Provider, Surface | None]:
        """A provider, or a service with its provider, by exact id. UsageError otherwise."""
        for provider in self._queries.providers:
            if provider.id == target:
                return provider, None
            for surface in provider.surfaces:
                if surface.id == target:
                    return provider, surface
        raise UsageError(f"No provider or service “{target[:60]}”.")


def _feed_entry(listed: ListedIncident, provider: str) -> FeedEntry:
    return FeedEntry(
        id=listed.id,
        provider=provider,
        title=listed.title,
        status=incident_page.step_text(listed.stage, is_open=listed.closed_at is None),
        text=listed.last_text,
        published_at=listed.posted_at,
        updated_at=max(listed.last_posted_at, listed.closed_at or listed.last_posted_at),
    )


def _base_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _cached(request: Request, body: str, media_type: str, headers: dict[str, str] | None = None) -> Response:
    """The body with an ETag; 304 where the client has it already."""
    tag = f'"{sha256(body.encode()).hexdigest()[:20]}"'
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    all_headers = {"ETag": tag, "Cache-Control": f"max-age={_MAX_AGE_S}"} | (headers or {})
    if tag in known or "*" in known:
        return Response(status_code=304, headers=all_headers)
    return Response(body, media_type=media_type, headers=all_headers)
