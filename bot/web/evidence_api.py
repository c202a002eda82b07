"""The endpoints that take evidence from programs: ``POST /v1/reports``, ``outcomes``, ``probes`` and ``alerts``.

Every request needs a token. A token may write only its own kinds of evidence, at a limited rate. Evidence goes to the
engine, which judges it. An error answer says what to do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Protocol

from fastapi import Body, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field

from bot import lookup
from bot.domain import EvidenceBatch, Provider
from bot.messages import formatting
from bot.queries.current import StatusQueries
from bot.storage import ApiToken
from bot.web import errors
from bot.web.alert_schemas import MAX_ALERTS, AlertmanagerIn, CloudEventIn, sent_alerts
from bot.web.evidence_schemas import (
    MAX_BATCH,
    Accepted,
    OutcomesIn,
    ProbeIn,
    Rejected,
    ReportIn,
    timing_error,
    validation_error,
)
from bot.web.rate_limit import RateLimiter

BEARER = HTTPBearer(auto_error=False, description="a token that `brownout token create` made")
Batch = Annotated[list[ProbeIn], Field(min_length=1, max_length=MAX_BATCH)]
AlertBody = Annotated[
    AlertmanagerIn | CloudEventIn | Annotated[list[CloudEventIn], Field(min_length=1, max_length=MAX_ALERTS)],
    Body(description="Alertmanager's webhook, one CloudEvent, or a list of CloudEvents"),
]
PermissionCheck = Callable[..., Awaitable[None]]

_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "no token, or none that is ours"},
    403: {"description": "the token is not for this"},
    404: {"description": "no such surface; the nearest is named"},
    408: {"description": "the body was too slow"},
    413: {"description": "the body is too large"},
    415: {"description": "the body says that it is no JSON"},
    429: {"description": "too fast for one token: wait for Retry-After"},
    503: {"description": "the database can't be written now: try again after Retry-After"},
}


class EvidenceReceiver(Protocol):
    """Takes evidence about a provider's surfaces."""

    async def take_evidence(self, provider_id: str, evidence: EvidenceBatch) -> object: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class EvidenceApi:
    """What the endpoints need: ``witness`` receives the evidence, ``pace`` limits the rate of each token."""

    witness: EvidenceReceiver
    pace: RateLimiter


def add_evidence_api(app: FastAPI, queries: StatusQueries, writing: EvidenceApi) -> None:
    """Adds the endpoints to the app."""
    app.add_exception_handler(RequestValidationError, _validation_response)
    receiver = writing.witness
    for permission, add_endpoint in (
        ("reports", _add_reports),
        ("outcomes", _add_outcomes),
        ("probes", _add_probes),
        ("alerts", _add_alerts),
    ):
        add_endpoint(
            app,
            queries,
            receiver,
            {
                "dependencies": [
                    Depends(_require_permission(permission, queries, writing.pace)),
                    Depends(errors.require_json),
                ],
                "responses": _REFUSALS,
            },
        )


def _add_reports(app: FastAPI, queries: StatusQueries, receiver: EvidenceReceiver, how: dict[str, Any]) -> None:
    @app.post("/v1/reports", summary="A person reports that a surface is broken", tags=["evidence"], **how)
    async def reports(said: ReportIn, request: Request) -> Accepted:
        """Counts people, once each in a while; enough of them make a surface suspected before its page does."""
        provider = _surface_provider(queries, said.surface)
        token = _token_of(request)
        pseudonym = await queries.units.run(queries.repository.api_tokens.pseudonym, f"{token.name}\n{said.reporter}")
        report = replace(said.to_domain(pseudonym, queries.now()), writer=token.name, speaks_for=token.people)
        await receiver.take_evidence(provider.id, EvidenceBatch(reports=(report,)))
        return Accepted(taken=1)


def _add_outcomes(app: FastAPI, queries: StatusQueries, receiver: EvidenceReceiver, how: dict[str, Any]) -> None:
    @app.post("/v1/outcomes", summary="How a client's own requests fared", tags=["evidence"], **how)
    async def outcomes(said: OutcomesIn, request: Request) -> Accepted:
        """Counts of a minute or so, sent as they come; `until` is the time that they are judged by."""
        provider = _surface_provider(queries, said.surface)
        if why := timing_error(said.until, queries.now()):
            raise RequestValidationError([validation_error(("until",), why)])
        counted = replace(said.to_domain(queries.now()), writer=_token_of(request).name)
        await receiver.take_evidence(provider.id, EvidenceBatch(outcomes=(counted,)))
        return Accepted(taken=1)


def _add_probes(app: FastAPI, queries: StatusQueries, receiver: EvidenceReceiver, how: dict[str, Any]) -> None:
    @app.post("/v1/probes", summary="What probes elsewhere have seen", tags=["evidence"], **how)
    async def probes(said: Batch, request: Request) -> Accepted:
        """Takes what it can of a list and says what it left; 422 where it can take none of it."""
        now, owners = queries.now(), {s.id: p.id for p in queries.providers for s in p.surfaces}
        token = _token_of(request)
        reasons = [
            timing_error(one.at, now)
            or ("" if one.surface in owners else "no such surface here")
            or _vantage_error(token, one.vantage)
            for one in said
        ]
        rejected = [
            Rejected(index=n, surface=s.surface, why=y) for n, (s, y) in enumerate(zip(said, reasons, strict=True)) if y
        ]
        if len(rejected) == len(said):
            raise RequestValidationError([validation_error((one.index,), one.why) for one in rejected])
        accepted = [
            replace(one.to_domain(now), writer=token.name, is_configured=bool(token.vantages))
            for one, why in zip(said, reasons, strict=True)
            if not why
        ]
        for provider in dict.fromkeys(owners[one.surface] for one in accepted):
            results = tuple(one for one in accepted if owners[one.surface] == provider)
            await receiver.take_evidence(provider, EvidenceBatch(probes=results))
        return Accepted(taken=len(accepted), left=rejected)


def _add_alerts(app: FastAPI, queries: StatusQueries, receiver: EvidenceReceiver, how: dict[str, Any]) -> None:
    @app.post("/v1/alerts", summary="Alerts of your own monitoring", tags=["evidence"], **how)
    async def alerts(
        said: AlertBody,
        request: Request,
        surface: Annotated[str, Query(max_length=200, description="for alerts whose labels name no surface")] = "",
    ) -> Accepted:
        """Alertmanager's webhook or CloudEvents. A firing alert counts like the failed requests of one client.

        The label `surface`, `brownout_surface` or `service` names the surface. Takes what it can of a list and says
        what it left; 422 where it can take none of it.
        """
        now, writer = queries.now(), _token_of(request).name
        owners = {s.id: p.id for p in queries.providers for s in p.surfaces}
        sent = [(alert, alert.surface(surface)) for alert in sent_alerts(said)]
        rejected = [
            Rejected(index=n, surface=name[:200], why=_surface_error(name))
            for n, (_, name) in enumerate(sent)
            if name not in owners
        ]
        if len(rejected) == len(sent):
            raise RequestValidationError([validation_error(("alerts", one.index), one.why) for one in rejected])
        accepted = [alert.to_domain(name, now, writer) for alert, name in sent if name in owners]
        for provider in dict.fromkeys(owners[one.surface] for one in accepted):
            of_provider = tuple(one for one in accepted if owners[one.surface] == provider)
            await receiver.take_evidence(provider, EvidenceBatch(alerts=of_provider))
        return Accepted(taken=len(accepted), left=rejected)


def _surface_error(name: str) -> str:
    return "no such surface here" if name else "no label surface, brownout_surface or service, and no ?surface="


def _surface_provider(queries: StatusQueries, surface: str) -> Provider:
    """The provider of the surface with this id. UsageError for anything but an exact id."""
    return lookup.surface_by_id(queries.providers, surface)[0]


def _token_of(request: Request) -> ApiToken:
    """The token of a request that ``_require_permission`` has let in."""
    token: ApiToken = request.state.token
    return token


def _vantage_error(token: ApiToken, vantage: str) -> str:
    """Why a token may not write for this vantage point; empty if it may."""
    if not token.vantages or vantage in token.vantages:
        return ""
    return f"the token {token.name} is for {formatting.join_names(token.vantages)}, not {vantage}"


def _require_permission(permission: str, queries: StatusQueries, pace: RateLimiter) -> PermissionCheck:
    async def check_permission(
        request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
    ) -> None:
        hint = f"on the bot's machine, `brownout token create NAME --for {permission}` makes one"
        authenticate = queries.repository.api_tokens.authenticate
        holder = await queries.units.run_next(authenticate, bearer.credentials, queries.now()) if bearer else None
        if holder is None:
            reason = (
                "this token is not known here" if bearer else "to write, send a token as `Authorization: Bearer ...`"
            )
            raise HTTPException(401, f"{reason}; {hint}", {"WWW-Authenticate": "Bearer"})
        if permission not in holder.allowed:
            raise HTTPException(
                403, f"the token {holder.name} is for {formatting.join_names(holder.allowed)}, not {permission}; {hint}"
            )
        if wait := pace.try_acquire(holder.name):
            seconds = math.ceil(wait)
            reason = f"the token {holder.name} writes too fast; wait {seconds} s, and count more into one request"
            raise HTTPException(429, reason, {"Retry-After": str(seconds)})
        request.state.token = holder

    return check_permission


async def _validation_response(_: Request, error: Exception) -> Response:
    """What is wrong with a request, without repeating the input, which may be anything."""
    errors_found = error.errors() if isinstance(error, RequestValidationError) else ()
    details = [
        {"type": e["type"], "loc": e["loc"], "msg": e["msg"].removeprefix("Value error, ")} for e in errors_found
    ]
    return Response(json.dumps({"detail": details}), 422, media_type="application/json")
