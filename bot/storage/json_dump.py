"""Exports the whole database as one JSON file, and imports such a file into an empty database.

``{"brownout": "book/1", "steps": [...], "tables": {name: {"columns": [...], "rows": [[...], ...]}}}``; bytes are
base64. What triggers derive (the search index) is not exported but rebuilt; tokens and the salt are never exported.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, zip_longest
from typing import Any

from bot.errors import StoreError
from bot.storage import forms, migrations
from bot.storage.connection import Database

FORMAT = "book/1"
_DERIVED_TABLES = frozenset({"incident_surfaces", "month_sums"})  # triggers fill the one, the bot the other
_REFERRED_TO = frozenset({"backfills", "bodies"})  # other tables refer to them
_FORMS_TABLE = "stored_forms"  # has rows in an empty database too
_BATCH_SIZE = 500  # rows
_LARGEST = 2**63  # of a whole number
_SECRET_TABLES = frozenset({"tokens", "salts"})  # valid in this database only


def dump_database(db: Database) -> Iterator[str]:
    """The text of the file in chunks, all from one snapshot of the database."""
    with db.transaction():
        steps = sorted(migrations.step_names())
        yield f'{{"brownout": {json.dumps(FORMAT)}, "steps": {json.dumps(steps)}, "tables": {{\n'
        for number, (table, columns) in enumerate(_table_columns(db).items()):
            start = "" if number == 0 else ",\n"
            yield f'{start}{json.dumps(table)}: {{"columns": {json.dumps(columns)}, "rows": ['
            yield from _dump_rows(db, table, columns)
            yield "]}"
        yield "\n}}\n"


def restore_database(db: Database, body: Mapping[str, Any]) -> int:
    """Imports a file into an empty database, all of it or nothing; returns the number of rows.

    Raises:
        StoreError: The file is no export, has unknown tables or columns, or the database is not empty.
    """
    tables = _validate_dump(db, body)
    count = 0
    with db.transaction():
        db.defer_references()
        db.write(f"DELETE FROM {_FORMS_TABLE}")  # noqa: S608  (the name above)
        for table, dumped in tables.items():
            columns = dumped["columns"]
            rows = (dict(zip(columns, map(_decode_value, row), strict=True)) for row in dumped["rows"])
            db.insert_all(table, rows)
            count += len(dumped["rows"])
        db.upgrade()
        db.after_import()
    return count


def copy_database(source: Database, target: Database, on_table: Callable[[str, int], None]) -> None:
    """Copies every row, tokens too, into an empty database, which may be of the other engine, and compares the two.

    Args:
        source: Read in one transaction, so that no other process writes meanwhile.
        target: Written and compared in one transaction: all of it or nothing.
        on_table: Called with the name and the number of rows of each table that was copied.

    Raises:
        StoreError: The target is not empty, or would not have the same content afterwards.
    """
    _require_empty(target, target.exported_columns())
    with source.transaction(), target.transaction():
        target.defer_references()
        target.write(f"DELETE FROM {_FORMS_TABLE}")  # noqa: S608  (the name above)
        for table, columns in _ordered_columns(source).items():
            on_table(table, _copy_rows(source, target, table, columns))
        target.upgrade()
        target.after_import()
        if not _have_same_content(source, target):
            raise StoreError(f"{target.path} would not have the same content as {source.path}; nothing was kept there")


def _copy_rows(source: Database, target: Database, table: str, columns: list[str]) -> int:
    listed, order = ", ".join(f'"{column}"' for column in columns), source.insertion_order(table)
    rows = source.iterate_rows(f'SELECT {listed} FROM "{table}" ORDER BY {order}')  # noqa: S608  (our own names)
    count = 0
    while batch := [dict(zip(columns, row, strict=True)) for row in islice(rows, _BATCH_SIZE)]:
        target.insert_all(table, batch)
        count += len(batch)
    return count


def _have_same_content(one: Database, other: Database) -> bool:
    """Whether the exports of two databases are equal. Both are read side by side: a server ends an idle transaction."""
    return all(chunk == same for chunk, same in zip_longest(dump_database(one), dump_database(other)))


def _validate_dump(db: Database, body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("brownout") != FORMAT:
        raise StoreError(f"Not a Brownout export file ({FORMAT}).")
    schema, tables = _table_columns(db), body.get("tables")
    if not isinstance(tables, dict) or not all(
        _matches_schema(schema.get(name), table) for name, table in tables.items()
    ):
        raise StoreError("The export has tables or columns of a newer version. Update Brownout, then import.")
    _require_empty(db, schema)
    defaults = {_FORMS_TABLE: {"columns": ["name", "form"], "rows": [[name, 1] for name in forms.FORMS]}}
    return {name: (defaults | tables)[name] for name in schema if name in defaults | tables}


def _require_empty(db: Database, tables: Iterable[str]) -> None:
    filled = [name for name in tables if name != _FORMS_TABLE and db.rows(f'SELECT 1 FROM "{name}" LIMIT 1')]  # noqa: S608  (our own tables)
    if filled:
        raise StoreError(f"Database is not empty ({', '.join(filled)}). Name a new file, or an empty database.")


def _matches_schema(columns: list[str] | None, table: Any) -> bool:
    if columns is None or not isinstance(table, dict) or not isinstance(table.get("rows"), list):
        return False
    named = table.get("columns")
    if not isinstance(named, list) or not all(name in columns for name in named):
        return False
    return all(isinstance(row, list) and len(row) == len(named) for row in table["rows"])


def _table_columns(db: Database) -> dict[str, list[str]]:
    """The exported tables and their columns; a table that others refer to comes before them."""
    return {name: columns for name, columns in _ordered_columns(db).items() if name not in _SECRET_TABLES}


def _ordered_columns(db: Database) -> dict[str, list[str]]:
    """The same with the tables that are never exported; in one order for both engines."""
    found = db.exported_columns()
    ordered = sorted(found, key=lambda name: (name not in _REFERRED_TO, name))
    return {name: found[name] for name in ordered if name not in _DERIVED_TABLES}


def _dump_rows(db: Database, table: str, columns: list[str]) -> Iterator[str]:
    """The rows as JSON lines: in the order of insertion, which other reads rely on, or else in that of the key."""
    listed, order = ", ".join(f'"{column}"' for column in columns), db.insertion_order(table)
    for number, row in enumerate(db.iterate_rows(f'SELECT {listed} FROM "{table}" ORDER BY {order}')):  # noqa: S608  (our own names)
        yield ("\n" if number == 0 else ",\n") + json.dumps([_encode_value(v) for v in row], ensure_ascii=False)


def _encode_value(value: object) -> object:
    return {"base64": b64encode(value).decode()} if isinstance(value, bytes) else value


def _decode_value(value: object) -> object:
    """A value as it is stored. StoreError for one that no export has."""
    if isinstance(value, dict) and isinstance(text := value.get("base64"), str):
        try:
            return b64decode(text, validate=True)
        except ValueError as error:
            raise StoreError(f"The export is damaged: {text[:40]!r} is not base64.") from error
    if isinstance(value, dict | list) or (isinstance(value, int) and not -_LARGEST <= value < _LARGEST):
        raise StoreError(f"The export is damaged: {str(value)[:40]} is no value of a table.")
    return value
