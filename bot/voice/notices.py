"""A notice -> its message: what belongs to no incident. Pure; as with alerts, the plain text is complete by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bot.model import Incident, Message, Notice, NoticeKind
from bot.voice import blocks, words

_LISTED = 20  # incidents in a digest
_CHANNEL = re.compile(r"[CG][A-Z0-9]+")
_LINES = 6000  # characters of the list


def render(notice: Notice) -> Message:
    """The message of a notice."""
    if notice.said is not None:
        return replace(notice.said, key=notice.key)
    text = _told(notice)
    lines = [f"• {words.cut(i.name, 160)} ({_when(i, notice)})" for i in notice.open[:_LISTED]]
    more = len(notice.open) - len(lines)
    lines += [f"… and {more} more"] if more else []
    shown = [blocks.section(_escaped(text, notice)), *blocks.sections(map(blocks.escape, lines), _LINES)]
    full = "\n".join([text, *lines])
    return Message(blocks.fit(_escaped(full, notice), blocks.TEXT), tuple(shown), key=notice.key)


def _when(incident: Incident, notice: Notice) -> str:
    if notice.kind is NoticeKind.MISSED and incident.updates:
        return words.between(incident.updates[0].display_at, incident.updates[-1].display_at)
    return f"{words.stage(incident.stage)}, since {words.day(incident.created_at)}"


def _escaped(text: str, notice: Notice) -> str:
    """The channel that it is about becomes a link to it."""
    told = blocks.escape(text)
    return told.replace(notice.channel, f"<#{notice.channel}>", 1) if _CHANNEL.fullmatch(notice.channel) else told


def _told(notice: Notice) -> str:
    return _TELL[notice.kind](notice)


def _blind(notice: Notice) -> str:
    return (
        f"Blind: {notice.page} can't be read since {words.clock(notice.since)} ({words.cut(notice.why, 300)}). "
        f"That says nothing about {notice.provider_name} itself; its verdicts turn to unknown."
    )


def _back(notice: Notice) -> str:
    lasted = words.span((notice.at - notice.since).total_seconds())
    return f"Back: {notice.page} can be read again, after {lasted}."


def _paused(notice: Notice) -> str:
    return (
        f"Paused: Slack has taken nothing of mine to {notice.channel} since {words.day(notice.since)} "
        f"({words.cut(notice.why, 300)}). Once that is mended, `/brownout subscribe` there sends what is "
        "still open; until then I try again with a new alert, once a day at most."
    )


def _missed(notice: Notice) -> str:
    many = f"{len(notice.open)} incidents of {notice.provider_name}"
    return f"Told late: {many} opened and ended while Brownout was not looking."


def _baseline(notice: Notice) -> str:
    return f"First look at {notice.provider_name}: {len(notice.open)} open on its page. Nothing of this is new."


def _for_owner(notice: Notice) -> str:
    """For those who run the bot."""
    if notice.kind is NoticeKind.WELL:
        lasted = words.span((notice.at - notice.since).total_seconds())
        return f"{notice.provider_name} gives usable data again, after {lasted}: {notice.page} can be read."
    return (
        f"No usable data of {notice.provider_name} since {words.day(notice.since)}: {words.cut(notice.why, 400)}. Its"
        f" surfaces are unknown until {notice.page} can be read again, or its provider file names another page."
        " `/brownout sources` shows every source."
    )


_TELL: dict[NoticeKind, Callable[[Notice], str]] = {
    NoticeKind.BLIND: _blind,
    NoticeKind.BACK: _back,
    NoticeKind.ALARM: _for_owner,
    NoticeKind.WELL: _for_owner,
    NoticeKind.MOVED: lambda notice: f"Moved: {notice.why}.",
    NoticeKind.SETTINGS: lambda notice: notice.why or "(no text)",
    NoticeKind.WELCOME: lambda notice: notice.why or "(no text)",
    NoticeKind.DIGEST: lambda notice: notice.why or "(no text)",
    NoticeKind.PAUSED: _paused,
    NoticeKind.MISSED: _missed,
    NoticeKind.BASELINE: _baseline,
}
