"""What PostgreSQL does by itself: the one bot, lost connections, other schemas, NUL bytes, and ids without gaps."""

import json
import sqlite3
from contextlib import ExitStack, closing, suppress

import pytest

from bot.domain import Condition, Event, EventKind, Subscription
from bot.errors import StoreError
from bot.storage import Repository
from bot.storage.connection import IGNORE, DatabaseUrl
from bot.storage.engines import open_database
from tests.support.acme import NOON
from tests.support.scenario import Scenario
from tests.support.stores import SERVER, ask, place

pytestmark = pytest.mark.skipif(
    not SERVER, reason="no PostgreSQL here (BROWNOUT_POSTGRES names a server to throw away)"
)


@pytest.fixture
def url(tmp_path):
    return place(tmp_path / "b.db")


@pytest.fixture
def db(url):
    with closing(open_database(url)) as opened:
        yield opened


def note(text):
    return {"kind": "note", "provider": "acme", "text": text, "seen_at": "2026-03-02T12:00:00.000Z"}


def test_a_text_with_a_nul_comes_back_as_it_was(db):
    db.insert("events", note("before\0after"))
    assert db.rows("SELECT text FROM events") == [{"text": "before\0after"}]


def test_a_truth_value_is_a_number(db):
    db.insert("habits", {"channel": "C1", "maintenance": True, "zone": "UTC"})
    assert db.rows("SELECT maintenance FROM habits") == [{"maintenance": 1}]


def test_a_mark_inside_a_literal_is_no_placeholder(db):
    assert db.rows("SELECT 'a?b:c' AS x, CAST(? AS TEXT) AS y", "z") == [{"x": "a?b:c", "y": "z"}]


def test_ids_have_no_gaps_where_nothing_was_added(db):
    row = {"channel": "C1", "kind": "alert", "incident": "i", "post": "", "state": "waiting"}
    row |= {"created_at": "", "due_at": ""}
    for key in ("a", "a", "a", "b"):
        db.insert("outbox", row | {"key": key}, IGNORE)
    assert [r["id"] for r in db.rows("SELECT id FROM outbox ORDER BY id")] == [1, 2]


def test_an_id_that_was_taken_back_is_given_again(db):
    with suppress(RuntimeError), db.transaction():
        db.insert("events", note("a"))
        raise RuntimeError
    db.insert("events", note("b"))
    assert [r["id"] for r in db.rows("SELECT id FROM events")] == [1]


def test_texts_are_ordered_by_their_bytes(db):
    for person in ("b", "B", "a", "é"):
        db.insert("rooms", {"person": person, "channel": "D"})
    assert [r["person"] for r in db.rows("SELECT person FROM rooms ORDER BY person")] == ["B", "a", "b", "é"]


def test_a_bot_that_ended_makes_room_for_the_next(url):
    first = Repository.open(url, alone=True)
    with pytest.raises(StoreError, match="is in use by another Brownout"):
        Repository.open(url, alone=True)
    first.close()
    Repository.open(url, alone=True).close()


def test_a_lost_connection_is_made_again(db, url):
    pid = db.rows("SELECT pg_backend_pid() AS pid")[0]["pid"]
    ask(url, "SELECT pg_terminate_backend(?)", pid)
    with pytest.raises(StoreError):
        db.rows("SELECT 1 AS x")
    assert db.rows("SELECT 1 AS x") == [{"x": 1}]


def test_that_of_a_bot_is_not_since_its_lock_is_lost_too(url):
    ended = []
    with closing(open_database(url, alone=True)) as bot:
        bot.lease.end = ended.append
        pid = bot.rows("SELECT pg_backend_pid() AS pid")[0]["pid"]
        ask(url, "SELECT pg_terminate_backend(?)", pid)
        for _ in range(2):
            with pytest.raises(StoreError):
                bot.rows("SELECT 1 AS x")
    assert "the connection that holds the lock was lost" in ended[0]


def test_a_writer_that_takes_long_is_named(db, url):
    named = pytest.raises(StoreError, match="another program writes to it at length")
    with closing(open_database(url, patience_s=0.05)) as other, db.transaction(), named:
        other.write("DELETE FROM rooms")


def test_a_schema_of_something_else_is_refused_and_left_alone():
    with closing(open_database(DatabaseUrl(SERVER))) as public, public.transaction():
        public.write("DROP SCHEMA IF EXISTS elses CASCADE")
        public.write("CREATE SCHEMA elses")
        public.write("CREATE TABLE elses.theirs (a TEXT)")
    elses = DatabaseUrl(f"{SERVER}?options=-csearch_path%3Delses")
    with pytest.raises(StoreError, match="it holds something else"):
        open_database(elses)
    assert ask(DatabaseUrl(SERVER), "SELECT tablename FROM pg_tables WHERE schemaname = 'elses'") == [("theirs",)]


def test_a_schema_that_does_not_exist_is_named():
    with pytest.raises(StoreError, match="does not exist"):
        open_database(DatabaseUrl(f"{SERVER}?options=-csearch_path%3Dnowhere"))


def test_a_database_of_a_newer_version_is_refused(db, url):
    db.write("INSERT INTO schema_steps VALUES ('later', '')")
    with pytest.raises(StoreError, match=r"newer Brownout \(later\)"):
        open_database(url)
    db.write("DELETE FROM schema_steps WHERE name = 'later'")


def test_an_empty_one_that_is_only_read_says_what_makes_it():
    with pytest.raises(StoreError, match="it has no tables yet; `brownout run` makes them"):
        open_database(DatabaseUrl(f"{SERVER}?options=-csearch_path%3Dpg_temp"), read_only=True)


def test_a_server_that_is_not_there_is_named_without_the_password():
    with pytest.raises(StoreError, match="is the server there") as caught:
        open_database(DatabaseUrl("postgresql://me:secret@127.0.0.1:1/book"))
    assert "secret" not in str(caught.value)


def test_a_table_can_not_be_emptied_at_once(db):
    with pytest.raises(StoreError, match="append-only"):
        db.write("TRUNCATE events")


def test_accents_and_capitals_do_not_matter_to_a_search(db):
    db.insert("events", note("Élevated errors on api.acme.example"))
    assert [
        db.matching_events([typed], 5) for typed in ("elevated", "ÉLEV*", "errors on", "acme.example", "rrors")
    ] == [
        [1],
        [1],
        [1],
        [1],
        [],
    ]


@pytest.fixture
def filled(tmp_path):
    """A file with something in every kind of table, one row of which was replaced after others were added."""
    with closing(Scenario(tmp_path / "a.db").is_over().repository) as repository:
        repository.subscribe(Subscription("C9", "acme", created_at=NOON))
        repository.subscribe(Subscription("C1", "acme", Condition.MAJOR_OUTAGE, created_at=NOON))
        repository.archive.add_event(
            Event(EventKind.NOTE, "acme", NOON, incident="i-1", text="with\0nul", channel="C1")
        )
        repository.api_tokens.create("laptop", ("reports",), NOON)
        yield repository


def test_a_database_goes_to_postgresql_and_back_and_is_the_same_to_the_byte(filled, tmp_path):
    before = "".join(filled.archive.dump())
    with closing(Repository.open(place(tmp_path / "b.db"))) as there:
        there.archive.restore(json.loads(before))
        on_server = "".join(there.archive.dump())
    with closing(Repository.open(tmp_path / "c.db")) as back:
        back.archive.restore(json.loads(on_server))
        assert (on_server, "".join(back.archive.dump())) == (before, before)


def test_a_database_that_is_moved_has_the_same_content_and_its_tokens(filled, tmp_path):
    counts = {}
    with closing(Repository.open(place(tmp_path / "b.db"))) as there:
        filled.archive.copy_to(there.archive, counts.__setitem__)
        assert "".join(there.archive.dump()) == "".join(filled.archive.dump())
        assert [token.name for token in there.api_tokens.tokens()] == ["laptop"]
        assert there.archive.search("errors").found == filled.archive.search("errors").found != ()
    assert counts["tokens"] == 1


def test_a_move_that_ends_in_the_middle_leaves_nothing_and_can_be_done_again(filled, tmp_path):
    def stop_at(table, _):
        if table == "outbox":
            raise KeyboardInterrupt

    with closing(Repository.open(place(tmp_path / "b.db"))) as there:
        with pytest.raises(KeyboardInterrupt):
            filled.archive.copy_to(there.archive, stop_at)
        assert there.subscriptions() == ()
        filled.archive.copy_to(there.archive, lambda *_: None)
        assert "".join(there.archive.dump()) == "".join(filled.archive.dump())


def test_a_move_whose_copy_differs_keeps_nothing(filled, tmp_path):
    with closing(Repository.open(place(tmp_path / "b.db"))) as there:

        def change(table, _):
            if table == "subscriptions":
                there.unsubscribe("C9", "acme")

        with pytest.raises(StoreError, match="nothing was kept there"):
            filled.archive.copy_to(there.archive, change)
        assert there.subscriptions() == ()


ODD = (
    "",
    "a\0b",
    '\x27quote"; --',
    "line\nbreak\t",
    "\u202ertl",
    "%s $1 ? :name",
    "\\x00 \\N",
    "\u65e5\u672c\u8a9e",
    "\U0001d11e",
)
BIGGEST = (0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63))
DERIVED = {"stored_forms", "incident_surfaces", "month_sums"}


def fill_every_table(path):
    """Odd values in each column of each table of a file, as far as its rules allow; the tables that have a row."""
    with closing(Repository.open(path)) as repository:
        tables = set(repository._db.exported_columns()) - DERIVED
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in sorted(tables, key=lambda name: (name not in {"backfills", "bodies"}, name)):
            referring = {row[3]: (row[2], row[4]) for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            for number in range(len(ODD)):
                row = {name: _odd(name, kind, key, number) for _, name, kind, _, _, key in columns}
                for name, (other, column) in referring.items():
                    there = connection.execute(f"SELECT {column} FROM {other} LIMIT 1").fetchone()  # noqa: S608
                    row[name] = there[0] if there else None
                marks = ", ".join("?" * len(row))
                with suppress(sqlite3.IntegrityError):  # a CHECK
                    connection.execute(f"INSERT INTO {table} VALUES ({marks})", [*row.values()])  # noqa: S608
        return {table for table in tables if connection.execute(f"SELECT 1 FROM {table}").fetchone()}  # noqa: S608


def _odd(name, kind, key, number):
    if name in {"surfaces", "suspicions", "transitions"}:
        return json.dumps([ODD[number].replace("\0", "")])  # ids of ours, in which no NUL is
    if name == "at" or name.endswith(("_at", "since", "until")):
        return f"2026-03-0{number + 1}T12:00:00.000Z"
    if kind == "INTEGER":
        return number + 1 if key else BIGGEST[number % len(BIGGEST)]
    if kind in {"REAL", "FLOAT"}:
        return (0.1, -1e300, 3.0)[number % 3]
    if kind == "BLOB":
        return bytes(range(256))[number:]
    return ODD[number] + (str(number) if key else "")


def test_odd_values_in_every_table_come_back_to_the_byte_with_the_secrets(tmp_path):
    assert len(fill_every_table(tmp_path / "a.db")) > 35
    places = (tmp_path / "a.db", place(tmp_path / "b.db"), tmp_path / "c.db")
    dumps, secrets = [], []
    with ExitStack() as stack:
        here, there, back = (stack.enter_context(closing(Repository.open(where))) for where in places)
        here.archive.copy_to(there.archive, lambda *_: None)
        there.archive.copy_to(back.archive, lambda *_: None)
        for one in (here, there, back):
            dumps.append("".join(one.archive.dump()))
            tables = [one._db.rows(f"SELECT * FROM {name}") for name in ("tokens", "salts")]  # noqa: S608
            secrets.append([sorted(map(repr, rows)) for rows in tables])
    assert dumps[1:] == dumps[:2]
    assert secrets[2] == secrets[0] != [[], []]


def test_a_moved_database_continues_its_ids(filled, tmp_path):
    with closing(Repository.open(place(tmp_path / "b.db"))) as there:
        filled.archive.copy_to(there.archive, lambda *_: None)
        event = Event(EventKind.NOTE, "acme", NOON, incident="i-1", text="later")
        assert there.archive.add_event(event) == filled.archive.add_event(event)


def test_a_database_that_is_not_empty_is_moved_into_by_nobody(filled, tmp_path):
    with closing(Repository.open(place(tmp_path / "b.db"))) as there:
        there.subscribe(Subscription("C1", "acme", created_at=NOON))
        with pytest.raises(StoreError, match=r"not empty \(subscriptions\)"):
            filled.archive.copy_to(there.archive, lambda *_: None)
