"""Opens, confirms and ends suspicions: surfaces that fail by other evidence while the page shows nothing. No I/O.

A suspicion starts when evidence other than the page is strong enough (bot/docs/verdict-rules.md#suspected-incidents),
and only while the page can be read or two known places see the failure: else our own network may be down.
It ends when that evidence ends. When the vendor posts an incident, that one takes the suspicion over, and the time by
which the suspicion was earlier is recorded with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain import (
    Attribution,
    AttributionKind,
    Condition,
    Event,
    EventKind,
    EvidenceKind,
    Impact,
    Incident,
    IncidentEnding,
    Provider,
    ProviderState,
    Stage,
    TrackedIncident,
    VerdictParameters,
)
from bot.rules.attribution.attribute import AFFECTING_KINDS
from bot.rules.changes.diff import first_posted_at
from bot.rules.evidence.signals import MIN_VANTAGES, evaluate_signals
from bot.rules.evidence.takeover import take_over_suspicions

# an incident that the vendor posts this long after a suspicion ended still confirms it
CONFIRMABLE_FOR = timedelta(minutes=60)
_VENDOR_ENDINGS = frozenset({IncidentEnding.RESOLVED, IncidentEnding.UNRECORDED, IncidentEnding.NARROWED})


@dataclass(frozen=True, slots=True)
class SuspicionStep:
    """A suspicion, or the incident that took it over, as it is now; and the event for the timeline."""

    tracked: TrackedIncident
    event: Event


@dataclass(frozen=True, slots=True)
class SuspicionContext:
    """A provider's state in one transition, with its attributions by surface: by other evidence, and by the page."""

    state: ProviderState
    at: datetime
    provider: Provider
    rules: VerdictParameters
    by_evidence: Mapping[str, Attribution]
    by_page: Mapping[str, Attribution]


def update_suspicions(
    state: ProviderState, at: datetime, provider: Provider, rules: VerdictParameters
) -> tuple[ProviderState, tuple[Event, ...]]:
    """Returns the state with its suspicions updated, and the events of those that started, were confirmed or ended."""
    by_evidence = {a.surface: a for a in state.hits if a.basis is EvidenceKind.WITNESS}
    context = SuspicionContext(state, at, provider, rules, by_evidence, _page_attributions(state.hits))
    steps = [
        *(s for k in _unconfirmed_suspicions(context) for s in _confirmation_steps(k, context)),
        *_ending_steps(context),
        *_start_steps(context),
    ]
    if not steps:
        return state, ()
    incidents = {k.incident.id: k for k in state.incidents}
    for step in steps:
        incidents[step.tracked.incident.id] = _merge_suspicions(incidents.get(step.tracked.incident.id), step.tracked)
    return replace(state, incidents=tuple(incidents.values())), tuple(s.event for s in steps)


def _merge_suspicions(current: TrackedIncident | None, changed: TrackedIncident) -> TrackedIncident:
    """Returns the incident with the change applied; one incident may take over several suspicions."""
    if current is None or not changed.suspicions:
        return changed
    return take_over_suspicions(current, changed.suspicions, changed.lead)


def _page_attributions(attributions: Iterable[Attribution]) -> dict[str, Attribution]:
    """Returns the page's attribution by surface: of a posted incident, else of a bad component."""
    of_page = [a for a in attributions if a.basis is not EvidenceKind.WITNESS]
    components = [a for a in of_page if not a.incident and (a.condition.is_bad or a.condition is Condition.MAINTENANCE)]
    posted = [a for a in of_page if a.incident and a.weight in AFFECTING_KINDS]
    return {a.surface: a for a in (*components, *reversed(posted))}


def _unconfirmed_suspicions(context: SuspicionContext) -> Iterator[TrackedIncident]:
    """Yields the unconfirmed suspicions that are open or ended less than ``CONFIRMABLE_FOR`` ago."""
    for k in context.state.incidents:
        is_late = (
            k.closed_at is not None
            and context.at - k.closed_at <= CONFIRMABLE_FOR
            and k.ending is IncidentEnding.UNCONFIRMED
        )
        if k.incident.is_suspected and (k.is_open or is_late):
            yield k


# --- start ------------------------------------------------------------------------------------------------------------


def _start_steps(context: SuspicionContext) -> Iterator[SuspicionStep]:
    """Yields a step for each surface that fails by other evidence and that nothing reports yet."""
    open_surfaces = {s for k in context.state.open_incidents if k.incident.is_unposted for s in k.surfaces}
    for surface, attribution in context.by_evidence.items():
        is_reported = (
            surface in open_surfaces or surface in context.by_page or _is_tail_of_ended_incident(attribution, context)
        )
        if not is_reported and _has_enough_evidence(context, surface):
            suspicion = _recurring_suspicion(context, surface) or _new_suspicion(attribution, context)
            event = replace(
                _suspicion_event(EventKind.SUSPECTED, suspicion, context, "; ".join(attribution.grounds)),
                condition=attribution.condition,
                happened_at=attribution.since,
                text=suspicion.incident.name,
            )
            yield SuspicionStep(suspicion, event)


def _is_tail_of_ended_incident(attribution: Attribution, context: SuspicionContext) -> bool:
    """Whether the failure began before the vendor closed an incident on the surface, within the last hour.

    The message of that incident still reports such a failure. A failure that counts only from after the end is a new
    suspicion, though its first sign was earlier: the message said that the incident was over, and a maintenance may
    have had no message.
    """
    since = _failing_since(attribution, context.state)
    affecting = (
        k for k in context.state.incidents if attribution.surface in k.surfaces and attribution.surface not in k.freed
    )
    closed_times = (k.closed_at for k in affecting if k.ending in _VENDOR_ENDINGS and k.closed_at is not None)
    return any(since <= at and context.at - at <= CONFIRMABLE_FOR for at in closed_times)


def _failing_since(attribution: Attribution, state: ProviderState) -> datetime:
    """Returns since when the surface has been bad without a break; for weaker evidence, its first sign."""
    history = next((t for t in state.tracks if t.surface == attribution.surface), None)
    bad_since = history.bad_since if history and history.bad and attribution.weight is AttributionKind.DOWN else None
    return max(filter(None, (attribution.since, bad_since)))


def _has_enough_evidence(context: SuspicionContext, surface: str) -> bool:
    """Whether the page was readable recently, or enough known places see the failure."""
    state, at = context.state, context.at
    if state.seen_at is not None and state.blind_since is None and at - state.seen_at <= context.rules.stale_gentle:
        return True
    evidence = next((t for t in state.testimonies if t.surface == surface), None)
    return evaluate_signals(evidence, at).probe.places >= MIN_VANTAGES


def _recurring_suspicion(context: SuspicionContext, surface: str) -> TrackedIncident | None:
    """Returns the surface's recently ended suspicion, reopened: a failure that returns soon is the same one."""
    for k in context.state.incidents:
        is_same = k.incident.is_unposted and k.surfaces == (surface,)
        was_over = k.ending in (IncidentEnding.UNCONFIRMED, IncidentEnding.CLEARED, IncidentEnding.REMOVED)
        if is_same and was_over and k.closed_at is not None and context.at - k.closed_at <= context.rules.flap_within:
            return replace(
                k,
                incident=replace(k.incident, is_suspected=True),
                closed_at=None,
                cleared_at=None,
                ending=None,
                freed=(),
            )
    return None


def _new_suspicion(attribution: Attribution, context: SuspicionContext) -> TrackedIncident:
    surface_name = context.provider.surface(attribution.surface).name
    incident = Incident(
        id=f"{attribution.surface}@{context.at:%Y-%m-%dT%H:%M:%SZ}",
        name=f"{surface_name}: suspected outage, not on the status page",
        stage=Stage.UNKNOWN,
        impact=Impact.UNKNOWN,
        created_at=attribution.since,
        is_unposted=True,
        is_suspected=True,
    )
    return TrackedIncident(incident, context.at, (attribution.surface,))


# --- confirmation and end ---------------------------------------------------------------------------------------------


def _confirmation_steps(suspicion: TrackedIncident, context: SuspicionContext) -> Iterator[SuspicionStep]:
    """Yields the steps for a suspicion that the page confirms, by an incident (which takes it over) or a component."""
    attribution = context.by_page.get(suspicion.surfaces[0])
    if attribution is None:
        return
    vendor_incident = context.state.tracked_incident(attribution.incident)
    if vendor_incident is not None:
        yield from _takeover_steps(suspicion, vendor_incident, context)
    elif suspicion.is_open:
        lead = context.at - suspicion.seen_at
        confirmed = replace(suspicion, incident=replace(suspicion.incident, is_suspected=False), lead=lead)
        yield SuspicionStep(
            confirmed,
            _suspicion_event(EventKind.SUSPICION_CONFIRMED, confirmed, context, _confirmation_text("shows", lead)),
        )


def _takeover_steps(
    suspicion: TrackedIncident, vendor_incident: TrackedIncident, context: SuspicionContext
) -> Iterator[SuspicionStep]:
    """Yields the steps of a suspicion and of the vendor's incident that takes it over; none for a baseline incident.

    A suspicion that has ended is only taken over by an incident that is new in this transition.
    """
    is_new = vendor_incident.seen_at == context.at
    if vendor_incident.is_baseline or not (suspicion.is_open or is_new):
        return
    posted = min(first_posted_at(vendor_incident.incident), context.at) if is_new else context.at
    lead = max(posted - suspicion.seen_at, timedelta(0))
    ended = replace(
        suspicion,
        closed_at=suspicion.closed_at or context.at,
        ending=IncidentEnding.POSTED,
        joined=vendor_incident.incident.id,
    )
    updated = replace(vendor_incident, suspicions=(suspicion.incident.id,), lead=lead)
    for tracked in (ended, updated):
        event = _suspicion_event(
            EventKind.SUSPICION_CONFIRMED, tracked, context, _confirmation_text("has posted", lead)
        )
        yield SuspicionStep(tracked, replace(event, surface=suspicion.surfaces[0]))


def _confirmation_text(verb: str, lead: timedelta) -> str:
    minutes = round(lead.total_seconds() / 60)
    return f"the page {verb} it now; we knew {minutes} min before" if minutes else f"the page {verb} it now"


def _ending_steps(context: SuspicionContext) -> Iterator[SuspicionStep]:
    """Yields a step for each open suspicion whose surface no longer fails by any evidence."""
    for k in context.state.open_incidents:
        if k.incident.is_suspected and not {k.surfaces[0]} & {*context.by_evidence, *context.by_page}:
            ended = replace(k, closed_at=context.at, ending=IncidentEnding.UNCONFIRMED)
            reason = "our probes, traffic and reports show no errors any more, and the vendor has posted nothing"
            yield SuspicionStep(ended, _suspicion_event(EventKind.SUSPICION_CLEARED, ended, context, reason))


def _suspicion_event(kind: EventKind, tracked: TrackedIncident, context: SuspicionContext, reason: str) -> Event:
    return Event(
        kind,
        context.state.provider,
        context.at,
        incident=tracked.incident.id,
        surface=next(iter(tracked.surfaces), None),
        reason=reason,
        reason_code=str(kind),
    )
