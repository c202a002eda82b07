"""Response models of the HTTP API and their conversion from domain values. The examples of OpenAPI are here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bot.domain import DeclaredIncident, Event, ProviderState, SourceHealth, Surface, TrackedIncident, Update, Verdict
from bot.rules.failures import FailureSide

T = TypeVar("T")
RetryAnswer = Literal["no", "yes", "slowly", "later"]
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
    "review_at": "2026-03-02T16:00:00Z",
    "spread_window_s": 1320,
    "max_attempts": 3,
    "backoff": {"kind": "full_jitter", "base_s": 1, "cap_s": 60},
    "confidence": 0.96,
    "confidence_level": "medium",
    "record": {"held": 235, "of": 250, "within_min": 60},
    "reason": "Retry slowly (10% load): Anthropic's page shows no incident for it since 15:48 UTC."
    " Full load from 16:20 UTC if stable.",
    "reason_code": "resolved_recently",
    "inferred": False,
    "instead": None,
    "eta": None,
    "basis": [
        {
            "source": "status_page",
            "state": "operational",
            "since": "2026-03-02T15:48:02Z",
            "observed_at": "2026-03-02T15:56:00Z",
            "age_s": 7,
        },
        {
            "source": "probe",
            "state": "ok",
            "since": "2026-03-02T15:52:11Z",
            "observed_at": "2026-03-02T15:55:46Z",
            "n": 5,
            "age_s": 21,
            "failing_from": [],
            "answering_from": ["here"],
        },
        {
            "source": "users",
            "state": "quiet",
            "since": "2026-03-02T15:49:40Z",
            "observed_at": "2026-03-02T15:49:40Z",
            "n": 1,
            "age_s": 387,
        },
        {"source": "traffic", "state": "none"},
    ],
    "incidents": ["0ghc53zpsfmt"],
    "flap": 0,
    "rules": "R60/15",
    "valid_until": "2026-03-02T15:58:30Z",
}


def _example_config(**values: Any) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


class ResultPage(BaseModel, Generic[T]):
    """A part of a list; ``next`` is the number of the page after it, null on the last."""

    items: list[T]
    page: int
    next: int | None


class FailureExplanation(BaseModel):
    """What a failed request means. It repeats nothing of the error text, and nothing that a vendor wrote."""

    model_config = _example_config(
        service="claude-api",
        is_watched=True,
        kind="overloaded",
        side="provider",
        status=529,
        retry="later",
        retry_at="2026-03-02T14:00:00Z",
        retry_after_s=1131,
        max_attempts=0,
        exposure=0.0,
        instead="openai-api",
        verdict="fail_over",
        reason="Use openai-api instead: partial outage on Anthropic's page, identified since 13:37 UTC.",
        incidents=["0ghc53zpsfmt"],
        text="The vendor has too much load (HTTP 529). This is on the vendor's side. Claude API: Use openai-api"
        " instead: partial outage on Anthropic's page, identified since 13:37 UTC. Don't retry before 14:00 UTC."
        " Use openai-api instead.",
    )

    service: str | None = Field(description="the service that failed; null where the text names none")
    is_watched: bool = Field(description="whether the bot watches it")
    kind: str = Field(description="the kind of failure, such as overloaded, limit, auth, dns")
    side: FailureSide = Field(description="whose side it is on")
    status: int | None = Field(description="the HTTP status in the text")
    retry: RetryAnswer = Field(
        description="no: the same request fails again; yes: after retry_after_s, with backoff; slowly: likewise, with"
        " `exposure` of the load; later: not before retry_at, then ask again"
    )
    retry_at: datetime | None
    retry_after_s: int | None
    max_attempts: int
    exposure: float | None
    instead: str | None = Field(description="a service to use instead")
    verdict: str = Field(description="the advice for the service; unknown where none is")
    reason: str | None = Field(description="the reason of the advice")
    incidents: list[str]
    text: str = Field(description="all of it in a few sentences")


class SurfaceNow(BaseModel):
    """A surface as it is now. ``seen_at`` is the last usable look at its page."""

    model_config = _example_config(
        id="claude-api",
        name="Claude API",
        provider="claude",
        condition="partial_outage",
        since="2026-03-02T13:37:12Z",
        inferred=False,
        verdict="hold_off",
        exposure=0.0,
        reason="Don't retry: partial outage on Anthropic's page, identified since 13:37 UTC. Next update by 14:00 UTC.",
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

    model_config = _example_config(
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


class VendorPost(BaseModel):
    """One post of the vendor, in its newest version. The body is the vendor's own words: escape it."""

    id: str
    stage: str
    at: datetime
    body: str


class DeclaredByTeam(BaseModel):
    """That a team declared a vendor's incident as its own (``[web] show_declared``): no title and no names."""

    model_config = _example_config(
        severity="sev2",
        declared_at="2026-03-02T12:05:10Z",
        closed_at="2026-03-02T16:22:00Z",
        safe_since="2026-03-02T16:20:31Z",
    )

    severity: str
    declared_at: datetime
    closed_at: datetime | None = None
    safe_since: datetime | None = None


class IncidentDetail(IncidentNow):
    """An incident with the vendor's posts, oldest first. ``declared`` is empty without ``[web] show_declared``."""

    model_config = ConfigDict(frozen=True)
    updates: list[VendorPost]
    declared: list[DeclaredByTeam] = []


class TimelineEvent(BaseModel):
    """One event of the timeline; keys that do not apply are null. ``text`` and ``before`` are the vendor's words."""

    model_config = _example_config(
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


class HealthReport(BaseModel):
    """The process or its readiness, after draft-inadarei-api-health-check: status pass, warn or fail.

    ``notes`` names what is wrong. ``role`` is leader (it polls and posts) or follower. ``shards`` is how many of the 64
    parts of the pages it polls, where several bots share them.
    """

    model_config = _example_config(status="pass", version="0.1.0", notes=[], role="leader")

    status: str
    version: str
    notes: list[str]
    role: str = "leader"
    shards: int | None = None


class SourceNow(BaseModel):
    """How one source is doing. Spans in seconds.

    ``state`` is readable, unseen, stale or blind. ``next_at`` and what became of our ``looks`` is known to the running
    bot alone, and null in what is read from its database. ``lag_s`` is the median from the time a post carries to when
    we saw it, of ``lag_updates`` posts seen live within 90 days. ``missing_components`` are surfaces without a
    component on the page, ``unmapped_components`` the names of components that stand for no surface.
    """

    model_config = _example_config(
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
        problems=[],
        missing_components=[],
        unmapped_components=["Beta"],
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
    problems: list[str]
    missing_components: list[str]
    unmapped_components: list[str]
    lag_s: float | None
    lag_updates: int
    looks: int | None
    late_looks: int | None
    latest_by_s: float | None


SOURCE_LIST_ADAPTER = TypeAdapter(list[SourceNow])


def source_now(source: SourceHealth, now: datetime) -> SourceNow:
    """The response for one source."""
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
        problems=list(source.problems),
        missing_components=list(source.missing),
        unmapped_components=list(source.unmapped),
        lag_s=lag.median_s if lag else None,
        lag_updates=lag.updates if lag else 0,
        looks=pulse.looks if pulse else None,
        late_looks=pulse.late if pulse else None,
        latest_by_s=pulse.worst_s if pulse else None,
    )


def surface_now(surface: Surface, provider_state: ProviderState, verdict: Verdict) -> SurfaceNow:
    """The response for one surface in this state."""
    state = provider_state.surface_state(surface.id)
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
        seen_at=provider_state.seen_at,
    )


def incident_now(provider: str, tracked: TrackedIncident) -> IncidentNow:
    """The response for one incident, without its posts."""
    i = tracked.incident
    return IncidentNow(
        id=i.id,
        provider=provider,
        title=i.name,
        stage=i.stage,
        impact=i.impact,
        posted_at=i.created_at,
        seen_at=tracked.seen_at,
        closed_at=tracked.closed_at,
        ending=tracked.ending,
        surfaces=list(tracked.surfaces),
        url=i.url,
        is_maintenance=i.is_maintenance,
        is_suspected=i.is_suspected,
        lead_s=tracked.lead.total_seconds() if tracked.lead is not None else None,
    )


def incident_detail(
    provider: str, tracked: TrackedIncident, declared: Iterable[DeclaredIncident] = ()
) -> IncidentDetail:
    """The response for one incident with its posts, and what teams declared about it that readers may see."""
    return IncidentDetail(
        **incident_now(provider, tracked).model_dump(),
        updates=[_vendor_post(u) for u in tracked.incident.updates],
        declared=[
            DeclaredByTeam(
                severity=incident.severity,
                declared_at=incident.declared.at,
                closed_at=incident.closed.at if incident.closed else None,
                safe_since=incident.safe_since,
            )
            for incident in declared
        ],
    )


def timeline_event(event: Event) -> TimelineEvent:
    """The response for one event."""
    return TimelineEvent(**{name: getattr(event, name) for name in TimelineEvent.model_fields})


def paginate(items: Sequence[T], number: int) -> ResultPage[T]:
    """One page of a complete list; ``number`` counts from 1."""
    start = (number - 1) * PAGE_SIZE
    more = len(items) > start + PAGE_SIZE
    return ResultPage(items=list(items[start : start + PAGE_SIZE]), page=number, next=number + 1 if more else None)


def _vendor_post(update: Update) -> VendorPost:
    return VendorPost(id=update.id, stage=update.stage, at=update.display_at, body=update.body)
