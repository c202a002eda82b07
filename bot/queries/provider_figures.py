"""``ProviderFigures``: the figures of a provider and its surfaces, from stored months where there are some.

Of a window, the calendar months that are stored are read as sums, and the rest, its *stretches*, from the records. The
figures are the same with and without stored months. A month is read from the records where

- nothing is stored of it, or what it was computed from has changed (a trigger has deleted it then);
- it is not settled at the end of the window (``sums.is_settled``), or not in the window as a whole;
- a service began or ended in it, or an error budget needs to know when in it the service was bad;
- its sums of all services together are of other services than those of which anything is known in this window;
- an incident was posted at its border, and another one just beyond, which may be the same; or at its very start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain import Condition, Provider, Surface
from bot.domain.reliability import (
    ConditionPeriod,
    FigureSums,
    IncidentCourse,
    MonthSums,
    OutageCount,
    ReliabilityFigures,
    TimeWindow,
)
from bot.rules.reliability import figures, incidents, spans, sums
from bot.storage.archive import Archive

LONGEST_OPEN = timedelta(days=366)  # an incident that was first posted longer before a window is not looked for
_MOMENT = timedelta(milliseconds=1)  # the resolution of stored times


class RecordedHistory(Protocol):
    """What this module asks of ``HistoryQueries``."""

    @property
    def archive(self) -> Archive:
        """The database."""

    @property
    def now(self) -> datetime:
        """The time of the query."""

    def lifetime(self, surface: Surface, window: TimeWindow) -> TimeWindow:
        """The part of a window in which the surface existed."""

    def periods_in(
        self, provider: Provider, windows: Mapping[Surface, TimeWindow], whole: TimeWindow
    ) -> dict[str, tuple[ConditionPeriod, ...]]:
        """The conditions of surfaces, by id, each in a part of the window ``whole``."""


@dataclass(frozen=True, slots=True)
class _StoredMonth:
    """A month of a window whose sums are stored."""

    name: str
    window: TimeWindow
    sums: MonthSums

    def possible_doubles(self, others: Sequence[IncidentCourse] = ()) -> tuple[tuple[str, str], ...]:
        """Pairs of incidents that may be one, of those that were first posted in it, or of ``others``."""
        return (*incidents.possible_doubles(others), *self.sums.possible_doubles)

    def surface_sums(self, surface: Surface, _own: TimeWindow) -> FigureSums:
        """The sums of a surface that existed in all of it."""
        return self.sums.surfaces[surface.id]

    def whole_sums(self, _known: Sequence[str]) -> FigureSums:
        """The sums of the provider."""
        return self.sums.whole


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a window that was read from the records.

    ``periods`` are the conditions by surface. ``courses`` are the incidents that were open or first posted in it, each
    once; where its window ends with that of the report, those too that were posted later and began in it.
    """

    window: TimeWindow
    periods: Mapping[str, Sequence[ConditionPeriod]]
    courses: Sequence[IncidentCourse]

    def possible_doubles(self, others: Sequence[IncidentCourse] = ()) -> tuple[tuple[str, str], ...]:
        """Pairs of incidents that may be one, of those that were first posted in it and ``others``."""
        posted = (c for c in self.courses if _has(self.window, c.posted_at) and not c.is_maintenance)
        return incidents.possible_doubles([*others, *posted])

    def surface_sums(self, surface: Surface, own: TimeWindow) -> FigureSums:
        """The sums of a surface, which existed in ``own``."""
        courses = (c for c in self.courses if surface.id in c.surfaces)
        return sums.sum_up(self.periods[surface.id], courses, _intersection(self.window, own))

    def whole_sums(self, known: Sequence[str]) -> FigureSums:
        """The sums of the provider, whose condition is the worst of its ``known`` surfaces."""
        return sums.sum_up(spans.worst_periods(self.periods[s] for s in known), self.courses, self.window)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A window as it was read.

    Attributes:
        window: The window.
        own: When each surface existed in it.
        parts: The stored months and the stretches, which together are the window, in time order.
        by_surface: The sums of each surface in the time in which it existed.
    """

    window: TimeWindow
    own: Mapping[str, TimeWindow]
    parts: Sequence[_StoredMonth | Stretch]
    by_surface: Mapping[str, FigureSums]

    @property
    def stretches(self) -> Iterator[Stretch]:
        """The parts that were read from the records."""
        return (part for part in self.parts if isinstance(part, Stretch))

    @property
    def known(self) -> tuple[str, ...]:
        """The surfaces of which anything is known, in the provider's order."""
        return tuple(surface for surface, found in self.by_surface.items() if found.is_known)

    def whole_sums(self) -> FigureSums:
        """The sums of the provider; unknown where nothing is known of any surface."""
        known = self.known
        whole = sums.add_up([part.whole_sums(known) for part in self.parts])
        if known:
            return whole
        nothing = dict.fromkeys(Condition, timedelta()) | {Condition.UNKNOWN: self.window.length}
        return replace(whole, minutes=nothing, inferred=timedelta(), outages=OutageCount())

    def unfit_months(self) -> set[str]:
        """The stored months whose sums of all surfaces together are of other surfaces than they are in this window."""
        stored = (part for part in self.parts if isinstance(part, _StoredMonth))
        return {
            part.name for part in stored if part.sums.counted != counted_surfaces(self.known, self.own, part.window)
        }

    def periods_of(self, surface: Surface) -> tuple[ConditionPeriod, ...]:
        """The conditions of a surface in all stretches, in time order."""
        return tuple(period for stretch in self.stretches for period in stretch.periods[surface.id])


@dataclass(frozen=True, slots=True)
class ProviderFigures:
    """The figures of one provider, at the time of the query."""

    history: RecordedHistory
    provider: Provider

    def figures(self, window: TimeWindow) -> tuple[ReliabilityFigures, ...]:
        """The figures of each surface, and before them those of the provider: each incident once."""
        reading = self._read(window)
        before = self._open_before(reading, window)
        whole = figures.figures_from_sums(self.provider.id, window, reading.whole_sums(), before)
        doubles = self._possible_doubles(reading, before)
        rows = (self._surface_figures(reading, surface) for surface in self.provider.surfaces)
        return (replace(whole, possible_doubles=doubles), *rows)

    @staticmethod
    def _possible_doubles(reading: _Reading, before: Sequence[IncidentCourse]) -> tuple[tuple[str, str], ...]:
        """Pairs of incidents of the window that may be one, in the order of their first posts.

        Also those that were posted before the window and still open, and those that were posted after it and began in
        it, which the last stretch has.
        """
        pairs: list[tuple[str, str]] = []
        for number, part in enumerate(reading.parts):
            others = [] if number else [c for c in before if c.posted_at < reading.window.start]
            if part is reading.parts[-1] and isinstance(part, Stretch):
                others += [c for c in part.courses if c.posted_at >= reading.window.end and not c.is_maintenance]
            pairs += part.possible_doubles(others)
        return tuple(pairs)

    def _surface_figures(self, reading: _Reading, surface: Surface) -> ReliabilityFigures:
        own, window = reading.own[surface.id], reading.window
        before = [c for c in self._open_before(reading, own) if surface.id in c.surfaces]
        slo = surface.slo
        budget = figures.current_budget(reading.periods_of(surface), own, slo) if slo is not None else None
        found = figures.figures_from_sums(surface.id, own, reading.by_surface[surface.id], before, budget)
        since = own.start if own.start > window.start else None
        return replace(found, since=since, until=own.end if own.end < window.end else None)

    def _open_before(self, reading: _Reading, window: TimeWindow) -> list[IncidentCourse]:
        """The incidents that began before a window and were open at its start, without maintenances."""
        if not window.length:
            return []
        at = window.start
        courses = next((s.courses for s in reading.stretches if s.window.start <= at < s.window.end), None)
        if courses is None:
            courses = self.history.archive.incident_courses([self.provider.id], TimeWindow(at, at + _MOMENT))
        before = incidents.begun_before(incidents.courses_open_in(courses, window), at)
        return [c for c in before if c.posted_at >= at - LONGEST_OPEN and not c.is_maintenance]

    def _read(self, window: TimeWindow) -> _Reading:
        own = self.lifetimes(window)
        months = self._usable_months(window, own)
        found = self.history.archive.month_sums(self.provider.id, sums.basis_of(self.provider), months)
        stored = [_StoredMonth(name, months[name], month) for name, month in found.items()]
        reading = self._read_around(window, own, stored)
        if unfit := reading.unfit_months():
            reading = self._read_around(window, own, [month for month in stored if month.name not in unfit])
        return reading

    def lifetimes(self, window: TimeWindow) -> dict[str, TimeWindow]:
        """The part of a window in which each surface existed."""
        return {s.id: self.history.lifetime(s, window) for s in self.provider.surfaces}

    def _usable_months(self, window: TimeWindow, own: Mapping[str, TimeWindow]) -> dict[str, TimeWindow]:
        """The months of the window whose stored sums can be used, if there are some."""
        edges = {at for lifetime in own.values() for at in (lifetime.start, lifetime.end)}
        budgets = [figures.budget_period(own[s.id]) for s in self.provider.surfaces if s.slo is not None]
        return {
            name: month
            for name, month in spans.whole_months(window).items()
            if sums.is_settled(month, min(self.history.now, window.end))
            and not any(month.start < at < month.end for at in edges)
            and not any(_overlap(month, budget) for budget in budgets)
        }

    def _read_around(
        self, window: TimeWindow, own: Mapping[str, TimeWindow], stored: Sequence[_StoredMonth]
    ) -> _Reading:
        gaps = spans.subtract_windows(window, (month.window for month in stored))
        parts: list[_StoredMonth | Stretch] = sorted(
            (*stored, *(self.read_stretch(gap, own, is_first=gap.start == window.start) for gap in gaps)),
            key=lambda part: part.window.start,
        )
        by_surface = {
            s.id: sums.add_up([part.surface_sums(s, own[s.id]) for part in parts if _overlap(part.window, own[s.id])])
            for s in self.provider.surfaces
        }
        return _Reading(window, own, parts, by_surface)

    def read_stretch(self, window: TimeWindow, own: Mapping[str, TimeWindow], *, is_first: bool = False) -> Stretch:
        """A part of a window from the records, of each surface in the time in which it existed.

        What was posted at the very start of the first part, and began before it, is not in it: its end is that post.
        """
        parts = {s: _intersection(window, own[s.id]) for s in self.provider.surfaces}
        periods = self.history.periods_in(self.provider, parts, window)
        posted = window if is_first else TimeWindow(window.start - _MOMENT, window.end)
        return Stretch(window, periods, self.history.archive.incident_courses([self.provider.id], posted))


def counted_surfaces(known: Sequence[str], own: Mapping[str, TimeWindow], month: TimeWindow) -> tuple[str, ...]:
    """Those of the surfaces that existed in all of a month: of them its sums of the whole provider are."""
    return tuple(surface for surface in known if _covers(own[surface], month))


def _covers(outer: TimeWindow, inner: TimeWindow) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _overlap(first: TimeWindow, second: TimeWindow) -> bool:
    return max(first.start, second.start) < min(first.end, second.end)


def _has(window: TimeWindow, at: datetime) -> bool:
    return window.start <= at < window.end


def _intersection(first: TimeWindow, second: TimeWindow) -> TimeWindow:
    start = max(first.start, second.start)
    return TimeWindow(start, max(start, min(first.end, second.end)))
