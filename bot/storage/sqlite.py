"""Brownout's database in a SQLite file. Every failure is a StoreError that says what to do.

WAL with ``synchronous=FULL``: what is acknowledged survives a power cut (bot/docs/decisions.md#13-sqlite-durability).
Only one bot may run on a database; other processes may read it, and write a little (a subscription) between its
transactions.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from math import inf
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import Any

from bot.errors import StoreError
from bot.storage import forms, full_text, migrations
from bot.storage.connection import ONLY_ON_SERVER, PageShares, Upsert, changed_table, insert_statement
from bot.storage.integrity import find_damage
from bot.storage.loop_check import log_use_in_event_loop
from bot.storage.sqlite_utils_lite import Database as SqliteUtilsDatabase

BUSY_TIMEOUT_S = 5.0  # how long a write waits for another process's
_BOT_PATIENCE_S = 0.25
CHECKED_AT_OPEN_BYTES = 64_000_000  # takes 0.1 s; a larger file is checked by ``backup.check_quickly``
_BUSY_FACTOR = 10  # how many times its patience a bot goes without waiting for another writer again


class FileLease:
    """The lease of a bot on a file: its lock is the system's, and only ends with the process."""

    longest_post_s = 10

    def still_mine(self) -> bool:
        """Always: no other process can take the lock away."""
        return True

    def require(self) -> None:
        """Nothing to do."""


class SqliteDatabase:
    """The port (``connection.Database``) on a SQLite file: one connection in autocommit mode."""

    follower = None  # a file has one bot

    def __init__(self, path: Path, connection: sqlite3.Connection, claim: sqlite3.Connection | None) -> None:
        """Use ``SqliteDatabase.open``. ``claim`` holds the bot's exclusive lock; None for other processes."""
        self._path = path
        self.lease = FileLease()
        self.shares: PageShares | None = None
        self._connection = connection
        self._claim = claim
        self._lock = RLock()  # held by the thread that is in a transaction; see ``transaction``
        self._identity = _file_identity(path)
        self._changes: Counter[str] = Counter()  # by table
        self._unknown_changes = 0  # of a table that is not known, or rolled back
        self._busy_until = -inf  # by the monotonic clock: before that, another writer is not waited for again

    @classmethod
    def open(cls, path: Path, *, read_only: bool, alone: bool, patience_s: float) -> SqliteDatabase:
        """Opens the file, or creates it unless ``read_only``.

        Args:
            path: The database file.
            read_only: Whether only reads are allowed; an older schema is then refused instead of upgraded.
            alone: Whether to take the bot's exclusive lock; StoreError if another bot has it.
            patience_s: Seconds to wait for another writer. A bot (``alone``) waits so long only to open the file, then
                0.25 s, and not again for 2.5 s: its event loop must go on answering while someone holds the lock.
        """
        opened: list[sqlite3.Connection] = []
        try:
            if alone:
                opened.append(acquire_lock(path))
            _check_log(path, patience_s)
            opened.append(_connect(path, patience_s, read_only=read_only, is_shared=alone or read_only))
            _configure(opened[-1], read_only=read_only, checks=not (alone and is_checked_later(path)))
        except BaseException as error:
            for connection in opened:
                connection.close()
            if isinstance(error, sqlite3.Error | OSError):
                raise StoreError(explain_error(path, str(error))) from error
            raise
        return cls(path, opened[-1], opened[0] if alone else None)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._path

    def file_problem(self) -> str:
        """Why the open database is not the file at its path any more; empty if it is, and for one in memory."""
        if self._identity is None or (now := _file_identity(self._path)) == self._identity:
            return ""
        return "deleted or moved away" if now is None else "replaced by another file"

    def close(self) -> None:
        """Closes the file and releases the bot's lock; committed transactions are already on the disk."""
        self._connection.close()
        if self._claim is not None:
            self._claim.close()

    def version(self, tables: Iterable[str]) -> tuple[object, ...]:
        """See ``Database.version``."""
        with self._lock:
            [(others,)] = self._connection.execute("PRAGMA data_version")
        return others, self._unknown_changes, *(self._changes[table] for table in tables)

    def rows(self, sql: str, *values: object, **named: object) -> list[dict[str, Any]]:
        """See ``Database.rows``."""
        log_use_in_event_loop()
        try:
            with self._lock:
                cursor = self._connection.execute(sql, named or values)
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor]
        except sqlite3.Error as error:
            raise StoreError(explain_error(self._path, str(error))) from error

    def rows_of(self, *queries: tuple[str, tuple[object, ...]]) -> list[list[dict[str, Any]]]:
        """See ``Database.rows_of``."""
        return [self.rows(sql, *values) for sql, values in queries]

    def iterate_rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """See ``Database.iterate_rows``."""
        try:
            yield from self._connection.execute(sql)
        except sqlite3.Error as error:
            raise StoreError(explain_error(self._path, str(error))) from error

    def write(self, sql: str, *values: object) -> int:
        """See ``Database.write``."""
        return self._write(sql, values)

    def insert(self, table: str, row: Mapping[str, object], conflict: str | Upsert = "") -> int:
        """See ``Database.insert``."""
        return self._write(insert_statement(table, tuple(row), conflict), row)

    def insert_all(self, table: str, rows: Iterable[Mapping[str, object]], conflict: str | Upsert = "") -> None:
        """See ``Database.insert_all``."""
        remaining = iter(rows)
        first = next(remaining, None)
        if first is not None:
            self._changes[table] += 1
            self._connection.executemany(insert_statement(table, tuple(first), conflict), chain([first], remaining))

    def _note_change(self, sql: str) -> None:
        if table := changed_table(sql):
            self._changes[table] += 1
        else:
            self._unknown_changes += 1

    def _write(self, sql: str, values: tuple[object, ...] | Mapping[str, object]) -> int:
        with self.transaction():
            self._note_change(sql)
            return self._connection.execute(sql, values).rowcount

    def write_all(self, sql: str, rows: Iterable[Iterable[object]]) -> None:
        """See ``Database.write_all``."""
        self._note_change(sql)
        self._connection.executemany(sql, ([*row] for row in rows))

    def upgrade(self) -> None:
        """See ``Database.upgrade``."""
        if newer := forms.newer(forms.stored(self._connection)):
            raise StoreError(explain_error(self._path, f"it would have stored forms of a newer version: {newer}"))
        forms.upgrade(self._connection, forms.stored(self._connection))

    def share_pages(self) -> None:
        """See ``Database.share_pages``."""
        raise StoreError(ONLY_ON_SERVER.format(self._path))

    def claim_pages(self) -> None:
        """See ``Database.claim_pages``: a file has one bot."""

    def listen(self, on_commit: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002
        """See ``Database.listen``: there is no notification, a file is looked at."""
        return lambda: None

    def open_reader(self) -> SqliteDatabase:
        """See ``Database.open_reader``; call this in the thread that reads."""
        return SqliteDatabase.open(self._path, read_only=True, alone=False, patience_s=BUSY_TIMEOUT_S)

    def matching_events(self, phrases: Sequence[str], limit: int) -> list[int]:
        """See ``Database.matching_events``: by FTS5."""
        sql, values = full_text.matching_query(phrases)
        return [row["rowid"] for row in self.rows(f"{sql} ORDER BY rowid DESC LIMIT ?", *values, limit)]

    def exported_columns(self) -> dict[str, list[str]]:
        """See ``Database.exported_columns``: in the order in which the tables were made."""
        names = self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            " AND name NOT LIKE '\\_%' ESCAPE '\\'"  # tables of tools
            " AND name NOT LIKE 'events_fts%' ORDER BY rootpage"
        )
        listed = "SELECT name FROM pragma_table_info(?)"
        return {r["name"]: [c["name"] for c in self.rows(listed, r["name"])] for r in names}

    def insertion_order(self, table: str) -> str:
        """See ``Database.insertion_order``: the rowid, where the table has one."""
        ddl = self.rows("SELECT sql FROM sqlite_master WHERE name = ?", table)[0]["sql"]
        if "WITHOUT ROWID" not in ddl:
            return "rowid"
        keys = self.rows("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", table)
        return ", ".join(f'"{key["name"]}"' for key in keys)

    def defer_references(self) -> None:
        """See ``Database.defer_references``."""
        self.write("PRAGMA defer_foreign_keys = ON")

    def after_import(self) -> None:
        """See ``Database.after_import``: triggers have done it."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits everything written inside, or nothing. IMMEDIATE: a deferred one may fail at its first write."""
        with self._lock:
            if self._connection.in_transaction:
                yield
            else:
                yield from self._transaction()

    def _transaction(self) -> Iterator[None]:
        try:
            self._begin()
            yield
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
                self._unknown_changes += 1  # what was read in the transaction is not so
            if isinstance(error, sqlite3.Error):
                why = explain_error(self._path, str(error))
                raise StoreError(f"{why}; nothing of this step was kept") from error
            raise

    def _begin(self) -> None:
        """Begins a transaction; a bot waits for another writer only as long as ``open`` says."""
        log_use_in_event_loop()
        if self._claim is None:
            self._connection.execute("BEGIN IMMEDIATE")
            return
        patience_s = 0 if monotonic() < self._busy_until else _BOT_PATIENCE_S
        self._connection.execute(f"PRAGMA busy_timeout = {patience_s * 1000:.0f}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            if patience_s:
                self._busy_until = monotonic() + _BUSY_FACTOR * _BOT_PATIENCE_S
            raise
        self._busy_until = -inf


def _file_identity(path: Path) -> tuple[int, int] | None:
    """The file's device and inode; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _connect(path: Path, patience_s: float, *, read_only: bool, is_shared: bool = False) -> sqlite3.Connection:
    """``is_shared``: it is opened in one thread and used in another, one at a time."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=patience_s, check_same_thread=not is_shared)


def _check_log(path: Path, patience_s: float) -> None:
    """Checks a database that has a WAL file by a read-only connection: to close a writing one would change the file."""
    log = path.resolve().with_name(f"{path.resolve().name}-wal")
    if log.is_file() and log.stat().st_size:
        with closing(_connect(path, patience_s, read_only=True)) as reader:
            check_origin(reader)


def acquire_lock(path: Path, but: str = "Stop it, or use another --db.") -> sqlite3.Connection:
    """Takes an exclusive lock on a file beside the database; the system releases it whenever the process dies.

    StoreError if a bot holds it; ``but`` ends the sentence of its message.
    """
    lock = sqlite3.connect(f"{path.resolve()}-lock", isolation_level=None, timeout=0)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        if "locked" not in str(error):
            raise
        raise StoreError(f"{path} is in use by another Brownout. {but}") from None
    return lock


def is_checked_later(path: Path) -> bool:
    """Whether a bot opens the file without a check of its pages, so that its first polls need not wait for that."""
    try:
        return path.stat().st_size > CHECKED_AT_OPEN_BYTES
    except OSError:
        return False


def _configure(connection: sqlite3.Connection, *, read_only: bool, checks: bool) -> None:
    """Checks and prepares a database; all its pages only with ``checks``, or where it has to be upgraded."""
    connection.execute("PRAGMA foreign_keys = ON")
    check_origin(connection)
    if read_only:
        if _has_pending_steps(connection):
            raise sqlite3.DatabaseError("it is of an older Brownout")
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    database = _migration_database(connection)
    is_older = bool(migrations.steps.pending(database)) or forms.is_older(forms.stored(connection))
    if checks or is_older:
        check_pages(connection)
    if is_older:
        connection.execute("BEGIN IMMEDIATE")
        migrations.steps.apply(database)
        forms.upgrade(connection, forms.stored(connection))
        connection.execute("COMMIT")


def check_pages(connection: sqlite3.Connection) -> None:
    """Reads every page of a database. Raises DatabaseError where one is damaged."""
    if damage := find_damage(connection, "quick_check", 1):
        raise sqlite3.DatabaseError(f"malformed: {damage[0]}")


def applied_steps(connection: sqlite3.Connection) -> frozenset[str]:
    """The names of the migration steps that were applied to a database."""
    return frozenset(step.name for step in migrations.steps.applied(_migration_database(connection)))


def check_origin(connection: sqlite3.Connection) -> None:
    """Raises DatabaseError for a database of another program or of a newer Brownout."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
    steps = applied_steps(connection)
    if tables and not steps:
        raise sqlite3.DatabaseError("it holds something else")
    if newer := steps - migrations.step_names():
        raise sqlite3.DatabaseError(f"it is of a newer Brownout ({', '.join(sorted(newer))})")
    if unknown := forms.newer(forms.stored(connection)):
        raise sqlite3.DatabaseError(f"it has stored forms of a newer version: {unknown}")


def _has_pending_steps(connection: sqlite3.Connection) -> bool:
    """Whether a database of an older Brownout needs an upgrade, which a read-only connection can't do."""
    database = _migration_database(connection)
    if not migrations.steps.applied(database):
        return False
    return bool(migrations.steps.pending(database)) or forms.is_older(forms.stored(connection))


def _migration_database(connection: sqlite3.Connection) -> SqliteUtilsDatabase:
    return SqliteUtilsDatabase(connection, execute_plugins=False)


_REMEDIES = {  # part of SQLite's message -> what to do
    "disk I/O error": "is it a file, and is its disk in order? (--db names another file)",
    "unable to open": "is its folder there, and may this user write in it? (--db names another file)",
    "readonly": "give this user write access to the file and its folder, or name another file with --db",
    "read-only": "give this user write access to the file and its folder, or name another file with --db",
    "not a database": "it is damaged or something else: move it away and restore a backup, or name another with --db",
    "malformed": "it is damaged: move it away and restore a backup, or name another file with --db",
    "something else": "it is not Brownout's, and nothing was written to it; name another file with --db",
    "newer Brownout": "update this one; nothing was written to it",
    "stored forms": "run that version, or restore the backup that was taken before the upgrade"
    " (`brownout db restore FILE`); nothing was written to it",
    "no such table": "it is empty; `brownout run` makes it, or name another file with --db",
    "older Brownout": "`brownout run` brings it up to date",
    "locked": "another program writes to it at length; end that one",
    "full": "make room on its disk",
}


def explain_error(path: Path, problem: str) -> str:
    """The message for an error of SQLite or the system: the file, the problem, and what to do about it."""
    remedy = next((what for sign, what in _REMEDIES.items() if sign in problem), "")
    return f"{path}: {problem}" + (f"; {remedy}" if remedy else "")
