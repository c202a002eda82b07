"""The metadata for Datasette, the views it names, and its queries, on a database of an incident."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from bot.storage import datasette
from tests.support.scenario import START, Scenario

pytestmark = pytest.mark.sqlite

WORDS = {"words": "errors", "incident": "i-1", "service": "acme-api"}


@pytest.fixture
def described(scenario):
    return scenario.repository.archive.datasette_metadata("brownout")["databases"]["brownout"]


def rows(scenario, sql, **words):
    """The answer of a connection that has Datasette's function."""
    with closing(sqlite3.connect(scenario.path)) as connection:
        connection.row_factory = sqlite3.Row
        connection.create_function("escape_fts", 1, lambda text: " ".join(f'"{w}"' for w in text.split()))
        return connection.execute(sql, WORDS | words).fetchall()


@pytest.mark.parametrize("name", list(datasette.QUERIES))
def test_every_query_of_the_metadata_runs(scenario, name):
    scenario.is_over()
    assert isinstance(rows(scenario, datasette.QUERIES[name][1]), list)


@pytest.mark.parametrize(
    "name", ["status_now", "search", "timeline", "longest_incidents", "downtime_of_a_service", "advice_of_a_service"]
)
def test_what_happened_is_in_the_answers(scenario, name):
    scenario.is_over()
    assert rows(scenario, datasette.QUERIES[name][1]) != []


def test_the_minutes_of_a_status_are_those_between_its_changes(scenario):
    scenario.is_over()
    [row] = rows(scenario, datasette.QUERIES["downtime_of_a_service"][1])
    assert (row["day"], row["status"], row["minutes"]) == ("2026-03-02", "partial_outage", 21.0)


def test_a_status_over_midnight_is_cut_at_it(tmp_path):
    scenario = Scenario(tmp_path / "night.db", start=START + timedelta(hours=12, minutes=40))  # 23:40
    scenario.is_over()
    cut = {row["day"]: row["minutes"] for row in rows(scenario, datasette.QUERIES["downtime_of_a_service"][1])}
    scenario.repository.close()
    assert cut == {"2026-03-03": 11.0, "2026-03-02": 10.0}


def test_the_timeline_has_its_search_index_named(described):
    assert (described["tables"]["events"]["fts_table"], described["tables"]["events"]["fts_pk"]) == ("events_fts", "id")


def test_a_table_and_its_columns_are_explained(described):
    outbox = described["tables"]["outbox"]
    assert (bool(outbox["description"]), bool(outbox["columns"])) == (True, True)


def test_a_column_that_was_added_later_is_explained(described):
    assert "token" in described["tables"]["reports"]["columns"]["writer"]


@pytest.mark.parametrize("name", ["tokens", "salts"])
def test_secrets_are_hidden(described, name):
    assert described["tables"][name]["hidden"]


def test_every_table_and_view_is_described(described):
    assert [name for name, table in described["tables"].items() if not table.get("description")] == []


@pytest.mark.parametrize("name", ["incident_durations", "downtime_by_day", "advice_over_time", "vendor_lag"])
def test_every_view_says_what_it_answers(described, name):
    assert described["tables"][name]["description"]
