"""Opens and closes one incident for all red components that stand for no surface and that no incident mentions. No I/O.

Who follows the whole provider is notified of them, in one message however many there are: a network lists hundreds of
its places. It counts from a partial outage up and after three minutes, as for surfaces (bot.rules.evidence.unreported).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import (
    Component,
    ComponentOutage,
    Condition,
    Event,
    EventKind,
    Impact,
    Incident,
    IncidentEnding,
    Provider,
    ProviderState,
    Stage,
    TrackedIncident,
)
from bot.rules.attribution.components import component_links, find_link
from bot.rules.changes import diff, events
from bot.rules.evidence.takeover import take_over_suspicions
from bot.rules.evidence.unreported import UNREPORTED_AFTER

MAX_NAMES = 6  # in the title
_STATUS_WORDS = {Condition.PARTIAL_OUTAGE: "partial outage", Condition.MAJOR_OUTAGE: "outage"}


def unmapped_components(state: ProviderState, provider: Provider) -> tuple[Component, ...]:
    """The page's components that stand for no surface, without groups that are reported by their members.

    ``provider`` has its pinned components (bot.rules.changes.component_pins.pinned_provider).
    """
    links = component_links(provider)
    linked_ids = {c.id for c in state.components if find_link(links, c.id, c.name)}
    parents = {c.parent for c in state.components if c.parent}
    return tuple(
        c
        for c in state.components
        if c.id not in linked_ids and c.parent not in linked_ids and not (c.is_group and c.id in parents)
    )


def update_unmapped_outage(
    before: ProviderState, state: ProviderState, at: datetime, provider: Provider, *, rejoin: timedelta
) -> tuple[ProviderState, tuple[Event, ...]]:
    """The state with its incident of unmapped components after a poll, and the event if it began or ended.

    Args:
        before: The state before the poll.
        state: The state after the poll.
        at: The time of the poll.
        provider: The provider, with its pinned components.
        rejoin: An outage that returns within this time after its end is the same one.
    """
    mentioned = _mentioned_components(state)
    red = {
        c.id: c for c in unmapped_components(state, provider) if c.condition in _STATUS_WORDS and c.id not in mentioned
    }
    started = {o.component: o.since for o in before.unmapped}
    outages = tuple(ComponentOutage(i, started.get(i, at)) for i in red)
    after = state if state.unmapped == outages else replace(state, unmapped=outages)
    is_first = before.seen_at is None
    reported = {o.component: o.since for o in outages if is_first or at - o.since >= UNREPORTED_AFTER}
    current = next((k for k in state.open_incidents if is_unmapped_outage(k)), None)
    if current is not None:
        shown = {c.id for c in current.incident.components} & red.keys()
        listed = tuple(c for c in red.values() if c.id in shown or c.id in reported)
        if not listed:
            return _close(current, after, mentioned, at)
        return _with_incident(after, replace(current, incident=_describe(current.incident, listed))), ()
    if not reported:
        return after, ()
    opened = _open(after, tuple(red[i] for i in reported), min(reported.values()), at, rejoin=rejoin)
    opened = replace(opened, is_baseline=is_first)
    began = Event(
        EventKind.TROUBLE_BEGAN,
        state.provider,
        at,
        happened_at=opened.incident.created_at if opened.seen_at == at else at,
        incident=opened.incident.id,
        condition=worst_condition(opened.incident),
        reason="; ".join(f"component {c.id}" for c in opened.incident.components[:MAX_NAMES]),
        reason_code="unposted",
        text=opened.incident.name,
        is_baseline=is_first,
    )
    return _with_incident(after, opened), (began,)


def is_unmapped_outage(tracked: TrackedIncident) -> bool:
    """Whether this is the incident of components that stand for no surface."""
    return tracked.incident.is_unposted and not tracked.incident.is_suspected and not tracked.surfaces


def worst_condition(incident: Incident) -> Condition:
    """The worst condition of its components; unknown without any."""
    return max((c.condition for c in incident.components), key=lambda c: c.rank, default=Condition.UNKNOWN)


def _mentioned_components(state: ProviderState) -> dict[str, str]:
    """The components that an open incident of the vendor lists or changes, each with that incident's id."""
    posted = [k.incident for k in state.open_incidents if not k.incident.is_unposted]
    listed = {c.id: i.id for i in posted for c in i.components}
    return listed | {t.component_id: i.id for i in posted for u in i.updates for t in u.transitions or ()}


def _open(
    state: ProviderState, listed: tuple[Component, ...], since: datetime, at: datetime, *, rejoin: timedelta
) -> TrackedIncident:
    """The outage as an incident: one that ended not long ago reopened, else a new one."""
    for tracked in state.incidents:
        if is_unmapped_outage(tracked) and tracked.closed_at is not None and at - tracked.closed_at <= rejoin:
            incident = _describe(tracked.incident, listed)
            return replace(tracked, incident=incident, closed_at=None, cleared_at=None, ending=None, joined=None)
    incident_id = f"{state.provider}-components@{since:%Y-%m-%dT%H:%MZ}"
    incident = Incident(incident_id, "", Stage.UNKNOWN, Impact.UNKNOWN, since, is_unposted=True)
    return TrackedIncident(_describe(incident, listed), at)


def _describe(incident: Incident, listed: tuple[Component, ...]) -> Incident:
    """The incident with these components, named in its title."""
    named = sorted(listed, key=lambda c: (-c.condition.rank, c.name.casefold()))
    names = [c.name or c.id for c in named[:MAX_NAMES]]
    more = [f"{len(named) - len(names)} more"] if len(named) > len(names) else []
    words = [*names, *more]
    joined = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
    status = _STATUS_WORDS[named[0].condition]
    return replace(incident, name=f"{joined} shown as {status} without an incident", components=listed)


def _close(
    tracked: TrackedIncident, state: ProviderState, mentioned: dict[str, str], at: datetime
) -> tuple[ProviderState, tuple[Event, ...]]:
    """Ends the outage: its components are no longer red, have left the page, or an incident mentions them now."""
    ids = [c.id for c in tracked.incident.components]
    posted = [mentioned[i] for i in ids if i in mentioned]
    known = {c.id for c in state.components}
    unposted_ending = IncidentEnding.CLEARED if known.intersection(ids) else IncidentEnding.REMOVED
    successor = next((i for i in posted if (k := state.tracked_incident(i)) and not k.is_baseline), None)
    closed = replace(
        tracked, closed_at=at, ending=IncidentEnding.POSTED if posted else unposted_ending, joined=successor
    )
    after = _with_incident(state, closed)
    if successor and (taking := after.tracked_incident(successor)):
        after = _with_incident(after, take_over_suspicions(taking, [tracked.incident.id], tracked.lead))
    ending = closed.ending or IncidentEnding.CLEARED
    return after, (events.change_event(diff.IncidentClosed(closed.incident, ending, at), state.provider, at),)


def _with_incident(state: ProviderState, changed: TrackedIncident) -> ProviderState:
    known: Iterable[TrackedIncident] = state.incidents
    incidents = {k.incident.id: k for k in known} | {changed.incident.id: changed}
    return replace(state, incidents=tuple(incidents.values()))
