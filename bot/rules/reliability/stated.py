"""Reads from a vendor's text when it was bad: windows such as "between 10:05 and 11:40 UTC", and lengths. No I/O.

For incidents that were posted when they were over (bot/docs/reliability-figures.md#stated-windows). A window is read
only where the text says both of its ends and a time zone, in words about a failure. What is doubtful is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from bot.domain import Condition
from bot.domain.reliability import ConditionClaim, IncidentCourse, StatedTimes, TimeWindow
from bot.rules.attribution.attribute import CONDITION_OF_IMPACT
from bot.rules.reliability.spans import merge_windows
from bot.rules.reliability.stated_moments import (
    ABOUT,
    DAY,
    ZONE,
    StatedMoment,
    found_moment,
    moment_pattern,
    named_day,
    readings,
    with_zones,
    zone_name,
)

MAX_BEFORE_POST = timedelta(hours=12)  # of a window without a day, from the post that states it
MAX_BEFORE_POST_OF_GUESS = timedelta(hours=6)  # where am or pm is a guess too
MAX_DAYS_BEFORE_POST = timedelta(days=31)  # of a window with a day
MAX_AFTER_POST = timedelta(hours=6)  # of its beginning: posts are dated back
LONGEST_STATED = timedelta(days=7)

Post = tuple[str, datetime]  # the text, and when it was posted

_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: number for number, word in enumerate(_NUMBER_WORDS, 1)}
_DASHES = "-\N{EN DASH}\N{EM DASH}"
_RANGE = re.compile(
    rf"(?:\b(?P<lead>between|from)\s+)?{moment_pattern('a')}"
    rf"\s*(?P<link>\band\b|\bto\b|\buntil\b|\btill\b|\bthrough\b|[{_DASHES}])\s*{moment_pattern('b')}",
    re.IGNORECASE,
)
_BEGINNING = re.compile(
    rf"\b(?:start(?:ed|ing)|began|beginning|identified)\s+(?:(?:on|from)\s+)?{moment_pattern('a')}", re.IGNORECASE
)
_ENDING = re.compile(
    rf"\b(?:ended|resolved|mitigated|restored|recovered|fixed|until)\s+(?:(?:on|by)\s+)?{moment_pattern('b')}",
    re.IGNORECASE,
)


def _length_pattern(name: str) -> str:
    return (
        rf"(?P<{name}count>\d+(?:\.\d+)?|half an|an?|{'|'.join(_NUMBERS)})[\s-]*"
        rf"(?P<{name}unit>min(?:ute)?s?|hours?|hrs?|h)\b(?:\s*(?:and\s+)?(?P<{name}more>\d+)\s*min(?:ute)?s?\b)?"
    )


_BEGINNING_AND_LENGTH = re.compile(
    rf"{moment_pattern('a')},?\s+(?:and\s+)?(?:for|lasting|lasted)\s+{ABOUT}{_length_pattern('n')}", re.IGNORECASE
)
_LASTED = re.compile(
    rf"\b(?:for|lasted|lasting)\s+(?:a total of\s+)?{ABOUT}{_length_pattern('x')}"
    rf"|(?<![\w.]){_length_pattern('y')}\s+(?:of\s+(?:downtime|unavailability|outage)|outage|disruption|interruption)\b",
    re.IGNORECASE,
)
_ALL_TIMES = re.compile(rf"\ball times (?:are |in |listed |given |below )*(?P<zone>{ZONE})", re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"“(])|\n+")
_FAILURE = re.compile(
    r"\b(?:error|fail|unavailab|unable|unreachable|unexpected|down|outage|offline|degrad|disrupt|interrupt|latenc|slow"
    r"|impact|affect|issue|incident|problem|trouble|elevated|increas|time(?:d)?[ -]?out|delay|broken|could|instab"
    r"|experienced|date/time|[45]\d\d)",
    re.IGNORECASE,
)
_NO_FAILURE = re.compile(
    r"\b(?:will|won't|scheduled|planned|upcoming|unaffected|not (?:been )?(?:impacted|affected)"
    r"|(?:no|without(?: any)?) (?:impact|downtime|errors)|is expected|please expect"
    r"|(?:deploy|monitor|roll)(?:ed|ing)?(?: \w+){0,3} (?:at|for|from|between))\b",
    re.IGNORECASE,
)
_UNREAD_DAY = re.compile(
    r"(?<![\d/])(?!24/7)\d{1,2}/\d{1,2}(?![\d/]*\d{3})|\blast (?:night|week|month)\b", re.IGNORECASE
)
_ANY_DAY = re.compile(rf"\b{DAY}", re.IGNORECASE)
_ANY_CLOCK = re.compile(r"\d{1,2}:\d\d|\d\s*[ap]m\b", re.IGNORECASE)
_TWO = 2


@dataclass(frozen=True, slots=True)
class _Context:
    """What a text says beside its times. ``zone`` is that of all times, ``day`` the only day that it names.

    ``needs_day``: it names several days, or one that can't be read, so that a time without a day may be of any.
    """

    posted_at: datetime
    zone: str
    day: date | None
    needs_day: bool


@lru_cache(maxsize=4096)  # more than the late posts of ten years: the same texts are read at every question
def stated_times(posts: tuple[Post, ...]) -> StatedTimes:
    """The windows that the posts of one incident state, merged; else the one length that they state.

    Args:
        posts: The title with the time of the first post, and the text of each post with its time. A time without a day
            is near the post.
    """
    plain = list(dict.fromkeys((_plain(text), at) for text, at in posts))
    is_about_failure = bool(plain) and bool(_FAILURE.search(plain[0][0]))
    windows = [w for text, at in plain for w in _windows(text, _context(text, at), is_about_failure=is_about_failure)]
    merged = merge_windows(windows)
    lengths = set() if merged else {length for text, _ in plain for length in _lengths(text)}
    return StatedTimes(merged, lengths.pop() if len(lengths) == 1 else None)


def stated_claims(courses: Iterable[IncidentCourse], surface: str) -> tuple[ConditionClaim, ...]:
    """The claims of what incidents state that were posted when they were over, for a surface that they affected.

    The impact says how bad it was; one without an impact was degraded.
    """
    return tuple(
        ConditionClaim(window.start, window.end, condition, inferred=True)
        for course in courses
        if surface in course.surfaces and not course.is_maintenance
        for condition in [CONDITION_OF_IMPACT.get(course.impact, Condition.DEGRADED)]
        for window in course.stated.windows
    )


def _plain(text: str) -> str:
    """The text with plain spaces and without marks of emphasis; ``a.m.`` is ``am``."""
    text = re.sub(r"[\u00a0\u2000-\u200a\u202f]", " ", text)
    text = re.sub(r"[*_`]|<[^<>]{1,40}>", "", text).replace("\u2212", "-")
    return re.sub(r"\b([ap])\.\s?m\.?(?=\W|$)", r"\1m", text, flags=re.IGNORECASE)


def _context(text: str, posted_at: datetime) -> _Context:
    named = {named_day(match[0], posted_at.astimezone(UTC).date()) for match in _ANY_DAY.finditer(text)}
    needs_day = len(named) > 1 or None in named or bool(_UNREAD_DAY.search(text))
    all_times = _ALL_TIMES.search(text)
    zone = zone_name(all_times["zone"]) if all_times else ""
    return _Context(posted_at, zone, None if needs_day else next(iter(named), None), needs_day)


def _windows(text: str, context: _Context, *, is_about_failure: bool) -> Iterator[TimeWindow]:
    found: list[TimeWindow | None] = []
    for sentence in _SENTENCES.split(text):
        if not _NO_FAILURE.search(sentence) and (is_about_failure or _FAILURE.search(sentence)):
            ranges = [_window(first, second, context) for first, second in _ranges(sentence, context.zone)]
            found += ranges or _windows_with_length(sentence, context)
    if not any(found) and not _NO_FAILURE.search(text):
        found.append(_window_of_begun_and_over(text, context))
    yield from (window for window in found if window is not None)


def _ranges(sentence: str, zone: str) -> Iterator[tuple[StatedMoment, StatedMoment]]:
    """The beginnings and ends in a sentence: ``between A and B``, ``from A to B``, ``A - B``."""
    for match in _RANGE.finditer(sentence):
        first, second = found_moment(match, "a"), found_moment(match, "b")
        lead = (match["lead"] or match["alead"] or "").casefold()
        is_number = not first.is_exact and not (lead and second.half)
        is_list = match["link"].casefold() == "and" and lead != "between"
        if second.is_exact and not is_number and not is_list:
            yield with_zones(first, second, zone)


def _windows_with_length(sentence: str, context: _Context) -> list[TimeWindow | None]:
    """Windows of a beginning and a length: ``starting at 10:05 UTC for about 25 minutes``."""
    windows = []
    for match in _BEGINNING_AND_LENGTH.finditer(sentence):
        first = found_moment(match, "a")
        start, _ = with_zones(first, first, context.zone)
        if start.is_exact and (start.half or start.is_of_24_hours):
            length = _length(match, "n")
            windows.append(_nearest([TimeWindow(at, at + length) for at in _starts(start, "", context)], context))
    return windows


def _window_of_begun_and_over(text: str, context: _Context) -> TimeWindow | None:
    """The window of a text with two times: one at which it began, and after it one at which it was over."""
    begun, over = list(_BEGINNING.finditer(text)), list(_ENDING.finditer(text))
    if len(begun) != 1 or len(over) != 1 or len(_ANY_CLOCK.findall(text)) > _TWO or begun[0].end() > over[0].start():
        return None
    first, second = with_zones(found_moment(begun[0], "a"), found_moment(over[0], "b"), context.zone)
    return _window(first, second, context) if first.is_exact and second.is_exact else None


def _window(first: StatedMoment, second: StatedMoment, context: _Context) -> TimeWindow | None:
    """The window between two times; None where it is doubtful."""
    pairs = readings(first, second)
    windows = [
        TimeWindow(start, end)
        for begin, until in pairs
        for start in _starts(begin, until.day, context)
        if (end := _end(until, start, context)) is not None
    ]
    return _nearest(windows, context, is_guess=len(pairs) > 1)


def _starts(moment: StatedMoment, other_day: str, context: _Context) -> list[datetime]:
    """When it may have been: on its own day, else that of the end or of the text, else within a day of the post."""
    posted_on, named = moment.local_day(context.posted_at), moment.day or other_day
    if context.needs_day and not named:
        return []
    own = named_day(named, posted_on) if named else context.day
    if named and own is None:
        return []
    days = [own] if own else [posted_on + timedelta(days=step) for step in (-1, 0, 1)]
    found = (moment.on(day) for day in days)
    return [at for at in found if at is not None]


def _end(moment: StatedMoment, start: datetime, context: _Context) -> datetime | None:
    """When a window that began then ended: on its own day, else the next such time; None where that is not after it."""
    begun_on = moment.local_day(start)
    own = named_day(moment.day, moment.local_day(context.posted_at)) if moment.day else None
    days = [own] if moment.day else [begun_on, begun_on + timedelta(days=1)]
    ends = (moment.on(day) for day in days if day is not None)
    return next((at for at in ends if at is not None and at > start), None)


def _nearest(windows: Sequence[TimeWindow], context: _Context, *, is_guess: bool = False) -> TimeWindow | None:
    """The window nearest to the post; None where none is near enough, or two are equally near."""
    limit = MAX_DAYS_BEFORE_POST if len(windows) == 1 else MAX_BEFORE_POST
    near = sorted(
        (max(ahead, context.posted_at - window.end, timedelta()), window.start, window)
        for window in windows
        for ahead in [window.start - context.posted_at]
        if window.length <= LONGEST_STATED
        and ahead <= (timedelta() if is_guess else MAX_AFTER_POST)
        and context.posted_at - window.end <= (MAX_BEFORE_POST_OF_GUESS if is_guess else limit)
    )
    is_doubtful = len(near) > 1 and near[0][0] == near[1][0]
    return None if not near or is_doubtful else near[0][-1]


def _lengths(text: str) -> Iterator[timedelta]:
    """The lengths of time that a text states for a failure."""
    for sentence in _SENTENCES.split(text):
        if _FAILURE.search(sentence) and not _NO_FAILURE.search(sentence):
            yield from (_length(match, "x" if match["xcount"] else "y") for match in _LASTED.finditer(sentence))


def _length(match: re.Match[str], name: str) -> timedelta:
    word = match[f"{name}count"].casefold()
    count = {"a": 1, "an": 1, "half an": 0.5, **_NUMBERS}.get(word)
    number, more = float(word) if count is None else count, int(match[f"{name}more"] or 0)
    if match[f"{name}unit"].casefold().startswith("h"):
        return timedelta(hours=number, minutes=more)
    return timedelta(minutes=number)
