"""Who hears of what, and how a channel wants to hear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from bot.model.page import Condition
from bot.model.people import Mute

TERMINAL = "terminal"  # the channel of a bot without Slack: whoever sits at it


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel wants to hear of a surface, or of every surface of a provider, from ``minimum`` up.

    ``mention`` is whom a complete outage rings, as Slack writes it and without its brackets: ``!subteam^S1|@ops``.
    """

    channel: str
    target: str
    minimum: Condition = Condition.DEGRADED
    created_by: str = ""
    created_at: datetime | None = None
    mention: str = ""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in which a channel is left alone, in the time of ``zone``; they may span midnight."""

    start: time
    end: time
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Digest:
    """When a channel is told what has been: at a time of day in ``zone``, every day or on one day of the week.

    ``weekday`` counts from Monday, 0; None is every day. ``on_calm``: in one line also where nothing broke.
    """

    at: time
    zone: str = "UTC"
    weekday: int | None = None
    on_calm: bool = True


@dataclass(frozen=True, slots=True)
class Habits:
    """How one channel wants to be told, and what it wants to hear nothing of for now."""

    channel: str
    maintenance: bool = False
    quiet: Quiet | None = None
    mutes: tuple[Mute, ...] = ()
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A channel takes nothing for now: ``code`` is the chat's reason, ``remedy`` what people can do about it."""

    channel: str
    code: str
    remedy: str
    since: datetime
