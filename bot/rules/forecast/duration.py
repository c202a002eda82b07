"""Estimates how long an incident stays bad, given how long it has been: rolling residual life.

A pooled prior worth 100 incidents is replaced by the provider's own ended incidents, one by one. Each graded estimate
moves the quantile levels by up to 0.02 (bot/docs/verdict-rules.md#forecasts: P50 coverage 49.2 %, P90 89.7 % that way).
The remaining time grows with age, so an estimate is never counted down: the first one stays as it was, and only that
one is graded.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

from bot.domain import DurationHistory, Estimate, GradedEstimate

QUANTILE_LEVELS = (0.5, 0.8, 0.9)
PRIOR_WEIGHT = 100
VENDOR_MARGIN = 0.2  # in standard errors, as _level_margin; by it the levels of a new provider are 0.60, 0.88 and 0.96
ADAPTATION_STEP = 0.02
TRACK_RECORD_SIZE = 16  # newest graded estimates that are kept and shown

# (from minute, hazard per minute), fitted to the table of bot/docs/verdict-rules.md#forecasts (P50 and P90 at ages 0,
# 15, 30, 60, 90, 120 and 240 min); it reproduces each of the 14 numbers to within 6 %.
HAZARD = (
    (0, 0.017),
    (15, 0.016),
    (30, 0.013),
    (45, 0.018),
    (60, 0.015),
    (90, 0.0058),
    (120, 0.0061),
    (160, 0.0096),
    (200, 0.0017),
    (240, 0.0069),
    (300, 0.003),
    (400, 0.0034),
    (600, 9.4e-05),
    (1000, 0.0013),
    (1500, 0.00087),
    (2500, 0.00081),
)
_STARTS = tuple(start for start, _ in HAZARD)
_CUMULATIVE_HAZARD = (0.0, *accumulate(rate * (end - start) for (start, rate), (end, _) in pairwise(HAZARD)))
_LONGEST = 60 * 24 * 60.0  # minutes: where the search for a quantile ends, far beyond NO_ESTIMATE_FROM
# Hardly any incident that the prior was fitted to lasted longer (bot/docs/verdict-rules.md#incidents-of-weeks).
NO_ESTIMATE_FROM = timedelta(days=14)


def estimate_remaining(history: DurationHistory, incident: str, at: datetime, elapsed: timedelta) -> Estimate | None:
    """The estimate, made at ``at``, for an incident that has been bad for ``elapsed``.

    None from 14 days on, where the data end. Where it outlasts the provider's whole history, the prior alone counts.
    """
    if elapsed >= NO_ESTIMATE_FROM:
        return None
    age = max(elapsed.total_seconds() / 60, 0.0)
    minutes = history.minutes if history.minutes and age < history.minutes[-1] else ()
    margin = _level_margin(_survivors(minutes, age)) + _vendor_margin(history)
    p50, p80, p90 = (
        timedelta(minutes=max(round(remaining_minutes(minutes, age, widened_level(level, margin))), 1))
        for level in sorted(history.levels)
    )
    return Estimate(incident, at, elapsed, p50, max(p50, p80), max(p50, p80, p90), n=len(history.minutes))


def remaining_minutes(minutes: Sequence[float], age: float, level: float) -> float:
    """The minutes after which this share of the incidents of that age is over.

    Args:
        minutes: How long the provider's ended incidents were bad, in minutes, ascending.
        age: How long the incident has been bad, in minutes.
        level: The share, 0 to 1.
    """
    target = _survivors(minutes, age) * (1 - level)
    low, high = age, _LONGEST
    while high - low > max(0.1, low / 1000):
        middle = (low + high) / 2
        low, high = (middle, high) if _survivors(minutes, middle) > target else (low, middle)
    return high - age


def _survivors(minutes: Sequence[float], minute: float) -> float:
    """How many incidents, the prior's among them, were still bad after so many minutes."""
    weight = max(PRIOR_WEIGHT - len(minutes), 0)
    return weight * prior_survival(minute) + len(minutes) - bisect_right(minutes, minute)


def _level_margin(survivors: float) -> float:
    """How much less is known than of ``PRIOR_WEIGHT`` incidents, in standard errors of a share of one half, times two.

    Few incidents reach a high age, and of few the quantiles are uncertain.
    """
    return max(1 / math.sqrt(max(survivors, 1.0)) - 1 / math.sqrt(PRIOR_WEIGHT), 0.0)


def _vendor_margin(history: DurationHistory) -> float:
    """How much less is known of a provider while the prior, which is of other vendors, stands in for its own past."""
    return VENDOR_MARGIN * max(1 - len(history.minutes) / PRIOR_WEIGHT, 0.0)


def widened_level(level: float, margin: float) -> float:
    """A quantile's level, raised by its standard error where little is known (see the accuracy page).

    See bot/docs/verdict-rules.md#forecasts.
    """
    return min(level + margin * math.sqrt(level * (1 - level)), 0.995)


def prior_survival(minute: float) -> float:
    """The share of incidents, by the prior, that are still bad after so many minutes."""
    index = max(bisect_right(_STARTS, minute) - 1, 0)
    start, rate = HAZARD[index]
    return math.exp(-_CUMULATIVE_HAZARD[index] - rate * (minute - start))


def grade_estimate(first: Estimate, ended_at: datetime) -> GradedEstimate:
    """The grade of an incident's first estimate, when the incident is no longer bad."""
    return GradedEstimate(first, max(ended_at - first.issued_at, timedelta(0)))


def update_durations(
    history: DurationHistory, lasted: timedelta, grades: Iterable[GradedEstimate] = ()
) -> DurationHistory:
    """The history with one more ended incident, which was bad for ``lasted``; its grades correct the levels."""
    minutes = list(history.minutes)
    insort(minutes, lasted.total_seconds() / 60)
    levels = list(history.levels)
    for graded in grades:
        for index, is_held in enumerate(graded.held_quantiles):
            level = levels[index] + ADAPTATION_STEP * (QUANTILE_LEVELS[index] - is_held)
            levels[index] = min(max(level, 0.02), 0.995)
    return replace(history, minutes=tuple(minutes), levels=(levels[0], levels[1], levels[2]))


def track_record_text(grades: Sequence[GradedEstimate]) -> str:
    """How often the newest estimates held, as a clause to show beside the next one; empty before the first grade."""
    newest = grades[-TRACK_RECORD_SIZE:]
    if not newest:
        return ""
    return f"{sum(g.held_quantiles[2] for g in newest)} of the last {len(newest)} ended within the 9-in-10 time"
