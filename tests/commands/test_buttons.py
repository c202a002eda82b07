"""Buttons set what they say: a repeat changes nothing, an old one says what is so, guests only read."""

from datetime import timedelta
from html import unescape

import pytest

from bot.commands.buttons import ButtonClick, ModalSubmission, handle_click, submit_note
from bot.domain import ChatUser, EventKind, Subscription, VerdictParameters
from bot.messages import alert_actions
from bot.queries.current import StatusQueries
from tests.support.acme import ACME, NOON, Clock, poll_page
from tests.support.pages import DOWN, page

ADA, BOB = ChatUser("U1", "ada"), ChatUser("U2", "bob")


@pytest.fixture
def clock():
    return Clock(NOON + timedelta(minutes=5))


@pytest.fixture
def queries(repository, clock):
    repository.subscribe(Subscription("C1", "acme", created_at=NOON))
    repository.record_transition(None, poll_page(poll_page(None, page(), NOON).state, DOWN, NOON), [])
    return StatusQueries((ACME,), repository, clock, lambda _: VerdictParameters())


def press(queries, action, value, person=ADA, **more):
    response = handle_click(queries, ButtonClick(action, value, "C1", person, **more))
    return unescape(response.message.text) if response else None


def events(repository):
    wanted = (EventKind.ACKED, EventKind.UNACKED, EventKind.MUTED, EventKind.UNMUTED, EventKind.NOTE)
    return [str(e.kind) for e in repository.events("inc1", "C1") if e.kind in wanted]


def test_a_double_click_acknowledges_once(queries, repository):
    assert press(queries, "ack", "on inc1") is None
    assert press(queries, "ack", "on inc1") == "You acknowledged this at 12:05 UTC."
    assert (events(repository), repository.user_actions.acknowledgement("C1", "inc1").by) == (["acked"], ADA)


def test_a_hundred_presses_are_one_event(queries, repository):
    for _ in range(100):
        press(queries, "ack", "on inc1")
    assert events(repository) == ["acked"]


def test_the_undo_button_withdraws_it_and_once(queries, repository):
    press(queries, "ack", "on inc1")
    assert press(queries, "ack", "off inc1") is None
    assert press(queries, "ack", "off inc1") == "This is not acknowledged."
    assert events(repository) == ["acked", "unacked"]


def test_a_second_person_is_told_who_has_it(queries, repository):
    press(queries, "ack", "on inc1")
    for value in ("on inc1", "off inc1"):
        assert press(queries, "ack", value, BOB) == "ada acknowledged this at 12:05 UTC. Only ada can undo it."
    assert events(repository) == ["acked"]


def test_a_button_of_an_earlier_version_is_no_double_click_either(queries, repository, clock):
    for _ in range(3):
        press(queries, "ack", "inc1")
    assert events(repository) == ["acked"]
    clock.move(minutes=1)
    press(queries, "ack", "inc1")
    assert events(repository) == ["acked", "unacked"]


@pytest.mark.parametrize("choice", ["1h", "over"])
def test_a_mute_that_is_pressed_twice_is_one(queries, repository, clock, choice):
    press(queries, "mute", f"{choice} inc1")
    clock.move(seconds=5)
    assert "already" in press(queries, "mute", f"{choice} inc1")
    assert events(repository) == ["muted"]


def test_a_mute_of_another_length_counts(queries, repository):
    press(queries, "mute", "1h inc1")
    press(queries, "mute", "4h inc1")
    assert events(repository) == ["muted", "muted"]


def test_an_unmute_of_nothing_says_so(queries, repository):
    assert press(queries, "mute", "off inc1") == "This incident is not muted here."
    assert events(repository) == []


def test_a_choice_that_is_gone_leads_to_what_is_so_now(queries):
    response = handle_click(queries, ButtonClick("mute", "9y inc1", "C1", ADA))
    assert response.message.text == "This message is out of date."
    assert "'value': 'status'" in str(response.message.blocks)


def test_an_incident_of_another_database_is_out_of_date(queries, repository):
    assert "out of date" in press(queries, "ack", "on other")
    assert events(repository) == []


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
def test_people_of_another_workspace_change_nothing(queries, repository, action, value):
    assert "another workspace" in press(queries, action, value, other_team="T2")
    assert (events(repository), len(repository.subscriptions("C1"))) == ([], 1)


@pytest.mark.parametrize(
    ("action", "value"), [("summary", "inc1"), ("ask", "retry acme-api"), ("ask:1", "status"), ("pick", "acme-api")]
)
def test_people_of_another_workspace_may_read(queries, action, value):
    assert "another workspace" not in press(queries, action, value, other_team="T2")


def test_people_of_a_partner_workspace_may_act(queries, repository, clock):
    partner = StatusQueries((ACME,), repository, clock, queries.rules, partners=frozenset({"T2"}))
    assert press(partner, "ack", "on inc1", other_team="T2") is None
    assert events(repository) == ["acked"]


def note(queries, text="Ours.", metadata="C1 inc1", **more):
    return submit_note(queries, ModalSubmission("V1", metadata, {"note": text}, ADA, **more))


def test_a_note_is_recorded_before_its_modal_closes(queries, repository):
    assert (note(queries), events(repository)) == ({}, ["note"])


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ("out of date", {"metadata": "C1 gone"}),
        ("another workspace", {"other_team": "T2"}),
        ("Write the note", {"text": " "}),
    ],
)
def test_a_note_that_is_not_recorded_says_why_in_its_modal(queries, repository, said, more):
    assert said in note(queries, **more)["note"]
    assert events(repository) == []


def test_every_alert_button_says_what_it_sets():
    assert (alert_actions.ON, alert_actions.OFF) == ("on", "off")
