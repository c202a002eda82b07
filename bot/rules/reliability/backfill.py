"""Collects what a backfill stores from the transitions of a replayed history.

That is incidents with their events, the conditions of surfaces, and the time that the history covers. Verdicts are left
out, since none was given at the time. An event's ``happened_at`` is its time in the replay; its ``seen_at`` is the time
of the backfill, which the repository sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain import (
    Component,
    Condition,
    Event,
    EventKind,
    Incident,
    PollResult,
    Provider,
    ProviderState,
    Snapshot,
    TrackedIncident,
)
from bot.domain.reliability import ConditionClaim, TimeWindow
from bot.rules.attribution.components import find_component_link
from bot.rules.changes import missed
from bot.rules.changes.component_pins import pinned_provider
from bot.rules.reliability.spans import merge_windows
from bot.rules.transition import StateTransition, TransitionContext, apply_poll

# for so long after the last usable poll its data counts (bot/docs/verdict-rules.md#staleness)
COVERED_AFTER_FAILURE = timedelta(minutes=15)

_BACKFILLED_EVENTS = frozenset(
    {
        EventKind.INCIDENT_OPENED,
        EventKind.INCIDENT_REOPENED,
        EventKind.INCIDENT_CHANGED,
        EventKind.UPDATE_POSTED,
        EventKind.UPDATE_EDITED,
        EventKind.SURFACE_CHANGED,
        EventKind.TROUBLE_BEGAN,
        EventKind.TROUBLE_ENDED,
        EventKind.INCIDENT_RESOLVED,
        EventKind.INCIDENT_WITHDRAWN,
    }
)


@dataclass(frozen=True, slots=True)
class BackfilledIncident:
    """One incident of a history, with its events in time order."""

    tracked: TrackedIncident
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class BackfilledHistory:
    """Everything that a backfill stores.

    ``conditions`` has, by surface id, the times in which it was not operational; unknown is *inferred* where a
    component is listed whose status is not known, and not where none is listed. ``covered`` are the times that the
    history speaks for, merged.
    """

    incidents: tuple[BackfilledIncident, ...]
    conditions: Mapping[str, tuple[ConditionClaim, ...]]
    covered: tuple[TimeWindow, ...]


def backfill_retroactive_incident(incident: Incident, context: TransitionContext) -> BackfilledIncident:
    """The incident as a backfill stores it, where it was over before it was posted.

    No page ever listed such an incident as open, so no replay finds it. It changes no condition by itself
    (bot/docs/decisions.md#rule-8-the-first-poll-is-a-baseline).
    """
    at = max([incident.created_at, *(u.display_at for u in incident.updates)])
    state = ProviderState(context.provider.id, seen_at=at - COVERED_AFTER_FAILURE)
    transition = apply_poll(state, PollResult(at, Snapshot("", "", incidents=(incident,))), context)
    events = tuple(e for e in transition.events if e.incident == incident.id and e.kind in _BACKFILLED_EVENTS)
    surfaces = missed.posted_late_surfaces(incident, context.provider)
    tracked = transition.state.tracked_incident(incident.id) or TrackedIncident(incident, at)
    return BackfilledIncident(
        replace(tracked, surfaces=surfaces, closed_at=_resolution_time(events), is_backfilled=True), events
    )


def with_moved_surfaces(history: BackfilledHistory, provider: Provider) -> BackfilledHistory:
    """The history whose incidents affected what their transitions say too, also where no poll saw it."""
    incidents = tuple(replace(i, tracked=_with_moved_surfaces(i.tracked, provider)) for i in history.incidents)
    return replace(history, incidents=incidents)


def _with_moved_surfaces(tracked: TrackedIncident, provider: Provider) -> TrackedIncident:
    moved = missed.moved_surfaces(tracked.incident, provider)
    return replace(tracked, surfaces=tuple(dict.fromkeys((*tracked.surfaces, *moved))))


def _resolution_time(events: Iterable[Event]) -> datetime | None:
    return next((e.happened_at for e in events if e.kind is EventKind.INCIDENT_RESOLVED), None)


@dataclass(slots=True)
class BackfillBuilder:
    """Collects the transitions of a replay, in time order, for ``build_history``.

    ``is_history``: no poll saw the components, so that a condition is inferred where its incident has no transitions.
    A surface is unknown while a component of it has a status that is not known, and while a complete list of polls has
    none of its components: it has not begun, or has ended.
    """

    provider: Provider
    is_history: bool = False
    _incidents: dict[str, TrackedIncident] = field(default_factory=dict)
    _components: dict[str, dict[str, Component]] = field(default_factory=dict)
    _events: dict[str, list[Event]] = field(default_factory=dict)
    _condition_changes: dict[str, list[tuple[datetime, Condition, bool]]] = field(default_factory=dict)
    _covered: list[TimeWindow] = field(default_factory=list)
    _covered_since: datetime | None = None
    _unreadable_since: datetime | None = None
    _unknown_since: dict[tuple[str, bool], datetime] = field(
        default_factory=dict
    )  # by surface, and whether it is listed
    _unknown: dict[str, list[ConditionClaim]] = field(default_factory=dict)
    _listed: tuple[tuple[str, str, bool], ...] | None = None

    def add(self, transition: StateTransition) -> None:
        """Adds the next transition, in time order."""
        for event in transition.events:
            self._add_event(event, transition.state)
        self._add_coverage(transition)
        self._add_presence(transition)
        for tracked in transition.state.incidents:
            self._incidents[tracked.incident.id] = tracked
            linked = self._components.setdefault(tracked.incident.id, {})
            linked.update((c.id, c) for c in tracked.incident.components)

    def build_history(self, until: datetime) -> BackfilledHistory:
        """The history of all transitions added, up to ``until``, the time at which the history was read."""
        end = self._unreadable_since if self._is_unreadable_at(until) else until
        is_open = self._covered_since is not None and end is not None and self._covered_since < end
        open_window = [TimeWindow(self._covered_since, end)] if is_open and self._covered_since and end else []
        covered = (TimeWindow(w.start, min(w.end, until)) for w in [*self._covered, *open_window])
        for key in [*self._unknown_since]:
            self._end_unknown(key, until)
        conditions = {
            s.id: _distinct_claims(
                (*_condition_claims(self._condition_changes.get(s.id, ()), until), *self._unknown.get(s.id, ()))
            )
            for s in self.provider.surfaces
        }
        incidents = (
            BackfilledIncident(self._with_linked_components(tracked), tuple(self._events.get(i, ())))
            for i, tracked in self._incidents.items()
        )
        return BackfilledHistory(
            tuple(sorted(incidents, key=lambda i: (i.tracked.incident.created_at, i.tracked.incident.id))),
            {s: spans for s, spans in conditions.items() if spans},
            merge_windows(covered),
        )

    def _add_coverage(self, transition: StateTransition) -> None:
        """Ends the covered time at the first unreadable poll, unless the page is readable again within 15 minutes."""
        if transition.state.blind_since is not None:
            self._unreadable_since = self._unreadable_since or transition.state.blind_since
            return
        if self._covered_since is None:
            self._covered_since = transition.at
        elif self._unreadable_since is not None and self._is_unreadable_at(transition.at):
            self._covered.append(TimeWindow(self._covered_since, self._unreadable_since))
            self._covered_since = transition.at
        self._unreadable_since = None

    def _add_presence(self, transition: StateTransition) -> None:
        """Notes which surfaces have no component in a complete list, or one whose status is not known."""
        state = transition.state
        gone = {a.component for a in state.absences}
        listed = tuple((c.id, c.name, c.condition is Condition.UNKNOWN) for c in state.components if c.id not in gone)
        is_complete = self.is_history or state.has_all_components
        if state.blind_since is not None or not is_complete or listed == self._listed:
            return
        self._listed = listed
        provider = pinned_provider(self.provider, state.pins)
        links = [(find_component_link(identity, name, provider), unknown) for identity, name, unknown in listed]
        whole = [(link.surface, is_unknown) for link, is_unknown in links if link and not link.part]
        present, unknown = {s for s, _ in whole}, {s for s, is_unknown in whole if is_unknown}
        for surface in self.provider.surfaces:
            is_absent = not self.is_history and bool(surface.components) and surface.id not in present
            for is_listed, is_so in ((False, is_absent), (True, surface.id in unknown)):
                if is_so:
                    self._unknown_since.setdefault((surface.id, is_listed), transition.at)
                else:
                    self._end_unknown((surface.id, is_listed), transition.at)

    def _end_unknown(self, key: tuple[str, bool], at: datetime) -> None:
        surface, is_listed = key
        since = self._unknown_since.pop(key, None)
        if since is not None and (is_listed or at - since > COVERED_AFTER_FAILURE):
            claim = ConditionClaim(since, at, Condition.UNKNOWN, inferred=is_listed)
            self._unknown.setdefault(surface, []).append(claim)

    def _is_unreadable_at(self, at: datetime) -> bool:
        return self._unreadable_since is not None and at - self._unreadable_since > COVERED_AFTER_FAILURE

    def _add_event(self, event: Event, state: ProviderState) -> None:
        if event.kind is EventKind.SURFACE_CHANGED and event.surface and event.condition:
            tracked = state.tracked_incident(event.incident) if event.incident else None
            has_transitions = tracked is None or any(u.transitions for u in tracked.incident.updates)
            self._condition_changes.setdefault(event.surface, []).append(
                (event.seen_at, event.condition, event.inferred or (self.is_history and not has_transitions))
            )
        if event.kind in _BACKFILLED_EVENTS and event.incident:
            dated_event = replace(event, happened_at=event.happened_at or event.seen_at)
            self._events.setdefault(event.incident, []).append(dated_event)

    def _with_linked_components(self, tracked: TrackedIncident) -> TrackedIncident:
        components = tuple(self._components[tracked.incident.id].values())
        return replace(tracked, incident=replace(tracked.incident, components=components), is_backfilled=True)


def _distinct_claims(claims: Iterable[ConditionClaim]) -> tuple[ConditionClaim, ...]:
    """The claims, of two on the same time the first: what is bad and unknown at once is bad."""
    kept: dict[tuple[datetime, datetime | None], ConditionClaim] = {}
    for claim in claims:
        kept.setdefault((claim.start, claim.end), claim)
    return tuple(kept.values())


def _condition_claims(
    condition_changes: Iterable[tuple[datetime, Condition, bool]], end: datetime
) -> Iterator[ConditionClaim]:
    changes = list(condition_changes)
    ends = [*(at for at, _, _ in changes[1:]), end][: len(changes)]
    for (start, condition, inferred), until in zip(changes, ends, strict=True):
        if start < until and condition not in (Condition.OPERATIONAL, Condition.UNKNOWN):
            yield ConditionClaim(start, until, condition, inferred)
