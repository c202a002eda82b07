"""Rows by the names of their columns, and what becomes of a row that already exists."""

from contextlib import closing
from sqlite3 import connect

import pytest

from bot.domain import Observation
from bot.errors import StoreError, UsageError
from bot.storage import Repository
from bot.storage.connection import IGNORE, DatabaseUrl, Upsert, parse_place
from bot.storage.engines import open_database
from tests.support.acme import NOON, poll_page
from tests.support.pages import DOWN, page
from tests.support.stores import place


@pytest.fixture
def db(tmp_path):
    with closing(open_database(place(tmp_path / "b.db"), read_only=False, alone=False, patience_s=0)) as opened:
        yield opened


def room(db):
    return [tuple(row.values()) for row in db.rows("SELECT person, channel FROM rooms")]


def label(incident, label="kept"):
    return {"label": label, "incident": incident}


def test_a_row_is_written_by_the_names_of_its_columns_whatever_their_order(db):
    db.insert("rooms", {"channel": "D1", "person": "U1"})
    assert room(db) == [("U1", "D1")]


def test_a_row_whose_key_is_there_is_refused(db):
    db.insert("rooms", {"person": "U1", "channel": "D1"})
    with pytest.raises(StoreError, match=r"(?i)unique"):
        db.insert("rooms", {"person": "U1", "channel": "D2"})


def test_a_row_whose_key_is_there_may_be_left_out(db):
    counts = [db.insert("rooms", {"person": "U1", "channel": channel}, IGNORE) for channel in ("D1", "D2")]
    assert (counts, room(db)) == ([1, 0], [("U1", "D1")])


def test_a_row_whose_key_is_there_may_take_the_new_values(db):
    for channel in ("D1", "D2"):
        db.insert("rooms", {"person": "U1", "channel": channel}, Upsert(("person",)))
    assert room(db) == [("U1", "D2")]


def test_a_column_may_stay_as_it_is(db):
    host = {"id": "acme", "provider": "acme", "looked_at": None, "seen_at": None, "host": "a"}
    for row in (host, host | {"provider": "other", "host": "b"}):
        db.insert("sources", row, Upsert(("id",), kept=("provider",)))
    assert db.rows("SELECT provider, host FROM sources") == [{"provider": "acme", "host": "b"}]


def test_a_column_may_get_what_an_expression_says(db):
    for channel in ("D1", "D2"):
        both = Upsert(("person",), other=(("channel", "rooms.channel || excluded.channel"),))
        db.insert("rooms", {"person": "U1", "channel": channel}, both)
    assert room(db) == [("U1", "D1D2")]


def test_a_condition_may_hold_the_new_values_back(db):
    for channel in ("D2", "D1", "D3"):
        later = Upsert(("person",), where="excluded.channel > rooms.channel")
        db.insert("rooms", {"person": "U1", "channel": channel}, later)
    assert room(db) == [("U1", "D3")]


def test_many_rows_are_written_in_one_go(db):
    with db.transaction():
        db.insert_all("labels", (label(incident) for incident in ("a", "b", "a")), IGNORE)
    assert [row["incident"] for row in db.rows("SELECT incident FROM labels")] == ["a", "b"]


def test_no_rows_at_all_are_written_as_nothing(db):
    with db.transaction():
        db.insert_all("labels", [])
    assert db.rows("SELECT * FROM labels") == []


def test_values_may_be_asked_for_by_name(db):
    db.insert("rooms", {"person": "U1", "channel": "U1"})
    assert db.rows("SELECT 1 AS n FROM rooms WHERE person = :who AND channel = :who", who="U1") == [{"n": 1}]


def test_a_column_that_is_added_later_stops_no_write(tmp_path):
    path = tmp_path / "b.db"
    Repository.open(path).close()
    with closing(connect(path)) as other:
        tables = other.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"
            " AND name NOT LIKE 'events_fts%' AND name NOT LIKE '\\_%' ESCAPE '\\'"
            " AND name <> 'incident_surfaces'"  # its triggers fill it
        )
        for (table,) in tables.fetchall():
            other.execute(f'ALTER TABLE "{table}" ADD COLUMN later TEXT')
    with closing(Repository.open(path)) as store:
        first = poll_page(None, page(), NOON)
        for change, body in ((first, page()), (poll_page(first.state, DOWN, NOON), DOWN)):
            store.record_transition(Observation("acme", change.at, "changed", body=body), change, [])
        assert store.tracked_incident("inc1")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s3cret/PW@db.example/book",
        "postgresql://me:s3cret#PW@db.example/book",
        "postgresql://me:s3cret?PW@db.example/book",
        "postgresql://me:s3cret@PW@db.example/book",
        "postgresql://me:s3c%ret@db.example/book",
        "postgresql://me:s3cretPW@[::1/book",
        "postgresql://me:s3cretPW@db.example:port/book",
        "POSTGRESQL://me:s3cretPW@db.example/book",
        "mysql://me:s3cretPW@db.example/book",
    ],
)
def test_an_address_that_can_be_read_in_two_ways_is_refused_and_no_part_of_its_password_is_shown(address):
    with pytest.raises(UsageError) as caught:
        parse_place(address)
    assert not [part for part in ("s3c", "PW@") if part in f"{caught.value} {DatabaseUrl(address)}"]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:s3cret%2FPW@db.example:5432/book?sslmode=require", "postgresql://db.example:5432/book"),
        ("postgres://me@[::1]:5432/book", "postgres://[::1]:5432/book"),
        ("postgresql://one:1,two:2/book?user=me&password=s3cret@PW", "postgresql://one:1,two:2/book"),
        ("postgresql:///book?host=/run/postgresql", "postgresql:///book"),
        (" postgresql://%2Frun%2Fpostgresql/book\n", "postgresql://%2Frun%2Fpostgresql/book"),
    ],
)
def test_an_address_is_shown_without_user_password_and_options(address, shown):
    assert str(parse_place(address)) == shown
