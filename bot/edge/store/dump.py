"""The whole book <-> one JSON file: every table, row by row, as values that another Brownout can read in.

``{"brownout": "book/1", "steps": [...], "tables": {name: {"columns": [...], "rows": [[...], ...]}}}``; bytes are
base64. What triggers derive (the search index) is left out and made anew; tokens and the salt stay where they are.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from bot.edge.store import migrations
from bot.edge.store.database import Database
from bot.errors import StoreError

FORM = "book/1"
_DERIVED = frozenset({"incident_surfaces"})  # its triggers fill it
_SECRET = frozenset({"tokens", "salts"})  # of this one database


def dump(db: Database) -> Iterator[str]:
    """The file in pieces, as of one moment."""
    with db.transaction():
        steps = sorted(migrations.names())
        yield f'{{"brownout": {json.dumps(FORM)}, "steps": {json.dumps(steps)}, "tables": {{\n'
        for number, (table, columns) in enumerate(_tables(db).items()):
            start = "" if number == 0 else ",\n"
            yield f'{start}{json.dumps(table)}: {{"columns": {json.dumps(columns)}, "rows": ['
            yield from _rows(db, table)
            yield "]}"
        yield "\n}}\n"


def restore(db: Database, body: Mapping[str, Any]) -> int:
    """Reads a file into an empty book, all of it or nothing; how many rows. StoreError where it does not fit."""
    tables = _checked(db, body)
    count = 0
    with db.transaction():
        db.write("PRAGMA defer_foreign_keys = ON")
        for table, told in tables.items():
            names = ", ".join(f'"{c}"' for c in told["columns"])
            marks = ", ".join("?" * len(told["columns"]))
            sql = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608  (checked against our own schema)
            db.write_all(sql, ([_value(v) for v in row] for row in told["rows"]))
            count += len(told["rows"])
    return count


def _checked(db: Database, body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("brownout") != FORM:
        raise StoreError(f"this is no export of a Brownout's book ({FORM})")
    ours, told = _tables(db), body.get("tables")
    if not isinstance(told, dict) or not all(_fits(ours.get(name), table) for name, table in told.items()):
        raise StoreError("the export has tables or columns that this Brownout does not know: update it, then import")
    full = [name for name in ours if db.rows(f'SELECT 1 FROM "{name}" LIMIT 1')]  # noqa: S608  (our own tables)
    if full:
        raise StoreError(f"the book is not empty ({', '.join(full)}): import into a new file, with --db")
    return {name: told[name] for name in ours if name in told}


def _fits(columns: list[str] | None, table: Any) -> bool:
    if columns is None or not isinstance(table, dict) or not isinstance(table.get("rows"), list):
        return False
    named = table.get("columns")
    if not isinstance(named, list) or not all(name in columns for name in named):
        return False
    return all(isinstance(row, list) and len(row) == len(named) for row in table["rows"])


def _tables(db: Database) -> dict[str, list[str]]:
    """Our tables and their columns, those that others refer to first."""
    found = db.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        " AND name NOT LIKE '\\_%' ESCAPE '\\'"  # tables of tools
        " AND name NOT LIKE 'events_fts%' ORDER BY rootpage"
    )
    names = [row["name"] for row in found if row["name"] not in _DERIVED | _SECRET]
    return {name: [c["name"] for c in db.rows("SELECT name FROM pragma_table_info(?)", name)] for name in names}


def _rows(db: Database, table: str) -> Iterator[str]:
    """The rows in the order in which they came, which says what a page showed first; else in that of their key."""
    made = db.rows("SELECT sql FROM sqlite_master WHERE name = ?", table)[0]["sql"]
    keys = [c["name"] for c in db.rows("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", table)]
    order = ", ".join(f'"{key}"' for key in keys) if "WITHOUT ROWID" in made else "rowid"
    for number, row in enumerate(db.each(f'SELECT * FROM "{table}" ORDER BY {order}')):  # noqa: S608  (our own names)
        yield ("\n" if number == 0 else ",\n") + json.dumps([_json(v) for v in row], ensure_ascii=False)


def _json(value: object) -> object:
    return {"base64": b64encode(value).decode()} if isinstance(value, bytes) else value


def _value(value: object) -> object:
    return b64decode(value["base64"]) if isinstance(value, dict) else value
