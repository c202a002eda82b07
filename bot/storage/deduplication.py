"""Recognises events that Slack delivers more than once, which it does when the bot's answer got lost.

See bot/docs/slack-limits.md#events-that-come-again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.storage.connection import IGNORE, Database
from bot.storage.mapping import format_time


class SeenEvents:
    """The keys of the events that were handled lately. StoreError if the database can't be written."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's database."""
        self._db = database

    def claim(self, key: str, now: datetime, keep: timedelta) -> bool:
        """True if nobody has claimed this key within the last ``keep``. Keys that are older are deleted."""
        with self._db.transaction():
            self._db.write("DELETE FROM heard WHERE until < ?", format_time(now))
            return self._db.insert("heard", {"key": key, "until": format_time(now + keep)}, IGNORE) == 1
