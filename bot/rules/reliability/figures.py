"""The reliability figures of one surface over a window, by Brownout's own definition: bot/docs/reliability-figures.md.

- *Bad* is degraded, partial outage or major outage, as everywhere in Brownout; overlapping claims are merged first
  (``spans``).
- *Availability* is the share of the known time in which nothing was bad. Maintenance and unknown time count neither
  for nor against it and are given separately. Less than a day of known time gives none.
- *MTTR* is the mean from the vendor's first post to its last *resolved*, over incidents that were first posted in the
  window and have ended, and were posted before they had; the median is given too, since the tail is heavy.
- *MTBF* is the operational time per outage, an uninterrupted time in which something was bad.
- The *error budget* of an objective is that of the window's last 30 days (``error_budget``).
- *Vendor lag* is the first post minus the start that the vendor states, where that is a minute earlier or more; *our
  lag* is our first poll that showed the incident minus the first post, for incidents seen live.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from statistics import median

from bot.domain import Condition, Stage
from bot.domain.reliability import (
    ConditionPeriod,
    ErrorBudget,
    IncidentCourse,
    MeanAndMedian,
    ReliabilityFigures,
    Spread,
    SurfaceRecord,
    TimeWindow,
)
from bot.rules.reliability import incidents, spans
from bot.rules.reliability.error_budget import MIN_KNOWN, compute_error_budget

MIN_VENDOR_LAG = timedelta(minutes=1)  # pages that state no start repeat the time of the first post, or nearly
BUDGET_PERIOD = timedelta(days=30)
MEASURED_STAGES = (Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING)


def compute_figures(
    record: SurfaceRecord, courses: Iterable[IncidentCourse], window: TimeWindow, slo: float | None = None
) -> ReliabilityFigures:
    """The figures of one surface over the window.

    Args:
        record: Everything known of the surface's conditions.
        courses: The surface's incidents; maintenances and those that were not open in the window are left out.
        window: The time that the figures are of.
        slo: The availability objective in percent, below 100; None gives no error budget.
    """
    return figures_from_periods(record.surface, spans.condition_periods(record, window), courses, window, slo)


def figures_from_periods(
    surface: str,
    periods: Sequence[ConditionPeriod],
    courses: Iterable[IncidentCourse],
    window: TimeWindow,
    slo: float | None = None,
) -> ReliabilityFigures:
    """The same as ``compute_figures`` from condition periods, which must be those of the window."""
    time_by_condition = spans.time_by_condition(periods)
    outages = spans.outages(periods)
    found = [c for c in incidents.courses_open_in(courses, window) if not c.is_maintenance]
    counted = [c for c in found if not c.is_unposted]
    began = [c for c in counted if window.start <= c.posted_at < window.end]
    posted_live = [c for c in began if not c.is_post_hoc]
    stages = [c.time_by_stage() for c in posted_live]
    to_resolve = [t for c in posted_live if (t := _time_to_resolve(c)) is not None]
    return ReliabilityFigures(
        surface=surface,
        window=window,
        minutes=time_by_condition,
        incidents=len(counted),
        post_hoc=sum(c.is_post_hoc for c in counted),
        outages=len(outages),
        availability=availability(periods),
        mttr=_summarized(to_resolve),
        mtbf=_good_time(time_by_condition) / len(outages) if outages else None,
        stages={stage: _summarized([s[stage] for s in stages if stage in s]) for stage in MEASURED_STAGES},
        vendor_lag=_mean_and_median(began, _vendor_lag),
        our_lag=_mean_and_median(
            posted_live, lambda c: max(c.seen_at - c.posted_at, timedelta()) if c.seen_at else None
        ),
        budget=_current_budget(periods, window, slo) if slo is not None else None,
        began_before=incidents.began_before(counted, window),
        unposted=len(found) - len(counted),
        inferred=spans.inferred_time(periods),
        to_resolve=_spread(to_resolve),
        months=dict(sorted(Counter(f"{c.posted_at:%Y-%m}" for c in began).items())),
    )


def _current_budget(periods: Sequence[ConditionPeriod], window: TimeWindow, slo: float) -> ErrorBudget:
    """The error budget of the window's last 30 days."""
    budget_window = TimeWindow(max(window.start, window.end - BUDGET_PERIOD), window.end)
    return compute_error_budget(spans.clip_periods(periods, budget_window), budget_window, slo)


def availability(periods: Sequence[ConditionPeriod]) -> float | None:
    """The availability in percent by Brownout's own definition; None with less than a day of known time."""
    time_by_condition = spans.time_by_condition(periods)
    good, bad = _good_time(time_by_condition), sum((m for c, m in time_by_condition.items() if c.is_bad), timedelta())
    return 100 * (good / (good + bad)) if good + bad and spans.known_time(periods) >= MIN_KNOWN else None


def _good_time(time_by_condition: Mapping[Condition, timedelta]) -> timedelta:
    return time_by_condition[Condition.OPERATIONAL]


def _time_to_resolve(course: IncidentCourse) -> timedelta | None:
    resolved_at = course.resolved_at
    return resolved_at - course.posted_at if resolved_at else None


def _spread(durations: Iterable[timedelta]) -> Spread:
    """The distribution of durations. P90 is the nearest rank: no value between two measured ones is made up."""
    ordered = sorted(durations)
    if not ordered:
        return Spread()
    p90 = ordered[math.ceil(len(ordered) * 9 / 10) - 1]
    return Spread(len(ordered), median(ordered), p90, ordered[-1])  # type: ignore[type-var]


def _vendor_lag(course: IncidentCourse) -> timedelta | None:
    if course.started_at is None or course.posted_at - course.started_at < MIN_VENDOR_LAG:
        return None
    return course.posted_at - course.started_at


def _mean_and_median(
    courses: Iterable[IncidentCourse], value: Callable[[IncidentCourse], timedelta | None]
) -> MeanAndMedian:
    return _summarized([v for c in courses if (v := value(c)) is not None])


def _summarized(durations: Sequence[timedelta]) -> MeanAndMedian:
    if not durations:
        return MeanAndMedian(0, None, None)
    return MeanAndMedian(len(durations), sum(durations, timedelta()) / len(durations), median(durations))  # type: ignore[type-var]
