"""Brownout's database on PostgreSQL, by psycopg 3. Every failure is a StoreError that says what to do.

Imported only where a database's address asks for it (``engines``): the driver is an extra. The tables are those of one
schema, the first of the connection's search path. Only one write transaction of all Brownouts is open on it at a time,
as on SQLite, by a lock that ends with the transaction.
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import chain, islice
from math import inf
from pathlib import Path
from socket import gethostname
from threading import Event, RLock
from time import monotonic, sleep
from typing import Any, TypeVar

import psycopg
from psycopg import errors, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.raw_cursor import RawCursor, RawServerCursor
from psycopg.rows import TupleRow

from bot.errors import StoreError
from bot.storage import (
    forms,
    full_text,
    postgres_followers,
    postgres_lease,
    postgres_pooler,
    postgres_schema,
    postgres_shards,
)
from bot.storage.connection import DatabaseUrl, Lease, Upsert, Waiting, changed_table, insert_statement
from bot.storage.loop_check import log_use_in_event_loop

log = logging.getLogger("brownout")
T = TypeVar("T")

PASSWORD_FILE = "PGPASSWORD_FILE"  # noqa: S105  (names the file that holds it, as Docker and systemd give secrets)
OLDEST_SERVER = 140000  # PostgreSQL 14, which is where pg_terminate_backend began to wait
_CONNECT_TIMEOUT_S = 5
_DEFAULTS: Mapping[
    str, str | int
] = {  # of libpq, where the address says nothing else; a dead server is noticed in 15 s
    "application_name": "brownout",
    "connect_timeout": _CONNECT_TIMEOUT_S,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_WRITER = 1_112_690_514  # "BRWR": with the schema's number, the lock of the one write transaction
_BOT = 1_112_687_188  # "BRBT": the lock of the one bot
_BOT_PATIENCE_S = 0.25
_SHARING_PATIENCE_S = 1.0  # where other bots record too, whose transactions are short
_BUSY_FACTOR = 10  # how many times its patience a bot goes without waiting for another writer again
_RECONNECT_EVERY_S = 1.0
_MOST_DEFERRED = 1000  # rows of statements that wait for the next read or the end of the transaction
_NUL = "\U0010ffff"  # stands for NUL, which PostgreSQL takes in no text; Unicode will never assign it
_SEARCH_PATH = re.compile(r"search_path\s*=\s*\"?([^\s,\"]+)")
_PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|\?|(?<!:):(\w+)")


class PostgresDatabase:
    """The port (``connection.Database``) on a schema of PostgreSQL: one connection in autocommit mode."""

    def __init__(self, url: DatabaseUrl, *, read_only: bool, patience_s: float) -> None:
        """Use ``PostgresDatabase.open``."""
        self._url = url
        self._read_only = read_only
        self._patience_s = patience_s
        self._lock = RLock()  # held by the thread that is in a transaction; see ``transaction``
        self._holds_lock = False
        self._is_closed = False
        self._changes: Counter[str] = Counter()  # by table
        self._unknown_changes = 0  # of a table that is not known, or rolled back
        self._busy_until = -inf  # by the monotonic clock: before that, another writer is not waited for again
        self._tried_at = -inf  # likewise, when a lost connection was last tried again
        self._deferred: list[tuple[str, list[list[object]]]] = []  # statements of the open transaction, and their rows
        self._snapshot = ""  # at the beginning of the open transaction
        self._schema = 0  # as the second half of a lock's key
        self._lease: postgres_lease.PostgresLease | None = None
        self._is_follower = False
        self.shares: postgres_shards.PostgresShards | None = None
        self._next: psycopg.Connection[TupleRow] | None = None  # of a follower whose turn has come
        self._connection = self._connect()

    @classmethod
    def open(
        cls,
        url: DatabaseUrl,
        *,
        read_only: bool,
        alone: bool,
        patience_s: float,
        on_wait: Waiting | None = None,
        may_follow: bool = False,
    ) -> PostgresDatabase:
        """Connects, and makes or upgrades the tables unless ``read_only``; see ``engines.open_database``."""
        opened = cls(url, read_only=read_only, patience_s=patience_s)
        try:
            if alone:
                opened.claim(on_wait, may_follow=may_follow)
            if opened._is_follower:
                return opened
            opened.prepare()
            if alone:
                opened.take_lease()
        except BaseException as error:
            opened.close()
            if isinstance(error, psycopg.Error):
                raise StoreError(explain_error(url, error)) from error
            raise
        return opened

    # --- the connection -----------------------------------------------------------------------------------------------

    def _connect(self) -> psycopg.Connection[TupleRow]:
        try:
            connection = connect(self._url)
            try:
                self._configure(connection)
            except BaseException:
                connection.close()
                raise
        except psycopg.Error as error:
            raise StoreError(explain_error(self._url, error)) from error
        return connection

    def _configure(self, connection: psycopg.Connection[TupleRow]) -> None:
        _require_session(connection, self._url)
        connection.execute(
            f"SET lock_timeout = '{self._patience_s * 1000:.0f}ms'; SET idle_in_transaction_session_timeout = '60s';"
            f" SET default_transaction_read_only = {'on' if self._read_only else 'off'};"
            " SET client_min_messages = error"
        )
        row = connection.execute("SELECT CAST(to_regnamespace(current_schema()) AS oid), current_schema()").fetchone()
        if row is None or row[0] is None:
            raise StoreError(f"{self._url}: the schema of its search path does not exist; create it, or name another")
        if connection.info.parameter_status("server_encoding") != "UTF8":
            raise StoreError(f"{self._url}: its encoding is not UTF8; create the database with ENCODING 'UTF8'")
        if connection.info.server_version < OLDEST_SERVER:
            raise StoreError(f"{self._url}: its version is older than PostgreSQL {OLDEST_SERVER // 10_000}; update it")
        self._schema = (int(row[0]) + 2**31) % 2**32 - 2**31

    def _live(self) -> psycopg.Connection[TupleRow]:
        """The connection, made again if it was lost; that of a bot is not, since its lock is lost too."""
        if not self._connection.closed:
            return self._connection
        if self.shares is not None:
            self.shares.held = frozenset()  # their locks were of the lost session
        if self._lease is not None:
            self._lease.lose(f"{self._url}: the connection that holds the lock was lost")
        if self._is_closed or self._holds_lock or monotonic() - self._tried_at < _RECONNECT_EVERY_S:
            raise StoreError(f"{self._url}: the connection was {'closed' if self._is_closed else 'lost'}")
        self._tried_at = monotonic()
        self._connection = self._connect()
        self._unknown_changes += 1
        return self._connection

    def claim(self, on_wait: Waiting | None = None, *, may_follow: bool = False) -> None:
        """Takes the lock of the one bot, for as long as the connection lives; see ``engines.open_database``.

        A bot that may follow does not wait for the lock once the tables are those of this version.
        """
        is_waiting = False
        while not postgres_followers.try_lock(self._connection, self._bot_lock):
            if may_follow and self._is_up_to_date():
                self._is_follower = True
                return
            if on_wait is None:
                raise StoreError(f"{self._url} is in use by another Brownout. Stop it, or use another database.")
            if not is_waiting:
                on_wait()
            is_waiting = True
            if holder := postgres_lease.end_stale_holder(self._connection):
                log.warning("%s: the bot %s has not answered for %g s", self._url, holder, postgres_lease.LEASE_S)
            sleep(postgres_lease.WAIT_S)
        self._holds_lock = True

    @property
    def _bot_lock(self) -> str:
        return f"SELECT pg_try_advisory_lock({_BOT}, {self._schema})"

    @property
    def follower(self) -> PostgresDatabase | None:
        """See ``Database.follower``."""
        return self if self._is_follower else None

    def wait_for_turn(self, stop: Event) -> bool:
        """See ``connection.Follower``."""
        won = postgres_followers.wait_for_lock(self._connect, self._bot_lock, self._url, stop)
        self._next = won
        return won is not None

    def try_turn(self) -> bool:
        """See ``connection.Follower``: with the connection that writes, which keeps its shards."""
        try:
            with self._lock:
                connection = self._live()
                if postgres_followers.try_lock(connection, self._bot_lock):
                    self._next = connection
                elif holder := postgres_lease.end_stale_holder(connection):
                    log.warning("%s: the bot %s has not answered for %g s", self._url, holder, postgres_lease.LEASE_S)
        except psycopg.Error as error:
            raise StoreError(explain_error(self._url, error)) from error
        return self._next is not None

    def lead(self) -> None:
        """See ``connection.Follower``: continues with the connection that got the lock."""
        log_use_in_event_loop()
        if self._next is None:
            raise StoreError(f"{self._url}: it is not the turn of this bot")
        with self._lock:
            before, self._connection, self._next = self._connection, self._next, None
            if before is not self._connection:
                before.close()
            self._is_follower, self._holds_lock = False, True
            self._unknown_changes += 1
        try:
            self.prepare()
            self.take_lease()
        except BaseException as error:  # the lock goes with the connection, and the bot still follows
            self._is_follower, self._holds_lock = True, False
            self._connection.close()
            if isinstance(error, psycopg.Error):
                raise StoreError(explain_error(self._url, error)) from error
            raise

    def share_pages(self) -> None:
        """See ``Database.share_pages``."""
        heartbeat = postgres_shards.Heartbeat(lambda: connect(self._url, postgres_lease.CONNECTION))
        self.shares = postgres_shards.PostgresShards(self._run_each, self._schema, _own_name(), self._url, heartbeat)
        heartbeat.start()

    def claim_pages(self) -> None:
        """See ``Database.claim_pages``."""
        try:
            with self._lock:
                postgres_shards.claim_all(self._connection, self._schema, self._url)
        except psycopg.Error as error:
            raise StoreError(explain_error(self._url, error)) from error

    def _run_each(self, statements: Sequence[postgres_shards.Statement]) -> list[psycopg.Cursor[TupleRow]]:
        """Runs statements outside any transaction, in one round trip; none waits for another writer."""
        try:
            with self._lock:
                connection = self._live()
                with connection.pipeline():
                    return [connection.execute(sql.encode(), values) for sql, values in statements]
        except psycopg.Error as error:
            raise StoreError(explain_error(self._url, error)) from error

    def listen(self, on_commit: Callable[[], None]) -> Callable[[], None]:
        """See ``Database.listen``."""
        listener = postgres_followers.Listener(lambda: connect(self._url), self._schema, on_commit)
        listener.start()
        return listener.close

    def take_lease(self) -> None:
        """Begins the lease of the bot that holds the lock."""
        self._connection.execute(postgres_lease.TABLE)
        epoch = postgres_lease.take(self._connection, _own_name())
        self._lease = postgres_lease.PostgresLease(lambda: connect(self._url, postgres_lease.CONNECTION), epoch)
        self._lease.keep()

    @property
    def lease(self) -> Lease:
        """See ``Database.lease``. StoreError for one that is no bot's."""
        if self._is_follower:
            return postgres_lease.NoLease()
        if self._lease is None:
            raise StoreError(f"{self._url}: only a bot has a lease")
        return self._lease

    @property
    def path(self) -> DatabaseUrl:
        """The address."""
        return self._url

    def file_problem(self) -> str:
        """Empty: a server's database is found by its name each time."""
        return ""

    def close(self) -> None:
        """Closes the connection, which releases the bot's lock."""
        self._is_closed = True
        if self._lease is not None:
            self._lease.release()
        if self.shares is not None:
            self.shares.close()
        if self._holds_lock or self.shares:  # now, and not when the server has noticed that the connection is closed
            with suppress(psycopg.Error):
                self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()
        if self._next is not None:
            self._next.close()

    def open_reader(self) -> PostgresDatabase:
        """See ``Database.open_reader``."""
        return PostgresDatabase.open(self._url, read_only=True, alone=False, patience_s=self._patience_s)

    # --- the schema ---------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Makes or upgrades the tables; a read-only connection refuses older ones."""
        self._check_origin()
        if self._has_all_steps():
            return
        if self._read_only:
            problem = "it is of an older Brownout; `brownout run` brings it up to date"
            raise StoreError(
                f"{self._url}: {problem if self._applied() else 'it has no tables yet; `brownout run` makes them'}"
            )
        with self.transaction():
            self._apply_steps(self._applied())
            forms.upgrade(_Cursor(self), forms.recorded(_Cursor(self)))

    def _has_all_steps(self) -> bool:
        is_complete = not (set(postgres_schema.step_names()) - self._applied())
        return is_complete and not forms.is_older(forms.recorded(_Cursor(self)))

    def _is_up_to_date(self) -> bool:
        """Whether the tables and the stored forms are those of this version, neither older nor newer."""
        try:
            self._check_origin()
        except StoreError:
            return False
        return self._has_all_steps()

    def _check_origin(self) -> None:
        """StoreError for a database of another program or of a newer Brownout; nothing is written to it."""
        applied = self._applied()
        [row] = self.rows("SELECT count(*) AS n FROM pg_tables WHERE schemaname = current_schema()")
        if row["n"] and not applied:
            raise StoreError(
                f"{self._url}: it holds something else, and nothing was written to it; name another database or schema"
            )
        if newer := applied - set(postgres_schema.step_names()):
            listed = ", ".join(sorted(newer))
            raise StoreError(f"{self._url}: it is of a newer Brownout ({listed}); update this one; nothing was written")
        if applied and (unknown := forms.newer(forms.recorded(_Cursor(self)))):
            raise StoreError(
                f"{self._url}: it has stored forms of a newer version: {unknown}; run that version, or restore the"
                " backup that was taken before the upgrade; nothing was written to it"
            )

    def _applied(self) -> set[str]:
        if not self.rows("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_steps'"):
            return set()
        return {row["name"] for row in self.rows("SELECT name FROM schema_steps")}

    def _apply_steps(self, applied: set[str]) -> None:
        """Runs the steps that are missing, inside an open transaction."""
        scripts: list[tuple[tuple[str, ...], str]] = (
            [] if applied else [(postgres_schema.BASE_STEPS, postgres_schema.BASE)]
        )
        scripts += [
            ((name,), postgres_schema.by_bytes(sql)) for name, sql in postgres_schema.LATER_STEPS if name not in applied
        ]
        for names, script in scripts:
            self._connection.execute(script)
            done = "INSERT INTO schema_steps (name, applied_at) VALUES (?, CAST(now() AS text))"
            self.write_all(done, ((name,) for name in names))

    # --- statements ---------------------------------------------------------------------------------------------------

    def version(self, tables: Iterable[str]) -> tuple[object, ...]:
        """See ``Database.version``: the snapshot is another one after each commit of the server.

        In a transaction it is the one at its beginning: no other Brownout can write meanwhile.
        """
        with self._lock:
            snapshot = self._snapshot
            if not snapshot:
                [row] = self.rows("SELECT CAST(pg_current_snapshot() AS text) AS snapshot")
                snapshot = row["snapshot"]
        return snapshot, self._unknown_changes, *(self._changes[table] for table in tables)

    def rows(self, sql: str, *values: object, **named: object) -> list[dict[str, Any]]:
        """See ``Database.rows``."""
        try:
            with self._lock:
                [cursor] = self._run((sql, named or values))
                return _dicts(cursor)
        except psycopg.Error as error:
            raise StoreError(explain_error(self._url, error)) from error

    def rows_of(self, *queries: tuple[str, tuple[object, ...]]) -> list[list[dict[str, Any]]]:
        """See ``Database.rows_of``."""
        try:
            with self._lock:
                return [_dicts(cursor) for cursor in self._run(*queries)]
        except psycopg.Error as error:
            raise StoreError(explain_error(self._url, error)) from error

    def iterate_rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """See ``Database.iterate_rows``; inside a transaction."""
        try:
            self._send_deferred()
            with RawServerCursor(self._connection, "brownout_rows") as cursor:
                cursor.execute(_translated(sql)[0].encode())
                for row in cursor:
                    yield tuple(map(_read, row))
        except psycopg.Error as error:
            raise StoreError(explain_error(self._url, error)) from error

    def write(self, sql: str, *values: object) -> int:
        """See ``Database.write``."""
        return self._write(sql, values)

    def insert(self, table: str, row: Mapping[str, object], conflict: str | Upsert = "") -> int:
        """See ``Database.insert``."""
        full = _with_derived(table, row)
        return self._write(insert_statement(table, tuple(full), conflict), full)

    def insert_all(self, table: str, rows: Iterable[Mapping[str, object]], conflict: str | Upsert = "") -> None:
        """See ``Database.insert_all``."""
        remaining = (_with_derived(table, row) for row in rows)
        first = next(remaining, None)
        if first is not None:
            self._write_many(insert_statement(table, tuple(first), conflict), chain([first], remaining))

    def write_all(self, sql: str, rows: Iterable[Iterable[object]]) -> None:
        """See ``Database.write_all``."""
        self._write_many(sql, (tuple(row) for row in rows))

    def _write(self, sql: str, values: tuple[object, ...] | Mapping[str, object]) -> int:
        with self.transaction():
            self._note_change(sql)
            [cursor] = self._run((sql, values))
            return int(cursor.rowcount)

    def _write_many(self, sql: str, rows: Iterable[tuple[object, ...] | Mapping[str, object]]) -> None:
        """Runs a statement for each row, later, together with what comes after it."""
        text, names = _translated(sql)
        for part in _parts(rows, _MOST_DEFERRED):
            self._note_change(sql)
            self._deferred.append((text, [_bind(row, names) for row in part]))
            if sum(len(bound) for _, bound in self._deferred) >= _MOST_DEFERRED:
                self._send_deferred()

    def _run(
        self, *statements: tuple[str, tuple[object, ...] | Mapping[str, object]]
    ) -> list[psycopg.Cursor[TupleRow]]:
        """Runs what was deferred, and these statements, in one round trip to the server; their cursors."""
        log_use_in_event_loop()
        connection = self._connection if self._snapshot else self._live()  # a transaction ends with its connection
        if not self._deferred and len(statements) == 1:
            return [_execute(connection, *statements[0])]
        with connection.pipeline():
            self._send_deferred()
            return [_execute(connection, sql, values) for sql, values in statements]

    def _send_deferred(self) -> None:
        deferred, self._deferred = self._deferred, []
        for text, bound in deferred:
            self._connection.cursor().executemany(text.encode(), bound)

    def _note_change(self, sql: str) -> None:
        if table := changed_table(sql):
            self._changes[table] += 1
        else:
            self._unknown_changes += 1

    @property
    def _in_transaction(self) -> bool:
        status = self._connection.info.transaction_status
        return bool(status not in {pq.TransactionStatus.IDLE, pq.TransactionStatus.UNKNOWN})

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Database.transaction``; one of a bot waits for another writer only as long as ``open`` says."""
        with self._lock:
            if self._in_transaction:
                yield
            else:
                yield from self._transaction()

    def _transaction(self) -> Iterator[None]:
        try:
            self._begin()
            yield
            self._run(*([] if self._holds_lock else [(self._notification, ())]), ("COMMIT", ()))
        except BaseException as error:
            self._deferred = []
            if self._in_transaction:
                with suppress(psycopg.Error):
                    self._connection.execute("ROLLBACK")
                self._unknown_changes += 1  # what was read in the transaction is not so
            if isinstance(error, psycopg.Error):
                why = explain_error(self._url, error)
                raise StoreError(f"{why}; nothing of this step was kept") from error
            raise
        finally:
            self._snapshot = ""

    @property
    def _notification(self) -> str:
        return postgres_followers.notification(self._schema)

    def _begin(self) -> None:
        """Begins a transaction, takes the writers' lock, and reads the snapshot, in one round trip."""
        log_use_in_event_loop()
        lock = f"SELECT pg_advisory_xact_lock({_WRITER}, {self._schema}); SELECT CAST(pg_current_snapshot() AS text)"
        if not (self._holds_lock or self._is_follower):
            self._snapshot = _last_value(self._live().execute(f"BEGIN; {lock}"))
            return
        most_s = _SHARING_PATIENCE_S if self.shares else _BOT_PATIENCE_S
        patience_s = 0.001 if monotonic() < self._busy_until else most_s
        try:
            begin = f"BEGIN; SET LOCAL lock_timeout = '{patience_s * 1000:.0f}ms'; {lock}"
            self._snapshot = _last_value(self._live().execute(begin))
        except errors.LockNotAvailable:
            if patience_s == most_s:
                self._busy_until = monotonic() + _BUSY_FACTOR * _BOT_PATIENCE_S
            raise
        self._busy_until = -inf

    # --- what the engines do differently ------------------------------------------------------------------------------

    def upgrade(self) -> None:
        """See ``Database.upgrade``."""
        if newer := forms.newer(forms.recorded(_Cursor(self))):
            raise StoreError(f"{self._url}: it would have stored forms of a newer version: {newer}")
        forms.upgrade(_Cursor(self), forms.recorded(_Cursor(self)))

    def matching_events(self, phrases: Sequence[str], limit: int) -> list[int]:
        """See ``Database.matching_events``: by the column ``events.words``."""
        query = full_text.search_query(phrases)
        if not query:
            return []
        found = "SELECT id FROM events WHERE words @@ CAST(? AS tsquery) ORDER BY id DESC LIMIT ?"
        return [row["id"] for row in self.rows(found, query, limit)]

    def exported_columns(self) -> dict[str, list[str]]:
        """See ``Database.exported_columns``: without what only PostgreSQL has."""
        found: dict[str, list[str]] = {}
        rows = self.rows(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN pg_tables t"
            " ON t.schemaname = c.table_schema AND t.tablename = c.table_name WHERE c.table_schema = current_schema()"
            " AND c.table_name NOT IN ('schema_steps', 'bot_lease', 'sharing_bots')"
            " AND c.column_name NOT IN ('rowid', 'words')"
            " ORDER BY c.table_name, c.ordinal_position"
        )
        for row in rows:
            found.setdefault(row["table_name"], []).append(row["column_name"])
        return found

    def insertion_order(self, table: str) -> str:
        """See ``Database.insertion_order``: ``rowid``, the id, or the primary key."""
        columns = self.rows(
            "SELECT column_name AS name, data_type AS type FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = ?",
            table,
        )
        if any(column["name"] == "rowid" for column in columns):
            return "rowid"
        keys = self.rows(
            "SELECT k.column_name AS name FROM information_schema.key_column_usage k JOIN"
            " information_schema.table_constraints t USING (constraint_schema, constraint_name)"
            " WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_schema = current_schema() AND t.table_name = ?"
            " ORDER BY k.ordinal_position",
            table,
        )
        return ", ".join(f'"{key["name"]}"' for key in keys)

    def defer_references(self) -> None:
        """See ``Database.defer_references``."""
        self._connection.execute("SET CONSTRAINTS ALL DEFERRED")

    def after_import(self) -> None:
        """See ``Database.after_import``: each insert has done it."""


def _own_name() -> str:
    """The name of this bot, for the others."""
    return f"{gethostname()}:{os.getpid()}"


def connect(url: DatabaseUrl, more: Mapping[str, str | int] = {}) -> psycopg.Connection[TupleRow]:
    """A new connection in autocommit mode; libpq reads PGPASSWORD, PGPASSFILE and PGSSLMODE itself."""
    settings: dict[str, Any] = {**_DEFAULTS, **conninfo_to_dict(url.url), **more}
    if file := os.environ.get(PASSWORD_FILE):
        try:
            settings["password"] = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise StoreError(f"{url}: {PASSWORD_FILE}: {file} can't be read: {error}") from error
    return psycopg.connect(make_conninfo(**settings), autocommit=True, cursor_factory=RawCursor)


def _require_session(connection: psycopg.Connection[TupleRow], url: DatabaseUrl) -> None:
    """See ``postgres_pooler.require_session``."""
    asked = _SEARCH_PATH.search(str(conninfo_to_dict(url.url).get("options", "")))
    postgres_pooler.require_session(connection, lambda: connect(url), url, asked[1] if asked else "")


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What ``server_facts`` found.

    ``lag_s``: seconds that the standby furthest behind has still to apply. ``shards``: how many shards of the pages
    each bot holds that shares them.
    """

    version: str
    user: str
    schema: str
    may_create: bool
    is_standby: bool
    standbys: int
    is_synchronous: bool
    lag_s: float
    shards: tuple[int, ...] = ()


def server_facts(url: DatabaseUrl) -> ServerFacts:
    """What a server says of itself to this user; writes nothing. Raises StoreError."""
    try:
        with connect(url) as connection:
            _require_session(connection, url)
            row = connection.execute(
                "SELECT current_setting('server_version'), current_user, coalesce(current_schema(), ''),"
                " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false), pg_is_in_recovery(),"
                " (SELECT count(*) FROM pg_stat_replication), current_setting('synchronous_standby_names') <> '',"
                " (SELECT coalesce(max(extract(epoch FROM replay_lag)), 0) FROM pg_stat_replication)"
            ).fetchone()
            shards = postgres_shards.shards_by_bot(connection)
    except psycopg.Error as error:
        raise StoreError(explain_error(url, error)) from error
    if row is None:
        raise StoreError(f"{url}: it says nothing of itself")
    version, user, schema, may_create, is_standby, standbys, is_synchronous, lag_s = row
    return ServerFacts(
        version.split()[0], user, schema, may_create, is_standby, standbys, is_synchronous, float(lag_s), shards
    )


class _Cursor:
    """What ``forms`` asks of a connection to SQLite, asked of PostgreSQL."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def execute(self, sql: str, values: Sequence[object] = ()) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement; none for one that has none."""
        [cursor] = self._database._run((sql, tuple(values)))  # noqa: SLF001
        return [tuple(map(_read, row)) for row in cursor] if cursor.description else []


def _execute(
    connection: psycopg.Connection[TupleRow], sql: str, values: tuple[object, ...] | Mapping[str, object]
) -> psycopg.Cursor[TupleRow]:
    text, names = _translated(sql)
    return connection.execute(text.encode(), _bind(values, names))


def _dicts(cursor: psycopg.Cursor[TupleRow]) -> list[dict[str, Any]]:
    """The rows of a cursor as dicts by column name."""
    rows = cursor.fetchall()
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, map(_read, row), strict=True)) for row in rows]


def _last_value(cursor: psycopg.Cursor[TupleRow]) -> str:
    """The value that the last of several statements selects."""
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    return str(row[0]) if row else ""


def _parts(rows: Iterable[T], most: int) -> Iterator[list[T]]:
    """The rows in lists of at most so many."""
    remaining = iter(rows)
    while part := list(islice(remaining, most)):
        yield part


@lru_cache(maxsize=512)
def _translated(sql: str) -> tuple[str, tuple[str, ...] | None]:
    """The statement with PostgreSQL's placeholders, and the names of their values; None if they have no names."""
    names: list[str] = []
    count = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal count
        if found[0] == "?":
            count += 1
            return f"${count}"
        if (name := found[1]) is None:
            return found[0]  # a literal
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PLACEHOLDER.sub(mark, sql), tuple(names) or None


def _bind(values: tuple[object, ...] | Mapping[str, object], names: tuple[str, ...] | None) -> list[object]:
    if isinstance(values, Mapping):
        return [_written(values[name]) for name in names or ()]
    return [_written(value) for value in values]


def _written(value: object) -> object:
    """A value as it is stored: a truth value as a number, an enumeration by its value."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return str(value).replace("\0", _NUL)
    return value


def _read(value: object) -> object:
    """A value as SQLite would give it."""
    if isinstance(value, str):
        return value.replace(_NUL, "\0") if _NUL in value else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _with_derived(table: str, row: Mapping[str, object]) -> Mapping[str, object]:
    """The row with the columns that PostgreSQL has beside SQLite's."""
    if table != "events":
        return row
    text = row.get("text")
    return {**row, "words": full_text.search_vector(text if isinstance(text, str) else None)}


_REMEDIES: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.LockNotAvailable, "another program writes to it at length; end that one"),
    (errors.InsufficientPrivilege, "give this user the right to it, or name another with [store] url"),
    (errors.InvalidPassword, "set PGPASSWORD or PGPASSFILE"),
    (errors.DiskFull, "make room on the server's disk"),
    (errors.ReadOnlySqlTransaction, "is it a standby? Name the server that takes writes"),
    (errors.AdminShutdown, "the server was stopped, or this session was ended"),
)
_REMEDIES_BY_WORDS = (  # of messages without a code: from the connection, or from pgbouncer
    ('" does not exist', "create it, or name another with [store] url"),
    ("unsupported startup parameter", "add options to the pooler's ignore_startup_parameters"),
    ("query_wait_timeout", "the pooler has no connection left; raise its default_pool_size"),
    ("no more connections allowed", "the pooler has no connection left; raise its max_client_conn"),
)


def explain_error(url: DatabaseUrl, error: psycopg.Error) -> str:
    """The message for an error of PostgreSQL: the address, the problem, and what to do about it."""
    problem = " ".join(str(error).split()) or type(error).__name__
    remedy = next((what for kind, what in _REMEDIES if isinstance(error, kind)), "")
    if not remedy and isinstance(error, psycopg.OperationalError):
        remedy = next((what for words, what in _REMEDIES_BY_WORDS if words in problem), "")
    if not remedy and isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        remedy = "is the server there, and are its address, user and password right?"
    return f"{url}: {problem}" + (f"; {remedy}" if remedy else "")
