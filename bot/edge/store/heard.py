"""An event's id from Slack -> whether it came before: Slack sends it again where our answer got lost (slack.md 3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.edge.store.database import Database
from bot.edge.store.rows import iso


class Heard:
    """The keys of what was heard. StoreError where the book can't be written."""

    def __init__(self, database: Database) -> None:
        """Takes the Store's database."""
        self._db = database

    def claim(self, key: str, now: datetime, keep: timedelta) -> bool:
        """True for the first who claims this key within ``keep``; what is past its time is forgotten."""
        with self._db.transaction():
            self._db.write("DELETE FROM heard WHERE until < ?", iso(now))
            return self._db.write("INSERT INTO heard VALUES (?, ?) ON CONFLICT DO NOTHING", key, iso(now + keep)) == 1
