"""Finds the earlier incidents of an incident's episode: unresolved ones, and the one that it repeats. No I/O.

A series of incidents (six on 2 and 3 March 2026) must not cause a series of broadcasts: people already follow the alert
of the first one (bot/docs/decisions.md#24-episodes-instead-of-flapping).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge
from itertools import islice, takewhile

from bot.domain import IncidentEnding, ProviderState, TrackedIncident
from bot.rules.alerting import episodes
from bot.rules.changes import announcements
from bot.rules.changes.diff import first_posted_at

MAX_RELATED = 20  # the oldest ones; bounds the cost for pages that list thousands of incidents


class RelatedIncidents:
    """The episodes of a provider's state, computed once for all of its incidents."""

    def __init__(self, state: ProviderState) -> None:
        self._provider = state.provider
        self._tracked = {k.incident.id: k for k in state.incidents}
        self._eligible = [k for k in state.incidents if _is_eligible(k)]
        self._episode_ids = _episode_ids(self._incident_span(k) for k in self._eligible)
        self._places = {i: n for first, ids in self._episode_ids.items() if first == ids[0] for n, i in enumerate(ids)}
        self._unresolved: dict[str, list[str]] = {}  # by the first incident of the episode, oldest first
        self._cleared: dict[tuple[str, datetime], list[str]] = {}  # by that and the time of the all clear
        for incident in self._places:
            self._add_to_episode(self._tracked[incident])
        self._newest_open: dict[str, TrackedIncident] = {}  # by surface
        for tracked in sorted((k for k in self._eligible if k.is_open), key=lambda k: k.seen_at):
            self._newest_open |= dict.fromkeys(tracked.surfaces, tracked)
        self._resolved: dict[str, list[episodes.IncidentSpan]] = {}  # by surface, the last to end first
        resolved = (self._incident_span(k) for k in self._eligible if k.ending is IncidentEnding.RESOLVED)
        for span in sorted(resolved, key=_end_order, reverse=True):
            for surface in span.surfaces:
                self._resolved.setdefault(surface, []).append(span)

    def _add_to_episode(self, tracked: TrackedIncident) -> None:
        first = self._episode_ids[tracked.incident.id][0]
        if announcements.is_unresolved(tracked):
            self._unresolved.setdefault(first, []).append(tracked.incident.id)
        elif tracked.cleared_at is not None:
            self._cleared.setdefault((first, tracked.cleared_at), []).append(tracked.incident.id)

    def related_unresolved(self, tracked: TrackedIncident) -> tuple[str, ...]:
        """Returns earlier incidents of the episode that are not all clear before this one; oldest first."""
        earlier = (i for i in self._not_clear_before(tracked) if i not in tracked.suspicions)
        return tuple(islice(earlier, MAX_RELATED))

    def _not_clear_before(self, tracked: TrackedIncident) -> Iterator[str]:
        """Yields the earlier incidents of its episode that are not all clear, or became so together with this one."""
        incident = tracked.incident.id
        if incident not in self._episode_ids:
            yield from (i for i in self._earlier_in_episode(tracked) if _is_clear_later(self._tracked[i], tracked))
        elif not tracked.incident.is_maintenance and tracked.surfaces:
            first = self._episode_ids[incident][0]
            together = self._cleared.get((first, tracked.cleared_at), ()) if tracked.cleared_at else ()
            found = merge(self._unresolved.get(first, ()), together, key=self._places.__getitem__)
            yield from takewhile(lambda i: self._places[i] < self._places[incident], found)

    def later_open(self, tracked: TrackedIncident) -> str:
        """Returns the id of an open incident on one of its surfaces that began later; empty where there is none."""
        newest = (self._newest_open[s] for s in tracked.surfaces if s in self._newest_open)
        later = (k.incident.id for k in newest if k.seen_at > tracked.seen_at and k.incident.id != tracked.joined)
        return next(later, "")

    def previous_incident(self, tracked: TrackedIncident) -> str:
        """Returns the id of the incident before this one in its episode; empty where it is the first."""
        earlier = (i for i in reversed(self._earlier_in_episode(tracked)) if self._tracked[i].joined is None)
        return next((i for i in earlier if i not in tracked.suspicions), "")

    def recurrence_of(self, tracked: TrackedIncident) -> episodes.Recurrence | None:
        """Returns the last resolved incident on its surfaces and the time since; None where there is no recent one."""
        span = self._incident_span(tracked)
        before = (self._last_resolved_before(span, surface) for surface in span.surfaces)
        recurrence = episodes.find_recurrence(span.incident, (*dict.fromkeys(s for s in before if s), span))
        previous_end = self._tracked[recurrence.previous].closed_at if recurrence else None
        return recurrence if previous_end and previous_end <= tracked.seen_at else None

    def _last_resolved_before(self, span: episodes.IncidentSpan, surface: str) -> episodes.IncidentSpan | None:
        own = (span.start, span.incident)
        return next((s for s in self._resolved.get(surface, ()) if (s.start, s.incident) < own), None)

    def _earlier_in_episode(self, tracked: TrackedIncident) -> tuple[str, ...]:
        """Returns the ids of the earlier incidents of its episode, oldest first."""
        incident_id = tracked.incident.id
        if tracked.incident.is_maintenance or not tracked.surfaces:
            return ()
        if incident_id in self._episode_ids:
            return self._episode_ids[incident_id][: self._places[incident_id]]
        ids = _episode_ids(map(self._incident_span, (*self._eligible, tracked)))
        return tuple(takewhile(lambda i: i != incident_id, ids[incident_id]))

    def _incident_span(self, tracked: TrackedIncident) -> episodes.IncidentSpan:
        start = first_posted_at(tracked.incident)
        return episodes.IncidentSpan(
            tracked.incident.id, self._provider, frozenset(tracked.surfaces), start, tracked.closed_at
        )


def _end_order(span: episodes.IncidentSpan) -> tuple[datetime, str]:
    return span.end or span.start, span.incident


def _episode_ids(spans: Iterable[episodes.IncidentSpan]) -> dict[str, tuple[str, ...]]:
    """Maps each incident to the ids of all incidents of its episode, oldest first."""
    return {i: ids for e in episodes.group_episodes(spans) for ids in [e.incidents] for i in ids}


def _is_eligible(tracked: TrackedIncident) -> bool:
    return not (tracked.is_retroactive or tracked.incident.is_maintenance)


def _is_clear_later(earlier: TrackedIncident, tracked: TrackedIncident) -> bool:
    """Whether the earlier incident is not all clear yet, or became so together with this one."""
    is_together = tracked.cleared_at is not None and earlier.cleared_at == tracked.cleared_at
    return announcements.is_unresolved(earlier) or is_together
