"""The Store: a stroke in, and out what people ask for, what the rules remember, and what channels are owed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.core.memory import REMEMBER
from bot.core.stroke import Stroke
from bot.edge.store import gathered, rows, stroke
from bot.edge.store.archive import Archive
from bot.edge.store.database import Database
from bot.edge.store.heard import Heard
from bot.edge.store.keys import Keys
from bot.edge.store.looks import Looks
from bot.edge.store.people import Gatherings
from bot.edge.store.rounds import Rounds
from bot.edge.store.rows import iso, time
from bot.errors import StoreError
from bot.model import Condition, Event, Habits, Known, Observation, Pause, People, Post, Subscription, World

log = logging.getLogger("brownout")

PATIENCE_S = 5.0  # how long a write waits for another process's


@dataclass(frozen=True, slots=True)
class Owed:
    """A post in the outbox: when it may be sent, how often it was tried, and whether its fate is unknown.

    ``doubted_from`` is since when that is so, ``left_at`` when it was last sent off.
    ``parent_ts`` is Slack's id of its incident's message in its channel, once there is one, and ``linked_ts`` that of
    the message it points to; ``people`` is what people have done about it by now.
    """

    id: int
    post: Post
    attempts: int
    due_at: datetime
    is_in_doubt: bool  # it was being sent when the process ended, or the connection broke
    doubted_from: datetime
    left_at: datetime
    parent_ts: str | None
    people: People = field(default_factory=People)
    linked_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Debt:
    """Posts that wait, since when the oldest does, posts that are parked, and channels that are paused."""

    waiting: int
    oldest_at: datetime | None
    parked: int
    paused: int


class Store:
    """One SQLite file; every method may raise StoreError. Use ``Store.open``; not for threads."""

    def __init__(self, database: Database) -> None:
        """Takes an open database; ``Store.open`` makes one."""
        self._db = database
        self.archive = Archive(database)
        self.people = Gatherings(database)
        self.looks = Looks(database)
        self.heard = Heard(database)
        self.rounds = Rounds(database)
        self.keys = Keys(database)
        self._gathered = gathered.Gathered()

    @classmethod
    def open(
        cls, path: Path | str, *, read_only: bool = False, alone: bool = False, patience_s: float = PATIENCE_S
    ) -> Store:
        """Opens or makes the database. ``alone`` is for the bot itself: StoreError where another one runs on it."""
        return cls(Database.open(Path(path), read_only=read_only, alone=alone, patience_s=patience_s))

    def reader(self) -> Store:
        """Another connection to the same file that only reads, for another thread: it has to be asked for there."""
        return Store.open(self._db.path, read_only=True)

    def close(self) -> None:
        """Closes the file; what was recorded is already safe, and looks that changed nothing are now."""
        with suppress(StoreError):
            self.flush()
        self._db.close()

    # --- strokes ------------------------------------------------------------------------------------------------------

    def record(self, observation: Observation | None, done: Stroke, posts: Iterable[Post]) -> None:
        """One stroke in one transaction: the look, the state, the events, and the posts that are due for it.

        Looks that changed nothing wait for the next one that did, or for ``flush``.
        """
        owed = tuple(posts)
        if observation is not None and not owed and gathered.is_nothing_new(observation, done):
            if self._gathered.add(observation, done.world.provider):
                self.flush()
            return
        with self._db.transaction():
            gathered.write(self._db, self._gathered.runs())
            stroke.write(self._db, observation, done, owed)
        self._gathered.forget()

    def flush(self) -> None:
        """Writes the looks that changed nothing; without it they are a quarter of a minute old at most."""
        if runs := self._gathered.runs():
            with self._db.transaction():
                gathered.write(self._db, runs)
            self._gathered.forget()

    def world(self, provider: str) -> World | None:
        """What the rules remembered of a provider; None before its first look."""
        found = self._db.rows(
            "SELECT w.world, s.seen_at FROM worlds w LEFT JOIN sources s ON s.id = w.provider WHERE w.provider = ?",
            provider,
        )
        if not found:
            return None
        seen_at = time(found[0]["seen_at"]) if found[0]["seen_at"] else None
        try:
            world = rows.WORLD.validate_json(found[0]["world"])
        except ValidationError:
            log.warning("%s: what was remembered is in a form of another version; going on from the tables", provider)
            world = World(provider, incidents=self._recent(provider, seen_at))
        looks = (world.seen_at, seen_at, self._gathered.seen_at(provider))
        return replace(world, seen_at=max(filter(None, looks), default=None))

    def _recent(self, provider: str, seen_at: datetime | None) -> tuple[Known, ...]:
        """The incidents that a world holds: open ones, and those that ended within a day."""
        since = iso(seen_at - REMEMBER) if seen_at else ""
        found = self._db.rows(
            "SELECT * FROM incidents WHERE provider = ? AND (closed_at IS NULL OR closed_at > ?)"
            " AND backfilled = 0 ORDER BY posted_at",
            *(provider, since),
        )
        return tuple(map(self._incident, found))

    # --- what channels are owed ---------------------------------------------------------------------------------------

    def told(self, incident: str) -> frozenset[str]:
        """The channels that have, or are owed, a message about this incident."""
        return frozenset(
            row["channel"] for row in self._db.rows("SELECT channel FROM alerts WHERE incident = ?", incident)
        )

    def rung(self, incident: str) -> frozenset[str]:
        """The channels in which this incident has rung somebody."""
        rung = "SELECT channel FROM alerts WHERE incident = ? AND rung_at IS NOT NULL"
        return frozenset(row["channel"] for row in self._db.rows(rung, incident))

    def habits(self) -> dict[str, Habits]:
        """How channels want to be told; those that never said are left out."""
        return self.people.habits()

    def owing(self) -> tuple[str, ...]:
        """The channels that something unsent is owed to, the longest waiting first; not those that are paused."""
        found = self._db.rows(
            "SELECT channel FROM outbox WHERE state IN ('waiting', 'sending')"
            " AND NOT EXISTS (SELECT 1 FROM pauses p WHERE p.channel = outbox.channel AND NOT p.is_on_trial)"
            " GROUP BY channel ORDER BY min(id)"
        )
        return tuple(row["channel"] for row in found)

    def debt(self) -> Debt:
        """How much is owed, and how much will never be taken."""
        [row] = self._db.rows(
            "SELECT (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')) AS waiting,"
            " (SELECT count(*) FROM outbox WHERE state = 'parked') AS parked, (SELECT min(created_at) FROM outbox"
            " WHERE state IN ('waiting', 'sending')) AS oldest, (SELECT count(*) FROM pauses WHERE NOT is_on_trial)"
            " AS paused"
        )
        oldest = time(row["oldest"]) if row["oldest"] else None
        return Debt(row["waiting"], oldest, row["parked"], row["paused"])

    def owed(self, channel: str) -> Owed | None:
        """The next post for a channel: the oldest unsent, but a reply goes after the message that it belongs to."""
        found = self._db.rows(
            "SELECT o.id, o.post, o.attempts, o.due_at, o.state = 'sending' AS is_in_doubt, a.ts,"
            " coalesce(o.doubted_from, o.created_at) AS doubted_from, coalesce(o.left_at, o.created_at) AS left_at"
            " FROM outbox o"
            " LEFT JOIN alerts a ON a.channel = o.channel AND a.incident = o.incident"
            " WHERE o.channel = ? AND o.state IN ('waiting', 'sending')"
            " AND NOT (o.kind = 'reply' AND a.ts IS NULL AND EXISTS (SELECT 1 FROM outbox p WHERE p.channel = o.channel"
            " AND p.incident = o.incident AND p.kind IN ('alert', 'edit') AND p.state IN ('waiting', 'sending')))"
            " ORDER BY o.id LIMIT 1",
            channel,
        )
        if not found:
            return None
        [row] = found
        try:
            post = rows.POST.validate_json(row["post"])
        except ValidationError:
            self.mark_parked(row["id"], "it is in a form of another version")
            log.warning("post %d to %s is in a form of another version, and can't be sent", row["id"], channel)
            return self.owed(channel)
        people = self.people.of(channel, post.incident) if post.incident else People()
        return Owed(
            *(row["id"], post, row["attempts"], time(row["due_at"]), bool(row["is_in_doubt"])),
            *(time(row["doubted_from"]), time(row["left_at"]), row["ts"], people),
            self._parent(channel, post.points_to) if post.points_to else None,
        )

    def _parent(self, channel: str, incident: str) -> str | None:
        """Slack's id of an incident's message in a channel; None where there is none yet."""
        found = self._db.rows("SELECT ts FROM alerts WHERE channel = ? AND incident = ?", channel, incident)
        return found[0]["ts"] if found else None

    def mark_sending(self, number: int, at: datetime) -> None:
        """The post is about to leave; if the process dies now, its fate is unknown."""
        self._db.write(
            "UPDATE outbox SET state = 'sending', attempts = attempts + 1, left_at = ?,"
            " doubted_from = CASE state WHEN 'sending' THEN coalesce(doubted_from, created_at) ELSE ? END WHERE id = ?",
            *(iso(at), iso(at), number),
        )

    def mark_sent(self, number: int, ts: str, at: datetime, *, is_parent: bool) -> bool:
        """The receipt. A parent's receipt is where its edits and replies go. True where its channel was paused."""
        with self._db.transaction():
            self._db.write(
                "UPDATE outbox SET state = 'sent', ts = ?, sent_at = ?, error = NULL WHERE id = ?", ts, iso(at), number
            )
            if is_parent:
                self._db.write(
                    "UPDATE alerts SET ts = ? FROM outbox o"
                    " WHERE o.id = ? AND alerts.channel = o.channel AND alerts.incident = o.incident",
                    *(ts, number),
                )
            channel = "(SELECT channel FROM outbox WHERE id = ?)"
            return bool(self._db.write(f"DELETE FROM pauses WHERE channel = {channel}", number))  # noqa: S608

    def mark_later(self, number: int, due_at: datetime, error: str, *, is_in_doubt: bool) -> None:
        """It was not taken, or nobody knows; it is tried again, not before ``due_at``."""
        state = "sending" if is_in_doubt else "waiting"
        self._db.write(
            "UPDATE outbox SET state = ?, due_at = ?, error = ? WHERE id = ?", state, iso(due_at), error, number
        )

    def mark_parked(self, number: int, error: str) -> None:
        """It will never be taken; the row stays, with the reason."""
        self._db.write("UPDATE outbox SET state = 'parked', error = ? WHERE id = ?", error, number)

    def pause(self, pause: Pause, told: Iterable[Post]) -> bool:
        """Nothing more to a channel for now. True, and ``told`` is owed, where the reason is a new one."""
        with self._db.transaction():
            is_known = self._db.rows("SELECT 1 FROM pauses WHERE channel = ? AND code = ?", pause.channel, pause.code)
            self._db.write(
                "INSERT INTO pauses VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (channel) DO UPDATE SET"
                " since = CASE code WHEN excluded.code THEN since ELSE excluded.since END,"
                " code = excluded.code, remedy = excluded.remedy, tried_at = excluded.tried_at, is_on_trial = 0",
                *(pause.channel, pause.code, pause.remedy, iso(pause.since), iso(pause.since)),
            )
            for post in () if is_known else told:
                stroke.owe(self._db, post, pause.since)
        return not is_known

    def paused(self, channel: str) -> Pause | None:
        """Why a channel takes nothing for now; None where it takes posts, or where that is being tried."""
        found = self._db.rows("SELECT * FROM pauses WHERE channel = ? AND NOT is_on_trial", channel)
        return next((Pause(channel, r["code"], r["remedy"], time(r["since"])) for r in found), None)

    def retry(self, channel: str) -> bool:
        """A paused channel is sent what is still open; False where it is not paused."""
        with self._db.transaction():
            return stroke.retry(self._db, channel)

    # --- what people ask for ------------------------------------------------------------------------------------------

    def subscriptions(self, channel: str | None = None) -> tuple[Subscription, ...]:
        """Who listens to what, in all channels or in one."""
        where, values = ("WHERE channel = ?", (channel,)) if channel is not None else ("", ())
        found = self._db.rows(f"SELECT * FROM subscriptions {where} ORDER BY channel, target", *values)  # noqa: S608
        return tuple(
            Subscription(
                *(r["channel"], r["target"], Condition(r["minimum"]), r["created_by"], time(r["created_at"])),
                mention=r["mention"],
            )
            for r in found
        )

    def subscribe(self, wanted: Subscription) -> None:
        """Adds or replaces a subscription."""
        self._db.write(
            "INSERT INTO subscriptions (channel, target, minimum, created_by, created_at, mention)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (channel, target) DO UPDATE"
            " SET minimum = excluded.minimum, mention = excluded.mention",
            *(wanted.channel, wanted.target, wanted.minimum, wanted.created_by, iso(wanted.created_at)),
            wanted.mention,
        )

    def unsubscribe(self, channel: str, target: str) -> bool:
        """Ends a subscription; False where there was none."""
        return self._db.write("DELETE FROM subscriptions WHERE channel = ? AND target = ?", channel, target) > 0

    def incident_ids(
        self, *, surface: str | None = None, provider: str | None = None, limit: int = 10
    ) -> tuple[str, ...]:
        """The newest incidents, by the vendor's first post, of a surface or a provider or of all."""
        table, name = ("incident_surfaces", "incident") if surface is not None else ("incidents", "id")
        wanted = {"surface": surface, "source": provider} if surface is not None else {"provider": provider}
        told = {column: value for column, value in wanted.items() if value is not None}
        where = f"WHERE {' AND '.join(f'{column} = ?' for column in told)}" if told else ""
        found = self._db.rows(
            f"SELECT {name} AS id FROM {table} {where} ORDER BY posted_at DESC LIMIT ?",  # noqa: S608  (words above)
            *(*told.values(), limit),
        )
        return tuple(row["id"] for row in found)

    def known(self, incident: str) -> tuple[str, Known] | None:
        """One incident, with its provider; None where nobody has seen it. Updates are in their newest version."""
        found = self._db.rows("SELECT * FROM incidents WHERE id = ?", incident)
        return (found[0]["provider"], self._incident(found[0])) if found else None

    def _incident(self, row: dict[str, Any]) -> Known:
        newest = self._db.rows(
            "SELECT u.* FROM updates u WHERE source = ? AND incident = ? AND version ="
            " (SELECT max(version) FROM updates v WHERE v.source = u.source AND v.id = u.id) ORDER BY display_at,"
            " (SELECT min(rowid) FROM updates v WHERE v.source = u.source AND v.id = u.id)",
            *(row["source"], row["id"]),
        )
        return rows.incident(row, tuple(map(rows.update, newest)))

    def events(self, incident: str, channel: str | None = None) -> tuple[Event, ...]:
        """An incident's timeline, as we knew it; of what people said, only what this channel may read.

        It begins with what we suspected, where the incident took that over.
        """
        ours = self._db.rows("SELECT value AS id FROM incidents i, json_each(i.suspicions) WHERE i.id = ?", incident)
        asked = "SELECT * FROM events WHERE incident = ? AND (channel IS NULL OR channel = ?) ORDER BY id"
        found = (row for one in (*(r["id"] for r in ours), incident) for row in self._db.rows(asked, one, channel))
        return tuple(map(rows.event, sorted(found, key=lambda row: row["id"])))

    def newest_event(self) -> int:
        """The number of the last event; it grows whenever the timeline does."""
        return int(self._db.rows("SELECT coalesce(max(id), 0) AS newest FROM events")[0]["newest"])

    def looked_at(self, provider: str) -> datetime | None:
        """When a bot last looked at this provider's page, whatever it saw; None where none has."""
        found = self._db.rows("SELECT max(looked_at) AS at FROM sources WHERE provider = ?", provider)
        looks = (time(found[0]["at"]) if found[0]["at"] else None, self._gathered.seen_at(provider))
        return max(filter(None, looks), default=None)
