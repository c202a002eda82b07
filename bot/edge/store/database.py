"""A path -> an open SQLite database of ours, every failure of which is a StoreError that says what to do.

WAL with ``synchronous=FULL``: what is acknowledged survives a power cut (performance-reliability.md 2c, 3). Only one
bot may run on a database; other processes may read it, and write a little (a subscription) between its strokes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.edge.store import migrations
from bot.edge.store.tools import Database as Tools
from bot.errors import StoreError


class Database:
    """One connection in autocommit mode; not for threads."""

    def __init__(self, path: Path, connection: sqlite3.Connection, claim: sqlite3.Connection | None) -> None:
        """Use ``Database.open``. ``claim`` is the lock of the one bot."""
        self._path = path
        self._connection = connection
        self._claim = claim

    @classmethod
    def open(cls, path: Path, *, read_only: bool, alone: bool, patience_s: float) -> Database:
        """Opens or makes the file. ``alone``: refused where another bot has it. Waits this long for other writers."""
        opened: list[sqlite3.Connection] = []
        try:
            if alone:
                opened.append(claim(path))
            opened.append(_connect(path, patience_s, read_only=read_only))
            _prepare(opened[-1], read_only=read_only)
        except BaseException as error:
            for connection in opened:
                connection.close()
            if isinstance(error, sqlite3.Error | OSError):
                raise StoreError(advice(path, str(error))) from error
            raise
        return cls(path, opened[-1], opened[0] if alone else None)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def close(self) -> None:
        """Closes the file and gives up the claim; what was recorded is already safe."""
        self._connection.close()
        if self._claim is not None:
            self._claim.close()

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """What a question finds, by the names of its columns."""
        try:
            cursor = self._connection.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]
        except sqlite3.Error as error:
            raise StoreError(advice(self._path, str(error))) from error

    def each(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a question, one after the other, however many there are."""
        try:
            yield from self._connection.execute(sql)
        except sqlite3.Error as error:
            raise StoreError(advice(self._path, str(error))) from error

    def write(self, sql: str, *values: object) -> int:
        """One statement, in a transaction of its own unless one is open; how many rows it changed."""
        if self._connection.in_transaction:
            return self._connection.execute(sql, values).rowcount
        with self.transaction():
            return self._connection.execute(sql, values).rowcount

    def write_all(self, sql: str, rows: Iterable[Iterable[object]]) -> None:
        """One statement for every row, inside an open transaction."""
        self._connection.executemany(sql, ([*row] for row in rows))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside, or nothing of it. IMMEDIATE: a deferred one may fail at its first write."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                why = advice(self._path, str(error))
                raise StoreError(f"{why}; nothing of this step was kept") from error
            raise


def _connect(path: Path, patience_s: float, *, read_only: bool) -> sqlite3.Connection:
    where = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(where, uri=True, isolation_level=None, timeout=patience_s)


def claim(path: Path, but: str = "and only one may; stop it, or name another file with --db") -> sqlite3.Connection:
    """An exclusive lock on a file beside the database. The system drops it when the process dies, however it dies.

    StoreError where a bot has it; ``but`` ends its sentence.
    """
    lock = sqlite3.connect(f"{path.resolve()}-lock", isolation_level=None, timeout=0)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        if "locked" not in str(error):
            raise
        raise StoreError(f"another bot runs on {path}, {but}") from None
    return lock


def _prepare(connection: sqlite3.Connection, *, read_only: bool) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    check_origin(connection)
    if read_only:
        if _is_older(connection):
            raise sqlite3.DatabaseError("it is of an older Brownout")
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"malformed: {verdict}")
    database = _tools(connection)
    if migrations.steps.pending(database):
        connection.execute("BEGIN IMMEDIATE")
        migrations.steps.apply(database)
        connection.execute("COMMIT")


def applied(connection: sqlite3.Connection) -> frozenset[str]:
    """The names of the schema steps that a database has."""
    return frozenset(step.name for step in migrations.steps.applied(_tools(connection)))


def check_origin(connection: sqlite3.Connection) -> None:
    """Never writes into somebody else's database, nor into one of a newer Brownout."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
    steps = applied(connection)
    if tables and not steps:
        raise sqlite3.DatabaseError("it holds something else")
    if newer := steps - migrations.names():
        raise sqlite3.DatabaseError(f"it is of a newer Brownout ({', '.join(sorted(newer))})")


def _is_older(connection: sqlite3.Connection) -> bool:
    """Whether its tables lack a step that this Brownout reads; only who may write brings them up to date."""
    database = _tools(connection)
    return bool(migrations.steps.applied(database) and migrations.steps.pending(database))


def _tools(connection: sqlite3.Connection) -> Tools:
    return Tools(connection, execute_plugins=False)


_REMEDIES = {  # what SQLite says -> what to do
    "disk I/O error": "is it a file, and is its disk in order? (--db names another file)",
    "unable to open": "is its folder there, and may this user write in it? (--db names another file)",
    "readonly": "give this user write access to the file and its folder, or name another file with --db",
    "read-only": "give this user write access to the file and its folder, or name another file with --db",
    "not a database": "it is damaged or something else: move it away and restore a backup, or name another with --db",
    "malformed": "it is damaged: move it away and restore a backup, or name another file with --db",
    "something else": "it is not Brownout's, and nothing was written to it; name another file with --db",
    "newer Brownout": "update this one; nothing was written to it",
    "no such table": "it is empty; `brownout run` makes it, or name another file with --db",
    "older Brownout": "`brownout run` brings it up to date",
    "locked": "another program writes to it at length; end that one",
    "full": "make room on its disk",
}


def advice(path: Path, said: str) -> str:
    """What SQLite or the system said of a file, and what to do about it."""
    remedy = next((what for sign, what in _REMEDIES.items() if sign in said), "")
    return f"{path}: {said}" + (f"; {remedy}" if remedy else "")
