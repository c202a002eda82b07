"""Days with their conditions -> a strip of signs, and the words that say the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from bot.model import Condition
from bot.voice import words
from bot.years import Day

A_ROW = 30
LEGEND = ", ".join(f"{words.SIGNS[c]} {words.CONDITIONS[c]}" for c in words.SIGNS)
_RANKED = (Condition.MAJOR_OUTAGE, Condition.PARTIAL_OUTAGE, Condition.DEGRADED, Condition.MAINTENANCE)


def rows(days: Sequence[Day]) -> Iterator[str]:
    """A sign for each day, 30 in a row after the row's first date; rows of which nothing is known are one."""
    parts = (days[place : place + A_ROW] for place in range(0, len(days), A_ROW))
    for is_dark, group in groupby(parts, key=_is_dark):
        found = list(group)
        if is_dark:
            yield f"{found[0][0].day} nothing is known up to {found[-1][-1].day}"
        else:
            yield from (f"{part[0].day} {''.join(words.SIGNS[d.worst] for d in part)}" for part in found)


def _is_dark(days: Sequence[Day]) -> bool:
    return all(d.worst is Condition.UNKNOWN for d in days)


def told(days: Sequence[Day]) -> str:
    """The strip in a sentence: how many days were how."""
    counts = {c: sum(d.worst is c for d in days) for c in (*_RANKED, Condition.UNKNOWN, Condition.OPERATIONAL)}
    said = [f"{words.CONDITIONS[c]} on {n}" for c, n in counts.items() if n]
    bad = [d for d in days if d.worst.is_bad]
    last = f"; the last day with trouble was {bad[-1].day}" if bad else ""
    return f"of {len(days)} days: {words.listing(said)}{last}"
