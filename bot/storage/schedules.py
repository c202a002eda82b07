"""Stores digest schedules, direct message channels, viewers of the Home tab, and welcomes of channels."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, time
from typing import Any

from bot.domain import DigestSchedule, NoticeKind, Notification
from bot.storage import queueing
from bot.storage.connection import Database, Upsert
from bot.storage.mapping import digest_row, format_time, parse_time

log = logging.getLogger("brownout")

DIGESTS = "SELECT * FROM digests ORDER BY channel"


class ScheduleStore:
    """State of the digest job and of the Slack handlers; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's database."""
        self._db = database

    # --- digests ------------------------------------------------------------------------------------------------------

    def digest_schedules(self) -> tuple[tuple[str, DigestSchedule, datetime], ...]:
        """Each channel with a digest: the channel, its schedule, and the last due time that was handled."""
        return digest_schedules(self._db)

    def finish_digest(self, channel: str, due: datetime, notification: Notification | None) -> None:
        """Marks a due time as handled and enqueues its digest, if there is one, in one transaction."""
        with self._db.transaction():
            if notification is not None:
                queueing.enqueue(self._db, notification, due)
            self._db.write(
                "UPDATE digests SET done = ? WHERE channel = ? AND done < ?",
                format_time(due),
                channel,
                format_time(due),
            )

    # --- direct messages ----------------------------------------------------------------------------------------------

    def dm_channels(self) -> dict[str, str]:
        """The ids of direct message channels, by user id."""
        return {row["person"]: row["channel"] for row in self._db.rows("SELECT * FROM rooms")}

    def save_dm_channel(self, person: str, channel: str) -> None:
        """Records the direct message channel of a user."""
        self._db.insert("rooms", {"person": person, "channel": channel}, Upsert(("person",)))

    # --- Home tab -----------------------------------------------------------------------------------------------------

    def record_home_opened(self, person: str, at: datetime) -> None:
        """Records that a user opened the bot's Home tab."""
        self._db.insert("homes", {"person": person, "opened_at": format_time(at)}, Upsert(("person",)))

    def home_viewers(self, since: datetime) -> tuple[str, ...]:
        """The users who opened the Home tab since then."""
        rows = self._db.rows("SELECT person FROM homes WHERE opened_at >= ? ORDER BY person", format_time(since))
        return tuple(row["person"] for row in rows)

    # --- welcomes -----------------------------------------------------------------------------------------------------

    def enqueue_welcome(self, notification: Notification, at: datetime, since: datetime) -> bool:
        """Enqueues the welcome of a channel; False if one was enqueued for it since ``since``."""
        prefix = f"{NoticeKind.WELCOME}:"
        query = "SELECT 1 FROM outbox WHERE channel = ? AND created_at >= ? AND substr(key, 1, ?) = ?"
        with self._db.transaction():
            if self._db.rows(query, notification.channel, format_time(since), len(prefix), prefix):
                return False
            queueing.enqueue(self._db, notification, at)
        return True


def digest_schedules(db: Database) -> tuple[tuple[str, DigestSchedule, datetime], ...]:
    """Each channel with a digest; see ``ScheduleStore.digest_schedules``."""
    return schedules_from_rows(db.rows(DIGESTS))


def schedules_from_rows(rows: Iterable[dict[str, Any]]) -> tuple[tuple[str, DigestSchedule, datetime], ...]:
    """The digests of rows of ``DIGESTS``."""
    schedules = []
    for r in rows:
        try:
            schedule = DigestSchedule(time.fromisoformat(r["at"]), r["zone"], r["weekday"], bool(r["on_calm"]))
            schedules.append((r["channel"], schedule, parse_time(r["done"])))
        except (ValueError, TypeError):
            log.warning("the digest of %s can't be read and is left out; `settings` there sets it", r["channel"])
    return tuple(schedules)


def save_digest_schedule(db: Database, channel: str, schedule: DigestSchedule | None, at: datetime) -> None:
    """Replaces a channel's schedule, inside an open transaction; an unchanged one keeps its last handled due time."""
    before = {c: digest for c, digest, _ in digest_schedules(db)}.get(channel)
    if before == schedule:
        return
    db.write("DELETE FROM digests WHERE channel = ?", channel)
    if schedule is not None:
        db.insert("digests", digest_row(channel, schedule, at))
