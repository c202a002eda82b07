"""Computes the sums of months that have passed from the records, to be stored; see ``provider_figures``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.domain import Condition, Provider
from bot.domain.reliability import IncidentCourse, MonthSums, TimeWindow
from bot.queries.history import HistoryQueries
from bot.queries.provider_figures import ProviderFigures, Stretch, counted_surfaces
from bot.rules.reliability import incidents, spans, sums


@dataclass(frozen=True, slots=True)
class MonthComputation:
    """The months of one provider that can be stored, at the time of the query."""

    history: HistoryQueries
    provider: Provider

    @property
    def basis(self) -> str:
        """What the sums depend on besides the records."""
        return sums.basis_of(self.provider)

    def due_months(self) -> dict[str, TimeWindow]:
        """The settled months whose sums are not stored yet, or are of other surfaces than are known by now."""
        window = self._whole_window()
        if window is None:
            return {}
        finished = self.history.archive.finished_months(self.provider.id, self.basis)
        missing = {name: month for name, month in self._settled(window).items() if name not in finished}
        return missing or self._unfit_months(window)

    def compute(self, due: Mapping[str, TimeWindow]) -> dict[str, MonthSums | None]:
        """The sums of the ``due`` months; None for those that are not stored, since incidents lie at their borders."""
        window = self._whole_window()
        if window is None or not due:
            return {}
        own, stored, stretches = self._read(window, due)
        known = self._known_surfaces(own, stored, stretches)
        edges = {at for month in due.values() for at in (month.start, month.end)}
        crowded = self.history.archive.crowded_borders(self.provider.id, sorted(edges), incidents.MAY_BE_SAME_POST)
        found: dict[str, MonthSums | None] = {}
        for stretch in stretches:
            months = {n: m for n, m in due.items() if stretch.window.start <= m.start < stretch.window.end}
            clipped = {s: spans.clip_to_windows(p, tuple(months.values())) for s, p in stretch.periods.items()}
            courses = _courses_by_month(stretch.courses)
            for number, (name, month) in enumerate(months.items()):
                periods = {surface: parts[number] for surface, parts in clipped.items()}
                part = Stretch(month, periods, courses.get(name, ()))
                is_crowded = not crowded.isdisjoint((month.start, month.end))
                is_crowded |= any(c.posted_at == month.start for c in part.courses)
                found[name] = None if is_crowded else self._sums(part, counted_surfaces(known, own, month))
        return found

    def _sums(self, part: Stretch, counted: tuple[str, ...]) -> MonthSums:
        by_surface = {s.id: part.surface_sums(s, part.window) for s in self.provider.surfaces}
        return MonthSums(part.whole_sums(counted), by_surface, counted, part.possible_doubles())

    def _whole_window(self) -> TimeWindow | None:
        """From the beginning of the first month of which anything is known, until now."""
        period = self.history.archive.known_period([self.provider.id])
        if period is None or period.start >= self.history.now:
            return None
        return TimeWindow(spans.month_start(period.start), self.history.now)

    def _settled(self, window: TimeWindow) -> dict[str, TimeWindow]:
        months = spans.whole_months(window).items()
        return {name: month for name, month in months if sums.is_settled(month, self.history.now)}

    def _read(
        self, window: TimeWindow, due: Iterable[str]
    ) -> tuple[dict[str, TimeWindow], list[tuple[TimeWindow, MonthSums]], list[Stretch]]:
        """When each surface existed, the stored months but the ``due`` ones, and the rest from the records."""
        figures = ProviderFigures(self.history, self.provider)
        settled = self._settled(window)
        wanted = [name for name in settled if name not in set(due)]
        found = self.history.archive.month_sums(self.provider.id, self.basis, wanted)
        stored = [(settled[name], month) for name, month in found.items()]
        always = {surface.id: window for surface in self.provider.surfaces}
        gaps = spans.subtract_windows(window, (month for month, _ in stored))
        return figures.lifetimes(window), stored, [figures.read_stretch(gap, always) for gap in gaps]

    def _known_surfaces(
        self,
        own: Mapping[str, TimeWindow],
        stored: Sequence[tuple[TimeWindow, MonthSums]],
        stretches: Sequence[Stretch],
    ) -> tuple[str, ...]:
        """The surfaces of which anything is known in the time in which they existed."""

        def known_windows(surface: str) -> Iterator[TimeWindow]:
            yield from (month for month, found in stored if found.surfaces[surface].is_known)
            periods = (p for stretch in stretches for p in stretch.periods[surface])
            yield from (TimeWindow(p.start, p.end) for p in periods if p.condition is not Condition.UNKNOWN)

        return tuple(
            s.id
            for s in self.provider.surfaces
            if any(own[s.id].start < w.end and w.start < own[s.id].end for w in known_windows(s.id))
        )

    def _unfit_months(self, window: TimeWindow) -> dict[str, TimeWindow]:
        own, stored, stretches = self._read(window, ())
        known = self._known_surfaces(own, stored, stretches)
        unfit = (month for month, found in stored if found.counted != counted_surfaces(known, own, month))
        return {f"{month.start:%Y-%m}": month for month in unfit}


def _courses_by_month(courses: Iterable[IncidentCourse]) -> dict[str, list[IncidentCourse]]:
    """The incidents that began or were first posted in each month."""
    by_month: dict[str, list[IncidentCourse]] = {}
    for course in courses:
        for name in {f"{at:%Y-%m}" for at in (course.posted_at, course.begun_at) if at}:
            by_month.setdefault(name, []).append(course)
    return by_month
