"""The error budget of an objective (SLO): what is left of it, how fast it is spent, and when it runs out.

The budget is ``(100 - slo) %`` of the window's length. Every bad minute spends it (degraded, partial or major outage);
maintenance and unknown minutes do not. The burn rate is that of the known time of the window's last seven days: at 1,
exactly the budget is spent over a window of this length.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.reliability import ConditionPeriod, ErrorBudget, TimeWindow
from bot.rules.reliability.spans import clip_periods, known_time

BURN_RATE_WINDOW = timedelta(days=7)
MIN_KNOWN = timedelta(days=1)  # of known time; with less of it there is no percentage, no budget and no burn rate


def compute_error_budget(periods: Sequence[ConditionPeriod], window: TimeWindow, slo: float) -> ErrorBudget:
    """The error budget at the end of the window, from the periods in it; ``slo`` is in percent, below 100."""
    total = window.length * (100 - slo) / 100
    known = known_time(periods)
    if known < MIN_KNOWN:
        return ErrorBudget(slo, total, None, None, None, known, window.length)
    recent = clip_periods(periods, TimeWindow(max(window.start, window.end - BURN_RATE_WINDOW), window.end))
    recent_known = known_time(recent)
    bad_share = _bad_time(recent) / recent_known if recent_known >= MIN_KNOWN else None
    return ErrorBudget(
        slo,
        total,
        total - _bad_time(periods),
        None if bad_share is None else bad_share / (1 - slo / 100),
        _runs_out_at(periods, window, total, bad_share),
        known,
        window.length,
    )


def _runs_out_at(
    periods: Sequence[ConditionPeriod], window: TimeWindow, total: timedelta, bad_share: float | None
) -> datetime | None:
    """When the budget is spent: in the past where it was, else by the burn rate; None if not within another window."""
    left = total
    for period in (r for r in periods if r.condition.is_bad):
        if period.length > left:
            return period.start + left
        left -= period.length
    if not bad_share:
        return None
    wait = left / bad_share
    return window.end + wait if wait < window.length else None


def _bad_time(periods: Sequence[ConditionPeriod]) -> timedelta:
    return sum((period.length for period in periods if period.condition.is_bad), timedelta())
