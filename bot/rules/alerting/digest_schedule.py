"""Computes when a digest is due and which window it covers: in the channel's time zone, returned in UTC. No I/O.

Where the clocks go forward over the due time, it is due as if they had not (02:30 is 03:30 then); where they go back
and the due time occurs twice, it is due the first time. So each day has exactly one due time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain import DigestSchedule
from bot.domain.reliability import TimeWindow

_MAX_DAYS_BACK = 9  # contains every weekday, also around clock changes
LATE_DAILY, LATE_WEEKLY = timedelta(hours=6), timedelta(hours=36)  # a digest that is later than this is skipped


def last_due(digest: DigestSchedule, now: datetime) -> datetime:
    """Returns the latest due time that is not after ``now``.

    Raises:
        ValueError: The schedule's weekday does not exist.
    """
    zone = ZoneInfo(digest.zone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    for days_back in range(_MAX_DAYS_BACK + 1):
        day = tomorrow - timedelta(days=days_back)
        due = datetime.combine(day, digest.at, zone).astimezone(UTC)
        if due <= now and digest.weekday in (None, day.weekday()):
            return due
    raise ValueError(f"no weekday {digest.weekday}")


def digest_window(digest: DigestSchedule, due: datetime) -> TimeWindow:
    """Returns the window that the digest due at ``due`` covers: from the due time before it."""
    return TimeWindow(last_due(digest, due - timedelta(microseconds=1)), due)


def is_late(digest: DigestSchedule, due: datetime, now: datetime) -> bool:
    """True where it is too late to send the digest."""
    return now - due > (LATE_DAILY if digest.weekday is None else LATE_WEEKLY)
