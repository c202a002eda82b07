"""An objective and what was lost -> what is left of the error budget, how fast it burns, and when it is gone.

The budget belongs to the window: ``(100 - slo) %`` of its length. Every minute in which something was wrong spends it
(degraded, partly down, down); maintenance and unknown minutes do not. The burn rate is that of the window's last seven
days: 1 spends exactly the budget over a window of this length.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.spans import within
from bot.years import Budget, Run, Window

LATELY = timedelta(days=7)


def budget(found: Sequence[Run], window: Window, slo: float) -> Budget:
    """The error budget at the end of the window. ``slo`` is below 100."""
    total = window.length * (100 - slo) / 100
    spent = _bad(found)
    lately = Window(max(window.start, window.end - LATELY), window.end)
    share = _bad(within(found, lately)) / lately.length if lately.length else 0.0
    return Budget(slo, total, total - spent, share / (1 - slo / 100), _runs_out(found, window, total, share))


def _runs_out(found: Sequence[Run], window: Window, total: timedelta, share: float) -> datetime | None:
    left = total
    for run in (r for r in found if r.condition.is_bad):
        if run.length > left:
            return run.start + left
        left -= run.length
    if not share:
        return None
    wait = left / share
    return window.end + wait if wait < window.length else None


def _bad(found: Sequence[Run]) -> timedelta:
    return sum((run.length for run in found if run.condition.is_bad), timedelta())
