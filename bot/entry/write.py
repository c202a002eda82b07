"""The doors by which programs tell the bot what they see: ``POST /v1/reports``, ``/v1/outcomes`` and ``/v1/probes``.

A token is needed, and each may write only what it is for, and only so fast. What comes in goes to the engine as
evidence; what it means is decided there. A refusal says what to do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field

from bot.core import catalogue
from bot.entry import manners
from bot.entry.desk import Desk
from bot.entry.pace import Pace
from bot.entry.testify import BATCH, Left, OutcomesIn, ProbeIn, ReportIn, Taken, unfit, untimely
from bot.errors import UsageError
from bot.model import Outcomes, ProbeResult, Provider, Report
from bot.voice import words

BEARER = HTTPBearer(auto_error=False, description="a token that `brownout token create` made")
Batch = Annotated[list[ProbeIn], Field(min_length=1, max_length=BATCH)]
Guard = Callable[..., Awaitable[None]]

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


class Witness(Protocol):
    """Takes evidence about a provider's surfaces."""

    def witness(  # noqa: D102
        self,
        provider_id: str,
        *,
        probes: Iterable[ProbeResult] = (),
        reports: Iterable[Report] = (),
        outcomes: Iterable[Outcomes] = (),
    ) -> object: ...


@dataclass(frozen=True, slots=True)
class Writing:
    """What the doors need: whom to tell, and how fast each token may."""

    witness: Witness
    pace: Pace


def add(app: FastAPI, desk: Desk, writing: Writing) -> None:
    """Adds the doors to the app."""
    app.add_exception_handler(RequestValidationError, _mistakes)
    witness = writing.witness
    for kind, door in (("reports", _reports), ("outcomes", _outcomes), ("probes", _probes)):
        door(
            app,
            desk,
            witness,
            {
                "dependencies": [Depends(_may(kind, desk, writing.pace)), Depends(manners.is_json)],
                "responses": _REFUSALS,
            },
        )


def _reports(app: FastAPI, desk: Desk, witness: Witness, how: dict[str, Any]) -> None:
    @app.post("/v1/reports", summary="Somebody says that a surface is broken", tags=["evidence"], **how)
    async def reports(said: ReportIn) -> Taken:
        """Counts people, once each in a while; enough of them make a surface suspected before its page does."""
        provider = _provider(desk, said.surface)
        report = said.noun(desk.book.keys.pseudonym(said.reporter), desk.now())
        witness.witness(provider.id, reports=(report,))
        return Taken(taken=1)


def _outcomes(app: FastAPI, desk: Desk, witness: Witness, how: dict[str, Any]) -> None:
    @app.post("/v1/outcomes", summary="How a client's own requests fared", tags=["evidence"], **how)
    async def outcomes(said: OutcomesIn) -> Taken:
        """Counts of a minute or so, sent as they come; `until` is the time that they are judged by."""
        provider = _provider(desk, said.surface)
        if why := untimely(said.until, desk.now()):
            raise RequestValidationError([unfit(("until",), why)])
        witness.witness(provider.id, outcomes=(said.noun(desk.now()),))
        return Taken(taken=1)


def _probes(app: FastAPI, desk: Desk, witness: Witness, how: dict[str, Any]) -> None:
    @app.post("/v1/probes", summary="What probes elsewhere have seen", tags=["evidence"], **how)
    async def probes(said: Batch) -> Taken:
        """Takes what it can of a list and says what it left; 422 where it can take none of it."""
        now, owners = desk.now(), {s.id: p.id for p in desk.providers for s in p.surfaces}
        whys = [untimely(one.at, now) or ("" if one.surface in owners else "no such surface here") for one in said]
        left = [Left(index=n, surface=s.surface, why=y) for n, (s, y) in enumerate(zip(said, whys, strict=True)) if y]
        if len(left) == len(said):
            raise RequestValidationError([unfit((one.index,), one.why) for one in left])
        good = [one.noun(now) for one, why in zip(said, whys, strict=True) if not why]
        for provider in dict.fromkeys(owners[one.surface] for one in good):
            witness.witness(provider, probes=[one for one in good if owners[one.surface] == provider])
        return Taken(taken=len(good), left=left)


def _provider(desk: Desk, surface: str) -> Provider:
    """Whose surface it is; evidence names it by its id, and no guess is made."""
    provider, found = catalogue.surface(desk.providers, surface)
    if found.id != surface:
        raise UsageError(f"Evidence names a surface by its id: `{found.id}`?")
    return provider


def _may(kind: str, desk: Desk, pace: Pace) -> Guard:
    async def may(bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]) -> None:
        make = f"on the bot's machine, `brownout token create NAME --for {kind}` makes one"
        holder = desk.book.keys.holder(bearer.credentials, desk.now()) if bearer else None
        if holder is None:
            why = "this token is not known here" if bearer else "to write, send a token as `Authorization: Bearer ...`"
            raise HTTPException(401, f"{why}; {make}", {"WWW-Authenticate": "Bearer"})
        if kind not in holder.may:
            raise HTTPException(403, f"the token {holder.name} is for {words.listing(holder.may)}, not {kind}; {make}")
        if wait := pace.wait(holder.name):
            seconds = math.ceil(wait)
            why = f"the token {holder.name} writes too fast; wait {seconds} s, and count more into one request"
            raise HTTPException(429, why, {"Retry-After": str(seconds)})

    return may


async def _mistakes(_: Request, error: Exception) -> Response:
    """What is wrong with a request, without what was sent: that may be anything."""
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    told = [{"type": e["type"], "loc": e["loc"], "msg": e["msg"].removeprefix("Value error, ")} for e in found]
    return Response(json.dumps({"detail": told}), 422, media_type="application/json")
