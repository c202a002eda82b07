"""A day's runs -> the day as one sign shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.core.spans import minutes
from bot.model import Condition
from bot.years import Day, Run

_RANKED = sorted((c for c in Condition if c.rank), key=lambda c: -c.rank)


def day(of: date, found: Sequence[Run]) -> Day:
    """The day's worst condition, however short; unknown where nothing bad is known, nor anything of most of it."""
    spent = minutes(found)
    bad = next((c for c in _RANKED if spent[c]), None)
    total = sum(spent.values(), timedelta())
    is_dark = spent[Condition.UNKNOWN] * 2 > total or not total
    return Day(of, bad or (Condition.UNKNOWN if is_dark else Condition.OPERATIONAL))
