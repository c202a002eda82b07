"""What people do about incidents -> rows, an event, and the channel's message drawn anew; and what they have done."""

from __future__ import annotations

from dataclasses import replace

from bot.edge.store import rows, stroke
from bot.edge.store.database import Database
from bot.edge.store.rows import iso, time
from bot.model import Event, Mark, Mute, NewsItem, People, Person, Post, PostKind

_REPORTED = "INSERT INTO affected VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


class Gatherings:
    """People's part of the book; every change is one transaction with its event and its redrawn messages."""

    def __init__(self, database: Database) -> None:
        """Takes the Store's database."""
        self._db = database

    # --- what they have done ------------------------------------------------------------------------------------------

    def of(self, channel: str, incident: str) -> People:
        """What people have done about an incident, as one channel is shown it."""
        counted = "SELECT surface, count(*) AS n FROM affected WHERE incident = ? GROUP BY surface ORDER BY min(rowid)"
        affected = tuple((row["surface"], row["n"]) for row in self._db.rows(counted, incident))
        mute = next((m for m in self.mutes(channel) if m.target == incident), None)
        return People(affected, self.ack(channel, incident), mute)

    def ack(self, channel: str, incident: str) -> Mark | None:
        """Who takes care of the incident in this channel, if anybody."""
        found = self._db.rows("SELECT * FROM acks WHERE channel = ? AND incident = ?", channel, incident)
        return _mark(found[0]) if found else None

    def mutes(self, channel: str | None = None) -> tuple[Mute, ...]:
        """What a channel, or every channel, wants to hear nothing of; also what has run out and is not lifted yet."""
        where, values = ("WHERE channel = ?", (channel,)) if channel is not None else ("", ())
        found = self._db.rows(f"SELECT * FROM mutes {where} ORDER BY channel, target", *values)  # noqa: S608
        return tuple(Mute(r["channel"], r["target"], time(r["until"]) if r["until"] else None, _mark(r)) for r in found)

    def incident(self, channel: str) -> str | None:
        """The incident that this channel was told of last."""
        newest = "SELECT incident FROM alerts WHERE channel = ? ORDER BY opened_at DESC, rowid DESC LIMIT 1"
        return next((row["incident"] for row in self._db.rows(newest, channel)), None)

    def provider(self, incident: str) -> str | None:
        """Whose incident a channel was told of; None where no channel was."""
        found = self._db.rows("SELECT provider FROM alerts WHERE incident = ? LIMIT 1", incident)
        return found[0]["provider"] if found else None

    # --- what they do -------------------------------------------------------------------------------------------------

    def affect(self, done: Event, person: Person) -> bool:
        """Counts somebody for a surface of an incident; False where they are counted already."""
        cells = (done.incident, done.surface, person.id, person.name, done.channel, iso(done.seen_at))
        with self._db.transaction():
            if not self._db.write(_REPORTED, *cells):
                return False
            stroke.events(self._db, [done])
            for row in self._db.rows("SELECT channel FROM alerts WHERE incident = ?", done.incident):
                self._redraw(row["channel"], done)
        return True

    def take(self, done: Event, person: Person | None) -> None:
        """Somebody takes care of an incident in a channel; None: nobody does any more."""
        with self._db.transaction():
            self._db.write("DELETE FROM acks WHERE channel = ? AND incident = ?", done.channel, done.incident)
            if person:
                cells = (done.channel, done.incident, person.id, person.name, iso(done.seen_at))
                self._db.write("INSERT INTO acks VALUES (?, ?, ?, ?, ?)", *cells)
            stroke.events(self._db, [done])
            self._redraw(done.channel, done)

    def mute(self, wanted: Mute, done: Event) -> None:
        """Begins, or changes, a mute."""
        with self._db.transaction():
            self._db.write(
                "INSERT INTO mutes VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (channel, target) DO UPDATE SET"
                " until = excluded.until, person = excluded.person, name = excluded.name, at = excluded.at",
                *(wanted.channel, wanted.target, iso(wanted.until), wanted.mark.by.id, wanted.mark.by.name),
                iso(wanted.mark.at),
            )
            stroke.events(self._db, [done])
            self._redraw(done.channel, done)

    def unmute(self, target: str, done: Event) -> bool:
        """Ends a mute; False where there was none."""
        with self._db.transaction():
            ended = self._db.write("DELETE FROM mutes WHERE channel = ? AND target = ?", done.channel, target)
            if ended:
                stroke.events(self._db, [done])
                self._redraw(done.channel, done)
        return bool(ended)

    def note(self, done: Event, item: NewsItem) -> bool:
        """Puts a note into the timeline and into its alert's thread; False where it is there already."""
        last, key = self._last(done.channel, done.incident), f"{done.incident}:{item.key}"
        with self._db.transaction():
            if self._db.rows("SELECT 1 FROM outbox WHERE channel = ? AND key = ?", done.channel, key):
                return False
            stroke.events(self._db, [done])
            if last:
                said = replace(last, kind=PostKind.REPLY, key=key, news=item)
                stroke.owe(self._db, said, done.seen_at)
        return True

    def _redraw(self, channel: str | None, done: Event) -> None:
        """Owes the channel its message once more: what people have done is joined to it as it leaves."""
        last = self._last(channel, done.incident)
        if last:
            number = self._db.rows("SELECT coalesce(max(id), 0) + 1 AS n FROM outbox")[0]["n"]
            key = f"{done.incident}:people:{number}"
            stroke.owe(self._db, replace(last, kind=PostKind.EDIT, key=key), done.seen_at)

    def _last(self, channel: str | None, incident: str | None) -> Post | None:
        """The message of an incident as it was drawn last."""
        found = self._db.rows(
            "SELECT post FROM outbox WHERE channel = ? AND incident = ? AND kind IN ('alert', 'edit')"
            " ORDER BY id DESC LIMIT 1",
            *(channel, incident),
        )
        return rows.POST.validate_json(found[0]["post"]) if found else None


def _mark(row: dict[str, str]) -> Mark:
    return Mark(Person(row["person"], row["name"]), time(row["at"]))
