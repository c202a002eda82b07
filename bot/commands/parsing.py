"""Parses the arguments of commands: mentions, channels, lengths of time, quiet hours, digests. No I/O.

Slack writes a mention as ``<!subteam^S1|@ops>``, ``<@U1|ada>`` or ``<#C1|general>`` (should_escape,
bot/docs/slack-limits.md#mentions-in-commands) and escapes angle brackets that a person types, so a token always
comes from Slack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from html import unescape
from itertools import zip_longest
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot import durations
from bot.domain import DigestSchedule, QuietHours
from bot.durations import DurationError, Limits
from bot.errors import UsageError

_T = TypeVar("_T")

HISTORY_LIMITS = Limits(
    timedelta(hours=1), timedelta(days=3660), "1h to 10y", "30d, 3mo or 1y", takes_m=False
)  # how far back a question may go

_MENTION = re.compile(r"<((?:!subteam\^[A-Z0-9]+|@[UW][A-Z0-9]+)(?:\|[^<>|]*)?)>")
_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)(?:\|[^<>|]*)?>")
_TOKEN = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_HOURS = re.compile(r"(\d{1,2})(?::(\d\d))?\s*[-\u2013]\s*(\d{1,2})(?::(\d\d))?(?:\s+(\S+))?")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d\d))?(am|pm)?")
_ZONE = re.compile(r"UTC|GMT|[A-Za-z_]+/[A-Za-z_/+-]+")
_MAX_HOUR, _MAX_MINUTE = 23, 59
DEFAULT_DIGEST_TIME = time(9)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CALM_OFF_WORDS = ("calm:off",)
_DIGEST_HINT = "Examples: `daily 09:00 Europe/Berlin`, `weekly mon 9:00`, `off`."
_QUIET_HINT = "Use HH:MM-HH:MM and a time zone, for example 22:00-07:00 Europe/Berlin."
_PAST_WORDS = frozenset({"last", "past"})
_ONE_WORDS = frozenset({"a", "an", "one"}) | _PAST_WORDS
_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_VAGUE_TIMES = frozenset({"forever", "indefinitely", "permanently", "always", "tonight", "tomorrow", "later", "today"})
_DAY_WORDS = {"today": "1d", "yesterday": "2d"}  # of a question about the past
_UNIT_WORDS = frozenset({"minute", "hour", "day", "week", "month", "year"})
_ME_WORDS = ("me", "dm")
_OFF_WORDS = ("", "off", "none", "never", "no")


def parse_mention(word: str) -> str:
    """The group or person to mention, as a subscription stores it; empty for ``off``. UsageError for other text."""
    if word.casefold() in _OFF_WORDS:
        return ""
    match = _MENTION.fullmatch(word)
    if not match:
        raise UsageError(
            f"Can't mention “{plain_text(word)}”. Type @ after `mention:` and pick a user group or a person from"
            " Slack's list."
        )
    return match[1]


def channel_or_user(channel: str, user: str) -> str:
    """The channel's id as the database stores it: a direct message has the person's id."""
    return user if user and channel.startswith("D") else channel


def split_off_channel(words: Sequence[str], user: str = "") -> tuple[str | None, tuple[str, ...]]:
    """The mentioned channel, or ``user`` for the word ``me``, or None; and the remaining words."""
    channels = [match[1] for word in words if (match := _CHANNEL.fullmatch(word))]
    channels += [user for word in words if user and word.casefold() in _ME_WORDS]
    rest = (word for word in words if not (_CHANNEL.fullmatch(word) or (user and word.casefold() in _ME_WORDS)))
    return (channels[0] if channels else None), tuple(rest)


def split_off_duration(
    words: Sequence[str], limits: Limits, *, at_end: bool = False
) -> tuple[tuple[str, ...], timedelta | None]:
    """The words without a length of time, and that length; None where there is none. UsageError beyond the limits."""
    try:
        return durations.split(_with_numbers(words), limits, at_end=at_end)
    except DurationError as error:
        raise UsageError(str(error)) from None


def split_off_end(
    words: Sequence[str], now: datetime, limits: Limits, zone: str
) -> tuple[tuple[str, ...], datetime | None]:
    """The words without an end, and that end: after a length of time, or as in ``until 14:00`` or ``until 2pm``.

    Args:
        words: What was typed, the end anywhere in it.
        now: The current time.
        limits: How far the end may be away.
        zone: The time zone of ``until``, where none is typed.

    Raises:
        UsageError: The end is outside the limits, or can't be read.
    """
    folded = [w.casefold() for w in words]
    if vague := next((w for w in words if w.casefold() in _VAGUE_TIMES), ""):
        raise UsageError(f"“{plain_text(vague)}” is not a duration. Examples: 30m, 2h, until 14:00.")
    if "until" not in folded:
        rest, length = split_off_duration(words, limits)
        return _without_for(rest), None if length is None else now + length
    at = folded.index("until")
    match = _CLOCK.fullmatch(folded[at + 1].rstrip(".,!")) if at + 1 < len(folded) else None
    if match is None:
        typed = " ".join(words[at + 1 : at + 3]) or "until"
        raise UsageError(f"“{plain_text(typed)}” is not a time. Examples: 30m, 2h, until 14:00.")
    used = at + 2
    if used < len(words) and (_ZONE.fullmatch(words[used])):
        zone, used = parse_zone(words[used]), used + 1
    until = _next_at(match, now, zone)
    if not limits.least <= until - now <= limits.most:
        until += timedelta(days=1)
    return _without_for((*words[:at], *words[used:])), until


def _without_for(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(w for w in words if w.casefold() not in ("for", "until"))


def _next_at(match: re.Match[str], now: datetime, zone: str) -> datetime:
    """The next time when the clock in this zone shows what was typed, in UTC."""
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    if hour > _MAX_HOUR or minute > _MAX_MINUTE or (not half and match[2] is None):
        raise UsageError(f"“{match[0]}” is not a time. Examples: 30m, 2h, until 14:00.")
    local = now.astimezone(ZoneInfo(zone))
    until = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (until if until > local else until + timedelta(days=1)).astimezone(UTC)


def _with_numbers(words: Sequence[str]) -> tuple[str, ...]:
    """The words with ``an hour`` and ``last week`` as a number and its unit, and ``last 7 days`` without ``last``."""
    numbered: list[str] = []
    for word, after in zip_longest(words, words[1:], fillvalue=""):
        is_before_unit = after.casefold().rstrip(".,?!") in _UNIT_WORDS
        is_before_units = after.casefold().rstrip(".,?!").removesuffix("s") in _UNIT_WORDS
        if word.casefold() in _ONE_WORDS and is_before_unit:
            numbered.append("1")
        elif word.casefold() in _NUMBER_WORDS and is_before_units:
            numbered.append(str(1 + _NUMBER_WORDS.index(word.casefold())))
        elif not (word.casefold() in _PAST_WORDS and after[:1].isdigit()):
            numbered.append(word)
    return tuple(numbered)


def split_off_days(words: Sequence[str], default_days: float) -> tuple[tuple[str, ...], float]:
    """The words without a length of time like ``90d``, and that length in days. UsageError beyond the limits."""
    rest, length = split_off_duration([_DAY_WORDS.get(w.casefold().rstrip("?"), w) for w in words], HISTORY_LIMITS)
    return rest, default_days if length is None else length / timedelta(days=1)


def find_by_words(find: Callable[[str], _T], words: Sequence[str], limits: Limits) -> _T:
    """What ``find`` returns for these words.

    Raises:
        UsageError: ``find`` knows nothing by these words. The error is about a mistyped length, if the words have one.
    """
    try:
        return find(" ".join(words))
    except UsageError:
        refuse_mistyped([word for word in words if not _is_name(find, word)], limits)
        raise


def _is_name(find: Callable[[str], object], word: str) -> bool:
    try:
        find(word)
    except UsageError as error:
        return bool(error.choices)
    return True


def refuse_mistyped(words: Sequence[str], limits: Limits) -> None:
    """UsageError for a word that looks like a mistyped length of time."""
    try:
        durations.refuse_mistyped(words, limits)
    except DurationError as error:
        raise UsageError(str(error)) from None


def parse_quiet_hours(text: str) -> QuietHours | None:
    """``22:00-07:00 Europe/Berlin`` as quiet hours; None for ``off``. Without a zone they are in UTC."""
    if text.strip().casefold() in _OFF_WORDS:
        return None
    match = _HOURS.fullmatch(text.strip())
    try:
        if not match:
            raise ValueError(text)  # noqa: TRY301  (one message for every mistake)
        start, end = (time(int(match[n]), int(match[n + 1] or 0)) for n in (1, 3))
    except ValueError:
        raise UsageError(_QUIET_HINT) from None
    zone = parse_zone(match[5] or "UTC")
    if start == end:
        raise UsageError(f"Start and end are the same. {_QUIET_HINT}")
    return QuietHours(start, end, zone)


def parse_digest(text: str) -> DigestSchedule | None:
    """``daily 09:00 Europe/Berlin`` or ``weekly mon 9:00`` as a digest; None for ``off``. Without a zone it is UTC.

    ``calm:off`` sends no digest for a period without incidents.
    """
    words = text.split()
    if not words or words[0].casefold() in _OFF_WORDS:
        return None
    on_calm = not any(w.casefold() in _CALM_OFF_WORDS for w in words)
    first, *rest = [w for w in words if w.casefold() not in (*_CALM_OFF_WORDS, "calm:on")] or [""]
    weekday = _take_weekday(first, rest)
    at = _parse_time(rest.pop(0)) if rest and rest[0][:1].isdigit() else DEFAULT_DIGEST_TIME
    zone = parse_zone(rest.pop(0)) if rest else "UTC"
    if rest:
        raise UsageError(f"Unknown word “{plain_text(' '.join(rest))}”. {_DIGEST_HINT}")
    return DigestSchedule(at, zone, weekday, on_calm)


def _take_weekday(first: str, rest: list[str]) -> int | None:
    """The weekday (0 is Monday), removed from ``rest``; None for daily. A weekly digest without a day is on Monday."""
    word = first.casefold()
    if word == "daily":
        return None
    if word == "weekly":
        return DAYS.index(rest.pop(0).casefold()[:3]) if rest and rest[0].casefold()[:3] in DAYS else 0
    raise UsageError(f"“{plain_text(first)}” is not a schedule. {_DIGEST_HINT}")


def _parse_time(word: str) -> time:
    try:
        hour, _, minute = word.partition(":")
        return time(int(hour), int(minute or 0))
    except ValueError:
        raise UsageError(f"“{plain_text(word)}” is not a time of day. {_DIGEST_HINT}") from None


def parse_zone(word: str) -> str:
    """The name, if this machine knows the time zone. UsageError otherwise."""
    try:
        ZoneInfo(word)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"Unknown time zone “{plain_text(word)}”. Example: Europe/Berlin") from None
    return word


def plain_text(text: str) -> str:
    """The text as its author saw it, without Slack's markup and escapes, so that it mentions no one."""
    return unescape(_TOKEN.sub(_render_markup, text))


def _render_markup(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    prefix = {"@": "@", "#": "#", "!": "@"}.get(target[:1], "")
    text = label or (target[1:] if prefix else target)
    return text if text.startswith(prefix) else prefix + text
