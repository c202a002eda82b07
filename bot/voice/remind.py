"""An alert that still stands -> a reminder on a widening schedule, and then none. Pure.

Re-alert at 30 min, 2 h, 6 h and then daily (peers-and-asks.md 4, 27); after three days everybody knows. Whoever takes
care of it, or mutes it, ends the reminders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model import Alert, Habits, News, NewsItem, People, Post, PostKind, Subscription
from bot.voice import route

AFTER_H = (0.5, 2, 6, 24, 48, 72)  # hours since the channel was told


def due(opened_at: datetime, at: datetime) -> int | None:
    """Which reminder it is time for, counted from 0: the last one whose time has come; None before the first."""
    past = [n for n, hours in enumerate(AFTER_H) if at - opened_at >= timedelta(hours=hours)]
    return past[-1] if past else None


def reminder(
    alert: Alert, opened_at: datetime, mine: Sequence[Subscription], habits: Habits, people: People
) -> Post | None:
    """What the channel is reminded with now; None where it is not time, or nobody wants it.

    ``mine`` are the channel's subscriptions, ``opened_at`` is when it was told. The same reminder has the same key.
    """
    number = due(opened_at, alert.as_of)
    is_bad = any(line.condition.is_bad and _is_mine(line.surface, alert, mine) for line in alert.lines)
    if number is None or not is_bad or alert.closed_at or alert.is_maintenance or people.ack:
        return None
    if route.hush(alert, mine, habits, alert.as_of):
        return None
    bare = replace(alert, news=())
    item = NewsItem((News.REMINDER,), f"reminder:{number}", alert.as_of, alert.stage, broadcast=True)
    return Post(habits.channel, PostKind.REPLY, f"{alert.incident}:{item.key}", bare, news=item)


def _is_mine(surface: str, alert: Alert, mine: Sequence[Subscription]) -> bool:
    return any(route.matches(s, alert.provider, surface) for s in mine)
