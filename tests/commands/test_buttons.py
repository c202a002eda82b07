"""Buttons set what they say: a repeat changes nothing, an old one says what is so, guests only read."""

from datetime import timedelta
from html import unescape

import pytest

from bot.commands.buttons import ButtonClick, ModalSubmission, handle_click, submit_note
from bot.domain import ChatUser, EventKind, Subscription, VerdictParameters
from bot.messages import alert_actions
from bot.queries.current import StatusQueries
from tests.support.acme import ACME, NOON, Clock, look
from tests.support.pages import DOWN, page

ADA, BOB = ChatUser("U1", "ada"), ChatUser("U2", "bob")


@pytest.fixture
def clock():
    return Clock(NOON + timedelta(minutes=5))


@pytest.fixture
def desk(book, clock):
    book.subscribe(Subscription("C1", "acme", created_at=NOON))
    book.record_transition(None, look(look(None, page(), NOON).state, DOWN, NOON), [])
    return StatusQueries((ACME,), book, clock, lambda _: VerdictParameters())


def press(desk, action, value, person=ADA, **more):
    response = handle_click(desk, ButtonClick(action, value, "C1", person, **more))
    return unescape(response.message.text) if response else None


def events(book):
    wanted = (EventKind.ACKED, EventKind.UNACKED, EventKind.MUTED, EventKind.UNMUTED, EventKind.NOTE)
    return [str(e.kind) for e in book.events("inc1", "C1") if e.kind in wanted]


def test_a_double_click_acknowledges_once(desk, book):
    assert press(desk, "ack", "on inc1") is None
    assert press(desk, "ack", "on inc1") == "You acknowledged this at 12:05 UTC."
    assert (events(book), book.user_actions.acknowledgement("C1", "inc1").by) == (["acked"], ADA)


def test_a_hundred_presses_are_one_event(desk, book):
    for _ in range(100):
        press(desk, "ack", "on inc1")
    assert events(book) == ["acked"]


def test_the_undo_button_withdraws_it_and_once(desk, book):
    press(desk, "ack", "on inc1")
    assert press(desk, "ack", "off inc1") is None
    assert press(desk, "ack", "off inc1") == "This is not acknowledged."
    assert events(book) == ["acked", "unacked"]


def test_a_second_person_is_told_who_has_it(desk, book):
    press(desk, "ack", "on inc1")
    for value in ("on inc1", "off inc1"):
        assert press(desk, "ack", value, BOB) == "ada acknowledged this at 12:05 UTC. Only ada can undo it."
    assert events(book) == ["acked"]


def test_a_button_of_an_earlier_version_is_no_double_click_either(desk, book, clock):
    for _ in range(3):
        press(desk, "ack", "inc1")
    assert events(book) == ["acked"]
    clock.move(minutes=1)
    press(desk, "ack", "inc1")
    assert events(book) == ["acked", "unacked"]


@pytest.mark.parametrize("choice", ["1h", "over"])
def test_a_mute_that_is_pressed_twice_is_one(desk, book, clock, choice):
    press(desk, "mute", f"{choice} inc1")
    clock.move(seconds=5)
    assert "already" in press(desk, "mute", f"{choice} inc1")
    assert events(book) == ["muted"]


def test_a_mute_of_another_length_counts(desk, book):
    press(desk, "mute", "1h inc1")
    press(desk, "mute", "4h inc1")
    assert events(book) == ["muted", "muted"]


def test_an_unmute_of_nothing_says_so(desk, book):
    assert press(desk, "mute", "off inc1") == "This incident is not muted here."
    assert events(book) == []


def test_a_choice_that_is_gone_leads_to_what_is_so_now(desk):
    response = handle_click(desk, ButtonClick("mute", "9y inc1", "C1", ADA))
    assert response.message.text == "This message is out of date."
    assert "'value': 'status'" in str(response.message.blocks)


def test_an_incident_of_another_database_is_out_of_date(desk, book):
    assert "out of date" in press(desk, "ack", "on other")
    assert events(book) == []


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("ack", "on inc1"),
        ("mute", "over inc1"),
        ("affected", "acme-api inc1"),
        ("note", "inc1"),
        ("share", "status"),
        ("ask", "unsubscribe acme"),
        ("watch", "never mind"),
    ],
)
def test_people_of_another_workspace_change_nothing(desk, book, action, value):
    assert "another workspace" in press(desk, action, value, other_team="T2")
    assert (events(book), len(book.subscriptions("C1"))) == ([], 1)


@pytest.mark.parametrize(
    ("action", "value"), [("summary", "inc1"), ("ask", "retry acme-api"), ("ask:1", "status"), ("pick", "acme-api")]
)
def test_people_of_another_workspace_may_read(desk, action, value):
    assert "another workspace" not in press(desk, action, value, other_team="T2")


def test_people_of_a_partner_workspace_may_act(desk, book, clock):
    partner = StatusQueries((ACME,), book, clock, desk.rules, partners=frozenset({"T2"}))
    assert press(partner, "ack", "on inc1", other_team="T2") is None
    assert events(book) == ["acked"]


def note(desk, text="Ours.", metadata="C1 inc1", **more):
    return submit_note(desk, ModalSubmission("V1", metadata, {"note": text}, ADA, **more))


def test_a_note_is_recorded_before_its_modal_closes(desk, book):
    assert (note(desk), events(book)) == ({}, ["note"])


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ("out of date", {"metadata": "C1 gone"}),
        ("another workspace", {"other_team": "T2"}),
        ("Write the note", {"text": " "}),
    ],
)
def test_a_note_that_is_not_recorded_says_why_in_its_modal(desk, book, said, more):
    assert said in note(desk, **more)["note"]
    assert events(book) == []


def test_every_alert_button_says_what_it_sets():
    assert (alert_actions.ON, alert_actions.OFF) == ("on", "off")
