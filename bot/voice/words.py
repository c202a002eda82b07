"""Enums, times and verdicts -> words for people. One word for one thing, and never a colour or a sign alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.model import Call, Condition, Verdict

CONDITIONS = {
    Condition.OPERATIONAL: "working",
    Condition.MAINTENANCE: "in maintenance",
    Condition.DEGRADED: "degraded",
    Condition.PARTIAL_OUTAGE: "partly down",
    Condition.MAJOR_OUTAGE: "down",
    Condition.UNKNOWN: "not known",
}
SIGNS = {
    Condition.OPERATIONAL: "○",
    Condition.MAINTENANCE: "◇",
    Condition.DEGRADED: "◔",
    Condition.PARTIAL_OUTAGE: "◑",
    Condition.MAJOR_OUTAGE: "●",
    Condition.UNKNOWN: "?",
}
CALLS = {
    Call.RETRY_NORMALLY: "Retry normally",
    Call.RETRY_GENTLY: "Retry gently",
    Call.HOLD_OFF: "Hold off",
    Call.FAIL_OVER: "Fail over",
    Call.UNKNOWN: "Unknown",
}


def call(verdict: Verdict) -> str:
    """The verdict in two or three words: ``Retry gently (20 %)``."""
    word = CALLS[verdict.call]
    return f"{word} ({verdict.exposure:.0%})".replace("%", " %") if verdict.call is Call.RETRY_GENTLY else word


def clock(at: datetime) -> str:
    """A time of day for plain text, always with its zone."""
    return f"{at:%H:%M} UTC"


def day(at: datetime) -> str:
    """A date and time for plain text."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def span(seconds: float) -> str:
    """A length of time in words: ``40 s``, ``4 min``, ``3 h 22 min``, ``2 d 4 h``."""
    if abs(seconds) < 90:  # noqa: PLR2004  (below this, minutes are too coarse)
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


def listing(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; empty where there are none."""
    found = list(names)
    *most, last = found or [""]
    return f"{', '.join(most)} and {last}" if most else last


def cut(text: str, limit: int, rest: str = "… (cut)") -> str:
    """The text, or as much of it as fits with a word that says it was cut."""
    return text if len(text) <= limit else text[: limit - len(rest)] + rest
