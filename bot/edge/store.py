"""The book: what was seen, what it meant, what channels are owed. SQLite, one writer, one transaction per stroke.

WAL with ``synchronous=FULL``: what is acknowledged survives a power cut (performance-reliability.md 2c, 3). Strokes are
written with plain SQL in one ``BEGIN IMMEDIATE``; sqlite-utils keeps the schema and its migrations.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlite_utils import Database

from bot.core.diff import first_post
from bot.core.stroke import Stroke
from bot.edge.migrations import steps
from bot.errors import StoreError
from bot.model import (
    Call,
    Condition,
    Ending,
    Event,
    EventKind,
    Impact,
    Incident,
    Known,
    Observation,
    Post,
    PostKind,
    Stage,
    Subscription,
    SurfaceState,
    Transition,
    Update,
    World,
)

_WORLD = TypeAdapter(World)
_POST = TypeAdapter(Post)
_EVENT_COLUMNS = (
    *("kind", "provider", "incident", "update_id", "surface", "condition", "verdict", "exposure", "stage"),
    *("reason", "reason_code", "inferred", "text", "before", "is_baseline", "happened_at", "seen_at"),
)


@dataclass(frozen=True, slots=True)
class Owed:
    """A post in the outbox: when it may be sent, how often it was tried, and whether its fate is unknown."""

    id: int
    post: Post
    attempts: int
    due_at: datetime
    is_in_doubt: bool  # it was being sent when the process ended
    parent_ts: str | None


class Store:
    """One SQLite file. Use ``Store.open``; not thread-safe, one writer."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Takes an open connection in autocommit mode; ``Store.open`` makes one."""
        self._db = connection

    @classmethod
    def open(cls, path: Path | str, *, read_only: bool = False) -> Store:
        """Opens or makes the database. StoreError says what to do where that can't be done."""
        try:
            connection = _connect(Path(path), read_only=read_only)
            if not read_only:
                _prepare(connection)
            return cls(connection)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(_advice(Path(path), error)) from error

    def close(self) -> None:
        """Closes the file; what was recorded is already safe."""
        self._db.close()

    # --- what is remembered -------------------------------------------------------------------------------------------

    def world(self, provider: str) -> World | None:
        """What the rules remembered of a provider; None before its first look, or where an older form can't be read."""
        row = self._db.execute(
            "SELECT w.world, s.seen_at FROM worlds w LEFT JOIN sources s ON s.id = w.provider WHERE w.provider = ?",
            [provider],
        ).fetchone()
        if row is None:
            return None
        try:
            world = _WORLD.validate_json(row[0])
        except ValidationError:
            return None
        seen_at = _time(row[1]) if row[1] else None
        return replace(world, seen_at=max(filter(None, (world.seen_at, seen_at)), default=None))

    def body(self, body_hash: str) -> bytes | None:
        """A raw body by its hash."""
        row = self._db.execute("SELECT body FROM bodies WHERE hash = ?", [body_hash]).fetchone()
        return zlib.decompress(row[0]) if row else None

    # --- a stroke -----------------------------------------------------------------------------------------------------

    def record(self, observation: Observation | None, stroke: Stroke, posts: Iterable[Post]) -> None:
        """One stroke in one transaction: the look, the state, the events, and the posts that are due for it."""
        with self._transaction():
            if observation is not None:
                self._observe(observation, stroke.world)
            self._incidents(stroke)
            self._updates(stroke)
            self._intervals(stroke)
            self._events(stroke.events)
            for post in posts:
                self._owe(post, stroke.at)
            if replace(stroke.before, seen_at=stroke.world.seen_at) != stroke.world:
                self._db.execute(
                    "INSERT INTO worlds VALUES (?, ?, ?) ON CONFLICT (provider) DO UPDATE"
                    " SET saved_at = excluded.saved_at, world = excluded.world",
                    [stroke.world.provider, _iso(stroke.at), _WORLD.dump_json(stroke.world).decode()],
                )

    def _observe(self, seen: Observation, world: World) -> None:
        digest = sha256(seen.body).hexdigest() if seen.body is not None else None
        if digest and seen.body is not None:
            self._db.execute(
                "INSERT INTO bodies VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [digest, zlib.compress(seen.body, 6), len(seen.body)],
            )
        last = self._db.execute(
            "SELECT id, outcome FROM observations WHERE source = ? ORDER BY id DESC LIMIT 1", [seen.source]
        ).fetchone()
        at = _iso(seen.at)
        if last and last[1] == seen.outcome and seen.outcome != "changed":
            self._db.execute(
                "UPDATE observations SET last_at = ?, looks = looks + 1, took_ms = ? WHERE id = ?",
                [at, seen.took_s * 1000, last[0]],
            )
        else:
            self._db.execute(
                "INSERT INTO observations (source, outcome, why, first_at, last_at, took_ms, body_hash)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [seen.source, seen.outcome, seen.why, at, at, seen.took_s * 1000, digest],
            )
        self._db.execute(
            "INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " looked_at = excluded.looked_at, seen_at = excluded.seen_at, host = excluded.host,"
            " body_hash = coalesce(excluded.body_hash, body_hash)",
            [seen.source, world.provider, at, _iso(world.seen_at), digest, world.host],
        )

    def _incidents(self, stroke: Stroke) -> None:
        before = {k.incident.id: k for k in stroke.before.incidents}
        rows = [
            _incident_row(known, stroke.world.provider)
            for known in stroke.world.incidents
            if before.get(known.incident.id) != known
        ]
        marks = ", ".join("?" * 15)
        self._db.executemany(
            f"INSERT INTO incidents VALUES ({marks}) ON CONFLICT (source, id) DO UPDATE SET"  # noqa: S608  (marks only)
            " name = excluded.name, stage = excluded.stage, impact = excluded.impact, url = excluded.url,"
            " closed_at = excluded.closed_at, ending = excluded.ending, surfaces = excluded.surfaces",
            rows,
        )

    def _updates(self, stroke: Stroke) -> None:
        for event in stroke.events:
            if event.kind in (EventKind.UPDATE_POSTED, EventKind.UPDATE_EDITED) and event.incident:
                known = stroke.world.known(event.incident)
                update = next((u for u in known.incident.updates if u.id == event.update), None) if known else None
                if update is not None:
                    self._update(stroke.world.provider, event.incident, update, event.seen_at)

    def _update(self, source: str, incident: str, update: Update, at: datetime) -> None:
        moves = None
        if update.transitions is not None:
            moves = json.dumps([[t.component_id, t.name, t.old, t.new] for t in update.transitions])
        row = [update.id, incident, update.stage, update.body, _iso(update.display_at), _iso(at), moves]
        self._db.execute(
            "INSERT INTO updates (source, version, id, incident, stage, body, display_at, seen_at, transitions)"
            " SELECT ?1, 1 + coalesce(max(version), 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM updates"
            " WHERE source = ?1 AND id = ?2",
            [source, *row],
        )

    def _intervals(self, stroke: Stroke) -> None:
        at = _iso(stroke.at)
        for state in stroke.world.states:
            if _interval(stroke.before.state(state.surface)) != _interval(state):
                self._close("conditions", state.surface, at)
                self._db.execute(
                    "INSERT OR REPLACE INTO conditions VALUES (?, ?, NULL, ?, ?)",
                    [state.surface, at, state.condition, state.inferred],
                )
        for now in stroke.world.verdicts:
            old = stroke.before.verdict(now.surface)
            if old is None or (old.call, old.reason_code) != (now.call, now.reason_code):
                self._close("verdicts", now.surface, at)
                self._db.execute(
                    "INSERT OR REPLACE INTO verdicts VALUES (?, ?, NULL, ?, ?, ?, ?, ?)",
                    [now.surface, at, now.call, now.exposure, now.reason, now.reason_code, (*now.incidents, None)[0]],
                )

    def _close(self, table: str, surface: str, at: str | None) -> None:
        self._db.execute(
            f"UPDATE {table} SET until = ? WHERE surface = ? AND until IS NULL",  # noqa: S608  (two literals above)
            [at, surface],
        )

    def _events(self, events: Iterable[Event]) -> None:
        names = ", ".join(_EVENT_COLUMNS)
        marks = ", ".join("?" * len(_EVENT_COLUMNS))
        self._db.executemany(
            f"INSERT INTO events ({names}) VALUES ({marks})",  # noqa: S608  (our own column names)
            [[_cell(getattr(e, "update" if name == "update_id" else name)) for name in _EVENT_COLUMNS] for e in events],
        )

    # --- what channels are owed ---------------------------------------------------------------------------------------

    def _owe(self, post: Post, at: datetime) -> None:
        if post.kind is PostKind.ALERT:
            self._db.execute(
                "INSERT INTO alerts VALUES (?, ?, ?, NULL, ?) ON CONFLICT DO NOTHING",
                [post.channel, post.incident, post.about.provider, _iso(at)],
            )
        if post.kind is PostKind.EDIT:  # only the last drawing of a message matters
            self._db.execute(
                "UPDATE outbox SET state = 'superseded' WHERE channel = ? AND incident = ? AND kind = 'edit'"
                " AND state = 'waiting'",
                [post.channel, post.incident],
            )
        self._db.execute(
            "INSERT INTO outbox (channel, key, kind, incident, post, state, created_at, due_at)"
            " VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?) ON CONFLICT (channel, key) DO NOTHING",
            [post.channel, post.key, post.kind, post.incident, _POST.dump_json(post).decode(), _iso(at), _iso(at)],
        )

    def told(self, incident: str) -> frozenset[str]:
        """The channels that have, or are owed, a message about this incident."""
        rows = self._db.execute("SELECT channel FROM alerts WHERE incident = ?", [incident])
        return frozenset(channel for (channel,) in rows)

    def owed(self) -> tuple[Owed, ...]:
        """Everything unsent, oldest first."""
        rows = self._db.execute(
            "SELECT o.id, o.post, o.attempts, o.due_at, o.state = 'sending', a.ts FROM outbox o"
            " LEFT JOIN alerts a ON a.channel = o.channel AND a.incident = o.incident"
            " WHERE o.state IN ('waiting', 'sending') ORDER BY o.id"
        )
        return tuple(
            Owed(number, _POST.validate_json(post), attempts, _time(due_at), bool(doubt), ts)
            for number, post, attempts, due_at, doubt, ts in rows
        )

    def mark_sending(self, number: int) -> None:
        """The post is about to leave; if the process dies now, its fate is unknown."""
        self._write("UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ?", number)

    def mark_sent(self, number: int, ts: str, at: datetime, *, is_parent: bool) -> None:
        """The receipt. A parent's receipt is where its edits and replies go."""
        with self._transaction():
            self._db.execute(
                "UPDATE outbox SET state = 'sent', ts = ?, sent_at = ?, error = NULL WHERE id = ?",
                [ts, _iso(at), number],
            )
            if is_parent:
                self._db.execute(
                    "UPDATE alerts SET ts = ? FROM outbox o"
                    " WHERE o.id = ? AND alerts.channel = o.channel AND alerts.incident = o.incident",
                    [ts, number],
                )

    def mark_later(self, number: int, due_at: datetime, error: str) -> None:
        """It was not taken; it is tried again, not before ``due_at``."""
        self._write(
            "UPDATE outbox SET state = 'waiting', due_at = ?, error = ? WHERE id = ?", _iso(due_at), error, number
        )

    def mark_parked(self, number: int, error: str) -> None:
        """It will never be taken; the row stays, with the reason."""
        self._write("UPDATE outbox SET state = 'parked', error = ? WHERE id = ?", error, number)

    # --- what people ask for ------------------------------------------------------------------------------------------

    def subscriptions(self, channel: str | None = None) -> tuple[Subscription, ...]:
        """Who listens to what, in all channels or in one."""
        rows = self._db.execute(
            "SELECT channel, target, minimum, created_by, created_at FROM subscriptions"
            " WHERE ? IS NULL OR channel = ? ORDER BY channel, target",
            [channel, channel],
        )
        return tuple(Subscription(c, t, Condition(m), by, _time(at)) for c, t, m, by, at in rows)

    def subscribe(self, wanted: Subscription) -> None:
        """Adds or replaces a subscription."""
        self._write(
            "INSERT INTO subscriptions VALUES (?, ?, ?, ?, ?) ON CONFLICT (channel, target) DO UPDATE"
            " SET minimum = excluded.minimum",
            wanted.channel,
            wanted.target,
            wanted.minimum,
            wanted.created_by,
            _iso(wanted.created_at),
        )

    def unsubscribe(self, channel: str, target: str) -> bool:
        """Ends a subscription; False where there was none."""
        with self._transaction():
            done = self._db.execute("DELETE FROM subscriptions WHERE channel = ? AND target = ?", [channel, target])
            return done.rowcount > 0

    def incident_ids(
        self, *, surface: str | None = None, provider: str | None = None, limit: int = 10
    ) -> tuple[str, ...]:
        """The newest incidents, by the vendor's first post, of a surface or a provider or of all."""
        rows = self._db.execute(
            "SELECT id FROM incidents WHERE (? IS NULL OR provider = ?)"
            " AND (? IS NULL OR EXISTS (SELECT 1 FROM json_each(surfaces) WHERE value = ?))"
            " ORDER BY posted_at DESC LIMIT ?",
            [provider, provider, surface, surface, limit],
        )
        return tuple(found for (found,) in rows)

    def known(self, incident: str) -> tuple[str, Known] | None:
        """One incident, with its provider; None where nobody has seen it. Updates are in their newest version."""
        row = next(self._dicts("SELECT * FROM incidents WHERE id = ?", incident), None)
        if row is None:
            return None
        newest = self._dicts(
            "SELECT u.* FROM updates u WHERE source = ? AND incident = ? AND version ="
            " (SELECT max(version) FROM updates v WHERE v.source = u.source AND v.id = u.id) ORDER BY display_at, id",
            row["source"],
            incident,
        )
        return row["provider"], _known(row, tuple(map(_update, newest)))

    def events(self, incident: str) -> tuple[Event, ...]:
        """An incident's timeline, in the order in which we knew."""
        return tuple(map(_event, self._dicts("SELECT * FROM events WHERE incident = ? ORDER BY id", incident)))

    def looks(self) -> tuple[dict[str, Any], ...]:
        """Each source's health: last look, last usable look, and how the last look went."""
        return tuple(
            self._dicts(
                "SELECT s.*, o.outcome, o.why, o.looks FROM sources s LEFT JOIN observations o"
                " ON o.id = (SELECT max(id) FROM observations WHERE source = s.id) ORDER BY s.id"
            )
        )

    def _dicts(self, sql: str, *values: object) -> Iterator[dict[str, Any]]:
        cursor = self._db.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)

    def _write(self, sql: str, *values: object) -> None:
        with self._transaction():
            self._db.execute(sql, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreError(f"the database can't be written: {error}; nothing of this step was kept") from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


# --- opening ----------------------------------------------------------------------------------------------------------


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if read_only:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    return sqlite3.connect(path, isolation_level=None)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"quick_check says: {verdict}")
    steps.apply(Database(connection, execute_plugins=False))


def _advice(path: Path, error: Exception) -> str:
    said = str(error)
    if "unable to open" in said:
        return f"{path} can't be opened: is its folder there, and may this user write in it? (--db names another file)"
    if "readonly" in said or "read-only" in said:
        return f"{path} is read-only: give this user write access to the file and its folder, or name another with --db"
    if "not a database" in said or "malformed" in said or "quick_check" in said:
        return f"{path} is damaged ({said}): move it away and restore a backup, or start a new one with --db"
    if "locked" in said:
        return f"{path} is in use by another writer; only one bot may run on a database"
    return f"{path}: {said}"


# --- rows and nouns ---------------------------------------------------------------------------------------------------


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def _cell(value: object) -> object:
    return _iso(value) if isinstance(value, datetime) else value


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _interval(state: SurfaceState | None) -> tuple[Condition, bool] | None:
    return (state.condition, state.inferred) if state else None


def _incident_row(known: Known, provider: str) -> list[object]:
    i = known.incident
    return [
        provider,
        i.id,
        provider,
        i.name,
        i.stage,
        i.impact,
        _iso(first_post(i)),
        _iso(known.seen_at),
        _iso(known.closed_at),
        known.ending,
        json.dumps(known.surfaces),
        i.url,
        i.is_maintenance,
        known.is_baseline,
        known.is_retroactive,
    ]


def _event(row: dict[str, Any]) -> Event:
    return Event(
        kind=EventKind(row["kind"]),
        provider=row["provider"],
        seen_at=_time(row["seen_at"]),
        happened_at=_time(row["happened_at"]) if row["happened_at"] else None,
        incident=row["incident"],
        update=row["update_id"],
        surface=row["surface"],
        condition=Condition(row["condition"]) if row["condition"] else None,
        verdict=Call(row["verdict"]) if row["verdict"] else None,
        exposure=row["exposure"],
        reason=row["reason"],
        reason_code=row["reason_code"],
        inferred=bool(row["inferred"]),
        stage=Stage(row["stage"]) if row["stage"] else None,
        text=row["text"],
        before=row["before"],
        is_baseline=bool(row["is_baseline"]),
    )


def _known(row: dict[str, Any], updates: tuple[Update, ...]) -> Known:
    incident = Incident(
        id=row["id"],
        name=row["name"],
        stage=Stage(row["stage"]),
        impact=Impact(row["impact"]),
        created_at=_time(row["posted_at"]),
        updates=updates,
        url=row["url"],
        is_maintenance=bool(row["is_maintenance"]),
    )
    return Known(
        incident=incident,
        seen_at=_time(row["seen_at"]),
        surfaces=tuple(json.loads(row["surfaces"])),
        closed_at=_time(row["closed_at"]) if row["closed_at"] else None,
        ending=Ending(row["ending"]) if row["ending"] else None,
        is_baseline=bool(row["is_baseline"]),
        is_retroactive=bool(row["is_retroactive"]),
    )


def _update(row: dict[str, Any]) -> Update:
    moves = None
    if row["transitions"] is not None:
        moves = tuple(Transition(c, n, Condition(a), Condition(b)) for c, n, a, b in json.loads(row["transitions"]))
    return Update(row["id"], Stage(row["stage"]), row["body"], _time(row["display_at"]), moves)
