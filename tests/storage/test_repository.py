"""The store against real SQLite files: whole transitions or nothing, plain tables, and clear words where a file is bad."""

import dataclasses
import os
import sqlite3
import subprocess
import sys
import tempfile
import types
import typing
import zlib
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import pytest
import sqlite_utils
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain import (
    Condition,
    IncidentEnding,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    Observation,
    PollFailure,
    ProviderState,
    Subscription,
)
from bot.errors import StoreError
from bot.rules.alerting import decide, routing
from bot.rules.transition import StateTransition
from bot.storage import Repository
from tests.support.acme import ACME, NOON, poll_page
from tests.support.pages import DOWN, incident, page, update
from tests.support.stores import ask, place

LATER = NOON + timedelta(minutes=1)
STILL = page(incident(update(api="major_outage"), update(2, "identified", "Found it.", LATER)), api="major_outage")


@pytest.fixture
def db(tmp_path):
    return place(tmp_path / "brownout.db")


@pytest.fixture
def store(db):
    opened = Repository.open(db)
    yield opened
    opened.close()


def ask_file(db, sql, *values):
    with closing(sqlite3.connect(db)) as connection, connection:
        return connection.execute(sql, values).fetchall()


def seen(body=None, at=NOON, outcome="changed", **more):
    return Observation("acme", at, outcome, body=body, **more)


def post(kind=NotificationKind.NOTICE, key="k", channel="C1", at=NOON):
    about = Notice(NoticeKind.BLIND, "acme", "Acme", key, at, "https://status.acme.example", at)
    return Notification(channel, kind, key, about)


def posts_of(change, *channels):
    """What the real rules make of a transition for these channels."""
    listening = [Subscription(channel, "acme", created_at=NOON) for channel in channels]
    alerts = decide.decide(change, ACME, blind_after=3).alerts
    told = channels if change.before.open_incidents else ()
    return [p for alert in alerts for p in routing.route_alert(alert, listening, told)]


def lived(store, *bodies, channels=()):
    """Records a poll of each body, a minute apart, the first at noon; the transitions."""
    world, done = None, []
    for number, body in enumerate(bodies):
        at = NOON + timedelta(minutes=number)
        change = poll_page(world, body, at)
        is_page = isinstance(body, bytes)
        observation = seen(body if is_page else None, at, "changed" if is_page else body.code)
        store.record_transition(observation, change, posts_of(change, *channels))
        world = change.state
        done.append(change)
    return done


def owed_to(store, channel="C1"):
    """Everything owed to a channel, in order, as if each were sent with its number as ts."""
    found = []
    while owed := store.next_pending(channel):
        found.append(owed)
        store.mark_sent(owed.id, f"ts{owed.id}", NOON, is_parent=owed.post.kind is NotificationKind.ALERT)
    return found


# --- transitions ----------------------------------------------------------------------------------------------------------


def test_what_is_recorded_is_remembered_after_a_restart(store, db):
    change = lived(store, page(), DOWN)[-1]
    store.close()
    with closing(Repository.open(db, read_only=True)) as reader:
        assert reader.provider_state("acme") == change.state


def test_before_the_first_poll_nothing_is_remembered(store):
    assert store.provider_state("acme") is None


def test_a_failure_in_the_middle_of_a_transition_leaves_nothing_of_it(store, db):
    def broken():
        yield post()
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        store.record_transition(seen(DOWN), poll_page(None, DOWN, NOON), broken())
    tables = ("observations", "bodies", "sources", "incidents", "updates", "events", "outbox", "worlds", "conditions")
    assert [ask(db, f"SELECT count(*) FROM {table}") for table in tables] == [[(0,)]] * len(tables)  # noqa: S608


def test_after_a_failed_transition_the_next_one_is_recorded(store):
    with pytest.raises(StoreError):
        store.record_transition(seen(DOWN), replace(poll_page(None, DOWN, NOON), at=None), [post()])
    lived(store, DOWN)
    assert store.provider_state("acme") is not None


def test_a_refused_transition_says_that_nothing_was_kept(store):
    with pytest.raises(StoreError, match="nothing of this step was kept"):
        store.record_transition(None, replace(poll_page(None, DOWN, NOON), at=None), [post()])


def test_a_provider_has_one_world(store, db):
    lived(store, page(), page())
    assert ask(db, "SELECT count(*) FROM worlds") == [(1,)]


def test_a_poll_that_changed_nothing_still_moves_what_was_last_seen(store):
    lived(store, page(), page(), page())
    assert store.provider_state("acme").seen_at == NOON + timedelta(minutes=2)


@pytest.mark.parametrize("what", ["UPDATE events SET text = 'x'", "DELETE FROM events"])
def test_events_can_only_be_added(store, db, what):
    lived(store, page(), DOWN)
    with pytest.raises(StoreError, match="append-only"):
        ask(db, what)


def test_events_come_back_as_they_were_written(store):
    changes = lived(store, page(), DOWN, STILL)
    written = [e for s in changes for e in s.events if e.incident == "inc1"]
    assert list(store.events("inc1")) == written


def test_an_event_has_the_vendors_time_and_ours(store, db):
    lived(store, page(), DOWN)
    asked = "SELECT happened_at, seen_at FROM events WHERE kind = 'update_posted'"
    assert ask(db, asked) == [("2026-03-02T12:00:00.000Z", "2026-03-02T12:01:00.000Z")]


def test_a_condition_is_an_interval_that_ends_when_the_next_begins(store, db):
    lived(store, page(), DOWN, page(incident(update(status="resolved"))))
    found = ask(db, "SELECT condition, since, until FROM conditions WHERE surface = 'acme-api' ORDER BY since")
    assert [c for c, _, _ in found] == ["operational", "major_outage", "operational"]
    assert [until for _, _, until in found] == [since for _, since, _ in found[1:]] + [None]


def test_verdicts_are_intervals_too(store, db):
    lived(store, page(), DOWN)
    found = ask(db, "SELECT until FROM verdicts WHERE surface = 'acme-api' ORDER BY since")
    assert [until is None for (until,) in found] == [False] * (len(found) - 1) + [True]
    assert len(found) >= 2


def test_an_interval_whose_surface_left_the_catalogue_ends(store, db):
    change = lived(store, page(), DOWN)[-1]
    after = replace(change.state, states=change.state.states[1:], verdicts=change.state.verdicts[1:])
    store.record_transition(None, StateTransition(LATER, change.state, after, ()), [])
    for table in ("conditions", "verdicts"):
        open_now = ask(db, f"SELECT surface FROM {table} WHERE until IS NULL")  # noqa: S608
        assert open_now == [("acme-web",)]


def test_two_changes_in_one_moment_leave_one_open_interval(store, db):
    before = lived(store, page())[-1].state
    changed = [replace(s, condition=Condition.DEGRADED) for s in before.states]
    first = replace(before, states=tuple(changed))
    store.record_transition(None, StateTransition(LATER, before, first, ()), [])
    store.record_transition(None, StateTransition(LATER, first, before, ()), [])
    open_now = ask(db, "SELECT condition FROM conditions WHERE surface = 'acme-api' AND until IS NULL")
    assert open_now == [("operational",)]


def test_an_edited_update_gets_a_second_version(store, db):
    edited = page(incident(update(body="We know the cause.", api="major_outage")), api="major_outage")
    lived(store, page(), DOWN, edited)
    versions = ask(db, "SELECT version, body FROM updates ORDER BY version")
    assert versions == [(1, "We are looking into it."), (2, "We know the cause.")]


def test_an_incident_is_read_with_the_newest_version_of_its_updates(store):
    edited = page(incident(update(body="We know the cause.", api="major_outage")), api="major_outage")
    lived(store, page(), DOWN, edited)
    _, known = store.tracked_incident("inc1")
    assert [u.body for u in known.incident.updates] == ["We know the cause."]


def test_an_update_that_is_met_again_in_the_same_words_gets_no_version(store, db):
    lived(store, page(), DOWN)
    store.record_transition(seen(DOWN, LATER), poll_page(None, DOWN, LATER), [])
    assert ask(db, "SELECT count(*) FROM updates") == [(1,)]


def test_an_incident_keeps_how_and_when_it_ended(store):
    change = lived(store, page(), DOWN)[-1]
    gone = poll_page(change.state, page(), LATER, inc1=IncidentEnding.WITHDRAWN)
    store.record_transition(seen(page(), LATER), gone, [])
    _, known = store.tracked_incident("inc1")
    assert (known.ending, known.closed_at) == (IncidentEnding.WITHDRAWN, LATER)


def test_an_incident_that_nobody_saw_is_not_known(store):
    assert store.tracked_incident("nope") is None


def test_the_newest_incidents_come_first(store):
    second = incident(update(7, at=LATER, api="major_outage"), number=2)
    lived(store, page(), DOWN, page(incident(), second, api="major_outage"))
    assert store.incident_ids() == ("inc2", "inc1")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"surface": "acme-api"}, ("inc1",)),
        ({"surface": "acme-web"}, ()),
        ({"provider": "acme"}, ("inc1",)),
        ({"provider": "other"}, ()),
        ({"provider": "acme", "surface": "acme-api", "limit": 0}, ()),
    ],
)
def test_incidents_are_found_by_surface_and_provider(store, asked, found):
    lived(store, page(), DOWN)
    assert store.incident_ids(**asked) == found


# --- looks ------------------------------------------------------------------------------------------------------------


def test_a_body_is_kept_once_for_its_hash_and_compressed(store, db):
    lived(store, page(), DOWN, page(), DOWN)
    found = ask(db, "SELECT hash, body, size FROM bodies WHERE hash = ?", sha256(DOWN).hexdigest())
    assert [(zlib.decompress(body), size) for _, body, size in found] == [(DOWN, len(DOWN))]
    assert ask(db, "SELECT count(*) FROM bodies") == [(2,)]


def test_looks_in_a_row_that_went_alike_share_a_row(store, db):
    blind = PollFailure("HTTP 500", "http_500")
    lived(store, page(), blind, blind, blind)
    found = ask(db, "SELECT outcome, looks, first_at, last_at FROM observations ORDER BY id")
    assert found[1:] == [("http_500", 3, "2026-03-02T12:01:00.000Z", "2026-03-02T12:03:00.000Z")]


def test_the_page_that_was_last_seen_is_no_change_after_a_restart(store, db):
    lived(store, DOWN)
    store.record_transition(seen(DOWN, LATER), poll_page(None, DOWN, LATER), [])
    assert ask(db, "SELECT outcome, body_hash IS NULL FROM observations ORDER BY id") == [("changed", 0), ("same", 1)]


def test_a_page_that_is_as_it_was_before_the_last_change_is_a_change(store, db):
    lived(store, page(), DOWN, page())
    assert ask(db, "SELECT outcome FROM observations") == [("changed",)] * 3


def test_a_source_keeps_its_last_poll_and_its_last_usable_one(store, db):
    lived(store, page(), PollFailure("HTTP 500", "http_500"))
    found = ask(db, "SELECT looked_at, seen_at FROM sources")
    assert found == [("2026-03-02T12:01:00.000Z", "2026-03-02T12:00:00.000Z")]


# --- what channels are owed -------------------------------------------------------------------------------------------


def test_a_post_with_a_key_that_was_owed_before_is_not_owed_again(store):
    change = poll_page(None, DOWN, NOON)
    store.record_transition(None, change, [post(key="a"), post(key="a")])
    store.record_transition(None, change, [post(key="a")])
    assert [o.post.key for o in owed_to(store)] == ["a"]


def test_the_same_key_in_another_channel_is_another_post(store):
    store.record_transition(None, poll_page(None, DOWN, NOON), [post(), post(channel="C2")])
    assert store.pending_channels() == ("C1", "C2")


@pytest.mark.hostile(24)
def test_an_edit_makes_the_unsent_one_before_it_needless(store, db):
    lived(store, page(), DOWN, STILL, page(incident(update(3, "resolved", "Over.", LATER))), channels=["C1"])
    states = ask(db, "SELECT state FROM outbox WHERE kind = 'edit' ORDER BY id")
    assert states == [("superseded",), ("waiting",)]


@pytest.mark.parametrize("is_in_doubt", [True, False])
def test_an_edit_that_failed_is_not_tried_again_once_there_is_a_newer_one(store, db, is_in_doubt):
    lived(store, page(), DOWN, STILL, channels=["C1"])
    [(edit,)] = ask(db, "SELECT id FROM outbox WHERE kind = 'edit'")
    store.mark_sending(edit, NOON)
    after = page(incident(update(3, "resolved", "Over.", LATER)))
    state = store.provider_state("acme")
    change = poll_page(state, after, LATER)
    store.record_transition(None, change, posts_of(change, "C1"))
    store.mark_deferred(edit, LATER + timedelta(minutes=1), "a bad day", is_in_doubt=is_in_doubt)
    assert ask(db, "SELECT state FROM outbox WHERE kind = 'edit' ORDER BY id") == [("superseded",), ("waiting",)]


@pytest.mark.parametrize("is_in_doubt", [True, False])
def test_an_edit_that_waits_for_its_next_try_gives_way_to_a_newer_one(store, db, is_in_doubt):
    lived(store, page(), DOWN, STILL, channels=["C1"])
    [(edit,)] = ask(db, "SELECT id FROM outbox WHERE kind = 'edit'")
    store.mark_sending(edit, NOON)
    store.mark_deferred(edit, LATER + timedelta(minutes=5), "a bad day", is_in_doubt=is_in_doubt)
    change = poll_page(store.provider_state("acme"), page(incident(update(3, "resolved", "Over.", LATER))), LATER)
    store.record_transition(None, change, posts_of(change, "C1"))
    assert ask(db, "SELECT state FROM outbox WHERE kind = 'edit' ORDER BY id") == [("superseded",), ("waiting",)]


def test_an_edit_leaves_those_of_other_channels_and_incidents_alone(store, db):
    second = incident(update(7, at=LATER, api="major_outage"), number=2)
    lived(store, page(), DOWN, STILL, channels=["C1", "C2"])
    change = poll_page(store.provider_state("acme"), page(incident(), second, api="major_outage"), LATER)
    store.record_transition(None, change, posts_of(change, "C1"))
    assert ask(db, "SELECT channel FROM outbox WHERE kind = 'edit' AND state = 'waiting' AND channel = 'C2'")


def test_the_receipt_of_an_alert_is_where_its_replies_go(store):
    lived(store, page(), DOWN, STILL, channels=["C1"])
    alert, *rest = owed_to(store)
    assert alert.post.kind is NotificationKind.ALERT
    assert {o.parent_ts for o in rest} == {f"ts{alert.id}"}


def test_a_reply_waits_for_the_message_that_it_belongs_to(store, db):
    lived(store, page(), DOWN, STILL, channels=["C1"])
    ask(db, "UPDATE outbox SET id = -id WHERE kind = 'reply'")  # as if the replies had been owed first
    assert store.next_pending("C1").post.kind is NotificationKind.ALERT


def unreadable(kind, edits=""):
    """A notice of the channel C1: that Acme's page is unreadable or readable again, as an edit of another or not."""
    key = f"acme:{kind}:{NOON.isoformat()}"
    notice = Notice(kind, "acme", "Acme", key, NOON, "https://status.acme.example", NOON, edits=edits)
    return Notification("C1", NotificationKind.NOTICE, key, notice)


def test_a_notice_waits_for_the_notice_that_it_edits(store):
    blind = unreadable(NoticeKind.BLIND)
    store.enqueue([blind, unreadable(NoticeKind.BACK, edits=blind.key)], NOON)
    store.mark_sending(1, NOON)
    assert store.next_pending("C1", in_doubt_before=NOON - timedelta(seconds=10)) is None


def test_a_notice_does_not_wait_for_the_notice_that_it_edits_once_that_is_given_up(store):
    blind = unreadable(NoticeKind.BLIND)
    store.enqueue([blind, unreadable(NoticeKind.BACK, edits=blind.key)], NOON)
    store.mark_dead_lettered(1, "msg_too_long")
    assert store.next_pending("C1").id == 2


def test_a_reply_whose_message_will_never_come_is_handed_out_without_a_thread(store):
    lived(store, page(), DOWN, channels=["C1"])
    alert = store.next_pending("C1")
    store.mark_dead_lettered(alert.id, "is_archived")
    orphan = store.next_pending("C1")
    assert (orphan.post.kind, orphan.parent_ts) == (NotificationKind.REPLY, None)


def test_an_alert_is_owed_or_told_from_its_record_on(store):
    lived(store, page(), DOWN, channels=["C1", "C2"])
    assert store.notified_channels("inc1") == {"C1", "C2"}


def test_the_channel_that_waits_longest_comes_first(store):
    change = poll_page(None, DOWN, NOON)
    store.record_transition(None, change, [post(channel="C2"), post(channel="C1")])
    assert store.pending_channels() == ("C2", "C1")


def test_a_post_that_was_leaving_is_in_doubt(store, db):
    store.record_transition(None, poll_page(None, DOWN, NOON), [post()])
    store.mark_sending(store.next_pending("C1").id, NOON)
    store.close()
    with closing(Repository.open(db)) as again:
        found = again.next_pending("C1")
    assert (found.is_in_doubt, found.attempts) == (True, 1)


def test_a_post_whose_fate_is_unknown_stays_in_doubt_while_it_waits(store):
    store.record_transition(None, poll_page(None, DOWN, NOON), [post()])
    store.mark_sending(1, NOON)
    store.mark_deferred(1, LATER, "the connection broke", is_in_doubt=True)
    found = store.next_pending("C1")
    assert (found.is_in_doubt, found.due_at) == (True, LATER)


def test_a_post_that_was_refused_is_not_in_doubt(store):
    store.record_transition(None, poll_page(None, DOWN, NOON), [post()])
    store.mark_sending(1, NOON)
    store.mark_deferred(1, LATER, "ratelimited", is_in_doubt=False)
    assert not store.next_pending("C1").is_in_doubt


def test_a_parked_post_is_kept_with_its_reason_and_not_owed(store, db):
    store.record_transition(None, poll_page(None, DOWN, NOON), [post()])
    store.mark_dead_lettered(1, "is_archived")
    assert (store.pending_channels(), ask(db, "SELECT state, error FROM outbox")) == ((), [("parked", "is_archived")])


def test_a_receipt_has_the_messages_ts_and_when(store, db):
    store.record_transition(None, poll_page(None, DOWN, NOON), [post()])
    store.mark_sent(1, "1772452140.000100", LATER, is_parent=False)
    found = ask(db, "SELECT state, ts, sent_at FROM outbox")
    assert found == [("sent", "1772452140.000100", "2026-03-02T12:01:00.000Z")]


def test_a_post_in_the_form_of_another_version_is_parked_and_blocks_nothing(store, db):
    store.record_transition(None, poll_page(None, DOWN, NOON), [post(key="a"), post(key="b")])
    ask(db, "UPDATE outbox SET post = '{}' WHERE key = 'a'")
    assert store.next_pending("C1").post.key == "b"


# --- what people ask for ----------------------------------------------------------------------------------------------


def test_a_subscription_comes_back_as_it_was_made(store):
    made = Subscription("C1", "acme-api", Condition.MAJOR_OUTAGE, "U1", NOON)
    store.subscribe(made)
    assert store.subscriptions() == (made,)


def test_subscribing_again_changes_the_level(store):
    store.subscribe(Subscription("C1", "acme", created_at=NOON))
    store.subscribe(Subscription("C1", "acme", Condition.MAJOR_OUTAGE, created_at=LATER))
    assert [(s.minimum, s.created_at) for s in store.subscriptions()] == [(Condition.MAJOR_OUTAGE, NOON)]


def test_a_channel_sees_its_own_subscriptions(store):
    for channel in ("C1", "C2"):
        store.subscribe(Subscription(channel, "acme", created_at=NOON))
    assert [s.channel for s in store.subscriptions("C2")] == ["C2"]


def test_unsubscribing_says_whether_there_was_anything(store):
    store.subscribe(Subscription("C1", "acme", created_at=NOON))
    assert [store.unsubscribe("C1", "acme"), store.unsubscribe("C1", "acme")] == [True, False]


# --- worlds -----------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = {
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(0, 1),
    datetime: st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    timedelta: st.timedeltas(timedelta(0), timedelta(days=900)),
    type(None): st.none(),
}


def anything(kind):
    """Any value of a type, built from its fields down."""
    if kind in PLAIN:
        return PLAIN[kind]
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{f.name: anything(hints[f.name]) for f in dataclasses.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    parts = typing.get_args(kind)
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return st.one_of(*map(anything, parts))
    assert typing.get_origin(kind) is tuple, kind
    if parts[-1] is not Ellipsis:
        return st.tuples(*map(anything, parts))
    return st.lists(anything(parts[0]), max_size=2).map(tuple)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=anything(ProviderState).map(lambda w: replace(w, provider="acme")))
def test_any_world_comes_back_as_it_was(world):
    before = replace(world, failures=world.failures + 1)
    with tempfile.TemporaryDirectory() as folder:
        store = Repository.open(Path(folder) / "b.db")
        try:
            store.record_transition(None, StateTransition(NOON, before, world, ()), [])
            assert store.provider_state("acme") == world
        finally:
            store.close()


def spoil(db, text):
    ask(db, "UPDATE worlds SET world = ?", text)


@pytest.mark.parametrize("text", ['{"provider": 7}', "{}", "not JSON", ""])
def test_a_world_that_can_not_be_read_is_rebuilt_from_the_tables(store, db, text):
    change = lived(store, page(), DOWN)[-1]
    spoil(db, text)
    world = store.provider_state("acme")
    assert (world.seen_at, [k.incident.id for k in world.open_incidents]) == (change.at, ["inc1"])


def test_a_rebuilt_world_greets_what_it_knows_with_no_news(store, db):
    lived(store, page(), DOWN)
    spoil(db, "{}")
    again = poll_page(store.provider_state("acme"), DOWN, LATER)
    assert [e for e in again.events if e.kind.startswith(("incident", "update"))] == []


def test_a_rebuilt_world_still_notices_that_an_incident_ended(store, db):
    lived(store, page(), DOWN)
    spoil(db, "{}")
    resolved = page(incident(update(api="major_outage"), update(2, "resolved", "Over.", LATER)))
    assert "incident_resolved" in [e.kind for e in poll_page(store.provider_state("acme"), resolved, LATER).events]


def test_a_world_with_a_word_that_this_version_lacks_is_rebuilt(store, db):
    lived(store, page(), DOWN)
    text = ask(db, "SELECT world FROM worlds")[0][0]
    spoil(db, text.replace("major_outage", "on_fire"))
    assert store.provider_state("acme").tracked_incident("inc1") is not None


# --- one bot, many readers --------------------------------------------------------------------------------------------


def test_a_second_bot_is_refused(db):
    first = Repository.open(db, alone=True)
    with pytest.raises(StoreError, match=r"is in use by another Brownout.*use another"):
        Repository.open(db, alone=True)
    first.close()


@pytest.mark.sqlite
@pytest.mark.hostile(
    56,
    "the database behind a symlink, or somebody else's, or damaged",
    "one bot per real file; refused, and not touched",
)
def test_a_second_bot_is_refused_by_another_name_of_the_same_file(db, tmp_path):
    first = Repository.open(db, alone=True)
    (tmp_path / "alias.db").symlink_to(db)
    with pytest.raises(StoreError, match="is in use by another Brownout"):
        Repository.open(place(tmp_path / "alias.db"), alone=True)
    first.close()


def test_a_bot_that_ended_makes_room_for_the_next(db):
    Repository.open(db, alone=True).close()
    Repository.open(db, alone=True).close()


@pytest.mark.sqlite
def test_a_bot_that_could_not_open_its_file_makes_room_for_the_next(db):
    db.write_bytes(b"not a database" * 100)
    for _ in range(2):
        with pytest.raises(StoreError, match="not a database"):
            Repository.open(db, alone=True)


@pytest.mark.sqlite
def test_a_bot_that_was_killed_makes_room_for_the_next(db):
    script = (
        "import sys, os, signal; from bot.storage import Repository;"
        "store = Repository.open(sys.argv[1], alone=True); print('open', flush=True); signal.pause()"
    )
    bot = subprocess.Popen([sys.executable, "-c", script, str(db)], stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert bot.stdout.readline() == "open\n"
    with pytest.raises(StoreError, match="is in use by another Brownout"):
        Repository.open(db, alone=True)
    bot.kill()
    bot.communicate()
    Repository.open(db, alone=True).close()


def test_others_read_and_subscribe_while_a_bot_runs(db):
    bot = Repository.open(db, alone=True)
    lived(bot, page(), DOWN)
    guest = Repository.open(db)
    guest.subscribe(Subscription("C1", "acme", created_at=NOON))
    guest.close()
    reader = Repository.open(db, read_only=True)
    assert (reader.tracked_incident("inc1") is not None, len(bot.subscriptions())) == (True, 1)
    reader.close()
    bot.close()


def test_a_reader_sees_nothing_of_an_unfinished_transition(db, store):
    reader = Repository.open(db, read_only=True)

    def posts():
        assert reader.provider_state("acme") is None
        yield post()

    store.record_transition(seen(DOWN), poll_page(None, DOWN, NOON), posts())
    assert reader.provider_state("acme") is not None
    reader.close()


@pytest.mark.usefixtures("store")
def test_a_reader_can_not_write(db):
    reader = Repository.open(db, read_only=True)
    with pytest.raises(StoreError, match=r"read.?only"):
        reader.subscribe(Subscription("C1", "acme", created_at=NOON))
    reader.close()


@pytest.mark.sqlite
def test_a_writer_that_holds_the_file_at_length_is_named(db):
    store = Repository.open(db, patience_s=0.01)
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked; another program writes to it"):
        store.subscribe(Subscription("C1", "acme", created_at=NOON))
    other.execute("ROLLBACK")
    store.subscribe(Subscription("C1", "acme", created_at=NOON))
    other.close()
    store.close()


# --- bad files --------------------------------------------------------------------------------------------------------


def refusal(path, **how):
    with pytest.raises(StoreError) as caught:
        Repository.open(path, patience_s=0.01, **how)
    return str(caught.value)


@pytest.mark.sqlite
@pytest.mark.parametrize("how", [{}, {"read_only": True}, {"alone": True}])
def test_a_folder_that_is_not_there_is_named(tmp_path, how):
    said = refusal(tmp_path / "nowhere" / "b.db", **how)
    assert "nowhere" in said
    assert "is its folder there" in said


@pytest.mark.sqlite
def test_a_file_that_is_no_database_is_named(db):
    db.write_bytes(b"[poll]\ninterval_s = 60\n" * 100)
    assert "not a database; it is damaged or something else: move it away" in refusal(db)


@pytest.mark.sqlite
def test_a_file_that_is_no_database_is_left_as_it_is(db):
    db.write_bytes(b"[poll]\ninterval_s = 60\n" * 100)
    before = db.read_bytes()
    refusal(db)
    assert db.read_bytes() == before


@pytest.mark.sqlite
@pytest.mark.hostile(56)
def test_a_damaged_database_is_named(store, db):
    lived(store, page(), *([DOWN, page()] * 20))
    store.close()
    raw = bytearray(db.read_bytes())
    raw[4096 : 4096 * 6] = os.urandom(4096 * 5)
    db.write_bytes(raw)
    assert "it is damaged: move it away and restore a backup" in refusal(db)


@pytest.mark.sqlite
def test_a_cut_database_is_named(store, db):
    lived(store, page(), DOWN)
    store.close()
    db.write_bytes(db.read_bytes()[:9000])
    assert "it is damaged" in refusal(db)


@pytest.mark.sqlite
@pytest.mark.hostile(56)
def test_somebody_elses_database_is_refused_and_not_touched(db):
    ask_file(db, "CREATE TABLE recipes (name TEXT)")
    assert "it is not Brownout's, and nothing was written to it" in refusal(db)
    assert ask_file(db, "SELECT name FROM sqlite_master") == [("recipes",)]


@pytest.mark.sqlite
@pytest.mark.parametrize("how", [{}, {"read_only": True}])
def test_a_database_of_a_newer_version_is_refused(store, db, how):
    store.close()
    ask_file(db, "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('brownout', 'later', '')")
    assert "it is of a newer Brownout (later); update this one" in refusal(db, **how)


@pytest.mark.sqlite
def test_a_database_of_an_older_version_that_is_only_read_says_what_brings_it_up_to_date(store, db):
    store.close()
    ask(db, "DELETE FROM _sqlite_migrations WHERE id = (SELECT max(id) FROM _sqlite_migrations)")
    assert "it is of an older Brownout; `brownout run` brings it up to date" in refusal(db, read_only=True)


@pytest.mark.sqlite
def test_an_empty_file_that_is_only_read_is_named(db):
    db.touch()
    reader = Repository.open(db, read_only=True)
    with pytest.raises(StoreError, match="it is empty; `brownout run` makes it"):
        reader.provider_state("acme")
    reader.close()


@pytest.fixture
def as_guest():
    """A folder that anybody may enter, and a user who is not root: root may write everywhere."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder), lambda: os.seteuid(65534) if os.getuid() == 0 else None
        if os.getuid() == 0:
            os.seteuid(0)
        Path(folder).chmod(0o700)


@pytest.mark.sqlite
@pytest.mark.parametrize("alone", [False, True])
def test_a_read_only_file_is_named(as_guest, alone):
    folder, become_guest = as_guest
    Repository.open(folder / "b.db").close()
    (folder / "b.db").chmod(0o444)
    folder.chmod(0o555)
    become_guest()
    said = refusal(folder / "b.db", alone=alone)
    assert "may this user write in it" in said or "give this user write access" in said


@pytest.mark.sqlite
def test_a_file_that_may_not_be_read_is_named(as_guest):
    folder, become_guest = as_guest
    Repository.open(folder / "b.db").close()
    (folder / "b.db").chmod(0)
    folder.chmod(0o555)
    become_guest()
    assert "may this user write in it" in refusal(folder / "b.db", read_only=True)


@pytest.mark.sqlite
def test_opening_a_second_time_changes_nothing(store, db):
    lived(store, page(), DOWN)
    store.close()
    before = ask(db, "SELECT sql FROM sqlite_master")
    Repository.open(db).close()
    assert ask(db, "SELECT sql FROM sqlite_master") == before


# --- the file itself --------------------------------------------------------------------------------------------------


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_a_power_cut_loses_nothing_that_was_acknowledged(store, pragma, value):
    [found] = store._db.rows(f"PRAGMA {pragma}")
    assert list(found.values()) == [value]


@pytest.mark.sqlite
def test_plain_sqlite_utils_reads_it(store, db):
    lived(store, page(), DOWN)
    tables = sqlite_utils.Database(db)
    assert {"incidents", "updates", "events", "verdicts", "outbox", "subscriptions"} <= set(tables.table_names())
    assert [row["name"] for row in tables["incidents"].rows] == ["Errors on the API"]
    tables.close()


@pytest.mark.sqlite
@pytest.mark.usefixtures("store")
def test_every_table_says_what_it_holds(db):
    ours = "name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'events\\_fts\\_%' ESCAPE '\\'"
    for (sql,) in ask(db, f"SELECT sql FROM sqlite_master WHERE type = 'table' AND {ours}"):  # noqa: S608
        assert "--" in sql


@pytest.mark.sqlite
def test_a_file_after_many_transitions_is_sound(store, db):
    lived(store, page(), DOWN, STILL, page(), channels=["C1"])
    assert ask_file(db, "PRAGMA integrity_check") == [("ok",)]
    assert ask_file(db, "PRAGMA foreign_key_check") == []


class QueryRecorder:
    """Keeps what is asked."""

    def __init__(self, database):
        self.database = database
        self.asked = []

    def rows(self, sql, *values):
        self.asked.append((sql, values))
        return self.database.rows(sql, *values)

    def write(self, sql, *values):
        self.asked.append((sql, values))
        return self.database.write(sql, *values)

    def __getattr__(self, name):
        return getattr(self.database, name)


QUESTIONS = {
    "status": lambda s: s.provider_state("acme"),
    "timeline": lambda s: s.events("inc1"),
    "summary": lambda s: s.tracked_incident("inc1"),
    "last": lambda s: s.incident_ids(limit=1),
    "of a provider": lambda s: s.incident_ids(provider="acme"),
    "of a surface": lambda s: s.incident_ids(provider="acme", surface="acme-api"),
    "list": lambda s: s.subscriptions("C1"),
    "told": lambda s: s.notified_channels("inc1"),
    "outbox": lambda s: s.next_pending("C1"),
    "channels": lambda s: s.pending_channels(),
    "a stroke": lambda s: lived(s, page(), DOWN, STILL, channels=["C1"]),
}


@pytest.mark.sqlite
@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_reads_a_whole_table(store, db, question):
    lived(store, page(), DOWN, STILL, channels=["C1"])
    store._db = QueryRecorder(store._db)
    QUESTIONS[question](store)
    for sql, values in store._db.asked:
        for *_, step in ask_file(db, f"EXPLAIN QUERY PLAN {sql}", *values):
            is_scan = (
                step.startswith("SCAN") and "USING" not in step and "json_each" not in step and "candidate" not in step
            )
            assert not is_scan or step == "SCAN CONSTANT ROW", f"{step}: {sql}"


@pytest.mark.sqlite
@pytest.mark.parametrize("question", ["last", "of a provider", "of a surface", "timeline"])
def test_no_question_sorts_a_whole_table(store, db, question):
    store._db = QueryRecorder(store._db)
    QUESTIONS[question](store)
    for sql, values in store._db.asked:
        assert "USE TEMP B-TREE FOR ORDER BY" not in [
            step for (*_, step) in ask_file(db, f"EXPLAIN QUERY PLAN {sql}", *values)
        ]


@pytest.mark.sqlite
def test_what_changed_since_an_event_is_found_without_reading_earlier_ones(store, db):
    store._db = QueryRecorder(store._db)
    store.providers_changed_since(5)
    [(sql, values)] = store._db.asked
    assert all(step.startswith("SEARCH") for (*_, step) in ask_file(db, f"EXPLAIN QUERY PLAN {sql}", *values))


@pytest.mark.sqlite
def test_the_outbox_is_asked_by_the_index_of_the_unsent(store, db):
    lived(store, page(), DOWN, STILL, channels=["C1"])
    store._db = QueryRecorder(store._db)
    lived(store, page(), DOWN, STILL, channels=["C1"])
    store.next_pending("C1")
    outbox = [(s, v) for s, v in store._db.asked if "outbox" in s and not s.startswith("INSERT")]
    for sql, values in outbox:
        assert any("outbox_thread" in step for (*_, step) in ask_file(db, f"EXPLAIN QUERY PLAN {sql}", *values)), sql


WRITER = """
import itertools, sys
from datetime import timedelta
from bot.domain import Observation
from bot.storage import Repository
from tests.support.acme import NOON, poll_page
from tests.support.pages import DOWN, page
from tests.storage.test_repository import post

store, world = Repository.open(sys.argv[1], alone=True), None
for number in itertools.count():
    at = NOON + timedelta(minutes=number)
    body = DOWN if number % 2 else page()
    change = poll_page(world, body, at)
    store.record_transition(Observation("acme", at, "changed", body=body), change, [post(key=f"{at}")])
    world = change.state
    print(number, flush=True)
"""


@pytest.mark.sqlite
def test_a_kill_in_the_middle_of_transitions_leaves_every_acknowledged_one_whole(db):
    root = Path(__file__).parents[2]
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(db)], stdout=subprocess.PIPE, text=True, cwd=root)  # noqa: S603
    for line in writer.stdout:
        if line == "40\n":
            break
    writer.kill()
    acknowledged = 40 + len(writer.communicate()[0].splitlines())
    assert ask_file(db, "PRAGMA integrity_check") == [("ok",)]
    [(looks,)] = ask(db, "SELECT count(*) FROM observations")
    [(posts,)] = ask(db, "SELECT count(*) FROM outbox")
    assert acknowledged + 1 <= looks == posts <= acknowledged + 2


def test_the_keys_of_a_channel_that_begin_alike_are_in_the_order_of_the_outbox(store):
    store.enqueue([post(key=key) for key in ("a:2", "a:1", "ab", "b:1")], NOON)
    store.enqueue([post(key="a:3", channel="C2")], NOON)
    assert (store.keys_with_prefix("C1", "a:"), store.first_key("C1", "a:")) == (["a:2", "a:1"], "a:2")
