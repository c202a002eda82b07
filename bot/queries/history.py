"""``HistoryQueries``: reliability figures, uptime by day, incident charts and the study's table, from the archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.domain import Advice, Provider, Surface, TrackedIncident
from bot.domain.reliability import (
    ConditionPeriod,
    DatedTransition,
    DayStatus,
    IncidentCourse,
    ReliabilityFigures,
    StudyTable,
    SurfaceRecord,
    TimeWindow,
)
from bot.errors import UsageError
from bot.messages import charts
from bot.messages.charts import Lane, Picture
from bot.queries.provider_figures import ProviderFigures
from bot.rules.changes import component_pins
from bot.rules.reliability import days, icpe25, posted, spans, stated
from bot.rules.reliability import figures as reliability_figures
from bot.storage.archive import Archive

IncidentChartData = tuple[str, list[Lane], list[tuple[datetime, str]], tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class SurfaceUptime:
    """One surface in one window.

    Attributes:
        surface: The surface.
        figures: Its figures.
        days: The status of each day (UTC).
        study: Its availability by the definition of the ICPE 2025 study; None if unknown.
    """

    surface: Surface
    figures: ReliabilityFigures
    days: tuple[DayStatus, ...]
    study: float | None


@dataclass(frozen=True, slots=True)
class _VendorClaims:
    """What a provider's posts say of the past: their dated transitions, and the texts of those that came late."""

    transitions: tuple[DatedTransition, ...]
    late: tuple[IncidentCourse, ...]

    def added_to(self, record: SurfaceRecord, surface: Surface) -> SurfaceRecord:
        """The record of a surface with what the posts say of it."""
        return replace(
            record,
            posted=posted.posted_claims(self.transitions, (*record.seen, *record.told), surface),
            stated=stated.stated_claims(self.late, surface.id),
        )


@dataclass(frozen=True, slots=True)
class HistoryQueries:
    """Queries about the past. ``now`` is the time of the query."""

    archive: Archive
    now: datetime

    def surface_record(self, surface: Surface, window: TimeWindow) -> SurfaceRecord:
        """Everything known of a surface's conditions in a window, with the vendor's dated transitions."""
        record = self.archive.surface_record(surface.provider, surface.id, window, self.now)
        return self._vendor_claims(surface.provider, window).added_to(record, surface)

    def condition_periods(self, surface: Surface, window: TimeWindow) -> tuple[ConditionPeriod, ...]:
        """The conditions of a surface in a window that ends now at the latest."""
        cut = TimeWindow(window.start, min(window.end, self.now))
        return spans.condition_periods(self.surface_record(surface, cut), cut)

    def periods_by_surface(
        self, provider: Provider, surfaces: Sequence[Surface], window: TimeWindow
    ) -> dict[str, tuple[ConditionPeriod, ...]]:
        """The same for several surfaces of a provider, by id: its polls and posts are read once."""
        cut = TimeWindow(window.start, min(window.end, self.now))
        return self.periods_in(provider, dict.fromkeys(surfaces, cut), cut)

    def periods_in(
        self, provider: Provider, windows: Mapping[Surface, TimeWindow], whole: TimeWindow
    ) -> dict[str, tuple[ConditionPeriod, ...]]:
        """The conditions of surfaces of a provider, by id, each in a part of the window ``whole``."""
        known = self.archive.known_windows(provider.id, whole, self.now)
        claims = self._vendor_claims(provider.id, whole)
        found = {}
        for surface, window in windows.items():
            record = self.archive.surface_record(provider.id, surface.id, window, self.now, known=known)
            found[surface.id] = spans.condition_periods(claims.added_to(record, surface), window)
        return found

    def _vendor_claims(self, provider: str, window: TimeWindow) -> _VendorClaims:
        return _VendorClaims(
            self.archive.dated_transitions(provider, window), self.archive.late_courses(provider, window)
        )

    def reliability_figures(self, surface: Surface, window: TimeWindow) -> ReliabilityFigures:
        """The reliability figures of one surface in the part of a window in which it existed."""
        own = self.lifetime(surface, window)
        periods = spans.condition_periods(self.surface_record(surface, own), own)
        return _figures(surface, own, window, periods, self.archive.surface_incident_courses(surface.id, own))

    def lifetime(self, surface: Surface, window: TimeWindow) -> TimeWindow:
        """The part of a window in which the surface existed; empty where that is none of it.

        The provider's file says when it began and ended; else recordings do, else its components on the page.
        """
        began, ended = self.archive.recorded_lifetime(surface.provider, surface.id)
        listed_since, gone_at = component_pins.listed_lifetime(surface, *self.archive.page_components(surface.provider))
        if began is None and listed_since is not None and listed_since > window.start:
            began = min(filter(None, (listed_since, self.archive.first_affected_at(surface.id))))
        since, until = surface.since or began or window.start, surface.until or ended or gone_at or window.end
        start = min(max(window.start, since), window.end)
        return TimeWindow(start, max(min(window.end, until), start))

    def provider_reports(self, provider: Provider, window: TimeWindow) -> tuple[ReliabilityFigures, ...]:
        """The figures of each surface, and before them those of the provider: each incident once."""
        return ProviderFigures(self, provider).figures(window)

    def surface_uptime(self, surface: Surface, window: TimeWindow) -> SurfaceUptime:
        """The uptime of one surface in the part of a window in which it existed, by day."""
        own = self.lifetime(surface, window)
        periods = spans.condition_periods(self.surface_record(surface, own), own)
        day_windows = spans.split_days(own, UTC)
        parts = spans.clip_to_windows(periods, day_windows)
        day_statuses = tuple(
            days.summarize_day(day.start.date(), part) for day, part in zip(day_windows, parts, strict=True)
        )
        figures = _figures(surface, own, window, periods, self.archive.surface_incident_courses(surface.id, own))
        return SurfaceUptime(surface, figures, day_statuses, icpe25.mean_daily_availability(periods, day_windows))

    def incident_chart(self, tracked: TrackedIncident, surfaces: Sequence[Surface]) -> Picture:
        """A chart of an incident: a lane for each affected surface, from before its first post until after its end."""
        return charts.draw_incident(*self.incident_chart_data(tracked, surfaces))

    def incident_chart_data(self, tracked: TrackedIncident, surfaces: Sequence[Surface]) -> IncidentChartData:
        """The data of ``incident_chart``, for a caller that draws it itself."""
        window = self.incident_window(tracked)
        lanes = [
            Lane(
                surface.name,
                spans.condition_periods(self.surface_record(surface, window), window),
                _merge_equal_calls(self.archive.verdict_intervals(surface.provider, surface.id, window)),
            )
            for surface in surfaces
            if surface.id in tracked.surfaces
        ]
        posts = [(u.display_at, str(u.stage)) for u in tracked.incident.updates]
        return tracked.incident.name, lanes, posts, (window.start, window.end)

    def incident_window(self, tracked: TrackedIncident) -> TimeWindow:
        """From somewhat before the first post of an incident until somewhat after its end, for a picture."""
        posts = [u.display_at for u in tracked.incident.updates] or [tracked.incident.created_at]
        end = max(posts[-1], tracked.closed_at or self.now)
        margin = max((end - posts[0]) / 10, timedelta(minutes=10))
        return TimeWindow(posts[0] - margin, min(end + 2 * margin, max(self.now, end)))

    def study_table(self, providers: Sequence[Provider], window: TimeWindow | None) -> StudyTable:
        """The table of the ICPE 2025 study, for these providers; all time if ``window`` is None."""
        return icpe25.compute_study_table(self.archive.incident_courses([p.id for p in providers], window))

    def known_period(self, providers: Sequence[Provider]) -> TimeWindow:
        """The time from the first to the last record, up to now; UsageError if there are none."""
        period = self.archive.known_period([p.id for p in providers])
        if period is None:
            raise UsageError("Nothing is known of any past: `brownout run` watches, `brownout backfill` reads it in.")
        return TimeWindow(period.start, min(period.end, self.now))

    def last_days(self, days: float) -> TimeWindow:
        """The last so many days up to now; of one day or more, the window starts at midnight (UTC)."""
        start = self.now - timedelta(days=days)
        if days >= 1:
            start = (start + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return TimeWindow(start, self.now)


def _figures(
    surface: Surface,
    own: TimeWindow,
    window: TimeWindow,
    periods: Sequence[ConditionPeriod],
    courses: Sequence[IncidentCourse],
) -> ReliabilityFigures:
    """The figures of a surface in ``own``, the part of the window in which it existed."""
    figures = reliability_figures.figures_from_periods(surface.id, periods, courses, own, surface.slo)
    since = own.start if own.start > window.start else None
    return replace(figures, since=since, until=own.end if own.end < window.end else None)


def _merge_equal_calls(
    calls: Sequence[tuple[datetime, datetime, Advice]],
) -> tuple[tuple[datetime, datetime, Advice], ...]:
    """Merges adjacent intervals with the same advice, which differ only in their reasons."""
    merged: list[tuple[datetime, datetime, Advice]] = []
    for start, end, call in calls:
        if merged and merged[-1][2] is call and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end, call)
        else:
            merged.append((start, end, call))
    return tuple(merged)
