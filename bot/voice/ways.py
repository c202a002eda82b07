"""How a channel wants to be told -> the words for it: what it listens to, whom it rings, what is muted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bot.model import Habits, Message, Mute, Pause, Quiet, Subscription, Surface
from bot.voice import digest, hands, words
from bot.voice.sheet import sheet


def described(subscriptions: Iterable[Subscription], habits: Habits, now: datetime) -> Iterator[str]:
    """What a channel listens to and how it is told, a sentence each."""
    for s in subscriptions:
        since = f", since {words.day(s.created_at)}" if s.created_at else ""
        rings = f"; a complete outage rings {called(s.mention)}" if s.mention else ""
        yield f"• **{s.target}**, from “{words.CONDITIONS[s.minimum]}” up{since}{rings}"
    if habits.maintenance:
        yield "Maintenances are told too."
    if habits.quiet:
        yield f"Quiet hours: {hours(habits.quiet)}. Only a complete outage is told in them; the rest waits."
    if habits.digest:
        yield f"A digest {digest.told(habits.digest)}."
    yield from (f"Muted: {_mute(m)}" for m in habits.mutes if m.until is None or m.until > now)


RETRIED = "This channel was paused, because Slack took nothing of mine to it. I try it again now."


def paused(pause: Pause) -> str:
    """That a channel takes nothing for now, and what mends it."""
    remedy = f": {pause.remedy}" if pause.remedy else ""
    return (
        f"**Paused** since {words.day(pause.since)}, because Slack takes nothing of mine here ({pause.code}{remedy}). "
        "Then `/brownout subscribe` once more sends what is still open."
    )


def barred(code: str) -> Message:
    """That a channel would take no post, and what mends it; ``code`` is Slack's word for why."""
    why, remedy = _BARRED[code]
    return sheet("", [f"**I can't post there yet**: {why}. {remedy}"])


_BARRED = {
    "channel_not_found": (
        "the channel is private and I am not in it",
        "`/invite @brownout` there lets me in, and I tell then what is still open.",
    ),
    "is_archived": ("the channel is archived", "Unarchive it, or subscribe another one."),
}


def is_person(channel: str) -> bool:
    """True for somebody's direct messages: the book keeps them under the person's own id."""
    return channel[:1] in ("U", "W")


def hears(channel: str, verb: str = "hear") -> str:
    """Who hears: ``This channel hears``, or ``You hear`` in somebody's direct messages."""
    return f"{who(channel)} {verb}" if is_person(channel) else f"{who(channel)} {verb}s"


def who(channel: str) -> str:
    """Whom a message is for, at the start of a sentence."""
    return "You" if is_person(channel) else "This channel"


def here(channel: str) -> str:
    """Where it is told: ``this channel``, or ``your direct messages``."""
    return "your direct messages" if is_person(channel) else "this channel"


def undo(words_: str, channel: str) -> str:
    """What to type to undo something where it was done."""
    return f"`/brownout {words_}{' me' if is_person(channel) else ''}`"


def called(mention: str) -> str:
    """Whom a mention rings, as people call them; the words ring nobody."""
    token, _, label = mention.partition("|")
    return f"@{(label or token.rpartition('^')[2]).lstrip('@')}" if mention else "nobody"


def hours(quiet: Quiet) -> str:
    """Quiet hours, as a person would type them."""
    return f"{quiet.start:%H:%M}-{quiet.end:%H:%M} {quiet.zone}"


def muted(mute: Mute, name: str) -> Message:
    """What the channel hears nothing of for now, and how to undo it."""
    what = f"{hears(mute.channel)} nothing of **{name}** {hands.until(mute)}. What is still broken then is told then."
    return sheet("", [f"{what} Undo: {undo(f'unmute {mute.target}', mute.channel)}"])


def unmuted(targets: Iterable[str], channel: str = "") -> Message:
    """What the channel hears of again."""
    names = words.listing(targets)
    nothing = f"Nothing is muted in {here(channel)}."
    return sheet("", [f"{hears(channel)} of **{names}** again." if names else nothing])


def reported(counts: Mapping[str, int], surfaces: Mapping[str, Surface]) -> Iterator[str]:
    """What people here say is broken, whatever the page says."""
    known = [(surfaces[surface].name, count) for surface, count in counts.items() if surface in surfaces]
    if known:
        each = (f"{name} ({count} {'person' if count == 1 else 'people'})" for name, count in known)
        yield f"Reported here within the last hour: {words.listing(each)}."


def changes(before: Habits, after: Habits, minimum: str, mention: str) -> Iterator[str]:
    """What somebody has changed, piece by piece. ``minimum`` and ``mention`` are in words, empty where they stay."""
    if minimum:
        yield f"alerts from “{minimum}” up"
    if mention:
        yield f"a complete outage rings {mention}"
    if before.maintenance != after.maintenance:
        yield f"maintenances are {'told too' if after.maintenance else 'not told'}"
    if before.quiet != after.quiet:
        yield f"quiet hours {hours(after.quiet)}" if after.quiet else "no quiet hours"
    if before.digest != after.digest:
        yield f"a digest {digest.told(after.digest)}" if after.digest else "no digest"


def _mute(mute: Mute) -> str:
    return f"**{mute.target}** {hands.until(mute)}, by {mute.mark.by.name}. Undo: `/brownout unmute {mute.target}`"
