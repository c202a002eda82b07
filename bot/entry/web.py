"""The HTTP door: a desk -> JSON for programs under ``/v1``, and the board for people (bot.entry.board).

``/v1/surfaces/{surface}/retry`` is a gate: 200 where this client may go now, 429 before its slot, 503 for a hold or
where nothing is known, each with Retry-After (safe-to-retry.md C.8). Every list is paged, and every answer comes from
the bot's own event loop: the desk is not thread-safe, so there is no ``def`` endpoint here, only ``async def``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from bot import __version__
from bot.core import catalogue, machine
from bot.entry import doorkeeper, health, manners, metrics, shapes, write
from bot.entry.board import pages
from bot.entry.desk import Desk
from bot.errors import StoreError, UsageError

Unready = Callable[[], Awaitable[dict[str, str]]]

LAST_PAGE = 100_000
Name = Annotated[str, Path(min_length=1, max_length=200)]
Filter = Annotated[str | None, Query(min_length=1, max_length=200)]
Number = Annotated[int, Query(ge=1, le=LAST_PAGE)]

_WAIT = {"Retry-After": {"description": "whole seconds, at least 1", "schema": {"type": "integer", "minimum": 1}}}
_ASKED: dict[int | str, dict[str, Any]] = {
    404: {"description": "there is no such thing; `detail` says what there is", "model": shapes.Refusal},
    503: {"description": "the database can't be read now: try again after Retry-After", "model": shapes.Refusal},
}
_STOP = {"x-should-retry": {"description": "false: don't retry by yourself", "schema": {"type": "string"}}}


class HealthResponse(JSONResponse):
    """JSON as health checks know it (draft-inadarei-api-health-check)."""

    media_type = "application/health+json"


def web_app(
    desk: Desk,
    unready: Unready,
    closing: asyncio.Event,
    *,
    writing: write.Writing | None = None,
    slack: Callable[[FastAPI], None] | None = None,
    hosts: Iterable[str] = (),
) -> FastAPI:
    """The whole door. ``unready`` names what is not ready, and why; ``closing`` ends the streams of the board.

    ``writing`` opens the doors for evidence. ``slack`` adds Slack's own door (bot.entry.slack_http), which is signed
    and takes any Host. ``hosts`` are the names that the bot goes by, besides localhost.
    """
    app = FastAPI(
        title="Brownout",
        version=__version__,
        description="Which surface of a provider is broken, is it safe to retry, and what to use instead.",
        docs_url=None,  # both come from somebody else's server
        redoc_url=None,
    )
    app.add_middleware(doorkeeper.Bounded, path="/v1/")
    app.add_middleware(doorkeeper.Named, hosts=tuple(hosts))
    app.add_middleware(pages.Guarded)
    app.add_middleware(manners.Headed)
    app.add_exception_handler(HTTPException, manners.refused)
    app.add_exception_handler(UsageError, _not_found)
    app.add_exception_handler(StoreError, _unreadable)
    _surfaces(app, desk)
    _incidents(app, desk)
    _sources(app, desk)
    _health(app, unready)
    _metrics(app, desk)
    if writing:
        write.add(app, desk, writing)
    pages.add(app, desk, closing)
    if slack:
        slack(app)
    return app


def _surfaces(app: FastAPI, desk: Desk) -> None:
    @app.get("/v1/surfaces", summary="Every surface, as it is now", tags=["surfaces"], responses=_ASKED)
    async def surfaces(provider: Filter = None, page: Number = 1) -> shapes.Page[shapes.SurfaceNow]:
        wanted = _provider(desk, provider)
        found = [
            shapes.surface_now(s, w, desk.verdict(w, s))
            for p, w in desk.board()
            if wanted in (None, p.id)
            for s in p.surfaces
        ]
        return shapes.page_of(found, page)

    @app.get(
        "/v1/surfaces/{surface}", summary="One surface, by id, name or part of it", tags=["surfaces"], responses=_ASKED
    )
    async def one(surface: Name) -> shapes.SurfaceNow:
        p, s = catalogue.surface(desk.providers, surface)
        world = desk.world(p)
        return shapes.surface_now(s, world, desk.verdict(world, s))

    @app.get(
        "/v1/surfaces/{surface}/retry",
        summary="May this client retry now?",
        description="Ask again after Retry-After. After `valid_until` the answer counts as unknown.",
        tags=["surfaces"],
        responses={
            404: _ASKED[404],
            200: _answer("go: normally, or gently in this client's slot", {"retry_after_s": 1}, _WAIT),
            429: _answer("gently, and this client's slot has not begun: wait for Retry-After", {}, _WAIT),
            503: _answer(
                "hold off, fail over, or nothing is known: wait for Retry-After, then ask again",
                {"verdict": "hold_off", "exposure": 0.0, "retry_after_s": 1800, "max_attempts": 0},
                _WAIT | _STOP,
            ),
        },
    )
    async def retry(surface: Name, client: Annotated[str | None, Query(max_length=200)] = None) -> JSONResponse:
        p, s = catalogue.surface(desk.providers, surface)
        form = desk.machine_form(p, s, client)
        status, headers = machine.gate(form)
        return JSONResponse(form, status, headers)


def _incidents(app: FastAPI, desk: Desk) -> None:
    @app.get("/v1/incidents", summary="Incidents, the newest first", tags=["incidents"], responses=_ASKED)
    async def incidents(
        provider: Filter = None, surface: Filter = None, page: Number = 1
    ) -> shapes.Page[shapes.IncidentNow]:
        of = catalogue.surface(desk.providers, surface)[1].id if surface else None
        # one more than the page holds tells whether there is another
        ids = desk.book.incident_ids(provider=_provider(desk, provider), surface=of, limit=page * shapes.PAGE_SIZE + 1)[
            (page - 1) * shapes.PAGE_SIZE :
        ]
        rows = [shapes.incident_now(*found) for i in ids[: shapes.PAGE_SIZE] if (found := desk.book.known(i))]
        return shapes.Page(items=rows, page=page, next=page + 1 if len(ids) > shapes.PAGE_SIZE else None)

    # a vendor's id may hold a slash (a feed's is an address), so the longer path comes first
    @app.get(
        "/v1/incidents/{incident:path}/timeline",
        summary="Every event, with both times",
        tags=["incidents"],
        responses=_ASKED,
    )
    async def timeline(incident: Name, page: Number = 1) -> shapes.Page[shapes.Step]:
        _, _, events = desk.incident(incident)
        return shapes.page_of([shapes.step(e) for e in events], page)

    @app.get(
        "/v1/incidents/{incident:path}",
        summary="One incident: an id, a surface's newest, or `last`",
        tags=["incidents"],
        responses=_ASKED,
    )
    async def one(incident: Name) -> shapes.IncidentWhole:
        p, k, _ = desk.incident(incident)
        return shapes.incident_whole(p.id, k)


def _sources(app: FastAPI, desk: Desk) -> None:
    @app.get(
        "/v1/sources",
        summary="How each source is doing, the worst first",
        tags=["sources"],
        responses={503: _ASKED[503]},
    )
    async def sources(page: Number = 1) -> shapes.Page[shapes.SourceNow]:
        now = desk.now()
        return shapes.page_of([shapes.source_now(s, now) for s in health.found(desk)], page)


def _health(app: FastAPI, unready: Unready) -> None:
    @app.get("/healthz", summary="The process lives", tags=["health"], response_class=HealthResponse)
    async def healthz() -> JSONResponse:
        return _state([])

    @app.get(
        "/readyz",
        summary="Every source is read and Slack is connected",
        tags=["health"],
        response_class=HealthResponse,
        responses={
            503: {"description": "not: `notes` says what is wrong", "content": {HealthResponse.media_type: {}}},
        },
    )
    async def readyz() -> JSONResponse:
        return _state([f"{what}: {why}" for what, why in (await unready()).items()])


def _metrics(app: FastAPI, desk: Desk) -> None:
    @app.get("/metrics", summary="For Prometheus", tags=["health"], response_class=PlainTextResponse)
    async def scraped() -> Response:
        running = desk.running
        state = metrics.State(await running.is_heard(), running.backed_up_at()) if running else metrics.State()
        return Response(metrics.text(desk, state), media_type=metrics.CONTENT_TYPE)


def _state(notes: list[str]) -> JSONResponse:
    health = shapes.Health(status="fail" if notes else "pass", version=__version__, notes=notes)
    return HealthResponse(health.model_dump(), 503 if notes else 200, {"Cache-Control": "no-store"})


def _answer(description: str, changes: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"example": shapes.RETRY_EXAMPLE | changes}}
    return {"description": description, "headers": headers, "content": content}


def _provider(desk: Desk, typed: str | None) -> str | None:
    if typed is None:
        return None
    known = {name.casefold(): p.id for p in desk.providers for name in (p.id, p.name, *p.aliases)}
    if typed.casefold() not in known:
        raise UsageError(f"There is no provider “{typed}”; there are {', '.join(p.id for p in desk.providers)}.")
    return known[typed.casefold()]


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    see = "/v1/incidents" if request.url.path.startswith("/v1/incidents/") else "/v1/surfaces"
    return JSONResponse({"detail": str(error), "see": see}, 404)


async def _unreadable(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "30"})
