"""The door for programs: HTTP with JSON, served by the bot's own process, on loopback unless told otherwise.

``/v1/surfaces/{id}/retry`` is a gate: 200 where this client may go now, 429 before its slot, 503 for a hold or where
nothing is known, each with Retry-After (safe-to-retry.md C.8). Every list is paged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from bot import __version__
from bot.core import machine
from bot.core.catalogue import surface as resolve_surface
from bot.entry.desk import Desk
from bot.errors import UsageError
from bot.model import Event, Known, Provider, Surface, World

T = TypeVar("T")
PAGE_SIZE = 50

_EXAMPLE = {
    "schema": "retry-verdict/1",
    "vendor": "claude",
    "surface": "claude-api",
    "verdict": "retry_gently",
    "as_of": "2026-03-02T15:56:07Z",
    "exposure": 0.11,
    "retry_after_s": 1,
    "reason": "Retry Claude API gently (11%): no incident is open on it since 15:50 UTC; normal after 16:20 UTC.",
    "reason_code": "resolved_recently",
    "valid_until": "2026-03-02T15:58:37Z",
}


class SurfaceNow(BaseModel):
    """A surface as it is now."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    provider: str
    condition: str
    since: datetime | None
    inferred: bool
    verdict: str
    exposure: float
    reason: str
    reason_code: str
    incidents: list[str]
    instead: str | None


class Page(BaseModel):
    """A part of a list; ``next`` is the number of the page after it, null on the last."""

    items: list[dict[str, Any]]
    page: int
    next: int | None


def web_app(desk: Desk, is_ready: Callable[[], dict[str, str]]) -> FastAPI:
    """The HTTP API over a desk. ``is_ready`` names what is not ready, and why; empty where all is."""
    app = FastAPI(
        title="Brownout",
        version=__version__,
        description="Which surface of a provider is broken, is it safe to retry, and what to use instead.",
    )
    _surfaces(app, desk)
    _incidents(app, desk)
    _health(app, is_ready)
    return app


def _surfaces(app: FastAPI, desk: Desk) -> None:
    @app.get("/v1/surfaces", summary="Every surface, as it is now")
    def surfaces(provider: str | None = None, page: Annotated[int, Query(ge=1)] = 1) -> Page:
        found = [
            _surface_now(p, s, w).model_dump(mode="json")
            for p, w in desk.board()
            if provider in (None, p.id)
            for s in p.surfaces
        ]
        return _page(found, page)

    @app.get("/v1/surfaces/{surface}", summary="One surface, by id, name or part of it")
    def one(surface: str) -> SurfaceNow:
        p, s = _resolved(desk, surface)
        return _surface_now(p, s, desk.world(p))

    @app.get(
        "/v1/surfaces/{surface}/retry",
        summary="May this client retry now?",
        responses={
            200: {"description": "go", "content": {"application/json": {"example": _EXAMPLE}}},
            429: {"description": "gently, and this client's slot has not begun: wait for Retry-After"},
            503: {"description": "hold off, fail over, or nothing is known: wait for Retry-After, then ask again"},
        },
    )
    def retry(surface: str, client: Annotated[str | None, Query(max_length=200)] = None) -> JSONResponse:
        p, s = _resolved(desk, surface)
        form = desk.machine_form(p, s, client=client)
        status, headers = machine.gate(form)
        return JSONResponse(form, status, headers)


def _incidents(app: FastAPI, desk: Desk) -> None:
    @app.get("/v1/incidents", summary="Incidents, the newest first")
    def incidents(
        provider: str | None = None, surface: str | None = None, page: Annotated[int, Query(ge=1)] = 1
    ) -> Page:
        # one more than the page holds tells whether there is another
        ids = desk.book.incident_ids(provider=provider, surface=surface, limit=page * PAGE_SIZE + 1)
        known = [found for i in ids[(page - 1) * PAGE_SIZE :] if (found := desk.book.known(i))]
        rows = [_incident(p, k) for p, k in known]
        return Page(items=rows[:PAGE_SIZE], page=page, next=page + 1 if len(rows) > PAGE_SIZE else None)

    @app.get("/v1/incidents/{incident}", summary="One incident, with the vendor's updates")
    def one(incident: str) -> dict[str, Any]:
        p, k, _ = _found(desk, incident)
        updates = [{"id": u.id, "stage": u.stage, "at": u.display_at, "body": u.body} for u in k.incident.updates]
        return _incident(p.id, k) | {"updates": updates}

    @app.get("/v1/incidents/{incident}/timeline", summary="Every event of an incident, with both times")
    def timeline(incident: str, page: Annotated[int, Query(ge=1)] = 1) -> Page:
        _, _, events = _found(desk, incident)
        return _page([_event(e) for e in events], page)


def _health(app: FastAPI, is_ready: Callable[[], dict[str, str]]) -> None:
    @app.get("/healthz", summary="The process lives")
    def healthz() -> dict[str, str]:
        return {"status": "pass", "version": __version__}

    @app.get("/readyz", summary="Every source is read and Slack is connected", responses={503: {"description": "not"}})
    def readyz() -> JSONResponse:
        wrong = is_ready()
        return JSONResponse({"status": "fail" if wrong else "pass", "notes": wrong}, 503 if wrong else 200)


def _page(found: Sequence[dict[str, Any]], page: int) -> Page:
    start = (page - 1) * PAGE_SIZE
    more = len(found) > start + PAGE_SIZE
    return Page(items=list(found[start : start + PAGE_SIZE]), page=page, next=page + 1 if more else None)


def _resolved(desk: Desk, typed: str) -> tuple[Provider, Surface]:
    try:
        return resolve_surface(desk.providers, typed)
    except UsageError as error:
        raise HTTPException(404, str(error)) from error


def _found(desk: Desk, incident: str) -> tuple[Provider, Known, tuple[Event, ...]]:
    try:
        return desk.incident(incident)
    except UsageError as error:
        raise HTTPException(404, str(error)) from error


def _surface_now(provider: Provider, surface: Surface, world: World) -> SurfaceNow:
    state, verdict = world.state(surface.id), world.verdict(surface.id)
    return SurfaceNow(
        id=surface.id,
        name=surface.name,
        provider=provider.id,
        condition=state.condition if state else "unknown",
        since=state.since if state else None,
        inferred=bool(state and state.inferred),
        verdict=verdict.call if verdict else "unknown",
        exposure=verdict.exposure if verdict else 0.0,
        reason=verdict.reason if verdict else f"{surface.name} is unknown: nobody has looked at its page yet.",
        reason_code=verdict.reason_code if verdict else "never_seen",
        incidents=list(verdict.incidents) if verdict else [],
        instead=verdict.instead if verdict else None,
    )


def _incident(provider: str, known: Known) -> dict[str, Any]:
    i = known.incident
    return {
        "id": i.id,
        "provider": provider,
        "title": i.name,
        "stage": i.stage,
        "impact": i.impact,
        "posted_at": i.created_at,
        "seen_at": known.seen_at,
        "closed_at": known.closed_at,
        "ending": known.ending,
        "surfaces": list(known.surfaces),
        "url": i.url,
        "is_maintenance": i.is_maintenance,
    }


def _event(event: Event) -> dict[str, Any]:
    said = {name: getattr(event, name) for name in event.__slots__}
    return {name: value for name, value in said.items() if value is not None}
