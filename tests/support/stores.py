"""Where a test's databases are: files, or schemas of the PostgreSQL server that BROWNOUT_POSTGRES names.

With that variable, the suites that use ``place`` run on PostgreSQL, and tests of files are skipped
(``@pytest.mark.sqlite``). The server must be one to throw away, and the user its superuser: schemas are made for the
tests, emptied between them, and left behind.
"""

import os
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from urllib.parse import quote

from bot.storage.connection import DatabaseUrl
from bot.storage.engines import open_database

SERVER = os.environ.get("BROWNOUT_POSTGRES", "")


class _Schemas:
    """Schemas by the path that a test would give its file; one that is not needed any more is emptied for the next."""

    def __init__(self):
        self._number = 0
        self._used = {}
        self._free = []

    def url(self, path):
        if path not in self._used:
            self._used[path] = self._emptied() if self._free else self._created()
        return DatabaseUrl(f"{SERVER}?options={quote(f'-csearch_path={self._used[path]}')}")

    def release(self, folder):
        for path in [path for path in self._used if path.is_relative_to(folder)]:
            self._free.append(self._used.pop(path))

    def _created(self):
        self._number += 1
        schema = f"t{os.getpid()}_{self._number}"
        with _connect() as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        return schema

    def _emptied(self):
        schema = self._free.pop()
        with _connect() as connection:
            listed = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
            tables = {name for (name,) in listed} - {
                "schema_steps",
                "stored_forms",
                "bot_lease",
            }  # the lease of a bot that still runs
            emptied = [f"DELETE FROM {schema}.{name}" for name in tables]  # noqa: S608  (our own names)
            connection.execute("; ".join(["SET session_replication_role = replica", *emptied]))
        return schema


def _connect():
    import psycopg  # noqa: PLC0415  (it is there in a run on PostgreSQL)

    return psycopg.connect(SERVER, autocommit=True)


_SCHEMAS = _Schemas()


def place(path):
    """The database that a test calls by this path."""
    return _SCHEMAS.url(Path(path)) if SERVER else Path(path)


def with_tables(where):
    """The same database; a new SQLite file has all tables and no rows, which saves the 25 ms of its migrations."""
    if isinstance(where, Path) and not where.exists():
        where.write_bytes(_empty_database())
    return where


@cache
def _empty_database():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "b.db"
        open_database(path).close()
        return path.read_bytes()


def ask(where, sql, *values):
    """The rows of a query, as tuples, or nothing for another statement, by a connection of its own."""
    with closing(open_database(where)) as database:
        if sql.startswith(("SELECT", "WITH", "EXPLAIN")):
            return [tuple(row.values()) for row in database.rows(sql, *values)]
        database.write(sql, *values)
        return []


def release(folder):
    """Lets the databases below a folder be used by other tests."""
    _SCHEMAS.release(folder)
