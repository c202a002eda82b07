"""What SQLite finds wrong with a file, also where its own check is wrong (as in 3.40.1)."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from bot.domain import ProbeResult, RequestOutcomes
from bot.storage import Repository, mapping
from bot.storage.backup import verify
from bot.storage.connection import insert_statement
from bot.storage.integrity import find_damage
from tests.support.scenario import START

pytestmark = pytest.mark.sqlite
TABLE = "CREATE TABLE t (a TEXT NOT NULL, b TEXT{null}, c TEXT NOT NULL, PRIMARY KEY (a, c)) WITHOUT ROWID"


@pytest.mark.parametrize("check", ["quick_check", "integrity_check"])
def test_a_column_without_null_is_sound(check):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(TABLE.format(null=" NOT NULL"))
        connection.executemany("INSERT INTO t VALUES (?, '', '')", [(str(n),) for n in range(200)])
        assert find_damage(connection, check, 1) == []


def test_a_column_with_null_is_found_among_others(tmp_path):
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        connection.execute(TABLE.format(null=""))
        connection.execute("INSERT INTO t VALUES ('a', NULL, 'c')")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = ?", (TABLE.format(null=" NOT NULL"),))
        connection.commit()
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        assert find_damage(connection, "quick_check", 1) == ["NULL value in t.b"]


def test_a_database_with_probes_and_outcomes_is_sound_and_opens_again(tmp_path):
    probe = ProbeResult("acme-api", START, True, vantage="here")
    counted = RequestOutcomes("acme-api", START, START + timedelta(minutes=1), 180, {"529": 40}, writer="shop")
    Repository.open(tmp_path / "b.db").close()
    with closing(sqlite3.connect(tmp_path / "b.db")) as connection:
        for table, row in (("probe_results", mapping.probe_row(probe)), ("outcomes", mapping.outcomes_row(counted))):
            connection.execute(insert_statement(table, tuple(row), ""), row)
        connection.commit()
    assert verify(tmp_path / "b.db").wrong == ()
    Repository.open(tmp_path / "b.db").close()
