"""The reliability figures of one surface over a window, by Brownout's own definition: bot/docs/reliability-figures.md.

- *Bad* is degraded, partial outage or major outage, as everywhere in Brownout; overlapping claims are merged first
  (``spans``).
- *Availability* is the share of the known time in which nothing was bad. Maintenance and unknown time count neither
  for nor against it and are given separately. Less than a day of known time gives none.
- *MTTR* is the mean from the vendor's first post to its last *resolved*, over incidents that were first posted in the
  window and have ended, and were posted before they had; the median is given too, since the tail is heavy.
- *MTBF* is the operational time per outage, an uninterrupted time in which something was bad.
- The *error budget* of an objective is that of the window's last 30 days (``error_budget``).
- *Vendor lag* is the first post minus the start that the vendor states (of one posted late also in its text), where
  that is a minute earlier or more; *our lag* is our first poll that showed the incident minus the first post, for
  incidents seen live.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from bot.domain import Condition
from bot.domain.reliability import (
    ConditionPeriod,
    ErrorBudget,
    FigureSums,
    IncidentCourse,
    MeanAndMedian,
    ReliabilityFigures,
    Spread,
    SurfaceRecord,
    TimeWindow,
)
from bot.rules.reliability import incidents, spans, sums
from bot.rules.reliability.error_budget import MIN_KNOWN, compute_error_budget

BUDGET_PERIOD = timedelta(days=30)
_UNIT = timedelta(microseconds=1)  # of ``Durations``


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
    found = [c for c in incidents.courses_open_in(courses, window) if not c.is_maintenance]
    before = incidents.begun_before(found, window.start)
    budget = current_budget(periods, window, slo) if slo is not None else None
    return figures_from_sums(surface, window, sums.sum_up(periods, found, window), before, budget)


def figures_from_sums(
    surface: str,
    window: TimeWindow,
    found: FigureSums,
    before: Sequence[IncidentCourse],
    budget: ErrorBudget | None = None,
) -> ReliabilityFigures:
    """The figures from the sums of the window.

    Args:
        surface: The surface, or the provider.
        window: The time that the figures are of.
        found: The sums of that time.
        before: Incidents that began before the window and were open at its start, without maintenances.
        budget: The error budget at the end of the window, if there is an objective.
    """
    counted, posted = [c for c in before if not c.is_unposted], found.incidents
    outages = found.outages.count
    return ReliabilityFigures(
        surface=surface,
        window=window,
        minutes=found.minutes,
        incidents=posted.counted + len(counted),
        post_hoc=posted.post_hoc + sum(c.is_post_hoc for c in counted),
        outages=outages,
        availability=availability(found.minutes),
        mttr=_summarized(posted.to_resolve),
        mtbf=found.minutes[Condition.OPERATIONAL] / outages if outages else None,
        stages={stage: _summarized(posted.stages.get(stage, ())) for stage in sums.MEASURED_STAGES},
        vendor_lag=_summarized(posted.vendor_lag),
        our_lag=_summarized(posted.our_lag),
        budget=budget,
        began_before=len(counted),
        unposted=posted.unposted + len(before) - len(counted),
        inferred=found.inferred,
        to_resolve=_spread(posted.to_resolve),
        months=dict(sorted(posted.months.items())),
    )


def current_budget(periods: Sequence[ConditionPeriod], window: TimeWindow, slo: float) -> ErrorBudget:
    """The error budget of the window's last 30 days; ``periods`` are at least those of that time."""
    budget_window = budget_period(window)
    return compute_error_budget(spans.clip_periods(periods, budget_window), budget_window, slo)


def budget_period(window: TimeWindow) -> TimeWindow:
    """The time that an error budget at the end of the window is of."""
    return TimeWindow(max(window.start, window.end - BUDGET_PERIOD), window.end)


def availability(minutes: Mapping[Condition, timedelta]) -> float | None:
    """The availability in percent by Brownout's own definition; None with less than a day of known time."""
    good, bad = minutes[Condition.OPERATIONAL], sum((m for c, m in minutes.items() if c.is_bad), timedelta())
    known = sum((m for c, m in minutes.items() if c is not Condition.UNKNOWN), timedelta())
    return 100 * (good / (good + bad)) if good + bad and known >= MIN_KNOWN else None


def _spread(durations: Sequence[int]) -> Spread:
    """The distribution of durations. P90 is the nearest rank: no value between two measured ones is made up."""
    ordered = sorted(durations)
    if not ordered:
        return Spread()
    p90 = ordered[math.ceil(len(ordered) * 9 / 10) - 1]
    return Spread(len(ordered), _median(ordered), p90 * _UNIT, ordered[-1] * _UNIT)


def _summarized(durations: Sequence[int]) -> MeanAndMedian:
    if not durations:
        return MeanAndMedian(0, None, None)
    return MeanAndMedian(len(durations), sum(durations) * _UNIT / len(durations), _median(sorted(durations)))


def _median(ordered: Sequence[int]) -> timedelta:
    middle, is_odd = divmod(len(ordered), 2)
    return ordered[middle] * _UNIT if is_odd else (ordered[middle - 1] + ordered[middle]) * _UNIT / 2
