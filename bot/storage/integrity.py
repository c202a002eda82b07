"""What SQLite finds wrong with a database file."""

import re
import sqlite3
from collections.abc import Iterator

_NULL_VALUE = re.compile(r"NULL value in (\w+)\.(\w+)")
_NO_LIMIT = 2**31 - 1


def find_damage(connection: sqlite3.Connection, check: str, limit: int) -> list[str]:
    """At most ``limit`` findings of ``PRAGMA integrity_check`` or ``quick_check``; none for a sound database.

    SQLite 3.40.1, the version of Debian 12, reports NULL in columns that hold none, where a table WITHOUT ROWID has
    its primary key in another order than its columns. These findings are compared with the column itself.
    """
    found = [text for text in _findings(connection, check, limit) if text != "ok"]
    if not any(map(_NULL_VALUE.fullmatch, found)):
        return found
    nulls: dict[tuple[str, str], bool] = {}
    real: list[str] = []
    for text in _findings(connection, check, _NO_LIMIT):  # with a limit, false findings could crowd out others
        if len(real) >= limit:
            break
        if column := _NULL_VALUE.fullmatch(text):
            name = (column[1], column[2])
            if name not in nulls:
                nulls[name] = _has_null(connection, *name)
            if not nulls[name]:
                continue
        real.append(text)
    return real


def _findings(connection: sqlite3.Connection, check: str, limit: int) -> Iterator[str]:
    return (str(text) for (text,) in connection.execute(f"PRAGMA {check}({limit})"))


def _has_null(connection: sqlite3.Connection, table: str, column: str) -> bool:
    """``IS NULL`` would not look, since the column is NOT NULL."""
    query = f'SELECT EXISTS (SELECT 1 FROM "{table}" WHERE typeof("{column}") = \'null\')'  # noqa: S608
    return bool(connection.execute(query).fetchone()[0])
