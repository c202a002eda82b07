"""The board: its pages and their static files.

Pages are rendered on the server and complete without JavaScript (then they reload every minute). Nothing is loaded from
another server and nothing is inline, so that the Content-Security-Policy can forbid both: vendor text is hostile
(bot/docs/decisions.md#rule-12-vendor-text-is-hostile).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlencode

from fastapi import FastAPI, Path, Query
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from pydantic import BaseModel, field_validator

from bot import lookup
from bot.domain import Event, Provider, ProviderState, Surface, TrackedIncident
from bot.domain.reliability import TimeWindow
from bot.errors import UsageError
from bot.messages import export, formatting, service_status, source_health
from bot.messages.board import bars, evidence, incident_page, lanes, source_page, status_page
from bot.messages.board.bars import DayStrip, status_class
from bot.messages.board.incident_page import IncidentView, TimelineFilter
from bot.messages.declared import reader_text
from bot.messages.export import IncidentExport
from bot.messages.summary import NO_SURROUNDINGS, Surroundings
from bot.messages.words import Status
from bot.queries import declared as declared_queries
from bot.queries import delivery, manual
from bot.queries import sources as queries_sources
from bot.queries.board import BoardQueries, maintenance_window
from bot.queries.current import StatusQueries
from bot.queries.history import SurfaceUptime
from bot.queries.incident_export import incident_export, surroundings
from bot.rules.forecast import tracker
from bot.storage.incident_list import IncidentFilter, IncidentState, ListedIncident
from bot.web.board import event_stream, feed_routes
from bot.web.board.reader import BoardReader
from bot.web.board.rendering import BOARD_FOLDER, PageRenderer
from bot.web.board.security_headers import framing_headers

if TYPE_CHECKING:
    from bot.web.board.manual import RenderedPage

MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
EXPORT_MEDIA_TYPES = {
    "markdown": "text/markdown",
    "html": "text/html",
    "ics": "text/calendar",
    "json": "application/json",
}
MAX_OPEN = 8  # open incidents on the first page; the others are in the list
MAX_RECENT = 5
MAX_PLANNED = 5
PLANNED_WITHIN = timedelta(days=7)
MAX_ID = 300  # characters: of an incident's id with its provider's
SHORT_WINDOWS = (7, 30)  # days, beside the 90 of the strip

Id = Annotated[str, Path(max_length=MAX_ID)]
Typed = Annotated[str, Query(max_length=200)]


_MAX_TYPED = 200  # characters


class ListQuery(BaseModel):
    """What a reader chose in the list of incidents; empty for everything, and for what makes no sense."""

    q: str = ""
    provider: str = ""
    service: str = ""
    state: IncidentState | Literal[""] = ""
    year: str = ""
    page: int = 1

    @field_validator("q", "provider", "service", mode="before")
    @classmethod
    def _cut(cls, value: object) -> str:
        return str(value)[:_MAX_TYPED]

    @field_validator("state", mode="before")
    @classmethod
    def _known_state(cls, value: object) -> str:
        return next((s for s in IncidentState if s == str(value).casefold()), "")

    @field_validator("year", mode="before")
    @classmethod
    def _year(cls, value: object) -> str:
        return str(value) if re.fullmatch("[0-9]{4}", str(value)) else ""

    @field_validator("page", mode="before")
    @classmethod
    def _page(cls, value: object) -> int:
        is_number = re.fullmatch("[0-9]{1,5}", str(value))
        return max(int(str(value)), 1) if is_number else 1

    def incident_filter(self) -> IncidentFilter:
        """The same for the database."""
        return IncidentFilter(
            self.provider or None,
            self.service or None,
            IncidentState(self.state) if self.state else None,
            int(self.year) if self.year else None,
        )

    def page_url(self, number: int) -> str:
        """The address of another page of the list."""
        values = self.model_dump(exclude_defaults=True, mode="json") | {"page": number}
        return f"/incidents?{urlencode(values)}"


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident in a list."""

    id: str
    title: str
    provider: str
    services: str
    status: str
    step: str
    at: datetime
    lasted: str


@dataclass(frozen=True, slots=True)
class MaintenanceRow:
    """One maintenance in the calendar list."""

    id: str
    title: str
    provider: str
    services: str
    step: str
    start: datetime
    end: datetime | None


def add_board(
    app: FastAPI,
    queries: StatusQueries,
    reader: BoardReader,
    closing: asyncio.Event,
    *,
    embed_origins: Sequence[str] = (),
) -> None:
    """Adds the board to the app.

    Args:
        app: The web application.
        queries: The present state.
        reader: Reads it in threads.
        closing: Ends the board's streams.
        embed_origins: Origins whose pages may frame ``/embed/ID`` and ``/embed/incidents/ID``.
    """
    renderer = PageRenderer(queries)
    drawing = PageDrawing(reader, renderer)
    _add_status_routes(app, drawing)
    _add_incident_routes(app, drawing)
    _add_framed_incident(app, drawing, embed_origins)
    _add_manual(app, queries, renderer)
    _add_static_files(app)
    app.state.missing_page = lambda why: renderer.render(queries, "missing.html", 404, title="Not found", why=why)
    feed_routes.add_feeds(app, reader, renderer, embed_origins)
    event_stream.add_event_stream(app, queries, closing)


def _add_status_routes(app: FastAPI, drawing: PageDrawing) -> None:
    @app.get("/", include_in_schema=False)
    async def status() -> HTMLResponse:
        return await drawing.page("/", BoardPages.status)

    @app.get("/surfaces/{surface}", include_in_schema=False)
    async def service(surface: Id) -> HTMLResponse:
        return await drawing.page(("service", surface), lambda pages: pages.service(surface))

    @app.get("/maintenance", include_in_schema=False)
    async def maintenance() -> HTMLResponse:
        return await drawing.page("/maintenance", BoardPages.maintenance)

    @app.get("/sources", include_in_schema=False)
    async def sources() -> HTMLResponse:
        return await drawing.page("/sources", BoardPages.sources)


def _add_incident_routes(app: FastAPI, drawing: PageDrawing) -> None:
    @app.get("/incidents", include_in_schema=False)
    async def incidents(chosen: Annotated[ListQuery, Query()]) -> HTMLResponse:
        return await drawing.page(("incidents", *chosen.model_dump().values()), lambda pages: pages.incidents(chosen))

    @app.get("/incidents/{incident:path}", include_in_schema=False)
    async def incident(incident: Id, show: Typed = "") -> HTMLResponse:
        part = next((f for f in TimelineFilter if f == show), None)
        return await drawing.page(("incident", incident, part), lambda pages: pages.incident(incident, part))

    @app.get("/exports/{form}/{incident:path}", include_in_schema=False)
    async def exported(form: str, incident: Id) -> Response:
        exporter = export.EXPORTERS.get(form)
        if exporter is None:
            return PlainTextResponse(f"No form “{form}”. Forms: {', '.join(export.EXPORTERS)}.", 404)
        try:
            text = await drawing.reader.read(
                lambda board: exporter(without_people(incident_export(board.queries, incident, "")))
            )
        except UsageError as error:
            return PlainTextResponse(str(error), 404)
        suffix = {"markdown": "md"}.get(form, form)
        headers = {
            "Content-Disposition": f'attachment; filename="incident.{suffix}"',
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        }
        return Response(text, media_type=EXPORT_MEDIA_TYPES[form], headers=headers)


def _add_framed_incident(app: FastAPI, drawing: PageDrawing, embed_origins: Sequence[str]) -> None:
    @app.get("/embed/incidents/{incident:path}", include_in_schema=False)
    async def framed(incident: Id) -> HTMLResponse:
        page = await drawing.page(("framed", incident), lambda pages: pages.incident(incident, None))
        page.headers.update(framing_headers(embed_origins))
        return page


@dataclass(frozen=True, slots=True)
class PageDrawing:
    """Draws pages in the reader's threads, each once for all who ask for it."""

    reader: BoardReader
    renderer: PageRenderer

    async def page(self, address: Hashable, draw: Callable[[BoardPages], HTMLResponse]) -> HTMLResponse:
        """The page of an address."""
        return await self.renderer.once(
            address, lambda: self.reader.read(lambda board: draw(BoardPages(board, self.renderer)))
        )


def without_people(found: IncidentExport) -> IncidentExport:
    """The export without what people wrote: whoever can reach the port can read it."""
    events = tuple(e for e in found.events if incident_page.filter_of(e) is not TimelineFilter.PEOPLE)
    return replace(found, events=events, labels=())


@dataclass(frozen=True, slots=True)
class BoardPages:
    """Draws the pages, in the thread of its queries."""

    board: BoardQueries
    renderer: PageRenderer

    @property
    def queries(self) -> StatusQueries:
        """The present state."""
        return self.board.queries

    def status(self) -> HTMLResponse:
        """The first page."""
        queries, now = self.queries, self.queries.now()
        snapshot = queries.snapshot()
        views = [service_status.view_provider(p, state, now) for p, state in snapshot]
        uptimes = self.board.uptimes(snapshot)
        page = status_page.status_page(views, snapshot, now)
        begun = [
            (provider, state, tracked)
            for provider, state in snapshot
            for tracked in state.open_incidents
            if service_status.has_begun(tracked) and not tracked.incident.is_maintenance
        ]
        begun.sort(key=lambda item: item[2].incident.created_at, reverse=True)
        recent = self.board.recent_incidents(MAX_RECENT, state=IncidentState.RESOLVED)
        return self.renderer.render(
            self.queries,
            "status.html",
            title=page.headline,
            section="/",
            worst=page.status,
            page=page,
            names={i: s.name for i, s in queries.surfaces().items()},
            strips={i: bars.day_strip(u.surface.name, u.days, u.figures) for i, u in uptimes.items()},
            provider_strips={p.id: strip for p, _ in snapshot if (strip := _provider_strip(p, uptimes))},
            open=[self._open_incident_view(*item) for item in begun[:MAX_OPEN]],
            more_open=max(len(begun) - MAX_OPEN, 0),
            planned=list(self._planned_rows(snapshot)),
            recent=[self._row(i) for i in recent],
            sources=source_health.sources_headline(queries_sources.list_sources(queries)),
        )

    def service(self, surface_id: str) -> HTMLResponse:
        """The page of one service."""
        queries, now = self.queries, self.queries.now()
        try:
            provider, surface = lookup.surface_by_id(queries.providers, surface_id)
        except UsageError as error:
            return self._missing(str(error))
        state = queries.provider_state(provider)
        view = service_status.view_provider(provider, state, now)
        [service] = [s for s in view.services if s.surface.id == surface.id]
        row = status_page.service_row(service, view)
        uptimes = self.board.uptimes([(provider, state)])
        uptime = uptimes.get(surface.id) or self.board.uptime_windows(surface, [bars.STRIP_DAYS])[0][1]
        windows = [
            (n, bars.share_text(u.figures), bars.known_text(u.figures))
            for n, u in (*self.board.uptime_windows(surface, SHORT_WINDOWS), (bars.STRIP_DAYS, uptime))
        ]
        window = self.board.recent_window()
        verdict = service.verdict if view.is_readable else None
        names = {i: s.name for i, s in queries.surfaces().items()}
        return self.renderer.render(
            self.queries,
            "service.html",
            title=f"{surface.name}: {service.status}",
            worst=row.status,
            section="/",
            provider_id=provider.id,
            row=row,
            reason=service_status.as_sentence(verdict.because or verdict.reason) if verdict else "",
            instead=names.get(row.instead or "", row.instead or ""),
            advice=service_status.what_to_do(surface, verdict) if verdict and row.status != "operational" else [],
            days=bars.day_strip(surface.name, uptime.days, uptime.figures),
            windows=windows,
            bad_days=bars.bad_day_texts(uptime.days),
            lane_views=[self._lane(surface, window)],
            ticks=list(lanes.axis_ticks(window)),
            incidents=[self._row(i) for i in self.board.recent_incidents(MAX_RECENT * 2, surface=surface.id)],
            evidence=evidence.evidence_lines(queries.verdict_json(provider, surface)["basis"]),
        )

    def incidents(self, chosen: ListQuery) -> HTMLResponse:
        """One page of the list of incidents."""
        search = chosen.q.strip()
        listed = self.board.incident_list(chosen.incident_filter(), chosen.page, search)
        providers = sorted(((p.id, p.name) for p in self.queries.providers), key=lambda item: item[1].casefold())
        selects = [
            ("provider", "Provider", providers),
            ("state", "Status", [(s.value, s.value) for s in IncidentState]),
            ("year", "Year", [(str(y), str(y)) for y in self.board.years()]),
        ]
        is_restricted = bool(chosen.model_dump(exclude_defaults=True))
        return self.renderer.render(
            self.queries,
            "incidents.html",
            title="Incidents",
            section="/incidents",
            query=search,
            chosen=chosen.model_dump(mode="json"),
            selects=selects,
            rows=[self._row(i) for i in listed.incidents],
            feed=self._feed_id(chosen),
            empty="No incidents match." if is_restricted else "No incidents recorded yet.",
            is_cut=listed.is_search_cut,
            newer=chosen.page_url(chosen.page - 1) if chosen.page > 1 else "",
            older=chosen.page_url(chosen.page + 1) if listed.has_more else "",
        )

    def incident(self, incident: str, show: TimelineFilter | None) -> HTMLResponse:
        """The page of one incident, with one part of its timeline or all of it."""
        queries = self.queries
        try:
            provider, tracked, _ = queries.find_incident(incident)
        except UsageError as error:
            return self._missing(str(error))
        view = self._incident_view(incident, show)
        surfaces = [s for s in provider.surfaces if s.id in tracked.surfaces]
        window = self.board.incident_window(tracked)
        related = [
            i
            for s in surfaces[:1]
            for i in self.board.recent_incidents(MAX_RECENT + 1, surface=s.id)
            if i.id != tracked.incident.id
        ]
        return self.renderer.render(
            self.queries,
            "incident.html",
            title=f"{view.provider}: {view.title}",
            section="/incidents",
            worst=view.status,
            provider_id=provider.id,
            story=view,
            show=show,
            lane_views=[self._lane(s, window) for s in surfaces],
            ticks=list(lanes.axis_ticks(window)),
            related=[self._row(i) for i in related[:MAX_RECENT]],
        )

    def maintenance(self) -> HTMLResponse:
        """The calendar of maintenances, by day."""
        now = self.queries.now()
        rows = [self._maintenance_row(p, t) for p, t in self.board.maintenances(self.queries.snapshot())]
        days = [
            ("In progress" if is_now else f"{day:%a} {day.day} {day:%b %Y}", list(same))
            for (is_now, day), same in groupby(
                sorted(rows, key=lambda r: (r.start > now, r.start)), key=lambda r: (r.start <= now, _day(r, now))
            )
        ]
        return self.renderer.render(
            self.queries,
            "maintenance.html",
            title=formatting.upper_first(f"{formatting.pluralize(len(rows), 'maintenance')}")
            if rows
            else "Maintenance",
            section="/maintenance",
            days=days,
        )

    def sources(self) -> HTMLResponse:
        """The table of the sources, the worst first."""
        listed, now = queries_sources.list_sources(self.queries), self.queries.now()
        names = {p.id: p.name for p in self.queries.providers}
        return self.renderer.render(
            self.queries,
            "sources.html",
            title=source_health.sources_headline(listed),
            section="/sources",
            lines=delivery.public_lines(self.queries),
            rows=[source_page.source_row(s, names.get(s.provider, s.provider), now) for s in listed],
        )

    def _feed_id(self, chosen: ListQuery) -> str:
        """The id of the feed of the chosen service or provider; that of everything where there is none."""
        known = {p.id for p in self.queries.providers} | set(self.queries.surfaces())
        return next((i for i in (chosen.service, chosen.provider) if i in known), feed_routes.ALL)

    def _missing(self, why: str) -> HTMLResponse:
        return self.renderer.render(self.queries, "missing.html", 404, title="Not found", why=why)

    def _incident_view(self, incident: str, show: TimelineFilter | None = None) -> IncidentView:
        provider, tracked, events = self.queries.find_incident(incident)
        state = self.queries.repository.provider_state(provider.id) or ProviderState(provider.id)
        beside = surroundings(self.queries, provider, tracked)
        view = self._view(provider, state, tracked, events, show=show, beside=beside)
        declared = declared_queries.shown_to_readers(self.queries, tracked.incident.id)
        return replace(view, facts=(*view.facts, *map(reader_text, declared)))

    def _open_incident_view(self, provider: Provider, state: ProviderState, tracked: TrackedIncident) -> IncidentView:
        events = self.queries.repository.events(tracked.incident.id)
        return self._view(provider, state, tracked, events)

    def _view(
        self,
        provider: Provider,
        state: ProviderState,
        tracked: TrackedIncident,
        events: Sequence[Event],
        *,
        show: TimelineFilter | None = None,
        beside: Surroundings = NO_SURROUNDINGS,
    ) -> IncidentView:
        now, surfaces = self.queries.now(), self.queries.surfaces()
        first = tracker.shown_estimate(state.outlook, tracked.incident.id, now)
        return incident_page.incident_view(
            tracked, provider, events, surfaces, now, estimate=first, show=show, surroundings=beside
        )

    def _lane(self, surface: Surface, window: TimeWindow) -> lanes.ServiceLanes:
        periods, calls = self.board.lanes(surface, window)
        return lanes.service_lanes(surface.name, periods, calls, window)

    def _row(self, listed: ListedIncident) -> IncidentRow:
        provider = next((p.name for p in self.queries.providers if p.id == listed.provider), listed.provider)
        end = listed.closed_at or self.queries.now()
        lasted_s = (end - listed.posted_at).total_seconds()
        status = Status.MAINTENANCE if listed.is_maintenance else Status.DEGRADED
        return IncidentRow(
            id=listed.id,
            title=listed.title,
            provider=provider,
            services=self._service_names(listed.surfaces),
            status=status_class(Status.OPERATIONAL if listed.closed_at else status),
            step=incident_page.step_text(listed.stage, is_open=listed.closed_at is None),
            at=listed.posted_at,
            lasted=formatting.format_duration(lasted_s) if lasted_s > 0 and not listed.is_maintenance else "",
        )

    def _service_names(self, surfaces: Iterable[str]) -> str:
        known = self.queries.surfaces()
        return formatting.name_list([known[i].short_name if i in known else i for i in surfaces], 6)

    def _planned_rows(self, states: Sequence[tuple[Provider, ProviderState]]) -> Iterator[IncidentRow]:
        now = self.queries.now()
        soon = [
            (p, t)
            for p, t in self.board.maintenances(states)
            if maintenance_window(t, now).start - now <= PLANNED_WITHIN
        ]
        for provider, tracked in soon[:MAX_PLANNED]:
            row = self._maintenance_row(provider, tracked)
            yield IncidentRow(
                row.id, row.title, row.provider, row.services, status_class(Status.MAINTENANCE), row.step, row.start, ""
            )

    def _maintenance_row(self, provider: Provider, tracked: TrackedIncident) -> MaintenanceRow:
        window = maintenance_window(tracked, self.queries.now())
        incident = tracked.incident
        return MaintenanceRow(
            id=incident.id,
            title=incident.name,
            provider=provider.name,
            services=self._service_names(tracked.surfaces),
            step=formatting.stage_text(incident.stage),
            start=window.start,
            end=window.end if incident.scheduled_until else None,
        )


def _day(row: MaintenanceRow, now: datetime) -> datetime:
    start = max(row.start, now) if row.start <= now else row.start
    return start.replace(hour=0, minute=0, second=0, microsecond=0)


def _provider_strip(provider: Provider, uptimes: Mapping[str, SurfaceUptime]) -> DayStrip | None:
    of_provider = [uptimes[s.id] for s in provider.surfaces if s.id in uptimes]
    if not of_provider:
        return None
    days = bars.worst_days([u.days for u in of_provider])
    return bars.day_strip(provider.name, days, bars.lowest_share(u.figures for u in of_provider))


# --- the manual and the static files ----------------------------------------------------------------------------------


def _add_manual(app: FastAPI, queries: StatusQueries, renderer: PageRenderer) -> None:
    @app.get("/docs", include_in_schema=False)
    async def manual_index() -> HTMLResponse:
        return renderer.render(
            queries, "manual_index.html", title="Manual", section="/docs", groups=_manual_groups(), typed="", nearest=()
        )

    @app.get("/docs/{page}", include_in_schema=False)
    async def manual_page(page: Id) -> HTMLResponse:
        try:
            rendered = await asyncio.to_thread(_render_manual_page, page)
        except UsageError as error:
            unknown = {"typed": error.typed, "nearest": error.choices}
            return renderer.render(
                queries, "manual_index.html", 404, title="Not found", groups=_manual_groups(), **unknown
            )
        return renderer.render(queries, "manual_page.html", title=rendered.title, section="/docs", page=rendered)


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
