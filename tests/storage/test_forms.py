"""Stored JSON: golden files of what is written, form numbers, and what is refused, so that no state is lost silently."""

import asyncio
import dataclasses
import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from enum import StrEnum

import pytest
from click.testing import CliRunner

from bot.cli.main import brownout
from bot.domain import ChatUser, Event, EventKind, Notification, ProviderState, RequestOutcomes
from bot.errors import StoreError
from bot.storage import Repository, backup, forms, mapping, migrations
from tests.storage import mid_incident, stored_forms
from tests.storage.stored_forms import GOLDEN, POSTS, WORLD
from tests.support.acme import NOON, Clock, catalogue
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import DOWN

pytestmark = pytest.mark.sqlite

ADAPTERS = {"worlds": mapping.PROVIDER_STATE_ADAPTER, "posts": mapping.NOTIFICATION_ADAPTER}
VALUES = {"worlds": (WORLD,), "posts": POSTS}
EMPTY = (None, "", ())
NUMBERS = {name: form.number for name, form in forms.FORMS.items()}
NEWER = NUMBERS["worlds"] + 1
NEXT = mid_incident.KILLED_AT + timedelta(minutes=1)


def lines(name, number=None):
    return stored_forms.golden(name, number).read_text(encoding="utf-8").splitlines()


def read(name):
    """The values of the golden file of the form that this version writes."""
    return tuple(map(ADAPTERS[name].validate_json, lines(name)))


def ask(db, sql, *values):
    with closing(sqlite3.connect(db)) as connection:
        found = connection.execute(sql, values).fetchall()
        connection.commit()
    return found


# --- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", forms.FORMS)
def test_what_is_written_is_the_golden_file_of_its_form(name):
    assert stored_forms.written()[name] == lines(name)


@pytest.mark.parametrize("name", forms.FORMS)
def test_the_golden_file_is_read_back_as_what_was_written(name):
    assert read(name) == VALUES[name]


@pytest.mark.parametrize(
    ("name", "number"), [(name, n) for name, form in forms.FORMS.items() for n in range(1, form.number + 1)]
)
def test_every_form_that_was_ever_written_is_still_read(name, number):
    texts = (forms.upgraded(text, forms.FORMS[name].upgrades[number - 1 :]) for text in lines(name, number))
    assert [ADAPTERS[name].validate_json(text) for text in texts] != []


def parts():
    return [part for name in forms.FORMS for value in read(name) for part in stored_forms.inside(value)]


def test_every_field_of_every_stored_class_has_a_value_of_its_own_in_the_golden_files():
    found = parts()
    classes = [kind for kind in stored_forms.reachable(ProviderState, Notification) if dataclasses.is_dataclass(kind)]
    fields = [(kind, field) for kind in classes for field in dataclasses.fields(kind)]
    missing = [
        f"{kind.__name__}.{field.name}"
        for kind, field in fields
        if not any(type(part) is kind and getattr(part, field.name) not in (*EMPTY, field.default) for part in found)
    ]
    assert missing == []


def test_every_value_of_every_stored_enum_is_in_the_golden_files():
    found = {repr(part) for part in parts() if isinstance(part, StrEnum)}
    enums = [kind for kind in stored_forms.reachable(ProviderState, Notification) if not dataclasses.is_dataclass(kind)]
    assert [repr(value) for kind in enums for value in kind if repr(value) not in found] == []


def test_the_steps_of_the_schema_have_their_names_and_their_order():
    with closing(migrations.Database(memory=True)) as empty:
        names = [step.name for step in migrations.steps.pending(empty)]
    assert names == (GOLDEN / "migrations.txt").read_text(encoding="utf-8").split()


def test_the_lists_in_plain_columns_are_written_as_ever():
    [update, *_] = WORLD.incidents[0].incident.updates
    counted = RequestOutcomes("acme-api", NOON, NOON, 90, {"timeout": 1, "503": 2}, client="worker-1")
    incident = mapping.incident_row(WORLD.incidents[0], "acme")
    assert [
        incident["surfaces"],
        incident["suspicions"],
        str(mapping.update_row("acme", "inc1", update, 1, NOON)["transitions"])[:52],
        mapping.outcomes_row(counted)["errors"],
    ] == [
        '["acme-api", "acme-web"]',
        '["suspected:acme-api"]',
        '[["c-api", "API", "operational", "unknown"], ["c-api',
        '{"503": 2, "timeout": 1}',
    ]


# --- unknown keys -----------------------------------------------------------------------------------------------------


def objects(value, path=()):
    """The JSON objects in a value that are dataclasses, with their paths."""
    if isinstance(value, dict):
        yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        if key not in ("blocks", "attachments"):  # those are Slack's
            yield from objects(one, (*path, key))


@pytest.mark.parametrize("name", forms.FORMS)
def test_an_unknown_key_is_refused_in_every_object_of_a_form_and_named_with_its_path(name):
    wrong = []
    for text in lines(name):
        value = json.loads(text)
        for path, found in objects(value):
            found["later"] = 1
            named = ".".join(map(str, (*path, "later")))
            try:
                mapping.parse(ADAPTERS[name], json.dumps(value), "row")
            except StoreError as error:
                wrong += [] if f"row: unknown key {named}, written by another version" in str(error) else [str(error)]
            else:
                wrong.append(named)
            del found["later"]
    assert wrong == []


@pytest.mark.parametrize("name", forms.FORMS)
def test_a_key_that_another_version_renamed_is_refused_in_every_object_of_a_form(name):
    taken = []
    for text in {frozenset(json.loads(t)["about"] if name == "posts" else ()): t for t in lines(name)}.values():
        value = json.loads(text)
        for path, found in objects(value):
            for key in tuple(found):
                found[f"{key}_renamed"] = found.pop(key)
                try:
                    mapping.parse(ADAPTERS[name], json.dumps(value), "row")
                except StoreError as error:
                    taken += [] if f"{key}_renamed" in str(error) else [(path, key, str(error))]
                else:
                    taken.append((path, key))
                found[key] = found.pop(f"{key}_renamed")
    assert taken == []


@pytest.mark.parametrize(
    "path_and_value", [("seen_at", "some day"), ("stage", "a stage of another version"), ("incident", None)]
)
def test_a_damaged_alert_is_no_notice_with_unknown_keys(path_and_value):
    post = json.loads(lines("posts")[0])
    post["about"].update([path_and_value])
    assert mapping.parse(mapping.NOTIFICATION_ADAPTER, json.dumps(post), "row") is None


@pytest.mark.parametrize("about", [7, None, {}, []])
def test_a_post_about_nothing_is_damaged(about):
    post = json.loads(lines("posts")[0]) | {"about": about}
    assert mapping.parse(mapping.NOTIFICATION_ADAPTER, json.dumps(post), "row") is None


def test_a_damaged_notice_is_no_alert_with_unknown_keys():
    post = json.loads(lines("posts")[-1])
    post["about"]["at"] = "some day"
    assert mapping.parse(mapping.NOTIFICATION_ADAPTER, json.dumps(post), "row") is None


# --- a database in the middle of an incident ---------------------------------------------------------------------------


@pytest.fixture
def db(tmp_path):
    """What v0.1.0 left: an incident that was seen two minutes ago, and its alert and first reply not sent."""
    path = tmp_path / "b.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / "v0.1.0-mid-incident.sql").read_text(encoding="utf-8"))
    return path


def go_on(db):
    """One more poll of the same page, and what is due is sent: the transition, the deliveries and the chat."""
    web, chat = FakeFetcher(), FakeChat()
    web.show(DOWN)

    async def once(bot):
        return await bot.poll("acme"), await bot.publish()

    with closing(Repository.open(db, alone=True)) as store:
        return *asyncio.run(once(mid_incident.engine(store, web, chat, Clock(NEXT)))), chat


def test_a_database_of_v0_1_0_has_its_unsent_posts_sent_once_and_in_order(db):
    *_, chat = go_on(db)
    again = go_on(db)[-1]
    edited = ("edit", "C1", "ts1")  # as this version shows it
    assert (chat.said, again.said) == ([("post", "C1", None), edited, ("post", "C1", "ts1")], [])


def test_a_database_of_v0_1_0_keeps_the_receipts_of_what_was_sent(db):
    go_on(db)
    assert ask(db, "SELECT key, state, ts FROM outbox WHERE kind <> 'edit' ORDER BY id") == [
        ("inc1:alert", "sent", "ts1"),
        ("inc1:update:u1", "sent", "ts3"),
    ]


def test_a_database_of_v0_1_0_has_no_second_opening_of_its_incident(db):
    before = ask(db, "SELECT id, kind FROM events")
    change, *_ = go_on(db)
    assert (change.events, ask(db, "SELECT id, kind FROM events")) == ((), before)


def test_a_database_of_v0_1_0_keeps_its_verdicts(db):
    change, *_ = go_on(db)
    assert [(v.surface, v.call, v.reason_code) for v in change.state.verdicts] == [
        ("acme-api", "hold_off", "down"),
        ("acme-web", "retry_normally", "quiet"),
    ]


def test_a_database_of_v0_1_0_is_brought_to_the_forms_of_this_version(db):
    Repository.open(db).close()
    assert dict(ask(db, "SELECT name, form FROM stored_forms")) == NUMBERS


def test_what_v0_1_0_wrote_has_no_unknown_key(db):
    texts = [*ask(db, "SELECT 'worlds', world FROM worlds"), *ask(db, "SELECT 'posts', post FROM outbox")]
    assert all(mapping.parse(ADAPTERS[name], text, "row") is not None for name, text in texts)


# --- forms of other versions ------------------------------------------------------------------------------------------


@pytest.fixture
def newer(db):
    """The same database after a version that writes worlds in the next form."""
    Repository.open(db).close()
    ask(db, "UPDATE stored_forms SET form = ? WHERE name = 'worlds'", NEWER)
    return db


def files(folder):
    """Every database file in a folder, with a digest of its bytes; not the index of a log, which has no content."""
    named = (f for f in folder.iterdir() if f.is_file() and not f.name.endswith(("-shm", "-lock")))
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in named if f.stat().st_size}


@pytest.mark.parametrize("how", [{}, {"read_only": True}, {"alone": True}])
def test_a_newer_form_is_refused_with_what_to_do(newer, how):
    wanted = (
        rf"b\.db: it has stored forms of a newer version: worlds {NEWER} \(this version reads up to {NEWER - 1}\); run that"
        r" version, or restore the backup that was taken before the upgrade \(`brownout db restore FILE`\); nothing was written to it"
    )
    with pytest.raises(StoreError, match=wanted):
        Repository.open(newer, **how)


@pytest.mark.parametrize("how", [{}, {"read_only": True}, {"alone": True}])
def test_a_database_that_is_refused_keeps_every_byte(newer, how):
    before = files(newer.parent)
    with pytest.raises(StoreError):
        Repository.open(newer, **how)
    assert files(newer.parent) == before


@pytest.mark.parametrize("how", [{}, {"read_only": True}, {"alone": True}])
def test_a_database_that_is_refused_after_a_kill_keeps_every_byte_of_its_log(db, tmp_path, how):
    killed = tmp_path / "killed"
    killed.mkdir()
    with closing(Repository.open(db)) as store:
        store._db.write("UPDATE stored_forms SET form = ?", NEWER)
        for end in ("", "-wal"):
            shutil.copy(f"{db}{end}", killed / f"b.db{end}")
    before = files(killed)
    with pytest.raises(StoreError, match="newer version"):
        Repository.open(killed / "b.db", **how)
    assert (before["b.db-wal"] is not None, files(killed)) == (True, before)


def test_a_form_that_this_version_has_never_heard_of_is_refused(newer):
    ask(newer, "UPDATE stored_forms SET name = 'maps', form = 1 WHERE name = 'worlds'")
    with pytest.raises(StoreError, match=r"newer version: maps 1 \(this version reads none\)"):
        Repository.open(newer)


def test_a_backup_of_a_newer_form_is_not_put_in_place(newer, tmp_path):
    with pytest.raises(StoreError, match="stored forms of a newer version"):
        backup.restore(tmp_path / "mine.db", newer, NOON)


@pytest.mark.parametrize(("words", "code"), [(["run"], 1), (["status"], 1), (["db", "verify"], 65)])
def test_the_command_line_refuses_a_newer_form_and_says_what_to_do(newer, tmp_path, words, code):
    config = catalogue(tmp_path / "config")
    told = CliRunner(env={"COLUMNS": "200"}).invoke(
        brownout, [*words, "--config", str(config), "--db", str(newer)], catch_exceptions=False
    )
    [refusal, *pointers] = told.output.splitlines()
    assert (told.exit_code, "run that version, or restore" in refusal) == (code, True)
    assert [line for line in pointers if not line.startswith("See `brownout docs ")] == []


LATER_FORMS = {
    "worlds": forms.Form(
        "worlds", "provider", "world", (lambda w: w | {"now": 2}, lambda w: w | {"now": w["now"] + 1})
    ),
    "posts": forms.FORMS["posts"],
}


@pytest.mark.parametrize(("number", "now"), [(1, 3), (2, 8)])
def test_an_older_form_is_brought_up_to_date_by_every_step_that_it_lacks(db, number, now):
    Repository.open(db).close()
    ask(db, "UPDATE worlds SET world = json_set(world, '$.now', 7)")
    ask(db, "UPDATE stored_forms SET form = ? WHERE name = 'worlds'", number)
    with closing(sqlite3.connect(db)) as connection:
        forms.upgrade(connection, forms.stored(connection), LATER_FORMS)
        connection.commit()
    assert ask(db, "SELECT world ->> '$.now', form FROM worlds, stored_forms WHERE name = 'worlds'") == [(now, 3)]


def test_an_upgrade_leaves_other_forms_as_they_are(db):
    Repository.open(db).close()
    ask(db, "UPDATE stored_forms SET form = 1 WHERE name = 'worlds'")
    before = ask(db, "SELECT post FROM outbox")
    with closing(sqlite3.connect(db)) as connection:
        forms.upgrade(connection, forms.stored(connection), LATER_FORMS)
        connection.commit()
    assert ask(db, "SELECT post FROM outbox") == before


@pytest.mark.parametrize("text", ["not JSON", "[]", "7"])
def test_an_upgrade_leaves_damaged_text_as_it_is(text):
    assert forms.upgraded(text, LATER_FORMS["worlds"].upgrades) == text


@pytest.mark.parametrize(
    ("found", "older"), [({}, True), ({"worlds": 2}, True), ({"worlds": 3} | {"posts": NUMBERS["posts"]}, False)]
)
def test_a_database_without_a_number_is_of_form_1(found, older):
    assert forms.is_older(found, LATER_FORMS) is older


# --- rows of other versions -------------------------------------------------------------------------------------------


def test_a_world_with_an_unknown_key_is_refused_at_the_start_and_not_forgotten(db):
    ask(
        db,
        'UPDATE worlds SET world = replace(world, \'"incidents":[{"incident":{\', \'"tracked_incidents":[{"incident":{\')',
    )
    with pytest.raises(
        StoreError, match=r"b\.db: worlds, row acme: unknown key tracked_incidents, .*restore the backup"
    ):
        go_on(db)


def test_an_unsent_post_with_an_unknown_key_is_refused_at_the_start(db):
    ask(db, "UPDATE outbox SET post = json_set(post, '$.about.colour', 'red') WHERE id = 2")
    with pytest.raises(StoreError, match=r"b\.db: outbox, row 2: unknown key about\.colour, .*run that version"):
        Repository.open(db, alone=True)


def test_a_bot_that_refused_a_post_makes_room_for_the_next(db):
    ask(db, "UPDATE outbox SET post = json_set(post, '$.colour', 'red') WHERE id = 2")
    with pytest.raises(StoreError):
        Repository.open(db, alone=True)
    ask(db, "UPDATE outbox SET post = json_remove(post, '$.colour') WHERE id = 2")
    assert [d.post.kind for d in go_on(db)[1]] == ["alert", "edit", "reply"]


def test_a_post_with_an_unknown_key_that_appears_later_stays_unsent(db):
    with closing(Repository.open(db, alone=True)) as store:
        ask(db, "UPDATE outbox SET post = json_set(post, '$.colour', 'red')")
        with pytest.raises(StoreError, match="outbox, row 1: unknown key colour"):
            store.next_pending("C1")
    assert ask(db, "SELECT state FROM outbox") == [("waiting",), ("waiting",)]


def test_a_post_with_an_unknown_key_that_was_sent_stops_nothing(db):
    go_on(db)
    ask(db, "UPDATE outbox SET post = json_set(post, '$.colour', 'red')")
    assert go_on(db)[-1].said == []


def test_a_damaged_post_is_parked_and_logged_and_the_others_are_sent(db, caplog):
    ask(db, "UPDATE outbox SET post = 'not JSON' WHERE id = 2")
    go_on(db)
    assert (ask(db, "SELECT state FROM outbox WHERE id < 3 ORDER BY id"), "notification 2 to C1" in caplog.text) == (
        [("sent",), ("parked",)],
        True,
    )


def test_a_damaged_world_is_logged(db, caplog):
    ask(db, "UPDATE worlds SET world = 'not JSON'")
    go_on(db)
    assert "acme: the stored state is in a form of another version; continuing from the tables" in caplog.text


def test_what_people_do_is_kept_where_the_message_is_damaged(db, caplog):
    ask(db, "UPDATE outbox SET post = 'not JSON'")
    with closing(Repository.open(db)) as store:
        done = Event(EventKind.ACKED, "acme", NEXT, incident="inc1", channel="C1")
        store.user_actions.set_acknowledgement(done, ChatUser("U1", "Ann"))
        assert (
            store.user_actions.acknowledgement("C1", "inc1").by.name,
            "its message can't be edited" in caplog.text,
        ) == (
            "Ann",
            True,
        )


# --- exports ----------------------------------------------------------------------------------------------------------


def exported(db):
    with closing(Repository.open(db)) as store:
        return json.loads("".join(store.archive.dump()))


def imported(path, body):
    with closing(Repository.open(path, alone=True)) as store:
        store.archive.restore(body)
    return path


def test_an_export_has_the_numbers_of_its_forms_and_is_read_in_whole(db, tmp_path):
    body = exported(db)
    assert dict(body["tables"]["stored_forms"]["rows"]) == NUMBERS
    assert exported(imported(tmp_path / "new.db", body)) == body


def test_an_export_of_a_version_without_numbers_is_brought_to_the_forms_of_this_version(db, tmp_path):
    body = exported(db)
    del body["tables"]["stored_forms"]
    found = imported(tmp_path / "new.db", body)
    assert dict(ask(found, "SELECT name, form FROM stored_forms")) == NUMBERS


def test_an_export_of_a_newer_form_is_refused_and_nothing_of_it_kept(db, tmp_path):
    body = exported(db)
    body["tables"]["stored_forms"]["rows"] = [["worlds", NEWER], ["posts", 1]]
    with pytest.raises(StoreError, match=rf"worlds {NEWER} \(this version reads up to {NEWER - 1}\)"):
        imported(tmp_path / "new.db", body)
    assert ask(tmp_path / "new.db", "SELECT count(*) FROM worlds") == [(0,)]
