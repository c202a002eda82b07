"""What comes round -> rows: digests and their due times, people's rooms, who looks at Home, and who was welcomed."""

from __future__ import annotations

from datetime import datetime
from datetime import time as clock

from bot.edge.store import stroke
from bot.edge.store.database import Database
from bot.edge.store.rows import iso, time
from bot.model import Digest, NoticeKind, Post


class Rounds:
    """The part of the book that the clock and the doors keep for themselves."""

    def __init__(self, database: Database) -> None:
        """Takes the Store's database."""
        self._db = database

    # --- digests ------------------------------------------------------------------------------------------------------

    def digests(self) -> tuple[tuple[str, Digest, datetime], ...]:
        """Every channel with a digest: when it wants it, and the due time that was dealt with last."""
        return digests(self._db)

    def done(self, channel: str, due: datetime, post: Post | None) -> None:
        """A due time is dealt with: its digest is owed, or left out; both in one transaction."""
        with self._db.transaction():
            if post is not None:
                stroke.owe(self._db, post, due)
            self._db.write("UPDATE digests SET done = max(done, ?) WHERE channel = ?", iso(due), channel)

    # --- people's rooms -----------------------------------------------------------------------------------------------

    def rooms(self) -> dict[str, str]:
        """The chat's ids of direct messages, by person."""
        return {row["person"]: row["channel"] for row in self._db.rows("SELECT * FROM rooms")}

    def keep_room(self, person: str, channel: str) -> None:
        """Where somebody's direct messages are."""
        kept = "INSERT INTO rooms VALUES (?, ?) ON CONFLICT (person) DO UPDATE SET channel = excluded.channel"
        self._db.write(kept, person, channel)

    # --- Homes --------------------------------------------------------------------------------------------------------

    def opened(self, person: str, at: datetime) -> None:
        """Somebody looks at the bot's Home."""
        looked = "INSERT INTO homes VALUES (?, ?) ON CONFLICT (person) DO UPDATE SET opened_at = excluded.opened_at"
        self._db.write(looked, person, iso(at))

    def lookers(self, since: datetime) -> tuple[str, ...]:
        """Who has looked at Home since then."""
        found = self._db.rows("SELECT person FROM homes WHERE opened_at >= ? ORDER BY person", iso(since))
        return tuple(row["person"] for row in found)

    # --- welcomes -----------------------------------------------------------------------------------------------------

    def welcome(self, post: Post, at: datetime, since: datetime) -> bool:
        """Owes a channel its welcome; False where it was owed one since then."""
        keys = f"{NoticeKind.WELCOME}:"
        was = "SELECT 1 FROM outbox WHERE channel = ? AND created_at >= ? AND substr(key, 1, ?) = ?"
        with self._db.transaction():
            if self._db.rows(was, post.channel, iso(since), len(keys), keys):
                return False
            stroke.owe(self._db, post, at)
        return True


def digests(db: Database) -> tuple[tuple[str, Digest, datetime], ...]:
    """Every channel with a digest; see ``Rounds.digests``."""
    found = db.rows("SELECT * FROM digests ORDER BY channel")
    return tuple(
        (
            r["channel"],
            Digest(clock.fromisoformat(r["at"]), r["zone"], r["weekday"], bool(r["on_calm"])),
            time(r["done"]),
        )
        for r in found
    )


def keep_digest(db: Database, channel: str, wanted: Digest | None, at: datetime) -> None:
    """When a channel wants its digest, inside an open transaction; what stays the same keeps its due times."""
    before = {c: digest for c, digest, _ in digests(db)}.get(channel)
    if before == wanted:
        return
    db.write("DELETE FROM digests WHERE channel = ?", channel)
    if wanted is not None:
        cells = (channel, f"{wanted.at:%H:%M}", wanted.zone, wanted.weekday, wanted.on_calm, iso(at))
        db.write("INSERT INTO digests VALUES (?, ?, ?, ?, ?, ?)", *cells)
