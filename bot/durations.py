"""Parses durations such as ``90s``, ``1h30m`` or ``2 weeks``; commands and settings share this one parser. No I/O.

A duration is one or more numbers, each with a unit: s, m (min), h, d, w, mo (30 days), y (365 days), or the English
word. Case and spaces make no difference. ``m`` is always minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

_SPELLINGS = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "wk", "wks", "week", "weeks"),
    "mo": ("mo", "month", "months"),
    "y": ("y", "yr", "yrs", "year", "years"),
}
_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 30 * 86_400, "y": 365 * 86_400}
_PART = re.compile(r"\s*+(\d++(?:\.\d++)?+)\s*+([a-z]++)\s*+")
_NUMBER = re.compile(r"\s*+(\d++(?:\.\d++)?+)\s*+")
_MISTAKE = re.compile(  # a number followed by nothing, a few letters or a unit
    rf"[-+\u2013\u2212]?+\d[\d.,]*+(?:(?:[a-z]{{1,3}}|{'|'.join(_UNITS)})(?![a-z])[\d.,]*+)*+"
)
_MAX_ECHO = 60  # characters of the input that an error repeats


class DurationError(ValueError):
    """The text is not a duration, or not one within the limits. The message says which, and shows valid examples."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The durations that a command accepts, both bounds included.

    ``bounds`` are the bounds as text, ``examples`` valid input; both go into error messages. ``bare`` is the unit of a
    number without a unit; None rejects such a number. Without ``takes_m``, the unit ``m`` is rejected with a hint at
    ``mo``, except next to hours: in commands about the past it once meant months.
    """

    least: timedelta
    most: timedelta
    bounds: str
    examples: str
    bare: str | None = None
    takes_m: bool = True


@dataclass(frozen=True, slots=True)
class _Part:
    number: str
    spelling: str

    @property
    def unit(self) -> str:
        return _UNITS[self.spelling]

    @property
    def seconds(self) -> float:
        return float(self.number) * _SECONDS[self.unit]


def parse(text: str, limits: Limits) -> timedelta:
    """Parses the whole text. Raises DurationError for text that is no duration and for one outside the limits."""
    parts = _parts(text)
    if not parts and limits.bare and (number := _NUMBER.fullmatch(text)):
        parts = (_Part(number[1], limits.bare),)
    if not parts:
        raise DurationError(f"“{text[:_MAX_ECHO]}” is not a duration. Examples: {limits.examples}.")
    return _check_limits(parts, text, limits)


def split(words: Sequence[str], limits: Limits, *, at_end: bool = False) -> tuple[tuple[str, ...], timedelta | None]:
    """Splits words into those that are not part of a duration, and the duration; None where there is none.

    A duration may span several words, as in ``1h 30m`` or ``2 hours``. Of several durations the last counts; with
    ``at_end``, only one at the end of the words. Raises DurationError for a duration outside the limits.
    """
    lengths = [(start, end) for start, end in _duration_spans(words) if not at_end or end == len(words)]
    if not lengths:
        return tuple(words), None
    used = {n for start, end in lengths for n in range(start, end)}
    start, end = lengths[-1]
    return tuple(word for n, word in enumerate(words) if n not in used), parse(" ".join(words[start:end]), limits)


def refuse_mistyped(words: Sequence[str], limits: Limits) -> None:
    """Raises DurationError where a word looks like a mistyped duration, such as ``1x``, ``-1h`` or ``30``.

    Names may look like that too (``8x8``): call this only after no service of that name was found.
    """
    for word in words:
        if _MISTAKE.fullmatch(word.casefold()) and not _parts(word):
            parse(word, limits)


def _parts(text: str) -> tuple[_Part, ...]:
    """Each number with its unit; empty where the text is not a duration."""
    parts, position, text = [], 0, text.casefold()
    while match := _PART.match(text, position):
        parts.append(_Part(match[1], match[2]))
        position = match.end()
    return tuple(parts) if position == len(text) and all(p.spelling in _UNITS for p in parts) else ()


def _check_limits(parts: Sequence[_Part], text: str, limits: Limits) -> timedelta:
    has_hours = any(part.unit == "h" for part in parts)  # next to hours, m can only be minutes
    for part in parts:
        if part.spelling == "m" and not limits.takes_m and not has_hours:
            typed = f"{part.number[:_MAX_ECHO]}m"
            months = f"for months write {typed}o"
            raise DurationError(f"“{typed}” is in minutes; {months}. Write {limits.examples}.")
    try:
        length = timedelta(seconds=sum(part.seconds for part in parts))
    except OverflowError:
        length = None
    if length is None or not limits.least <= length <= limits.most:
        what = f"Length of time “{text[:_MAX_ECHO]}” is out of range ({limits.bounds})"
        raise DurationError(f"{what}. Write {limits.examples}.")
    return length


def _duration_spans(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Start and end index of each duration. Adjacent words form one duration while their units get smaller."""
    start = 0
    while start < len(words):
        end = start
        while extended := _extended_end(words, start, end):
            end = extended
        if end > start:
            yield start, end
        start = max(end, start + 1)


def _extended_end(words: Sequence[str], start: int, end: int) -> int | None:
    """The end index of the duration extended by one word, or by a number and its unit; None where it ends here."""
    ends = range(end + 1, min(end + 2, len(words)) + 1)
    return next((extended for extended in ends if _is_one_duration(words[start:extended])), None)


def _is_one_duration(words: Sequence[str]) -> bool:
    parts = _parts(" ".join(words))
    sizes = [_SECONDS[part.unit] for part in parts]
    return bool(parts) and (len(words) == 1 or all(large > small for large, small in pairwise(sizes)))
