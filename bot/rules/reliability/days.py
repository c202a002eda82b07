"""Summarises one day of a surface as its worst condition, for uptime bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

from bot.domain import Condition
from bot.domain.reliability import ConditionPeriod, DayStatus
from bot.rules.reliability.spans import time_by_condition

_WORST_FIRST = sorted((c for c in Condition if c.rank), key=lambda c: -c.rank)

MAX_UNKNOWN = timedelta(hours=1)  # of a day that is still operational

# Equal days are one object: the board keeps 90 of each service, and those of most services are alike.
_shared_day = lru_cache(maxsize=4096)(DayStatus)


def summarize_day(day: date, periods: Sequence[ConditionPeriod]) -> DayStatus:
    """The day with its worst condition, however short it was.

    Where the day had neither trouble nor maintenance, it is unknown if more than an hour of it is, else operational.
    ``periods`` are those of the day only.
    """
    durations = time_by_condition(periods)
    worst = next((c for c in _WORST_FIRST if durations[c]), None)
    total, unknown = sum(durations.values(), timedelta()), durations[Condition.UNKNOWN]
    is_unknown = unknown > MAX_UNKNOWN or unknown == total
    condition = worst or (Condition.UNKNOWN if is_unknown else Condition.OPERATIONAL)
    bad = sum((span for c, span in durations.items() if c.is_bad), timedelta())
    return _shared_day(day, condition, bad, unknown if unknown < total else timedelta())
