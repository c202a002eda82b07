"""The web application: JSON for programs under ``/v1``, and the board for people (bot.web.board).

``/v1/surfaces/{surface}/retry`` answers 200 if this client may retry now, 429 before its slot, and 503 for a hold or an
unknown state, each with Retry-After (bot/docs/verdict-rules.md#machine-form). Every list is paged. Every endpoint is
``async def`` and runs in the bot's event loop, since StatusQueries is not thread-safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bot import __version__, lookup
from bot.errors import StoreError, UsageError
from bot.queries import declared as declared_queries
from bot.queries import schemas
from bot.queries import sources as queries_sources
from bot.queries.current import StatusQueries
from bot.queries.runtime import BotRole, Runtime
from bot.rules.verdict import machine_form
from bot.web import clients, errors, evidence_api, explain_api, metrics, middleware
from bot.web.access import API_PREFIX, MCP_PATH, OPEN_TO_ALL, ReaderAccess, ReaderAccessMiddleware
from bot.web.board import pages
from bot.web.board.reader import BoardReader
from bot.web.board.security_headers import SecurityHeadersMiddleware


@dataclass(frozen=True, slots=True)
class Readiness:
    """What keeps the bot from working (``failures``), and what only the vendors can mend (``warnings``), by name."""

    failures: Mapping[str, str] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)


ReadinessCheck = Callable[[], Awaitable[Readiness]]

MAX_PAGE_NUMBER = 100_000
Name = Annotated[str, Path(min_length=1, max_length=200)]
Filter = Annotated[str | None, Query(min_length=1, max_length=200)]
Number = Annotated[int, Query(ge=1, le=MAX_PAGE_NUMBER)]

_RETRY_AFTER_HEADER = {
    "Retry-After": {"description": "whole seconds, at least 1", "schema": {"type": "integer", "minimum": 1}}
}
_NOT_FOUND_RESPONSE: dict[int | str, dict[str, Any]] = {
    404: {"description": "there is no such thing; `detail` says what there is", "model": schemas.Refusal},
    503: {"description": "the database can't be read now: try again after Retry-After", "model": schemas.Refusal},
}
_SHOULD_RETRY_HEADER = {
    "x-should-retry": {"description": "false: don't retry by yourself", "schema": {"type": "string"}}
}


class HealthResponse(JSONResponse):
    """JSON in the format of health checks (draft-inadarei-api-health-check)."""

    media_type = "application/health+json"


def web_app(
    queries: StatusQueries,
    readiness: ReadinessCheck,
    closing: asyncio.Event,
    *,
    writing: evidence_api.EvidenceApi | None = None,
    routes: Iterable[Callable[[FastAPI], None]] = (),
    hosts: Iterable[str] = (),
    embed_origins: Sequence[str] = (),
    access: ReaderAccess = OPEN_TO_ALL,
) -> FastAPI:
    """Builds the web application.

    Args:
        queries: Answers the requests.
        readiness: What is not ready, by name, with the reason.
        closing: Ends the board's streams.
        writing: Adds the endpoints for evidence, if given.
        routes: Each adds an endpoint of another package: Slack's (bot.slack.http_mode), which checks signatures and
            takes any Host, or that of agents (bot.mcp_server.http).
        hosts: The host names of the bot, besides localhost.
        embed_origins: Origins whose pages may frame ``/embed/ID`` of the board.
        access: Who may read.
    """
    app = FastAPI(
        title="Brownout",
        version=__version__,
        description="Which service is broken, is it safe to retry, and what to use instead.",
        docs_url=None,  # both would load from another server; /docs is the manual
        redoc_url=None,
    )
    for path in (API_PREFIX, MCP_PATH):
        app.add_middleware(middleware.BodyLimitMiddleware, path=path)
    app.add_middleware(middleware.TrustedHostMiddleware, hosts=tuple(hosts))
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(access.trusted_proxies))
    if access.is_restricted:
        app.add_middleware(ReaderAccessMiddleware, access=access, check_token=partial(_token_kinds, queries))
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(errors.HeadMiddleware)
    app.add_exception_handler(HTTPException, errors.error_response)
    app.add_exception_handler(UsageError, _not_found)
    app.add_exception_handler(StoreError, _database_error)
    reader = BoardReader(queries)
    _add_surfaces(app, queries, reader)
    _add_incidents(app, queries, reader)
    _add_sources(app, reader)
    _add_health(app, readiness, queries.running or Runtime([]))
    _add_metrics(app, queries, reader)
    explain_api.add_explain_api(app, reader)
    if writing:
        evidence_api.add_evidence_api(app, queries, writing)
    clients.add_clients(app)
    pages.add_board(app, queries, reader, closing, embed_origins=embed_origins)
    for add_route in routes:
        add_route(app)
    return app


def _add_surfaces(app: FastAPI, queries: StatusQueries, reader: BoardReader) -> None:
    @app.get("/v1/surfaces", summary="Every surface, as it is now", tags=["surfaces"], responses=_NOT_FOUND_RESPONSE)
    async def surfaces(provider: Filter = None, page: Number = 1) -> schemas.ResultPage[schemas.SurfaceNow]:
        provider_id = _resolve_provider_id(queries, provider)
        return schemas.paginate(await reader.ask(lambda known: _surfaces_now(known, provider_id)), page)

    @app.get(
        "/v1/surfaces/{surface}",
        summary="One surface, by id",
        tags=["surfaces"],
        responses=_NOT_FOUND_RESPONSE,
    )
    async def one(surface: Name) -> schemas.SurfaceNow:
        p, s = lookup.surface_by_id(queries.providers, surface)
        state = await reader.ask(lambda known: known.provider_state(p))
        return schemas.surface_now(s, state, queries.verdict(state, s))

    @app.get(
        "/v1/surfaces/{surface}/retry",
        summary="May this client retry now?",
        description="Ask again after Retry-After. After `valid_until` the answer counts as unknown.",
        tags=["surfaces"],
        responses={
            404: _NOT_FOUND_RESPONSE[404],
            200: _retry_response(
                "retry: safe, or slowly at this client's time", {"retry_after_s": 1}, _RETRY_AFTER_HEADER
            ),
            429: _retry_response(
                "retry slowly, and this client's time has not come: wait for Retry-After", {}, _RETRY_AFTER_HEADER
            ),
            503: _retry_response(
                "don't retry, use another service, or unknown: wait for Retry-After, then ask again",
                {"verdict": "hold_off", "exposure": 0.0, "retry_after_s": 1800, "max_attempts": 0},
                _RETRY_AFTER_HEADER | _SHOULD_RETRY_HEADER,
            ),
        },
    )
    async def retry(
        surface: Name,
        client: Annotated[str | None, Query(max_length=200)] = None,
        channel: Annotated[str, Query(max_length=100, description="the Slack channel whose overrides count")] = "",
    ) -> JSONResponse:
        p, s = lookup.surface_by_id(queries.providers, surface)
        form = await reader.ask(
            lambda known: replace(known, channel=channel, is_anonymous=True).verdict_json(p, s, client)
        )
        status, headers = machine_form.gate_response(form)
        return JSONResponse(form, status, headers)


def _surfaces_now(queries: StatusQueries, provider_id: str | None) -> list[schemas.SurfaceNow]:
    """Every surface as it is now, or those of one provider."""
    return [
        schemas.surface_now(s, state, queries.verdict(state, s))
        for p, state in queries.snapshot()
        if provider_id in (None, p.id)
        for s in p.surfaces
    ]


def _add_incidents(app: FastAPI, queries: StatusQueries, reader: BoardReader) -> None:
    @app.get("/v1/incidents", summary="Incidents, the newest first", tags=["incidents"], responses=_NOT_FOUND_RESPONSE)
    async def incidents(
        provider: Filter = None, surface: Filter = None, page: Number = 1
    ) -> schemas.ResultPage[schemas.IncidentNow]:
        surface_id = queries.resolve_surface(surface)[1].id if surface else None
        provider_id = _resolve_provider_id(queries, provider)
        return await reader.ask(lambda known: _incidents_now(known, provider_id, surface_id, page))

    # a vendor's id may contain slashes (a feed's is an address), so the longer path is added first
    @app.get(
        "/v1/incidents/{incident:path}/timeline",
        summary="Every event, with both times",
        tags=["incidents"],
        responses=_NOT_FOUND_RESPONSE,
    )
    async def timeline(incident: Name, page: Number = 1) -> schemas.ResultPage[schemas.TimelineEvent]:
        _, _, events = await reader.ask(lambda known: known.find_incident(incident))
        return schemas.paginate([schemas.timeline_event(e) for e in events], page)

    @app.get(
        "/v1/incidents/{incident:path}",
        summary="One incident: an id, a surface's newest, or `last`",
        tags=["incidents"],
        responses=_NOT_FOUND_RESPONSE,
    )
    async def one(incident: Name) -> schemas.IncidentDetail:
        return await reader.ask(lambda known: _incident_detail(known, incident))


def _incident_detail(queries: StatusQueries, typed: str) -> schemas.IncidentDetail:
    """One incident, and what teams declared about it that readers may see."""
    provider, tracked, _ = queries.find_incident(typed)
    declared = declared_queries.shown_to_readers(queries, tracked.incident.id)
    return schemas.incident_detail(provider.id, tracked, declared)


def _incidents_now(
    queries: StatusQueries, provider_id: str | None, surface_id: str | None, page: int
) -> schemas.ResultPage[schemas.IncidentNow]:
    """A page of incidents, the newest first."""
    # one more than a page, to know whether there is a next one
    limit = page * schemas.PAGE_SIZE + 1
    listed = queries.repository.incident_ids(provider=provider_id, surface=surface_id, limit=limit)
    ids = listed[(page - 1) * schemas.PAGE_SIZE :]
    stored = (queries.repository.tracked_incident(i) for i in ids[: schemas.PAGE_SIZE])
    rows = [schemas.incident_now(*one) for one in stored if one]
    return schemas.ResultPage(items=rows, page=page, next=page + 1 if len(ids) > schemas.PAGE_SIZE else None)


def _add_sources(app: FastAPI, reader: BoardReader) -> None:
    @app.get(
        "/v1/sources",
        summary="How each source is doing, the worst first",
        tags=["sources"],
        responses={503: _NOT_FOUND_RESPONSE[503]},
    )
    async def sources(page: Number = 1) -> schemas.ResultPage[schemas.SourceNow]:
        return schemas.paginate(await reader.ask(_sources_now), page)


def _sources_now(queries: StatusQueries) -> list[schemas.SourceNow]:
    now = queries.now()
    return [schemas.source_now(source, now) for source in queries_sources.list_sources(queries)]


def _add_health(app: FastAPI, readiness: ReadinessCheck, running: Runtime) -> None:
    @app.get("/healthz", summary="The process lives", tags=["health"], response_class=HealthResponse)
    async def healthz() -> JSONResponse:
        return _health_response(Readiness(), running)

    @app.get(
        "/readyz",
        summary="The bot works: polls begin, the database is there, Slack is connected",
        description="Pages of vendors that can't be read are notes with status `warn` and 200.",
        tags=["health"],
        response_class=HealthResponse,
        responses={
            503: {"description": "not: `notes` says what is wrong", "content": {HealthResponse.media_type: {}}},
        },
    )
    async def readyz() -> JSONResponse:
        return _health_response(await readiness(), running)


def _add_metrics(app: FastAPI, queries: StatusQueries, reader: BoardReader) -> None:
    @app.get("/metrics", summary="For Prometheus", tags=["health"], response_class=PlainTextResponse)
    async def scraped() -> Response:
        running = queries.running
        metrics_state = (
            metrics.MetricsState(
                await running.is_slack_connected(),
                running.backed_up_at(),
                is_rejected=bool(running.slack_status and running.slack_status.stop),
                loop_stalls=running.loop_stalls(),
                is_leader=running.role is BotRole.LEADER,
                shards=running.shards() if running.shards else None,
            )
            if running
            else metrics.MetricsState()
        )
        text = await reader.ask(lambda known: metrics.render_metrics(known, metrics_state))
        return Response(text, media_type=metrics.CONTENT_TYPE)


def _health_response(readiness: Readiness, running: Runtime) -> JSONResponse:
    status = "fail" if readiness.failures else "warn" if readiness.warnings else "pass"
    notes = [f"{what}: {why}" for what, why in {**readiness.failures, **readiness.warnings}.items()]
    shards = running.shards() if running.shards else None
    health = schemas.HealthReport(status=status, version=__version__, notes=notes, role=running.role, shards=shards)
    said = health.model_dump(exclude={"shards"} if shards is None else None)
    return HealthResponse(said, 503 if readiness.failures else 200, {"Cache-Control": "no-store"})


def _retry_response(description: str, changes: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"example": schemas.RETRY_EXAMPLE | changes}}
    return {"description": description, "headers": headers, "content": content}


async def _token_kinds(queries: StatusQueries, secret: str) -> tuple[str, ...] | None:
    """What the token of this secret is for; None if there is none, or the database can't be read."""
    try:
        token = await queries.units.run_next(queries.repository.api_tokens.authenticate, secret, queries.now())
    except StoreError:
        return None
    return token.allowed if token else None


def _resolve_provider_id(queries: StatusQueries, typed: str | None) -> str | None:
    if typed is None:
        return None
    ids_by_name = {name.casefold(): p.id for p in queries.providers for name in (p.id, p.name, *p.aliases)}
    if typed.casefold() not in ids_by_name:
        raise UsageError(f"No provider “{typed}”. Providers: {', '.join(p.id for p in queries.providers)}.")
    return ids_by_name[typed.casefold()]


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    see = "/v1/incidents" if request.url.path.startswith("/v1/incidents/") else "/v1/surfaces"
    return JSONResponse({"detail": str(error), "see": see}, 404)


async def _database_error(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "30"})
