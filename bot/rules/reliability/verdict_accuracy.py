"""How accurate recorded verdicts were, against the conditions that followed.

An *opening* is a verdict that allows retries again directly after one that held them off. It was *early* where the
surface was bad within the next hour: a false opening as in bot/docs/verdict-rules.md#evaluation, from recorded data.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain import Advice
from bot.domain.reliability import ConditionPeriod, VerdictAccuracy

RELAPSE_WITHIN = timedelta(hours=1)
_HOLDING = (Advice.HOLD_OFF, Advice.FAIL_OVER)
_LETTING_THROUGH = (Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY)

GivenVerdict = tuple[datetime, datetime, Advice]  # from when, to when, which


def measure_verdict_accuracy(verdicts: Sequence[GivenVerdict], periods: Sequence[ConditionPeriod]) -> VerdictAccuracy:
    """The accuracy of one surface's verdicts in a window.

    Args:
        verdicts: The verdicts in time order.
        periods: The surface's conditions in the window and for an hour after it, where those are known already.
    """
    bad_periods = [period for period in periods if period.condition.is_bad]
    known_to = max((period.end for period in periods), default=None)
    openings = [b[0] for a, b in pairwise(verdicts) if a[2] in _HOLDING and b[2] in _LETTING_THROUGH and a[1] == b[0]]
    early = [
        at for at in openings if any(period.start < at + RELAPSE_WITHIN and period.end > at for period in bad_periods)
    ]
    recent = [at for at in openings if at not in early and (known_to is None or known_to < at + RELAPSE_WITHIN)]
    held = sum((end - start for start, end, call in verdicts if call in _HOLDING), timedelta())
    return VerdictAccuracy(len(openings), len(early), held, len(recent), int(held > timedelta()))
