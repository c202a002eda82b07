"""The verdicts that were given and the conditions that came -> how right they were. Pure.

An *opening* is a verdict that lets work through again after one that held it. It was *early* where the surface was bad
again within the hour: that is what a false opening is in safe-to-retry.md A.2, seen from the book.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.model import Call
from bot.years import Judged, Run

WITHIN = timedelta(hours=1)
_HELD = (Call.HOLD_OFF, Call.FAIL_OVER)
_OPEN = (Call.RETRY_GENTLY, Call.RETRY_NORMALLY)

Given = tuple[datetime, datetime, Call]


def judged(calls: Sequence[Given], runs: Sequence[Run]) -> Judged:
    """One surface's verdicts in a window (from when to when, in order), against its conditions in it and after it."""
    bad = [run for run in runs if run.condition.is_bad]
    known_to = max((run.end for run in runs), default=None)
    opened = [b[0] for a, b in pairwise(calls) if a[2] in _HELD and b[2] in _OPEN and a[1] == b[0]]
    early = [at for at in opened if any(r.start < at + WITHIN and r.end > at for r in bad)]
    recent = [at for at in opened if at not in early and (known_to is None or known_to < at + WITHIN)]
    held = sum((end - start for start, end, call in calls if call in _HELD), timedelta())
    return Judged(len(opened), len(early), held, len(recent))
