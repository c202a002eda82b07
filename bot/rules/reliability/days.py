"""Summarises one day of a surface as its worst condition, for uptime bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.domain import Condition
from bot.domain.reliability import ConditionPeriod, DayStatus
from bot.rules.reliability.spans import time_by_condition

_WORST_FIRST = sorted((c for c in Condition if c.rank), key=lambda c: -c.rank)


def summarize_day(day: date, periods: Sequence[ConditionPeriod]) -> DayStatus:
    """The day with its worst condition, however short it was.

    Where the day had neither trouble nor maintenance, it is unknown if most of it is, else operational. ``periods`` are
    those of the day only.
    """
    durations = time_by_condition(periods)
    worst = next((c for c in _WORST_FIRST if durations[c]), None)
    total = sum(durations.values(), timedelta())
    is_mostly_unknown = durations[Condition.UNKNOWN] * 2 > total or not total
    condition = worst or (Condition.UNKNOWN if is_mostly_unknown else Condition.OPERATIONAL)
    return DayStatus(day, condition, sum((span for c, span in durations.items() if c.is_bad), timedelta()))
