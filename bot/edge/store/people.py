"""What people do about incidents -> rows, an event, and the channel's message drawn anew; and what they have done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from datetime import time as clock
from typing import Any

from bot.edge.store import rounds, rows, stroke
from bot.edge.store.database import Database
from bot.edge.store.rows import iso, time
from bot.model import (
    Digest,
    Event,
    Habits,
    Mark,
    Mute,
    NewsItem,
    Notice,
    People,
    Person,
    Post,
    PostKind,
    Quiet,
    Subscription,
)

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

    def habits(self) -> dict[str, Habits]:
        """How channels want to be told, by channel; those that never said are left out."""
        muted: dict[str, list[Mute]] = {}
        for mute in self.mutes():
            muted.setdefault(mute.channel, []).append(mute)
        said = {row["channel"]: row for row in self._db.rows("SELECT * FROM habits")}
        digests = {channel: digest for channel, digest, _ in rounds.digests(self._db)}
        everybody = sorted({*said, *muted, *digests})
        return {c: _habits(c, said.get(c), muted.get(c, ()), digests.get(c)) for c in everybody}

    def reported(self, since: datetime) -> dict[str, int]:
        """How many people have reported each surface since then."""
        counted = "SELECT surface, count(*) AS n FROM reports WHERE at >= ? GROUP BY surface ORDER BY surface"
        return {row["surface"]: row["n"] for row in self._db.rows(counted, iso(since))}

    def withheld(self) -> tuple[tuple[str, str, str], ...]:
        """Channel, incident and provider of the alerts that wait."""
        waiting = "SELECT channel, incident, provider FROM withheld ORDER BY since, incident, channel"
        return tuple((row["channel"], row["incident"], row["provider"]) for row in self._db.rows(waiting))

    def standing(self) -> tuple[tuple[str, str, str, datetime], ...]:
        """Channel, incident, provider and first moment of the alerts whose incident is open."""
        found = self._db.rows(
            "SELECT a.channel, a.incident, a.provider, a.opened_at FROM alerts a"
            " JOIN incidents i ON i.provider = a.provider AND i.id = a.incident"
            " WHERE i.closed_at IS NULL AND a.ts IS NOT NULL ORDER BY a.opened_at, a.channel"
        )
        return tuple((r["channel"], r["incident"], r["provider"], time(r["opened_at"])) for r in found)

    # --- what they do -------------------------------------------------------------------------------------------------

    def affect(self, done: Event, person: Person) -> bool:
        """Counts somebody for a surface of an incident; False where they are counted already."""
        cells = (done.incident, done.surface, person.id, person.name, done.channel, iso(done.seen_at))
        with self._db.transaction():
            if not self._db.write(_REPORTED, *cells):
                return False
            stroke.events(self._db, [done])
            for row in self._db.rows("SELECT channel FROM alerts WHERE incident = ?", done.incident):
                self._redraw(row["channel"], done.incident, done.seen_at)
        return True

    def take(self, done: Event, person: Person | None) -> None:
        """Somebody takes care of an incident in a channel; None: nobody does any more."""
        with self._db.transaction():
            self._db.write("DELETE FROM acks WHERE channel = ? AND incident = ?", done.channel, done.incident)
            if person:
                cells = (done.channel, done.incident, person.id, person.name, iso(done.seen_at))
                self._db.write("INSERT INTO acks VALUES (?, ?, ?, ?, ?)", *cells)
            stroke.events(self._db, [done])
            self._redraw(done.channel, done.incident, done.seen_at)

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
            self._redraw(done.channel, done.incident, done.seen_at)

    def unmute(self, target: str, done: Event) -> bool:
        """Ends a mute; False where there was none."""
        with self._db.transaction():
            ended = self._db.write("DELETE FROM mutes WHERE channel = ? AND target = ?", done.channel, target)
            if ended:
                stroke.events(self._db, [done])
                self._redraw(done.channel, done.incident, done.seen_at)
        return bool(ended)

    def note(self, done: Event, item: NewsItem) -> int:
        """Puts a note into the timeline and into its alert's thread; its number, 0 where it is there already."""
        last, key = self._last(done.channel, done.incident), f"{done.incident}:{item.key}"
        with self._db.transaction():
            if self._db.rows("SELECT 1 FROM outbox WHERE channel = ? AND key = ?", done.channel, key):
                return 0
            stroke.events(self._db, [done])
            [row] = self._db.rows("SELECT max(id) AS id FROM events")
            if last:
                said = replace(last, kind=PostKind.REPLY, key=key, news=item, mentions=())
                stroke.owe(self._db, said, done.seen_at)
        return int(row["id"])

    def report(self, done: Event, person: Person) -> None:
        """Somebody says that a surface is broken; it goes into the timeline, and counts for a while."""
        with self._db.transaction():
            self._db.write(
                "INSERT INTO reports VALUES (?, ?, ?, ?, ?) ON CONFLICT (surface, person) DO UPDATE SET"
                " name = excluded.name, channel = excluded.channel, at = excluded.at",
                *(done.surface, person.id, person.name, done.channel, iso(done.seen_at)),
            )
            stroke.events(self._db, [done])

    def settle(self, wanted: Habits, subscriptions: Iterable[Subscription], told: Post) -> None:
        """How a channel wants to be told from now on, for all that it listens to; and the word of it."""
        quiet = wanted.quiet
        with self._db.transaction():
            self._db.write(
                "INSERT INTO habits VALUES (?, ?, ?, ?, ?) ON CONFLICT (channel) DO UPDATE SET"
                " maintenance = excluded.maintenance, quiet_start = excluded.quiet_start,"
                " quiet_end = excluded.quiet_end, zone = excluded.zone",
                *(wanted.channel, wanted.maintenance),
                *((f"{quiet.start:%H:%M}", f"{quiet.end:%H:%M}", quiet.zone) if quiet else (None, None, "UTC")),
            )
            for one in subscriptions:
                changed = "UPDATE subscriptions SET minimum = ?, mention = ? WHERE channel = ? AND target = ?"
                self._db.write(changed, one.minimum, one.mention, one.channel, one.target)
            at = told.about.at if isinstance(told.about, Notice) else told.about.as_of
            rounds.keep_digest(self._db, wanted.channel, wanted.digest, at)
            stroke.owe(self._db, told, at)

    def owe(self, posts: Iterable[Post], at: datetime) -> int:
        """Puts posts into the outbox; how many are new."""
        before = self._newest()
        with self._db.transaction():
            for post in posts:
                stroke.owe(self._db, post, at)
        return self._newest() - before

    def lift(self, mute: Mute, at: datetime) -> None:
        """Takes away a mute that has run out; its message says so no longer."""
        with self._db.transaction():
            self._db.write("DELETE FROM mutes WHERE channel = ? AND target = ?", mute.channel, mute.target)
            self._redraw(mute.channel, mute.target, at)

    def forget(self, channel: str, incident: str) -> None:
        """An alert that waited is not needed any more."""
        self._db.write("DELETE FROM withheld WHERE channel = ? AND incident = ?", channel, incident)

    def _redraw(self, channel: str | None, incident: str | None, at: datetime) -> None:
        """Owes the channel its message once more: what people have done is joined to it as it leaves."""
        last = self._last(channel, incident)
        if last:
            key = f"{incident}:people:{self._newest() + 1}"
            stroke.owe(self._db, replace(last, kind=PostKind.EDIT, key=key, mentions=()), at)

    def _newest(self) -> int:
        """The number of the last post that anybody was owed."""
        return int(self._db.rows("SELECT coalesce(max(id), 0) AS n FROM outbox")[0]["n"])

    def _last(self, channel: str | None, incident: str | None) -> Post | None:
        """The message of an incident as it was drawn last."""
        found = self._db.rows(
            "SELECT post FROM outbox WHERE channel = ? AND incident = ? AND kind IN ('alert', 'edit')"
            " ORDER BY id DESC LIMIT 1",
            *(channel, incident),
        )
        return rows.POST.validate_json(found[0]["post"]) if found else None


def _habits(channel: str, row: dict[str, Any] | None, mutes: Iterable[Mute], digest: Digest | None) -> Habits:
    quiet = None
    if row and row["quiet_start"]:
        start, end = (clock.fromisoformat(row[name]) for name in ("quiet_start", "quiet_end"))
        quiet = Quiet(start, end, row["zone"])
    return Habits(channel, bool(row and row["maintenance"]), quiet, tuple(mutes), digest)


def _mark(row: dict[str, str]) -> Mark:
    return Mark(Person(row["person"], row["name"]), time(row["at"]))
