"""How long ended incidents were bad -> how long this one may stay so, given how long it has: rolling residual life.

A pooled prior of 100 incidents gives way to the provider's own, one by one, and each graded estimate moves the levels
that are asked for by up to 0.02 (safe-to-retry.md A.2 "ETA": P50 coverage 49.2 %, P90 89.7 % that way). What remains
grows with age, so an estimate is never counted down: the first is kept as it was said, and only that one is graded.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

from bot.model import Estimate, Grade, Lifetimes

LEVELS = (0.5, 0.8, 0.9)
PRIOR_WEIGHT = 100
STEP = 0.02
RECORD = 16  # estimates whose record is told

# (from minute, hazard per minute): fitted to the printed table of safe-to-retry.md A.2, half over in / 9 of 10 within,
# at ages 0, 15, 30, 60, 90, 120 and 240 min; it gives each of its 14 numbers back to within 6 %.
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
_BEFORE = (0.0, *accumulate(rate * (end - start) for (start, rate), (end, _) in pairwise(HAZARD)))
_LONGEST = 20_000.0  # minutes


def estimate(known: Lifetimes, incident: str, at: datetime, elapsed: timedelta) -> Estimate:
    """What may remain of an incident that has been bad for ``elapsed``."""
    age = max(elapsed.total_seconds() / 60, 0.0)
    p50, p80, p90 = (timedelta(minutes=round(remaining(known.minutes, age, q))) for q in sorted(known.levels))
    return Estimate(incident, at, elapsed, p50, max(p50, p80), max(p50, p80, p90), n=len(known.minutes))


def remaining(minutes: Sequence[float], age: float, level: float) -> float:
    """The minutes within which this share of incidents of that age is over; ``minutes`` must be ascending."""
    weight = max(PRIOR_WEIGHT - len(minutes), 0)

    def alive(at: float) -> float:
        return weight * survival(at) + len(minutes) - bisect_right(minutes, at)

    goal = alive(age) * (1 - level)
    low, high = age, _LONGEST
    while high - low > max(0.1, low / 1000):
        middle = (low + high) / 2
        low, high = (middle, high) if alive(middle) > goal else (low, middle)
    return high - age


def survival(minute: float) -> float:
    """The prior's share of incidents that are still bad after so many minutes."""
    place = max(bisect_right(_STARTS, minute) - 1, 0)
    start, rate = HAZARD[place]
    return math.exp(-_BEFORE[place] - rate * (minute - start))


def grade(first: Estimate, ended_at: datetime) -> Grade:
    """The first estimate's grade when its incident is no longer bad."""
    return Grade(first, max(ended_at - first.issued_at, timedelta(0)))


def learn(known: Lifetimes, lasted: timedelta, grades: Iterable[Grade] = ()) -> Lifetimes:
    """What is known after one more incident has ended, having been bad for so long; its grades correct the levels."""
    minutes = list(known.minutes)
    insort(minutes, lasted.total_seconds() / 60)
    levels = list(known.levels)
    for graded in grades:
        for place, held in enumerate(graded.held):
            moved = levels[place] + STEP * (LEVELS[place] - held)
            levels[place] = min(max(moved, 0.02), 0.995)
    return replace(known, minutes=tuple(minutes), levels=(levels[0], levels[1], levels[2]))


def record(grades: Sequence[Grade]) -> str:
    """How often the newest estimates held, as people read it beside the next one; empty where none was graded yet."""
    newest = grades[-RECORD:]
    if not newest:
        return ""
    return f"{sum(g.held[2] for g in newest)} of the last {len(newest)} ended within the 9-in-10 time"
