"""Opens and closes unreported outages: bad components that no incident of the vendor explains. No I/O.

Each is identified by its surface and start. One that exists at the first poll is a baseline; one shorter than three
minutes is ignored, since vendors often change components before they post; one that returns soon is the same outage.
When the vendor posts an incident, that one takes the outage over as it does a suspicion: they share one message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import (
    Attribution,
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
    UnreportedOutage,
)
from bot.rules.attribution.attribute import unknown_components
from bot.rules.changes import diff, events
from bot.rules.evidence.takeover import take_over_suspicions

UNREPORTED_AFTER = timedelta(minutes=3)


def update_unreported_outages(
    before: ProviderState, state: ProviderState, at: datetime, provider: Provider, *, rejoin: timedelta
) -> tuple[ProviderState, tuple[Event, ...]]:
    """Returns the state with its unreported outages after a poll, and the events of those that began or ended.

    Args:
        before: The state before the poll.
        state: The state after the poll, with its attributions.
        at: The time of the poll.
        provider: The provider whose state it is.
        rejoin: An outage that returns within this time after its end is the same one.
    """
    bad = {
        a.surface: a
        for a in state.hits
        if not a.incident and a.condition.is_bad and a.basis is not EvidenceKind.WITNESS
    }
    started = {o.surface: o.since for o in before.bare}
    outages = tuple(UnreportedOutage(s, started.get(s, at)) for s in bad)
    open_incidents = {k.surfaces[0]: k for k in state.open_incidents if k.incident.is_unposted and k.surfaces}
    is_first = before.seen_at is None
    began = [
        _open_outage(o, state, at, provider, rejoin=rejoin, is_baseline=is_first)
        for o in outages
        if o.surface not in open_incidents and (is_first or at - o.since >= UNREPORTED_AFTER)
    ]
    not_over = {*bad, *unknown_components(state.components, provider)}
    ended = [
        _close_outage(k, state, at)
        for s, k in open_incidents.items()
        if s not in not_over and not k.incident.is_suspected
    ]
    incidents = {k.incident.id: k for k in (*state.incidents, *began, *ended)}
    for outage in ended:
        if outage.joined:
            incidents[outage.joined] = take_over_suspicions(incidents[outage.joined], [outage.incident.id], outage.lead)
    new_events = (
        *(_outage_began_event(k, bad, state.provider, at, is_baseline=is_first) for k in began),
        *(_outage_ended_event(k, state.provider, at) for k in ended),
    )
    return replace(state, incidents=tuple(incidents.values()), bare=outages), new_events


def _open_outage(
    outage: UnreportedOutage,
    state: ProviderState,
    at: datetime,
    provider: Provider,
    *,
    rejoin: timedelta,
    is_baseline: bool,
) -> TrackedIncident:
    """Returns the outage as an incident of our own: a recently ended one reopened, else a new one."""
    for tracked in state.incidents:
        is_same = (
            tracked.incident.is_unposted
            and tracked.surfaces == (outage.surface,)
            and tracked.ending in (IncidentEnding.CLEARED, IncidentEnding.REMOVED)
        )
        if is_same and tracked.closed_at is not None and at - tracked.closed_at <= rejoin:
            return replace(tracked, closed_at=None, cleared_at=None, ending=None, freed=())
    name = f"{provider.surface(outage.surface).name} is bad on the page, and no incident is posted"
    incident = Incident(
        id=f"{outage.surface}@{outage.since:%Y-%m-%dT%H:%MZ}",
        name=name,
        stage=Stage.UNKNOWN,
        impact=Impact.UNKNOWN,
        created_at=outage.since,
        is_unposted=True,
    )
    return TrackedIncident(incident, at, (outage.surface,), is_baseline=is_baseline)


def _close_outage(tracked: TrackedIncident, state: ProviderState, at: datetime) -> TrackedIncident:
    """Closes the outage: its component is no longer bad, or an incident of the vendor takes over its message."""
    surface = tracked.surfaces[0]
    posted = [a.incident for a in state.hits if a.incident and a.surface == surface and a.condition.is_bad]
    unposted_ending = IncidentEnding.REMOVED if _is_unknown(state, surface) else IncidentEnding.CLEARED
    vendor_incident = next((i for i in posted if (k := state.tracked_incident(i)) and not k.is_baseline), None)
    return replace(
        tracked,
        closed_at=at,
        ending=IncidentEnding.POSTED if posted else unposted_ending,
        joined=vendor_incident,
    )


def _is_unknown(state: ProviderState, surface: str) -> bool:
    surface_state = state.surface_state(surface)
    return surface_state is not None and surface_state.condition is Condition.UNKNOWN


def _outage_began_event(
    tracked: TrackedIncident, bad: Mapping[str, Attribution], provider: str, at: datetime, *, is_baseline: bool
) -> Event:
    surface, incident = tracked.surfaces[0], tracked.incident
    return Event(
        EventKind.TROUBLE_BEGAN,
        provider,
        at,
        happened_at=incident.created_at if tracked.seen_at == at else at,
        incident=incident.id,
        surface=surface,
        condition=bad[surface].condition,
        reason="; ".join(bad[surface].grounds),
        reason_code="unposted",
        text=incident.name,
        is_baseline=is_baseline,
    )


def _outage_ended_event(tracked: TrackedIncident, provider: str, at: datetime) -> Event:
    ending = tracked.ending or IncidentEnding.CLEARED
    return replace(
        events.change_event(diff.IncidentClosed(tracked.incident, ending, at), provider, at),
        surface=tracked.surfaces[0],
    )
