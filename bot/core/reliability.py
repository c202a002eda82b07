"""A surface's record and its incidents -> figures for a window, by our own definition. Pure; the words stand beside it.

- *Bad* is degraded, partly down or down, as everywhere in Brownout; overlapping claims are merged first (core/spans).
- *Availability* is the share of the known time in which nothing was wrong. Maintenance and unknown minutes are neither
  in it nor against it; they stand beside it.
- *MTTR* is the mean from the vendor's first post to its *resolved*, of incidents that are over and were posted before
  they were; the median stands beside it, since the tail is heavy (safe-to-retry.md A.3).
- *MTBF* is the known good time per stretch in which something was wrong.
- The *error budget* of an objective is that of the window's last 30 days (core/budget).
- *Vendor lag* is the first post minus the start that the vendor states, where that is a minute earlier or more; *our
  lag* is our look minus the first post, of incidents that we watched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from statistics import median

from bot.core import spans
from bot.core.budget import budget
from bot.model import Condition, Stage
from bot.years import Budget, Course, Figures, Record, Run, Spread, Window

A_START = timedelta(minutes=1)  # a page that states no start gives the time of its first post, or nearly so
BUDGET_OF = timedelta(days=30)
STAGES = (Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING)


def figures(record: Record, courses: Iterable[Course], window: Window, slo: float | None = None) -> Figures:
    """The figures of one surface. ``courses`` are its incidents; those first posted outside the window are left out."""
    return of_runs(record.surface, spans.runs(record, window), courses, window, slo)


def of_runs(
    surface: str, found: Sequence[Run], courses: Iterable[Course], window: Window, slo: float | None = None
) -> Figures:
    """The same, where the runs of the window are at hand."""
    minutes = spans.minutes(found)
    trouble = spans.outages(found)
    mine = [c for c in courses if not c.is_maintenance and window.start <= c.posted_at < window.end]
    live = [c for c in mine if not c.is_post_hoc]
    return Figures(
        surface=surface,
        window=window,
        minutes=minutes,
        incidents=len(mine),
        post_hoc=len(mine) - len(live),
        outages=len(trouble),
        availability=availability(found),
        mttr=_spread(live, lambda c: c.resolved_at - c.posted_at if c.resolved_at else None),
        mtbf=_good(minutes) / len(trouble) if trouble else None,
        stages={stage: _spread(live, lambda c, s=stage: c.spent().get(s)) for stage in STAGES},  # type: ignore[misc]
        vendor_lag=_spread(mine, _vendor_lag),
        our_lag=_spread(live, lambda c: max(c.seen_at - c.posted_at, timedelta()) if c.seen_at else None),
        budget=_budget(found, window, slo) if slo is not None else None,
    )


def _budget(found: Sequence[Run], window: Window, slo: float) -> Budget:
    """The budget of the window's last 30 days."""
    lately = Window(max(window.start, window.end - BUDGET_OF), window.end)
    return budget(spans.within(found, lately), lately, slo)


def availability(found: Sequence[Run]) -> float | None:
    """Our availability in percent; None where nothing is known."""
    minutes = spans.minutes(found)
    good, bad = _good(minutes), sum((m for c, m in minutes.items() if c.is_bad), timedelta())
    return 100 * (good / (good + bad)) if good + bad else None


def _good(minutes: Mapping[Condition, timedelta]) -> timedelta:
    return minutes[Condition.OPERATIONAL]


def _vendor_lag(course: Course) -> timedelta | None:
    if course.started_at is None or course.posted_at - course.started_at < A_START:
        return None
    return course.posted_at - course.started_at


def _spread(courses: Iterable[Course], value: Callable[[Course], timedelta | None]) -> Spread:
    found = [v for c in courses if (v := value(c)) is not None]
    if not found:
        return Spread(0, None, None)
    return Spread(len(found), sum(found, timedelta()) / len(found), median(found))  # type: ignore[type-var]
