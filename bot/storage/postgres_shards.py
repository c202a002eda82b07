"""Bots on one PostgreSQL database that share its pages: who lives, and who holds which shard (``bot.rules.sharing``).

A shard is held by a lock of the session that the bot writes with. So a bot that lost its session has lost its shards,
and what it is still recording for them fails with the same session. A bot that dies loses both at once. One that is
frozen keeps its session until its row is older than the lease's LEASE_S; then another bot ends the session, if it still
holds shards: a pooler may have given it to another program by now. The row is renewed in a thread, since a bot may be
busy for seconds. The session of the bot that leads is ended by the rules of its lease only (``postgres_lease``), since
its posts rely on them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import psycopg

from bot.errors import StoreError
from bot.rules.sharing import SHARDS
from bot.storage import postgres_lease
from bot.storage.connection import LiveBot, SharingView

log = logging.getLogger("brownout")

_SHARD = 1_112_691_456  # "BRS" and the number of the shard: with the schema's number, the lock of a shard
CLAIM_WITHIN_S = 15.0  # for a bot that does not share, until those that do have given back their shards

_TABLE = """
CREATE TABLE IF NOT EXISTS sharing_bots (
  pid BIGINT NOT NULL,
  started_at TIMESTAMPTZ NOT NULL,
  holder TEXT NOT NULL,
  pages TEXT NOT NULL,
  beat_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (pid, started_at)
)
"""
_TABLES = f"{postgres_lease.TABLE};{_TABLE}"
_BEAT = (
    "INSERT INTO sharing_bots (pid, started_at, holder, pages, beat_at)"
    " SELECT pid, backend_start, $1, $2, clock_timestamp() FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    " ON CONFLICT (pid, started_at) DO UPDATE SET holder = excluded.holder, pages = excluded.pages,"
    " beat_at = excluded.beat_at RETURNING pid, started_at"
)
_KEEP = "UPDATE sharing_bots SET beat_at = clock_timestamp() WHERE pid = $1 AND started_at = $2"
_IS_LEADER = "SELECT 1 FROM bot_lease l WHERE l.pid = b.pid AND l.started_at = b.started_at"
_LIVE = "JOIN pg_stat_activity a ON a.pid = {row}.pid AND a.backend_start = {row}.started_at"
_IS_OLD = "b.beat_at < clock_timestamp() - make_interval(secs => $1)"
_HAS_SHARDS = (
    "EXISTS (SELECT 1 FROM pg_locks k WHERE k.pid = b.pid AND k.locktype = 'advisory' AND k.objsubid = 2"
    " AND CAST(k.classid AS bigint) BETWEEN $2 AND $2 + $3)"
)
_END_FROZEN = (
    f"SELECT b.holder, pg_terminate_backend(a.pid) FROM sharing_bots b {_LIVE.format(row='b')}"  # noqa: S608
    f" WHERE {_IS_OLD} AND {_HAS_SHARDS} AND NOT EXISTS ({_IS_LEADER})"
)
_FORGET_DEAD = f"DELETE FROM sharing_bots b WHERE {_IS_OLD} AND NOT {_HAS_SHARDS}"  # noqa: S608
_BOTS = (
    f"SELECT b.holder, b.pages, b.pid = pg_backend_pid(), EXISTS ({_IS_LEADER}) FROM sharing_bots b"  # noqa: S608
    f" {_LIVE.format(row='b')} WHERE NOT {_IS_OLD} ORDER BY b.started_at, b.pid"
)
_LEADER_SHARES = (
    f"SELECT NOT EXISTS (SELECT 1 FROM bot_lease l {_LIVE.format(row='l')} WHERE NOT EXISTS"  # noqa: S608
    " (SELECT 1 FROM sharing_bots b WHERE b.pid = l.pid AND b.started_at = l.started_at))"
)
_HELD = (
    "SELECT CAST(CAST(classid AS bigint) - $1 AS int), pid = pg_backend_pid() FROM pg_locks WHERE locktype = 'advisory'"
    " AND objsubid = 2 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND CAST(objid AS bigint) = $2 AND CAST(classid AS bigint) BETWEEN $1 AND $1 + $3"
)
_COUNTS = (
    "SELECT count(*) FROM pg_locks k JOIN sharing_bots b ON b.pid = k.pid WHERE k.locktype = 'advisory'"
    " AND k.objsubid = 2 AND k.granted AND CAST(k.classid AS bigint) BETWEEN $1 AND $1 + $2"
    " GROUP BY b.pid, b.started_at ORDER BY b.started_at, b.pid"
)
_TAKE = "SELECT n, pg_try_advisory_lock(CAST($1 + n AS int), $2) FROM unnest(CAST($3 AS int[])) AS n"
_GIVE_BACK = "SELECT n, pg_advisory_unlock(CAST($1 + n AS int), $2) FROM unnest(CAST($3 AS int[])) AS n"

_FROZEN = (postgres_lease.LEASE_S, _SHARD, SHARDS - 1)  # the values of _END_FROZEN and _FORGET_DEAD

Statement = tuple[str, Sequence[object]]
Run = Callable[[Sequence[Statement]], list["psycopg.Cursor[Any]"]]


@dataclass(slots=True)
class Heartbeat:
    """Renews the row of a session in a thread, on a connection of its own. ``session`` is its pid and its beginning."""

    connect: Callable[[], psycopg.Connection[Any]]
    session: tuple[object, ...] = ()
    _stop: Event = field(default_factory=Event)

    def start(self) -> None:
        """Begins."""
        Thread(target=self._run, name="heartbeat", daemon=True).start()

    def close(self) -> None:
        """Ends the thread; does not wait for it."""
        self._stop.set()

    def _run(self) -> None:
        connection = None
        while not self._stop.wait(postgres_lease.RENEW_S):
            try:
                connection = connection or self.connect()
                if self.session:
                    connection.execute(_KEEP, self.session)
            except (psycopg.Error, StoreError) as error:
                log.info("other bots may poll the pages of this one soon: %s", " ".join(str(error).split()))
                _close(connection)
                connection = None
        _close(connection)


@dataclass(slots=True)
class PostgresShards:
    """The shards of one bot; see ``connection.PageShares``.

    Attributes:
        run: Runs statements on the session that the bot writes with, each by itself, in one round trip.
        schema: The number of the schema, as the second half of a lock's key.
        holder: The name of this bot.
        where: The address, for messages.
        heartbeat: Renews the row between two looks.
    """

    run: Run
    schema: int
    holder: str
    where: object
    heartbeat: Heartbeat
    held: frozenset[int] = frozenset()
    _has_table: bool = field(default=False)

    def renew(self, pages: str, *, leads: bool) -> SharingView:
        """See ``connection.PageShares``."""
        if not self._has_table:
            self.run([(statement, ()) for statement in _TABLES.split(";")])
            self._has_table = True
        beat: list[Statement] = [(_BEAT, (self.holder, pages)), (_END_FROZEN, _FROZEN)]
        care: list[Statement] = [(_FORGET_DEAD, _FROZEN)] if leads else []
        asked: list[Statement] = [(_BOTS, (postgres_lease.LEASE_S,)), (_LEADER_SHARES, ()), self._locks()]
        mine, ended, *_, bots, leader, locks = self.run([*beat, *care, *asked])
        [self.heartbeat.session] = mine.fetchall()
        for frozen, _ in ended.fetchall():
            log.warning("%s: the bot %s does not answer any more; others poll its pages", self.where, frozen)
        live = tuple(LiveBot(*row) for row in bots.fetchall())
        taken = dict(locks.fetchall())
        self.held = frozenset(shard for shard in self.held if taken.get(shard))
        [(leader_shares,)] = leader.fetchall()
        return SharingView(live, frozenset(range(SHARDS)) - taken.keys(), leader_shares=leader_shares)

    def _locks(self) -> Statement:
        return _HELD, (_SHARD, self.schema % 2**32, SHARDS - 1)

    def take(self, shards: Iterable[int]) -> None:
        """See ``connection.PageShares``."""
        if wanted := [*shards]:
            [got] = self.run([(_TAKE, (_SHARD, self.schema, wanted))])
            self.held |= {shard for shard, is_held in got.fetchall() if is_held}

    def give_back(self, shards: Iterable[int]) -> None:
        """See ``connection.PageShares``."""
        if given := self.held.intersection(shards):
            self.held -= given
            self.run([(_GIVE_BACK, (_SHARD, self.schema, sorted(given)))])

    def close(self) -> None:
        """See ``connection.PageShares``."""
        self.heartbeat.close()


def shards_by_bot(connection: psycopg.Connection[Any]) -> tuple[int, ...]:
    """How many shards each session that shares the pages holds; empty where none does. Writes nothing."""
    there = connection.execute("SELECT to_regclass('sharing_bots')").fetchone()
    if not there or there[0] is None:
        return ()
    rows = connection.execute(_COUNTS, [_SHARD, SHARDS - 1]).fetchall()
    return tuple(row[0] for row in rows)


def claim_all(connection: psycopg.Connection[Any], schema: int, where: object) -> None:
    """Takes all shards for a bot that leads and does not share; those that share give theirs back within a second.

    Where no bot has ever shared, there is nothing to do. StoreError if one does not give them back.
    """
    there = connection.execute("SELECT to_regclass('sharing_bots')").fetchone()
    if not there or there[0] is None:
        return
    missing, until = [*range(SHARDS)], monotonic() + CLAIM_WITHIN_S
    while missing:
        rows = connection.execute(_TAKE, [_SHARD, schema, missing]).fetchall()
        missing = [shard for shard, is_held in rows if not is_held]
        if missing and monotonic() > until:
            raise StoreError(f"{where}: other bots share its pages; set [store] share_pages for all of them, or none")
        if missing:
            connection.execute(_END_FROZEN, _FROZEN)
            sleep(postgres_lease.WAIT_S)


def _close(connection: psycopg.Connection[Any] | None) -> None:
    if connection is not None:
        with suppress(psycopg.Error):
            connection.close()
