"""What the value of an outage tracker means: trouble, none, or not known. No I/O.

A value is a number that is compared with a limit or with what is usual, or a state that is one of those that mean
trouble. What is neither is not known: a tracker that answers nonsense changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MIN_LEARNED = 12  # readings from which on the usual value is known
MAX_LEARNED = 288  # a day of readings, one in five minutes
MAX_STATE = 60  # characters of a state
_MAX_NUMBER = 1e12


@dataclass(frozen=True, slots=True)
class TrackerLimit:
    """From when on a value means trouble: ``over`` a number, ``times_usual``, or one of the states of ``trouble``."""

    what: str = "reports"
    over: float | None = None
    times_usual: float | None = None
    trouble: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackerFinding:
    """What a value means; ``is_trouble`` is None where that is not known. ``why`` says why not."""

    is_trouble: bool | None
    text: str = ""
    why: str = ""


def number(value: object) -> float | None:
    """The value as a number; None for everything else: text, too, unless all of it is a plain number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not (value.isascii() and len(value) <= 30):  # noqa: PLR2004  (Prometheus sends text)
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) <= _MAX_NUMBER else None


def judge_value(
    value: object, limit: TrackerLimit, usual: object = None, learned: Sequence[float] = ()
) -> TrackerFinding:
    """What the value means by this limit.

    Args:
        value: What the answer has.
        limit: From when on it means trouble.
        usual: What the answer says is usual; None where it says nothing.
        learned: Earlier values without trouble, from which the usual one is learned where the answer does not say it.
    """
    if limit.trouble:
        return _judge_state(value, limit)
    found = number(value)
    if found is None:
        return TrackerFinding(None, why="the value is no number")
    if limit.over is not None:
        return TrackerFinding(found > limit.over, f"{_text(found)} {limit.what} (limit {_text(limit.over)})")
    return _judge_ratio(found, limit, usual, learned)


def _judge_state(value: object, limit: TrackerLimit) -> TrackerFinding:
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_STATE:
        return TrackerFinding(None, why="the value is no state")
    state = " ".join("".join(c for c in value if c.isprintable()).split())
    return TrackerFinding(state.casefold() in {s.casefold() for s in limit.trouble}, state)


def _judge_ratio(value: float, limit: TrackerLimit, usual: object, learned: Sequence[float]) -> TrackerFinding:
    base = number(usual)
    if base is None and usual is not None:
        return TrackerFinding(None, why="what is usual is no number")
    if base is None:
        if len(learned) < MIN_LEARNED:
            return TrackerFinding(None, why=f"what is usual is not known yet: {len(learned)} of {MIN_LEARNED} readings")
        base = median(learned)
    ratio = value / max(base, 1.0)  # where next to nothing is usual, a handful is no outage
    factor = limit.times_usual or math.inf
    text = f"{ratio:.0f} times the usual {limit.what}" if ratio >= 2 else f"the usual {limit.what}"  # noqa: PLR2004
    return TrackerFinding(ratio >= factor, text)


def _text(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
