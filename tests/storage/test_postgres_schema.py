"""The two schemas say the same: every step, table, column, index, key and trigger of SQLite is on PostgreSQL too."""

import re
import sqlite3
from contextlib import closing

import pytest

from bot.storage import migrations, postgres_schema
from bot.storage.engines import open_database
from bot.storage.sqlite_utils_lite import Database as SqliteUtilsDatabase
from tests.support.stores import SERVER, place

on_server = pytest.mark.skipif(not SERVER, reason="no PostgreSQL here (BROWNOUT_POSTGRES names a server to throw away)")
TYPES = {"bigint": "INTEGER", "text": "TEXT", "double precision": "REAL", "bytea": "BLOB"}
OWN_TRIGGERS = {"events_whole"}  # SQLite has no TRUNCATE
OWN_INDEXES = {"events_words"}
FTS_TRIGGERS = {"events_ai", "events_cjk"}  # PostgreSQL's index is a column


def test_every_step_of_one_engine_is_a_step_of_the_other():
    ours, theirs = set(migrations.step_names()), set(postgres_schema.step_names())
    assert ours == theirs, (
        "a step of bot/storage/migrations.py needs its counterpart in LATER_STEPS of bot/storage/postgres_schema.py:"
        f" {sorted(ours ^ theirs)}"
    )


@pytest.fixture(scope="module")
def files():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrations.steps.apply(SqliteUtilsDatabase(connection, execute_plugins=False))
        yield connection


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with closing(open_database(place(tmp_path_factory.mktemp("schema") / "b.db"))) as opened:
        yield opened


def listed(files, kind):
    rows = files.execute(
        "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite%'"
        " AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'events_fts%' AND tbl_name NOT LIKE '\\_%' ESCAPE '\\'",
        [kind],
    )
    return {name for (name,) in rows}


def plain(default):
    return None if default is None else re.sub(r"::\w+", "", default)


@on_server
def test_tables_and_columns_are_the_same(files, server):
    wanted = {
        table: [
            (name, kind, bool(required or key), plain(default))
            for _, name, kind, required, default, key in files.execute(f"PRAGMA table_info({table})")
        ]
        for table in listed(files, "table")
    }
    found = {table: [] for table in server.exported_columns()}
    for row in server.rows(
        "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name FROM"
        " information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
    ):
        if row["table_name"] in found and row["column_name"] in server.exported_columns()[row["table_name"]]:
            default = None if "next_id" in (row["column_default"] or "") else plain(row["column_default"])
            column = (row["column_name"], TYPES[row["data_type"]], row["is_nullable"] == "NO", default)
            found[row["table_name"]].append(column)
            assert (row["data_type"] == "text") == (row["collation_name"] == "C"), row
    assert found == wanted


@on_server
def test_primary_keys_and_unique_columns_are_the_same(files, server):
    wanted = set()
    for table in listed(files, "table"):
        keys = sorted((c[5], c[1]) for c in files.execute(f"PRAGMA table_info({table})") if c[5])
        wanted.add((table, tuple(name for _, name in keys)))
        for _, index, _, origin, _ in files.execute(f"PRAGMA index_list({table})"):
            if origin == "u":
                wanted.add((table, tuple(c[2] for c in files.execute(f"PRAGMA index_info({index})"))))
    found = server.rows(
        "SELECT CAST(conrelid AS regclass) AS name, (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM"
        " unnest(c.conkey) WITH ORDINALITY k(attnum, n) JOIN pg_attribute a ON a.attrelid = c.conrelid AND"
        " a.attnum = k.attnum) AS columns FROM pg_constraint c WHERE c.contype IN ('p', 'u')"
        " AND c.connamespace = CAST(current_schema() AS regnamespace)"
    )
    assert {
        (r["name"], tuple(r["columns"].split(",")))
        for r in found
        if r["name"] not in ("schema_steps", "bot_lease", "sharing_bots")
    } == wanted


@on_server
def test_references_are_the_same_and_can_be_deferred(files, server):
    wanted = {
        (table, row[3], row[2], row[4])
        for table in listed(files, "table")
        for row in files.execute(f"PRAGMA foreign_key_list({table})")
    }
    found = server.rows(
        "SELECT CAST(conrelid AS regclass) AS table, a.attname AS column, CAST(confrelid AS regclass) AS other,"
        " b.attname AS key, condeferrable AS ok FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = conrelid AND"
        " a.attnum = conkey[1] JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = confkey[1]"
        " WHERE contype = 'f' AND connamespace = CAST(current_schema() AS regnamespace)"
    )
    assert {(r["table"], r["column"], r["other"], r["key"]) for r in found} == wanted
    assert all(r["ok"] for r in found)


@on_server
def test_indexes_are_the_same(files, server):
    wanted = set()
    for table in listed(files, "table"):
        for _, index, unique, origin, partial in files.execute(f"PRAGMA index_list({table})"):
            if origin == "c":
                columns = tuple(c[2] for c in files.execute(f"PRAGMA index_info({index})"))
                wanted.add((index, table, columns, bool(unique), bool(partial)))
    rows = server.rows(
        "SELECT c.relname AS name, CAST(i.indrelid AS regclass) AS table, i.indisunique AS is_unique,"
        " i.indpred IS NOT NULL AS is_partial, (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM"
        " unnest(CAST(i.indkey AS int2[])) WITH ORDINALITY k(attnum, n) JOIN pg_attribute a ON a.attrelid = i.indrelid"
        " AND a.attnum = k.attnum) AS columns FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace"
        " = CAST(current_schema() AS regnamespace) AND NOT EXISTS (SELECT 1 FROM pg_constraint p WHERE p.conindid = c.oid)"
    )
    found = {
        (r["name"], r["table"], tuple(r["columns"].split(",")), r["is_unique"], r["is_partial"])
        for r in rows
        if r["name"] not in OWN_INDEXES
    }
    assert found == wanted


@on_server
def test_triggers_and_views_are_the_same(files, server):
    triggers = server.rows(
        "SELECT tgname AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT tgisinternal"
        " AND c.relnamespace = CAST(current_schema() AS regnamespace)"
    )
    views = server.rows("SELECT viewname AS name FROM pg_views WHERE schemaname = current_schema()")
    assert {r["name"] for r in triggers} - OWN_TRIGGERS == listed(files, "trigger") - FTS_TRIGGERS
    assert {r["name"] for r in views} == listed(files, "view")
