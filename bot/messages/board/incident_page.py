"""One incident for the board: its stages, facts, the vendor's posts and the timeline. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain import Estimate, Event, EventKind, Provider, Stage, Surface, TrackedIncident
from bot.messages import alert_details, formatting, summary
from bot.messages.board.bars import status_class
from bot.messages.words import Status

SurfaceLookup = Mapping[str, Surface]

_STAGES = (Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING, Stage.RESOLVED)
_MAINTENANCE_STAGES = (Stage.SCHEDULED, Stage.IN_PROGRESS, Stage.VERIFYING, Stage.COMPLETED)


class TimelineFilter(StrEnum):
    """A part of the timeline that a reader can ask for."""

    VENDOR = "vendor"
    STATUS = "status"
    ADVICE = "advice"
    PEOPLE = "people"


_FILTERS: Mapping[TimelineFilter, frozenset[EventKind]] = {
    TimelineFilter.VENDOR: frozenset(
        {
            EventKind.INCIDENT_OPENED,
            EventKind.INCIDENT_REOPENED,
            EventKind.INCIDENT_CHANGED,
            EventKind.UPDATE_POSTED,
            EventKind.UPDATE_EDITED,
            EventKind.INCIDENT_RESOLVED,
            EventKind.INCIDENT_WITHDRAWN,
            EventKind.MAINTENANCE_OVERRAN,
        }
    ),
    TimelineFilter.ADVICE: frozenset({EventKind.VERDICT_CHANGED}),
    TimelineFilter.PEOPLE: frozenset(
        {
            EventKind.NOTE,
            EventKind.AFFECTED,
            EventKind.REPORTED,
            EventKind.ACKED,
            EventKind.UNACKED,
            EventKind.MUTED,
            EventKind.UNMUTED,
            EventKind.CORRECTION,
            EventKind.LABEL_ADDED,
            EventKind.LABEL_REMOVED,
        }
    ),
}


@dataclass(frozen=True, slots=True)
class QuotedText:
    """The vendor's post, or one step of the timeline with the vendor's words.

    ``what`` is our own text; ``quote`` the vendor's, and ``before`` the text that an edit replaced.
    """

    at: datetime
    what: str
    quote: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class StageStep:
    """One stage of an incident: when it was first posted, None where it was not, and whether it is the present one."""

    name: str
    at: datetime | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class AgeScale:
    """How long an incident has been open, beside how long such incidents last; places in percent of the scale."""

    age: float
    median: float
    age_text: str
    end_text: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident, in words.

    ``step`` is its stage, ``span`` its times, ``hit`` the names of its surfaces; ``facts`` are the paragraphs of its
    summary; ``posts`` are the vendor's, newest first; ``steps`` is the timeline, oldest first, and ``step_counts`` how
    many steps each filter shows.
    """

    id: str
    provider: str
    provider_id: str
    title: str
    status: str
    step: str
    span: str
    hit: str
    started_at: datetime
    lasted: str
    is_open: bool
    is_maintenance: bool = False
    url: str | None = None
    outlook: str = ""  # the first estimate of its duration; empty without one
    scale: AgeScale | None = None
    stages: tuple[StageStep, ...] = ()
    facts: tuple[str, ...] = ()
    posts: tuple[QuotedText, ...] = ()
    steps: tuple[QuotedText, ...] = ()
    step_counts: tuple[tuple[str, int], ...] = ()
    is_filtered: bool = False


def incident_view(
    tracked: TrackedIncident,
    provider: Provider,
    events: Sequence[Event],
    surfaces: SurfaceLookup,
    now: datetime,
    *,
    estimate: Estimate | None = None,
    show: TimelineFilter | None = None,
    surroundings: summary.Surroundings = summary.NO_SURROUNDINGS,
) -> IncidentView:
    """One incident with its summary, posts and timeline.

    ``estimate`` is the first estimate of its duration, if there is one; ``show`` the part of the timeline to give;
    ``surroundings`` what is recorded beside it.
    """
    incident = tracked.incident
    events = summary.with_vendor_times(tracked, events)
    posts = (QuotedText(u.display_at, formatting.stage_text(u.stage), u.body) for u in reversed(incident.updates))
    started_at = incident.updates[0].display_at if incident.updates else incident.created_at
    lasted_s = ((tracked.closed_at or now) - started_at).total_seconds()
    return IncidentView(
        id=incident.id,
        provider=provider.name,
        provider_id=provider.id,
        title=incident.name,
        status=_status_look(tracked, events),
        step=incident_step(tracked),
        span=summary.time_range_text(tracked, events, now, surroundings),
        hit=summary.affected_names(tracked, surfaces, surroundings.components),
        started_at=started_at,
        lasted=formatting.format_duration(lasted_s) if lasted_s >= 0 else "",
        is_open=tracked.is_open,
        is_maintenance=incident.is_maintenance,
        outlook=alert_details.estimate_text(estimate) if estimate else "",
        scale=_age_scale(estimate, now) if estimate and tracked.is_open else None,
        url=incident.url,
        stages=tuple(_stage_steps(tracked)),
        facts=summary.summary_paragraphs(tracked, events, surfaces, now, surroundings),
        posts=tuple(posts),
        steps=tuple(_timeline_steps((e for e in events if show in (None, filter_of(e))), surfaces)),
        step_counts=tuple((f, n) for f in TimelineFilter if (n := sum(filter_of(e) is f for e in events))),
        is_filtered=show is not None,
    )


def incident_step(tracked: TrackedIncident) -> str:
    """The stage of an open incident, or how it ended."""
    return step_text(tracked.incident.stage, is_open=tracked.is_open)


def step_text(stage: Stage, *, is_open: bool) -> str:
    """The vendor's stage; *over* for an incident that ended without a stage that says so."""
    return formatting.stage_text(stage) if is_open or stage.is_closed else "over"


def filter_of(event: Event) -> TimelineFilter:
    """The part of the timeline that an event belongs to; what is neither the vendor's nor people's is status."""
    return next((name for name, kinds in _FILTERS.items() if event.kind in kinds), TimelineFilter.STATUS)


def _status_look(tracked: TrackedIncident, events: Sequence[Event]) -> str:
    """The CSS class of its mark: operational once it is over, else the worst status that it had."""
    if tracked.incident.is_maintenance:
        return status_class(Status.MAINTENANCE if tracked.is_open else Status.OPERATIONAL)
    if not tracked.is_open:
        return status_class(Status.OPERATIONAL)
    return status_class(summary.worst_status(events) or Status.UNKNOWN)


def _stage_steps(tracked: TrackedIncident) -> Iterator[StageStep]:
    """The vendor's usual stages with the time of the first post of each; empty where it uses none of them."""
    incident = tracked.incident
    usual = _MAINTENANCE_STAGES if incident.is_maintenance else _STAGES
    first = {u.stage: u.display_at for u in reversed(incident.updates)}
    if not any(stage in first for stage in usual):
        return
    for stage in usual:
        at = first.get(stage)
        if at is None and stage is usual[-1] and not tracked.is_open:
            at = tracked.closed_at
        is_current = incident.stage is stage or (stage is usual[-1] and not tracked.is_open)
        yield StageStep(formatting.upper_first(formatting.stage_text(stage)), at, is_current)


def _age_scale(estimate: Estimate, now: datetime) -> AgeScale | None:
    whole = estimate.elapsed + estimate.p90
    age = estimate.elapsed + (now - estimate.issued_at)
    if whole <= timedelta() or age < timedelta():
        return None
    return AgeScale(
        age=round(min(age / whole, 1.0) * 100, 1),
        median=round((estimate.elapsed + estimate.p50) / whole * 100, 1),
        age_text=formatting.format_duration(age.total_seconds()),
        end_text=formatting.format_duration(whole.total_seconds()),
    )


def _timeline_steps(events: Iterable[Event], surfaces: SurfaceLookup) -> Iterable[QuotedText]:
    for event in events:
        is_quoted = event.kind in summary.QUOTED_EVENTS
        quote, before = (event.text or "", event.before or "") if is_quoted else ("", "")
        yield QuotedText(event.seen_at, summary.event_line(event, surfaces), quote, before)
