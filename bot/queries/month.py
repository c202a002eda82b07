"""Collects a monthly report from the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain import Condition, Provider, Surface
from bot.domain.reliability import (
    ConditionPeriod,
    IncidentCourse,
    MonthlyReport,
    ProviderMonth,
    ReliabilityFigures,
    ServiceMonth,
    TimeWindow,
    VerdictAccuracy,
)
from bot.errors import UsageError
from bot.messages.replies import MAX_POLL_AGE
from bot.queries.history import HistoryQueries
from bot.rules.reliability import days, month, spans, verdict_accuracy

HOURS = 8  # the costliest that are listed
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def parse_month(text: str) -> TimeWindow:
    """The calendar month (UTC) of a text such as ``2026-11``; UsageError otherwise."""
    try:
        start = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"“{text}” is not a month. Example: 2026-11") from None
    if not _FIRST_YEAR <= start.year <= _LAST_YEAR:
        raise UsageError(f"“{text}” is out of range. Years: {_FIRST_YEAR} to {_LAST_YEAR}")
    return TimeWindow(start, (start + timedelta(days=32)).replace(day=1))


def monthly_report(history: HistoryQueries, providers: Sequence[Provider], whole: TimeWindow) -> MonthlyReport:
    """The report of a calendar month, up to now; of the providers of which anything is known.

    Raises:
        UsageError: The month has not begun, or nothing is known of it.
    """
    if whole.start >= history.now:
        raise UsageError(f"{whole.start:%Y-%m} has not begun.")
    window = TimeWindow(whole.start, min(whole.end, history.now))
    bad: dict[str, Sequence[ConditionPeriod]] = {}
    months = [found for p in providers if (found := _provider_month(history, p, window, bad))]
    if not months:
        raise UsageError(f"Nothing is known of {whole.start:%Y-%m}. `brownout backfill` imports a history.")
    return MonthlyReport(window, tuple(months), month.costliest_hours(bad, HOURS), is_complete=window == whole)


def _provider_month(
    history: HistoryQueries, provider: Provider, window: TimeWindow, bad: dict[str, Sequence[ConditionPeriod]]
) -> ProviderMonth | None:
    """One provider's month; None where nothing is known of it. Its services' conditions are added to ``bad``."""
    whole, *rows = history.provider_reports(provider, window)
    known = [(s, f) for s, f in zip(provider.surfaces, rows, strict=True) if f.known_time or f.incidents]
    if not known:
        return None
    after = TimeWindow(window.start, window.end + verdict_accuracy.RELAPSE_WITHIN)
    periods = {s.id: history.condition_periods(s, history.lifetime(s, after)) for s, _ in known}
    bad |= {s.id: spans.clip_periods(periods[s.id], window) for s, _ in known}
    courses = _courses(history, provider, window)
    return ProviderMonth(
        provider.name,
        whole,
        tuple(_service_month(s, f, bad[s.id]) for s, f in known),
        courses,
        {c.incident: worst for c in courses if (worst := _worst(c, periods, window))},
        month.monitoring_record(courses, periods, window),
        _accuracy(history, [s for s, _ in known], periods, window),
    )


def _courses(history: HistoryQueries, provider: Provider, window: TimeWindow) -> tuple[IncidentCourse, ...]:
    """The vendor's incidents; an open one of a page that is not checked any more with the last check."""
    watched, _ = history.archive.known_windows(provider.id, window, history.now)
    last_check = watched[-1].end if watched and watched[-1].end < window.end - MAX_POLL_AGE else None
    return tuple(
        replace(c, last_check=last_check) if c.known_until is None else c
        for c in history.archive.incident_courses([provider.id], window)
        if not c.is_maintenance and not c.is_unposted
    )


def _service_month(surface: Surface, figures: ReliabilityFigures, periods: Sequence[ConditionPeriod]) -> ServiceMonth:
    day_windows = spans.split_days(figures.window, UTC)
    parts = spans.clip_to_windows(periods, day_windows)
    summarized = (days.summarize_day(d.start.date(), part) for d, part in zip(day_windows, parts, strict=True))
    return ServiceMonth(surface.name, figures, tuple(summarized))


def _worst(
    course: IncidentCourse, periods: Mapping[str, Sequence[ConditionPeriod]], window: TimeWindow
) -> Condition | None:
    """The worst condition of the incident's services while it was open; None if none was bad."""
    begun_at, until = course.begun_at or course.posted_at, course.known_until or window.end
    open_in = TimeWindow(begun_at, max([until, *(w.end for w in course.stated.windows)]))
    seen = (p.condition for s in course.surfaces for p in spans.clip_periods(periods.get(s, ()), open_in))
    return max((c for c in seen if c.is_bad), key=lambda c: c.rank, default=None)


def _accuracy(
    history: HistoryQueries,
    surfaces: Sequence[Surface],
    periods: Mapping[str, Sequence[ConditionPeriod]],
    window: TimeWindow,
) -> VerdictAccuracy:
    total = VerdictAccuracy()
    for surface in surfaces:
        given = history.archive.verdict_intervals(surface.provider, surface.id, window)
        total = total.merged_with(verdict_accuracy.measure_verdict_accuracy(given, periods[surface.id]))
    return total
