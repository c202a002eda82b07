"""What the HTTP door says, as JSON with a schema: nouns -> pydantic models. OpenAPI's examples are here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

from bot.model import Event, Known, SourceHealth, Surface, Update, Verdict, World

T = TypeVar("T")
PAGE_SIZE = 50

RETRY_EXAMPLE: dict[str, Any] = {
    "schema": "retry-verdict/1",
    "vendor": "claude",
    "surface": "claude-api",
    "verdict": "retry_gently",
    "as_of": "2026-03-02T15:56:07Z",
    "exposure": 0.11,
    "retry_after_s": 340,
    "retry_at": "2026-03-02T16:01:47Z",
    "review_at": "2026-03-02T16:26:07Z",
    "spread_window_s": 1320,
    "max_attempts": 3,
    "backoff": {"kind": "full_jitter", "base_s": 1, "cap_s": 60},
    "confidence": 0.96,
    "confidence_level": "medium",
    "reason": "Retry Claude API gently (11%): Claude has no incident open on it since 15:48 UTC;"
    " normal after 16:20 UTC if it stays clean.",
    "reason_code": "just_closed",
    "inferred": False,
    "instead": None,
    "eta": None,
    "basis": [
        {"source": "status_page", "state": "operational", "since": "2026-03-02T15:48:02Z", "age_s": 7},
        {
            "source": "probe",
            "state": "ok",
            "since": "2026-03-02T15:52:11Z",
            "n": 5,
            "age_s": 21,
            "answering_from": ["here"],
        },
        {"source": "users", "state": "quiet", "since": "2026-03-02T15:49:40Z", "n": 1, "age_s": 387},
        {"source": "traffic", "state": "none"},
    ],
    "incidents": ["0ghc53zpsfmt"],
    "flap": 0,
    "rules": "R60/15",
    "valid_until": "2026-03-02T15:58:30Z",
}


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


class Page(BaseModel, Generic[T]):
    """A part of a list; ``next`` is the number of the page after it, null on the last."""

    items: list[T]
    page: int
    next: int | None


class SurfaceNow(BaseModel):
    """A surface as it is now. ``seen_at`` is the last usable look at its page."""

    model_config = _example(
        id="claude-api",
        name="Claude API",
        provider="claude",
        condition="partial_outage",
        since="2026-03-02T13:37:12Z",
        inferred=False,
        verdict="hold_off",
        exposure=0.0,
        reason="Hold off Claude API until 14:07 UTC (review): Claude posted identified at 13:37 UTC; gentle after 5 min"
        " clean.",
        reason_code="down",
        incidents=["0ghc53zpsfmt"],
        instead=None,
        seen_at="2026-03-02T13:41:09Z",
    )

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
    seen_at: datetime | None


class IncidentNow(BaseModel):
    """An incident as we know it. ``posted_at`` is the vendor's claim, ``seen_at`` is when we knew.

    ``is_suspected``: only others than the page see it. ``lead_s`` is how long we had told of it before the page did.
    """

    model_config = _example(
        id="0ghc53zpsfmt",
        provider="claude",
        title="Errors on claude.ai",
        stage="monitoring",
        impact="major",
        posted_at="2026-03-02T11:49:20Z",
        seen_at="2026-03-02T11:50:03Z",
        closed_at=None,
        ending=None,
        surfaces=["claude-web", "claude-login"],
        url="https://status.example.com/incidents/0ghc53zpsfmt",
        is_maintenance=False,
        is_suspected=False,
        lead_s=1020.0,
    )

    id: str
    provider: str
    title: str
    stage: str
    impact: str
    posted_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    ending: str | None
    surfaces: list[str]
    url: str | None
    is_maintenance: bool
    is_suspected: bool
    lead_s: float | None


class Post(BaseModel):
    """One post of the vendor, in its newest version. The body is the vendor's own words: escape it."""

    id: str
    stage: str
    at: datetime
    body: str


class IncidentWhole(IncidentNow):
    """An incident with the vendor's posts, oldest first."""

    model_config = ConfigDict(frozen=True)
    updates: list[Post]


class Step(BaseModel):
    """One event of the timeline; keys that do not apply are null. ``text`` and ``before`` are the vendor's words."""

    model_config = _example(
        kind="verdict_changed",
        provider="claude",
        seen_at="2026-03-02T12:27:09Z",
        incident="0ghc53zpsfmt",
        surface="claude-api",
        verdict="retry_gently",
        exposure=0.1,
        reason_code="cleared",
    )

    kind: str
    provider: str
    seen_at: datetime
    happened_at: datetime | None = None
    incident: str | None = None
    update: str | None = None
    surface: str | None = None
    condition: str | None = None
    verdict: str | None = None
    exposure: float | None = None
    reason: str | None = None
    reason_code: str | None = None
    inferred: bool = False
    stage: str | None = None
    text: str | None = None
    before: str | None = None
    is_baseline: bool = False


class Refusal(BaseModel):
    """Why not, and what to do instead."""

    detail: str
    see: str | None = None


class Health(BaseModel):
    """The process or its readiness, after draft-inadarei-api-health-check; ``notes`` names what is wrong."""

    model_config = _example(status="pass", version="0.1.0", notes=[])

    status: str
    version: str
    notes: list[str]


class SourceNow(BaseModel):
    """How one source is doing. Spans in seconds.

    ``state`` is readable, unseen, stale or blind. ``next_at`` and what became of our ``looks`` is known to the running
    bot alone, and null in what is read from its database. ``lag_s`` is the median from the time a post carries to when
    we saw it, of ``lag_updates`` posts seen live within 90 days.
    """

    model_config = _example(
        provider="claude",
        kind="statuspage",
        url="https://status.example.com",
        state="readable",
        age_s=12,
        seen_at="2026-03-02T13:41:09Z",
        looked_at="2026-03-02T13:41:09Z",
        next_at="2026-03-02T13:42:11Z",
        interval_s=60,
        failures=0,
        blind_since=None,
        why="",
        lag_s=41.5,
        lag_updates=18,
        looks=120,
        late_looks=0,
        latest_by_s=0.1,
    )

    provider: str
    kind: str
    url: str
    state: str
    age_s: float | None
    seen_at: datetime | None
    looked_at: datetime | None
    next_at: datetime | None
    interval_s: float | None
    failures: int
    blind_since: datetime | None
    why: str
    lag_s: float | None
    lag_updates: int
    looks: int | None
    late_looks: int | None
    latest_by_s: float | None


SOURCES = TypeAdapter(list[SourceNow])


def source_now(source: SourceHealth, now: datetime) -> SourceNow:
    """One source, as it is now."""
    pulse, lag = source.pulse, source.lag
    return SourceNow(
        provider=source.provider,
        kind=source.kind,
        url=source.url,
        state=source.state,
        age_s=max((now - source.seen_at).total_seconds(), 0.0) if source.seen_at else None,
        seen_at=source.seen_at,
        looked_at=source.looked_at,
        next_at=pulse.next_at if pulse else None,
        interval_s=source.interval_s,
        failures=source.failures,
        blind_since=source.blind_since,
        why=source.why,
        lag_s=lag.median_s if lag else None,
        lag_updates=lag.updates if lag else 0,
        looks=pulse.looks if pulse else None,
        late_looks=pulse.late if pulse else None,
        latest_by_s=pulse.worst_s if pulse else None,
    )


def surface_now(surface: Surface, world: World, verdict: Verdict) -> SurfaceNow:
    """One surface in this world."""
    state = world.state(surface.id)
    return SurfaceNow(
        id=surface.id,
        name=surface.name,
        provider=surface.provider,
        condition=state.condition if state else "unknown",
        since=state.since if state else None,
        inferred=bool(state and state.inferred),
        verdict=verdict.call,
        exposure=verdict.exposure,
        reason=verdict.reason,
        reason_code=verdict.reason_code,
        incidents=list(verdict.incidents),
        instead=verdict.instead,
        seen_at=world.seen_at,
    )


def incident_now(provider: str, known: Known) -> IncidentNow:
    """One incident, without its posts."""
    i = known.incident
    return IncidentNow(
        id=i.id,
        provider=provider,
        title=i.name,
        stage=i.stage,
        impact=i.impact,
        posted_at=i.created_at,
        seen_at=known.seen_at,
        closed_at=known.closed_at,
        ending=known.ending,
        surfaces=list(known.surfaces),
        url=i.url,
        is_maintenance=i.is_maintenance,
        is_suspected=i.is_suspected,
        lead_s=known.lead.total_seconds() if known.lead is not None else None,
    )


def incident_whole(provider: str, known: Known) -> IncidentWhole:
    """One incident with its posts."""
    return IncidentWhole(
        **incident_now(provider, known).model_dump(), updates=[_post(u) for u in known.incident.updates]
    )


def step(event: Event) -> Step:
    """One event of the timeline."""
    return Step(**{name: getattr(event, name) for name in Step.model_fields})


def page_of(found: Sequence[T], number: int) -> Page[T]:
    """One page of a list that is at hand as a whole."""
    start = (number - 1) * PAGE_SIZE
    more = len(found) > start + PAGE_SIZE
    return Page(items=list(found[start : start + PAGE_SIZE]), page=number, next=number + 1 if more else None)


def _post(update: Update) -> Post:
    return Post(id=update.id, stage=update.stage, at=update.display_at, body=update.body)
