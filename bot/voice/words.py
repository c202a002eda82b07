"""Enums, times and verdicts -> words for people. One word for one thing, and never a colour or a sign alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime

from bot.model import Call, Condition, Stage, Verdict

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


_JOINER = "\u200d"
_CLUSTER = 32  # code points: longer than any character that people write


def condition(found: Condition, *, inferred: bool = False) -> str:
    """A condition in words, and whether only words support that it is bad: ``partly down, by the text alone``."""
    return CONDITIONS[found] + (", by the text alone" if inferred and found.is_bad else "")


def call(verdict: Verdict) -> str:
    """The verdict in two or three words: ``Retry gently (20%)``."""
    word = CALLS[verdict.call]
    return f"{word} ({verdict.exposure:.0%})" if verdict.call is Call.RETRY_GENTLY else word


def told(verdict: Verdict) -> str:
    """The verdict with its time or its alternative: ``Hold off until 12:19 UTC (review)``."""
    if verdict.call is Call.HOLD_OFF and verdict.review_at is not None:
        return f"Hold off until {clock(verdict.review_at)} (review)"
    if verdict.call is Call.FAIL_OVER and verdict.instead:
        return f"Use {verdict.instead} instead"
    return call(verdict)


def verdicts(named: Iterable[tuple[str, Verdict]]) -> list[str]:
    """A line for each different verdict, with every surface that has it."""
    names: dict[tuple[str, str], list[str]] = {}
    for name, verdict in named:
        names.setdefault((told(verdict), verdict.because or verdict.reason), []).append(name)
    return [f"{listing(found)}: {what[0].lower()}{what[1:]}: {why}." for (what, why), found in names.items()]


def stage(now: Stage) -> str:
    """The vendor's step, in its own words."""
    return "at a stage that is not known" if now is Stage.UNKNOWN else now.replace("_", " ")


def clock(at: datetime) -> str:
    """A time of day for plain text, always with its zone."""
    return f"{at:%H:%M} UTC"


def day(at: datetime) -> str:
    """A date and time for plain text."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def between(start: datetime, end: datetime) -> str:
    """From when to when; the day once where it is one."""
    return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M} UTC" if start.date() == end.date() else f"{day(start)} to {day(end)}"


def span(seconds: float) -> str:
    """A length of time in words: ``40 s``, ``4 min``, ``3 h 22 min``, ``2 d 4 h``. Clocks differ: never below zero."""
    seconds = max(seconds, 0)
    if seconds < 90:  # noqa: PLR2004  (below this, minutes are too coarse)
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
    """The text, or as much of it as fits with a word that says it was cut; never in the middle of a character."""
    if len(text) <= limit:
        return text
    end = limit - len(rest)
    whole = next((n for n in range(end, max(end - _CLUSTER, 0), -1) if not _is_inside(text, n)), end)
    return text[:whole] + rest


def _is_inside(text: str, place: int) -> bool:
    """True between two code points that are shown as one character: accents, skin tones, joined emoji."""
    after = text[place]
    is_mark = unicodedata.category(after).startswith("M") or "\U0001f3fb" <= after <= "\U0001f3ff"
    return is_mark or _JOINER in (after, text[place - 1])
