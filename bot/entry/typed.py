"""What people type, and what Slack makes of it -> what was meant: mentions, channels, spans of time, quiet hours.

Slack writes a mention as ``<!subteam^S1|@ops>``, ``<@U1|ada>`` or ``<#C1|general>`` (should_escape, slack.md 4) and
escapes what a person types in angle brackets, so that a token is always one that Slack has made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time, timedelta
from html import unescape
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.errors import UsageError
from bot.model import Digest, Quiet

LONGEST_MUTE = timedelta(days=30)

_MENTION = re.compile(r"<((?:!subteam\^[A-Z0-9]+|@[UW][A-Z0-9]+)(?:\|[^<>|]*)?)>")
_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)(?:\|[^<>|]*)?>")
_TOKEN = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_SPAN = re.compile(r"(\d{1,4})(m|min|h|d)")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
_HOURS = re.compile(r"(\d{1,2})(?::(\d\d))?\s*[-\u2013]\s*(\d{1,2})(?::(\d\d))?(?:\s+(\S+))?")
USUAL_DIGEST = time(9)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NOT_CALM = ("calm:off",)
_DIGEST_LIKE = "Write it like `daily 09:00 Europe/Berlin`, `weekly mon 9:00`, or `off`."
_MYSELF = ("me", "dm")
_OFF = ("", "off", "none", "never", "no")


def mention(word: str) -> str:
    """A group or a person to ring, as a subscription keeps it; empty for ``off``."""
    if word.casefold() in _OFF:
        return ""
    found = _MENTION.fullmatch(word)
    if not found:
        raise UsageError(
            f"I can't ring “{plain(word)}”: after `mention:` I take a user group or a person, picked from the list"
            " that Slack shows while you type the @."
        )
    return found[1]


def place(channel: str, user: str) -> str:
    """Where something was said, as the book keeps it: a person's direct messages go by the person's id."""
    return user if user and channel.startswith("D") else channel


def channel(words: Sequence[str], user: str = "") -> tuple[str | None, tuple[str, ...]]:
    """The channel that is mentioned among the words, or whoever says ``me``, if one is; and the other words."""
    named = [found[1] for word in words if (found := _CHANNEL.fullmatch(word))]
    named += [user for word in words if user and word.casefold() in _MYSELF]
    rest = (word for word in words if not (_CHANNEL.fullmatch(word) or (user and word.casefold() in _MYSELF)))
    return (named[0] if named else None), tuple(rest)


def span(word: str) -> timedelta | None:
    """``30m``, ``2h`` or ``3d`` as a length of time; None for anything else. UsageError where it is too long."""
    found = _SPAN.fullmatch(word.casefold())
    if not found:
        return None
    length = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if not timedelta(0) < length <= LONGEST_MUTE:
        raise UsageError(f"“{word}” is out of range: from 1m to {LONGEST_MUTE.days}d.")
    return length


def quiet(text: str) -> Quiet | None:
    """``22:00-07:00 Europe/Berlin`` as quiet hours; None for ``off``. Without a zone they are in UTC."""
    if text.strip().casefold() in _OFF:
        return None
    found = _HOURS.fullmatch(text.strip())
    try:
        if not found:
            raise ValueError(text)  # noqa: TRY301  (one answer for all that is wrong)
        start, end = (time(int(found[n]), int(found[n + 1] or 0)) for n in (1, 3))
    except ValueError:
        raise UsageError(f"“{plain(text)}” is no time span; write it like 22:00-07:00 Europe/Berlin") from None
    zone = zone_of(found[5] or "UTC")
    if start == end:
        raise UsageError("These quiet hours begin when they end; write `off` for none.")
    return Quiet(start, end, zone)


def digest(text: str) -> Digest | None:
    """``daily 09:00 Europe/Berlin`` or ``weekly mon 9:00`` as a digest; None for ``off``. Without a zone it is UTC.

    ``calm:off`` leaves it out where nothing broke.
    """
    words = text.split()
    if not words or words[0].casefold() in _OFF:
        return None
    on_calm = not any(w.casefold() in _NOT_CALM for w in words)
    first, *rest = [w for w in words if w.casefold() not in (*_NOT_CALM, "calm:on")] or [""]
    weekday = _weekday(first, rest)
    at = _time(rest.pop(0)) if rest and rest[0][:1].isdigit() else USUAL_DIGEST
    zone = zone_of(rest.pop(0)) if rest else "UTC"
    if rest:
        raise UsageError(f"I don't know what “{plain(' '.join(rest))}” means here. {_DIGEST_LIKE}")
    return Digest(at, zone, weekday, on_calm)


def _weekday(first: str, rest: list[str]) -> int | None:
    """Which day of the week; takes its word from ``rest``. Monday where a weekly digest does not say."""
    word = first.casefold()
    if word == "daily":
        return None
    if word == "weekly":
        return DAYS.index(rest.pop(0).casefold()[:3]) if rest and rest[0].casefold()[:3] in DAYS else 0
    raise UsageError(f"“{plain(first)}” is no rhythm. {_DIGEST_LIKE}")


def _time(word: str) -> time:
    try:
        hour, _, minute = word.partition(":")
        return time(int(hour), int(minute or 0))
    except ValueError:
        raise UsageError(f"“{plain(word)}” is no time of day. {_DIGEST_LIKE}") from None


def zone_of(word: str) -> str:
    """A time zone that this machine knows. UsageError for any other."""
    try:
        ZoneInfo(word)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"I don't know the time zone “{plain(word)}”; write it like Europe/Berlin") from None
    return word


def plain(text: str) -> str:
    """The text as its author saw it: what Slack marked up and escaped is plain again, and rings nobody."""
    return unescape(_TOKEN.sub(_shown, text))


def _shown(found: re.Match[str]) -> str:
    inside, label = found[1], found[2]
    sign = {"@": "@", "#": "#", "!": "@"}.get(inside[:1], "")
    shown = label or (inside[1:] if sign else inside)
    return shown if shown.startswith(sign) else sign + shown
