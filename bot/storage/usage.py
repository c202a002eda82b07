"""What takes the room in a database: its tables with their indexes, and the pages whose raw bodies take most."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.errors import StoreError
from bot.storage.connection import Database, Place
from bot.storage.engines import open_database

LARGEST_SOURCES = 5

_SQLITE_TABLES = (
    "SELECT coalesce(m.tbl_name, s.name) AS name, sum(s.pgsize) AS bytes FROM dbstat s"
    " LEFT JOIN sqlite_master m ON m.name = s.name WHERE s.aggregate = TRUE GROUP BY 1"
)
_SQLITE_FREE = "SELECT f.freelist_count * p.page_size AS bytes FROM pragma_freelist_count f, pragma_page_size p"
_POSTGRES_TABLES = (
    "SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
)
_BODIES_BY_SOURCE = (
    "SELECT o.source AS name, count(*) AS entries, sum(length(b.body)) AS bytes FROM bodies b JOIN"
    " (SELECT body_hash, min(source) AS source FROM observations WHERE body_hash IS NOT NULL GROUP BY body_hash) o"
    " ON o.body_hash = b.hash GROUP BY o.source ORDER BY 3 DESC LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one table, or the raw bodies of one source, take. ``rows`` is None where it is not counted."""

    name: str
    bytes: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class DatabaseUsage:
    """A database's tables and its largest sources of raw bodies, the largest first; ``free`` bytes are used next."""

    tables: tuple[Usage, ...]
    sources: tuple[Usage, ...]
    free: int = 0

    @property
    def bytes(self) -> int:
        """Of all tables, without free space."""
        return sum(table.bytes for table in self.tables)


def measure_usage(place: Place) -> DatabaseUsage:
    """Reads the sizes; a large file takes some seconds. StoreError where the database can't say them."""
    with closing(open_database(place, read_only=True)) as db:
        is_file = isinstance(place, Path)
        try:
            rows = db.rows(_SQLITE_TABLES if is_file else _POSTGRES_TABLES)
        except StoreError as error:
            if "dbstat" in str(error):
                raise StoreError(f"{place}: this SQLite was built without dbstat, which has the sizes") from error
            raise
        tables = tuple(Usage(r["name"], int(r["bytes"]), _count(db, r["name"])) for r in rows)
        largest = db.rows(_BODIES_BY_SOURCE, LARGEST_SOURCES)
        sources = tuple(Usage(r["name"], int(r["bytes"]), r["entries"]) for r in largest)
        free = int(db.rows(_SQLITE_FREE)[0]["bytes"]) if is_file else 0
    return DatabaseUsage(tuple(sorted(tables, key=lambda t: (-t.bytes, t.name))), sources, free)


def _count(db: Database, table: str) -> int | None:
    """The rows of a table; None of SQLite's own, which can't all be read."""
    if table.startswith("sqlite_"):
        return None
    return int(db.rows(f'SELECT count(*) AS n FROM "{table}"')[0]["n"])  # noqa: S608  (a name of the schema)
