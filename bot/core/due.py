"""When a digest is due, and for which time: moments of a channel's own calendar, as UTC. Pure.

A time of day that a zone skips when its clocks go forward is the moment that clocks would have shown without the change
(02:30 is 03:30 then); one that comes twice when they go back is the first of the two. So a day has one due time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.model import Digest
from bot.years import Window

_DAYS = 9  # as many days back lie at least one of each weekday, whatever clocks do
LATE_DAILY, LATE_WEEKLY = timedelta(hours=6), timedelta(hours=36)  # a missed one is told so late, and then no more


def last(digest: Digest, now: datetime) -> datetime:
    """The newest due time that is not after ``now``."""
    zone = ZoneInfo(digest.zone)
    today = now.astimezone(zone).date() + timedelta(days=1)
    for back in range(_DAYS + 1):
        day = today - timedelta(days=back)
        at = datetime.combine(day, digest.at, zone).astimezone(UTC)
        if at <= now and digest.weekday in (None, day.weekday()):
            return at
    raise ValueError(f"no weekday {digest.weekday}")


def period(digest: Digest, due: datetime) -> Window:
    """What the digest of this due time tells of: the time since the due time before it."""
    return Window(last(digest, due - timedelta(microseconds=1)), due)


def is_late(digest: Digest, due: datetime, now: datetime) -> bool:
    """True where it is too late to tell it."""
    return now - due > (LATE_DAILY if digest.weekday is None else LATE_WEEKLY)
