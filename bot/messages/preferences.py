"""A channel's subscriptions and preferences in words: what it gets, whom it mentions, what is muted. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from bot.domain import ChannelPreferences, DeliveryPause, Message, Mute, QuietHours, Surface
from bot.messages import alert_actions, digest, formatting
from bot.messages.builder import build_message


def describe_preferences(channel_preferences: ChannelPreferences, now: datetime) -> Iterator[str]:
    """A channel's settings and mutes, one line each."""
    if channel_preferences.maintenance:
        yield "Planned maintenance: included."
    if channel_preferences.quiet:
        quiet_hours = format_quiet_hours(channel_preferences.quiet)
        yield f"Quiet hours: {quiet_hours}. Only outages are sent; the rest waits."
    if channel_preferences.digest:
        yield f"Digest: {digest.describe_schedule(channel_preferences.digest)}."
    yield from (f"Muted: {_mute_text(m)}" for m in channel_preferences.mutes if m.until is None or m.until > now)


RETRY_TEXT = "Delivery to this channel was paused. It is tried again now."


def pause_text(pause: DeliveryPause) -> str:
    """That delivery to a channel is paused, since when, why, and what to do about it."""
    remedy = f" Fix: {pause.remedy}, then `/brownout subscribe`." if pause.remedy else ""
    since = formatting.format_datetime(pause.since)
    return f"**Delivery paused** since {since}: Slack rejects messages ({pause.code}).{remedy}"


def cannot_post_message(code: str, *, is_kept: bool = True) -> Message:
    """That the bot cannot post in a channel, why, and what to do about it.

    Args:
        code: Slack's error code; a key of ``_POST_OBSTACLES``.
        is_kept: True if the channel is subscribed nevertheless, and is notified of what is open once posting works.
    """
    reason, remedy = _POST_OBSTACLES[code]
    result = "Saved, but Brownout" if is_kept else "Brownout"
    return build_message("", [f"{result} can't post there ({reason}). {remedy}"])


_POST_OBSTACLES = {  # by Slack's error code: the reason, and the remedy
    "channel_not_found": ("the channel is private", "Type `/invite @brownout` there."),
    "is_archived": ("the channel is archived", "Unarchive it, or choose another channel."),
}


def is_direct_message(channel: str) -> bool:
    """True for somebody's direct messages: the database stores them under the person's own id."""
    return channel[:1] in ("U", "W")


def channel_phrase(channel: str) -> str:
    """The recipient inside a sentence: ``this channel``, or ``your direct messages``."""
    return "your direct messages" if is_direct_message(channel) else "this channel"


def undo_command(command: str, channel: str) -> str:
    """A command of the bot as code, with ``me`` appended if ``channel`` is somebody's direct messages."""
    return f"`/brownout {command}{' me' if is_direct_message(channel) else ''}`"


def mention_name(mention: str) -> str:
    """A mention's name as plain text, which notifies nobody; ``nobody`` for an empty mention."""
    token, _, label = mention.partition("|")
    return f"@{(label or token.rpartition('^')[2]).lstrip('@')}" if mention else "nobody"


def format_quiet_hours(quiet: QuietHours) -> str:
    """Quiet hours as a person would type them: ``22:00-07:00 Europe/Berlin``."""
    return f"{quiet.start:%H:%M}-{quiet.end:%H:%M} {quiet.zone}"


def report_lines(counts: Mapping[str, int], surfaces: Mapping[str, Surface]) -> Iterator[str]:
    """What people of this workspace have reported to be broken.

    Args:
        counts: Number of people by surface; surfaces that are not in ``surfaces`` are left out.
        surfaces: The surfaces by id.
    """
    reported = [(surfaces[surface].name, count) for surface, count in counts.items() if surface in surfaces]
    if reported:
        descriptions = (f"{name} ({count} {'person' if count == 1 else 'people'})" for name, count in reported)
        yield f"Reported here within the last hour: {formatting.join_names(descriptions)}."


def preference_changes(
    before: ChannelPreferences, after: ChannelPreferences, minimum: str, mention: str
) -> Iterator[str]:
    """What somebody has changed in the settings, one phrase each.

    ``minimum`` and ``mention`` are the new values in words; empty if they have not changed.
    """
    if minimum:
        yield minimum
    if mention:
        yield f"mention {mention} on outage" if mention != "nobody" else "no mention"
    if before.maintenance != after.maintenance:
        yield "maintenance alerts" if after.maintenance else "no maintenance alerts"
    if before.quiet != after.quiet:
        yield f"quiet hours {format_quiet_hours(after.quiet)}" if after.quiet else "no quiet hours"
    if before.digest != after.digest:
        yield f"digest {digest.describe_schedule(after.digest)}" if after.digest else "no digest"


def _mute_text(mute: Mute) -> str:
    until = f"**{mute.target}** {alert_actions.mute_end_text(mute)}, by {mute.mark.by.name}"
    return f"{until}. End it: `/brownout unmute {mute.target}`"
