"""``BoardQueries``: what the board needs beside the present state: 90 days per service, lists of incidents, lanes.

The days of a service take some milliseconds to work out, so they are kept until its condition or the day changes, or
for ten minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain import Advice, Condition, Provider, ProviderState, Surface, TrackedIncident
from bot.domain.reliability import ConditionPeriod, TimeWindow
from bot.queries.current import StatusQueries
from bot.queries.history import HistoryQueries, SurfaceUptime
from bot.rules.reliability import spans
from bot.storage.incident_list import IncidentFilter, IncidentState, ListedIncident

UPTIME_DAYS = 90
LANE_WINDOW = timedelta(hours=24)
INCIDENTS_PER_PAGE = 25
MAX_SEARCHED = 200  # incidents that a search gives to the other filters
_KEEP = timedelta(minutes=10)
MAX_WORK_S = 1.0  # how long a page waits for days that are not worked out yet


@dataclass(frozen=True, slots=True)
class _KeptUptime:
    uptime: SurfaceUptime
    condition: Condition
    computed_at: datetime

    def is_valid(self, condition: Condition, now: datetime) -> bool:
        is_recent = now - self.computed_at < _KEEP and self.computed_at.date() == now.date()
        return is_recent and self.condition is condition


@dataclass(frozen=True, slots=True)
class IncidentListPage:
    """One page of a list of incidents; ``has_more`` says that there is a next one."""

    incidents: tuple[ListedIncident, ...]
    number: int
    has_more: bool
    is_search_cut: bool = False


@dataclass(slots=True)
class UptimeCache:
    """The days of services that were worked out, by id, and those that a page had no time for. Threads share it."""

    kept: dict[str, _KeptUptime] = field(default_factory=dict)
    missing: dict[str, tuple[Surface, Condition]] = field(default_factory=dict)


@dataclass(slots=True)
class BoardQueries:
    """Queries of the board. Several objects may share one cache."""

    queries: StatusQueries
    cache: UptimeCache = field(default_factory=UptimeCache)

    def uptimes(self, states: Sequence[tuple[Provider, ProviderState]]) -> Mapping[str, SurfaceUptime]:
        """The last 90 days of each service of these providers, by id.

        It works for at most MAX_WORK_S on what is not known yet; the rest is noted as missing (``work_out_missing``).
        """
        now, kept = self.queries.now(), self.cache.kept
        wanted = [(s, _condition(state, s)) for provider, state in states for s in provider.surfaces]
        stale = {s.id: (s, c) for s, c in wanted if s.id not in kept or not kept[s.id].is_valid(c, now)}
        self._work_out(stale)
        self.cache.missing |= stale
        return {s.id: kept[s.id].uptime for s, _ in wanted if s.id in kept}

    def work_out_missing(self) -> None:
        """Works for at most MAX_WORK_S on what pages had no time for."""
        self._work_out(self.cache.missing)

    def _work_out(self, stale: dict[str, tuple[Surface, Condition]]) -> None:
        """Works out the days of services until the time is up, and takes them out of ``stale``."""
        deadline_s = time.monotonic() + MAX_WORK_S
        while stale and time.monotonic() < deadline_s:
            _, (surface, condition) = stale.popitem()
            uptime = self._uptime(surface, UPTIME_DAYS)
            self.cache.kept[surface.id] = _KeptUptime(uptime, condition, self.queries.now())

    def _uptime(self, surface: Surface, days: int) -> SurfaceUptime:
        history = self._history()
        return history.surface_uptime(surface, history.last_days(days))

    def _history(self) -> HistoryQueries:
        return HistoryQueries(self.queries.repository.archive, self.queries.now())

    def uptime_windows(self, surface: Surface, days: Iterable[int]) -> tuple[tuple[int, SurfaceUptime], ...]:
        """The uptime of a service in each of several windows that end now, by their length in days."""
        return tuple((n, self._uptime(surface, n)) for n in days)

    def lanes(
        self, surface: Surface, window: TimeWindow
    ) -> tuple[tuple[ConditionPeriod, ...], tuple[tuple[datetime, datetime, Advice], ...]]:
        """The condition and the advice of a service in a window."""
        archive = self.queries.repository.archive
        record = archive.surface_record(surface.provider, surface.id, window, self.queries.now())
        return spans.condition_periods(record, window), archive.verdict_intervals(surface.provider, surface.id, window)

    def recent_window(self) -> TimeWindow:
        """The last 24 hours."""
        now = self.queries.now()
        return TimeWindow(now - LANE_WINDOW, now)

    def incident_window(self, tracked: TrackedIncident) -> TimeWindow:
        """From somewhat before the first post of an incident until somewhat after its end."""
        return self._history().incident_window(tracked)

    def incident_list(self, wanted: IncidentFilter, number: int = 1, search: str = "") -> IncidentListPage:
        """One page of the incidents that pass the filter and, with ``search``, contain all of its words."""
        is_cut = False
        if search:
            hits = self.queries.repository.archive.search(search, None, MAX_SEARCHED + 1)
            is_cut = hits.is_cut or len(hits.found) > MAX_SEARCHED
            ids = [hit.incident for hit in hits.found[:MAX_SEARCHED]]
            wanted = IncidentFilter(wanted.provider, wanted.surface, wanted.state, wanted.year, ids)
        rows = self._list(wanted, INCIDENTS_PER_PAGE + 1, (number - 1) * INCIDENTS_PER_PAGE)
        return IncidentListPage(rows[:INCIDENTS_PER_PAGE], number, len(rows) > INCIDENTS_PER_PAGE, is_cut)

    def recent_incidents(
        self, limit: int, *, provider: str | None = None, surface: str | None = None, state: IncidentState | None = None
    ) -> tuple[ListedIncident, ...]:
        """The newest incidents of a provider, of a service, or of all that are watched."""
        return self._list(IncidentFilter(provider, surface, state), limit)

    def _list(self, wanted: IncidentFilter, limit: int, offset: int = 0) -> tuple[ListedIncident, ...]:
        watched = [p.id for p in self.queries.providers]
        return self.queries.repository.archive.list_incidents(watched, wanted, limit, offset)

    def years(self) -> tuple[int, ...]:
        """The years in which incidents were posted, the newest first."""
        return self.queries.repository.archive.incident_years()

    def maintenances(self, states: Iterable[tuple[Provider, ProviderState]]) -> list[tuple[Provider, TrackedIncident]]:
        """The maintenances in progress and to come: those in progress first, then by their beginning."""
        listed = [
            (provider, tracked)
            for provider, state in states
            for tracked in state.open_incidents
            if tracked.incident.is_maintenance
        ]
        return sorted(listed, key=lambda item: maintenance_window(item[1], self.queries.now()).start)


def maintenance_window(tracked: TrackedIncident, now: datetime) -> TimeWindow:
    """The planned window of a maintenance; where the page states no times, from its announcement until now."""
    incident = tracked.incident
    start = incident.scheduled_for or incident.started_at or incident.created_at
    return TimeWindow(start, incident.scheduled_until or max(start, now))


def _condition(state: ProviderState, surface: Surface) -> Condition:
    known = state.surface_state(surface.id)
    return known.condition if known else Condition.UNKNOWN
