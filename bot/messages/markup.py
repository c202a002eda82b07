"""Text with bold parts, emoji, times and links, written once and rendered as Slack's markup or as plain text. No I/O.

Control characters mark the parts, so that no character of a vendor's or a person's text can be mistaken for markup;
``clean`` removes them from such text. Slack shows a time in the reader's time zone and clock style; plain text has it
in UTC, with its date where it is another day than that of the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.messages import block_kit

_BOLD, _END_BOLD, _EMOJI, _END_EMOJI, _TIME, _END_TIME, _LINK, _LABEL, _END_LINK, _CHANNEL = map(chr, range(0x11, 0x1B))
_CONTROL = re.compile(r"[\x11-\x1a]")
_EMOJI_PART = re.compile(f"{_EMOJI}([^{_END_EMOJI}]*){_END_EMOJI}")
_TIME_PART = re.compile(f"{_TIME}([^{_END_TIME}]*){_END_TIME}")
_CHANNEL_PART = re.compile(f"{_CHANNEL}([A-Z0-9]+)")
_LINK_PART = re.compile(f"{_LINK}([^{_LABEL}]*){_LABEL}([^{_END_LINK}]*){_END_LINK}")
_ANY_PART = re.compile(
    f"{_EMOJI}(?P<emoji>[^{_END_EMOJI}]*){_END_EMOJI}|{_TIME}(?P<time>[^{_END_TIME}]*){_END_TIME}"
    f"|{_LINK}(?P<url>[^{_LABEL}]*){_LABEL}(?P<label>[^{_END_LINK}]*){_END_LINK}|[\x11-\x1a]|[^\x11-\x1a]+"
)
# a time of day without its day; one after a date (2 Mar 12:30 UTC, 2026-03-02 12:30 UTC) stays as it is
_CLOCK = re.compile(r"(?<![A-Z][a-z]{2} )(?<!\d-\d\d )\b([01]\d|2[0-3]):([0-5]\d) UTC")
SEPARATOR = "  ·  "


def clean(text: str) -> str:
    """Foreign text in one line, without the characters that mark parts."""
    return " ".join(_CONTROL.sub("", text).split())


def bold(text: str) -> str:
    """A bold part."""
    return f"{_BOLD}{text}{_END_BOLD}"


def emoji(code: str) -> str:
    """An emoji by its code in Slack, with its colons; plain text leaves it out."""
    return f"{_EMOJI}{code}{_END_EMOJI}"


def time(at: datetime, now: datetime) -> str:
    """A clock time; with its date where that is another day than ``now``'s."""
    day = "" if at.astimezone(UTC).date() == now.astimezone(UTC).date() else "d"
    return f"{_TIME}{int(at.timestamp())}{day}{_END_TIME}"


def link(url: str, label: str) -> str:
    """A link; plain text has only its label."""
    return f"{_LINK}{_CONTROL.sub('', url)}{_LABEL}{label}{_END_LINK}" if url else label


def channel(ident: str) -> str:
    """A channel by its id in Slack, which shows its name; plain text has the id."""
    return f"{_CHANNEL}{ident}"


def with_times(text: str, now: datetime) -> str:
    """Our own text with its times in UTC (``12:30 UTC``) as times; each is the nearest such time to ``now``."""
    return replace_clock_times(text, now, lambda at: time(at, now))


def replace_clock_times(text: str, now: datetime, render: Callable[[datetime], str]) -> str:
    """The text with each clock time in UTC (``12:30 UTC``) as ``render`` gives it: the nearest such time to ``now``."""

    def near(match: re.Match[str]) -> str:
        same_day = now.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
        days = (same_day - timedelta(days=1), same_day, same_day + timedelta(days=1))
        return render(min(days, key=lambda day: abs(day - now)))

    return _CLOCK.sub(near, text)


def to_mrkdwn(text: str) -> str:
    """The text as Slack's markup, escaped."""
    escaped = block_kit.escape(text)
    escaped = _LINK_PART.sub(lambda m: _safe_link(m[1], m[2]), _CHANNEL_PART.sub(r"<#\1>", escaped))
    escaped = _EMOJI_PART.sub(r"\1", escaped).replace(_BOLD, "*").replace(_END_BOLD, "*")
    return _TIME_PART.sub(lambda m: _local_time(m[1]), escaped)


def to_plain(text: str) -> str:
    """The text in words, not escaped: no emoji, no markup, times in UTC."""
    plain = _EMOJI_PART.sub("", _LINK_PART.sub(r"\2", text)).replace(_BOLD, "").replace(_END_BOLD, "")
    plain = plain.replace(_CHANNEL, "#")
    plain = _TIME_PART.sub(lambda m: _utc_part(m[1]), plain)
    return "\n".join(" ".join(line.replace(SEPARATOR, " · ").split()) for line in plain.splitlines())


@dataclass(frozen=True, slots=True)
class MarkupStyle:
    """How a chat writes the parts of a text.

    ``escape`` makes foreign text harmless; it gets what is between the parts. ``link`` gets a safe URL and an escaped
    label. ``time`` gets the time and its words in UTC. ``emoji`` gets Slack's code with its colons.
    """

    escape: Callable[[str], str]
    bold: tuple[str, str] = ("", "")
    link: Callable[[str, str], str] = field(default=lambda _, label: label)
    time: Callable[[datetime, str], str] = field(default=lambda _, text: text)
    emoji: Callable[[str], str] = field(default=lambda _: "")


def render(text: str, style: MarkupStyle) -> str:
    """The text in another chat's markup."""

    def rendered(match: re.Match[str]) -> str:
        part = match[0]
        if part in (_BOLD, _END_BOLD):
            return style.bold[part == _END_BOLD]
        if (code := match["emoji"]) is not None:
            return style.emoji(code)
        if (at := match["time"]) is not None:
            return style.time(_parse_time(at)[0], _utc_part(at))
        if (url := match["url"]) is not None:
            label = render(match["label"], style)
            return style.link(url, label) if _is_safe_url(url) else label
        return style.escape(_CONTROL.sub("", part))

    return _ANY_PART.sub(rendered, text.replace(SEPARATOR, " · "))


def utc_text(at: datetime, *, with_date: bool) -> str:
    """A time in UTC: ``12:20 UTC``, with a date ``2 Mar 12:20 UTC``."""
    return f"{at.day} {at:%b %H:%M} UTC" if with_date else f"{at:%H:%M} UTC"


def _utc_part(part: str) -> str:
    at, with_date = _parse_time(part)
    return utc_text(at, with_date=with_date)


def _parse_time(part: str) -> tuple[datetime, bool]:
    return datetime.fromtimestamp(int(part.rstrip("d")), UTC), part.endswith("d")


def _local_time(part: str) -> str:
    at, with_date = _parse_time(part)
    form = "{date_short_pretty} {time}" if with_date else "{time}"
    return f"<!date^{int(at.timestamp())}^{form}|{utc_text(at, with_date=with_date)}>"


def _is_safe_url(url: str) -> bool:
    return url.startswith(("https://", "http://")) and not any(c in url for c in "<>|\\\"' \n")


def _safe_link(url: str, label: str) -> str:
    """A link from escaped parts; only its label where the URL can't be one."""
    url = url.replace("&amp;", "&")
    if not url.startswith(("https://", "http://")) or any(c in url for c in "<>| \n") or "&lt;" in url or "&gt;" in url:
        return label
    return f"<{url}|{label.replace('|', '¦')}>"
