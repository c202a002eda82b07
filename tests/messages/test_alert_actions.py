"""The buttons of an alert, and what it says people have done."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import (
    ChatUser,
    Condition,
    IncidentUserActions,
    Mute,
    NewsKind,
    Notification,
    NotificationKind,
    UserAction,
)
from bot.messages import alert_actions
from bot.messages.alerts import render_notification
from tests.support.samples import ALERT, NOON, OVER, alerts, at, hostile, item, line, parent, reply
from tests.support.slack_limits import assert_sendable

ADA = UserAction(ChatUser("U1", "ada"), NOON)
TWO = replace(ALERT, lines=(*ALERT.lines, line("Acme Web", Condition.DEGRADED)))


def shown(alert=ALERT, people=None):
    return [
        e for block in alert_actions.alert_buttons(alert, people or IncidentUserActions()) for e in block["elements"]
    ]


def labels(found):
    return [e.get("text", e.get("placeholder", {"text": "⋯"}))["text"] for e in found]


def test_an_alert_has_its_five_buttons():
    assert labels(shown()) == ["Why?", "I'm affected", "Acknowledge", "Mute", "⋯"]


def test_what_has_ended_is_neither_acknowledged_nor_muted():
    assert labels(shown(OVER)) == ["Why?", "I was affected", "⋯"]


def test_after_the_all_clear_there_are_the_summary_the_timeline_and_a_note():
    assert labels(shown(replace(OVER, cleared_at=at(60)))) == ["Summary", "Timeline", "Add note"]


def test_more_is_behind_three_dots():
    [more] = [e for e in shown() if e["type"] == "overflow"]
    assert [(o["text"]["text"], o["value"]) for o in more["options"]] == [
        ("This hits us", "hits i1"),
        ("Add note", "note i1"),
        ("Timeline", "timeline i1"),
        ("Share summary", "share i1"),
        ("Channel settings", "settings i1"),
    ]


@pytest.mark.parametrize(("count", "is_offered"), [(12, False), (13, True)])
def test_more_than_twelve_services_have_a_list_of_their_own(count, is_offered):
    many = replace(ALERT, lines=tuple(line(f"Acme {n}") for n in range(count)))
    [more] = [e for e in shown(many) if e["type"] == "overflow"]
    assert (more["options"][1]["text"]["text"] == f"Show all {count} services") is is_offered
    assert len(more["options"]) == 5, "Slack takes no more"


def test_several_surfaces_are_a_menu():
    [menu] = [e for e in shown(TWO) if e["action_id"] == "affected"]
    assert [(o["text"]["text"], o["value"]) for o in menu["options"]] == [
        ("Acme API", "acme-api i1"),
        ("Acme Web", "acme-web i1"),
    ]


@pytest.mark.parametrize(
    ("length", "actions"),
    [
        (140, ["why", "affected", "ack", "mute", "more"]),
        (141, ["why", "affected", "ack", "mute", "more"]),
        (142, []),  # "services" and it are more than an option's value holds
    ],
)
def test_what_an_options_value_does_not_hold_has_no_button(length, actions):
    long = replace(ALERT, incident="i" * length, lines=(line(), line("Acme Web")))
    assert [e["action_id"] for e in shown(long)] == actions


def test_a_menu_has_a_hundred_surfaces_at_most():
    many = replace(ALERT, lines=tuple(line(f"Acme {n}") for n in range(101)))
    [menu] = [e for e in shown(many) if e["action_id"] == "affected"]
    assert len(menu["options"]) == 100


@pytest.mark.parametrize(("length", "count"), [(0, 1), (2000, 2), (2001, 1)])
def test_files_are_offered_where_a_button_holds_what_they_are_of(length, count):
    assert len(alert_actions.share_buttons("status", "x" * length)["elements"]) == count


def test_an_alert_that_names_no_surface_affects_nobody():
    assert "affected" not in [e["action_id"] for e in shown(replace(ALERT, lines=()))]


def test_an_ack_and_a_mute_turn_into_their_own_undoing():
    people = IncidentUserActions(ack=ADA, mute=Mute("C1", "i1", None, ADA))
    assert labels(shown(people=people))[2:4] == ["Undo ack", "Unmute"]


def test_every_value_carries_the_incident():
    values = [e.get("value") or e["options"][-1]["value"] for e in shown(TWO)]
    assert all(value.split(" ")[-1] == "i1" for value in values)


def test_a_vendors_endless_id_gets_no_buttons():
    assert shown(replace(ALERT, incident="x" * 200)) == []


def test_what_people_did_is_in_small_print():
    people = IncidentUserActions((("acme-api", 3),), ADA, Mute("C1", "i1", at(60), ADA))
    [attachment] = render_notification(parent(), people).attachments
    small = attachment["blocks"][0]["elements"][-1]["text"]
    assert small.startswith("3 people affected  ·  Acknowledged by ada  ·  Muted until <!date^")


def test_people_who_are_affected_by_several_services_are_counted_by_service():
    people = IncidentUserActions((("acme-api", 3), ("acme-web", 1)))
    assert list(alert_actions.alert_action_texts(TWO, people)) == ["People affected: Acme API 3, Acme Web 1"]


def test_nothing_is_said_of_people_where_nobody_did_anything():
    assert list(alert_actions.alert_action_texts(ALERT, IncidentUserActions())) == []


@pytest.mark.hostile(40)
@given(alerts(), hostile, st.integers(1, 10**6))
def test_slack_takes_every_alert_whatever_people_are_called(alert, name, count):
    mark = UserAction(ChatUser("U1", name), NOON)
    affected = tuple((x.surface, count) for x in alert.lines)
    people = IncidentUserActions(affected, mark, Mute("C1", alert.incident, None, mark))
    assert_sendable(render_notification(parent(alert), people))


@pytest.mark.hostile(
    40, "a person, a note, a group called `<!channel>`", "letters; only a group picked in Slack's own list ever rings"
)
@given(hostile, hostile)
def test_slack_takes_every_note_and_it_rings_nobody(name, text):
    assert_sendable(render_notification(reply(item(NewsKind.NOTE, quote=text, by=name))))


@given(hostile)
def test_whatever_is_asked_can_be_shared_or_chosen(text):
    row = alert_actions.question_buttons([(text or "?", text or "?"), ("other", "status")])
    assert all(len(e["value"]) <= 2000 and len(e["text"]["text"]) <= 75 for e in row["elements"])


@pytest.mark.parametrize("mention", ["!subteam^S1|@ops", "!subteam^S1", "@U1|ada"])
def test_a_mention_of_ours_rings_and_nothing_else_does(mention):
    message = render_notification(Notification("C1", NotificationKind.ALERT, "k", ALERT, mentions=(mention,)))
    token = mention.partition("|")[0]
    assert message.text.endswith(f" <{token}>")
    assert message.blocks[-1]["text"]["text"] == f"<{token}>"
    assert_sendable(message, mentions={token})


@pytest.mark.hostile(40)
@pytest.mark.parametrize("mention", ["!channel", "!here", "!everyone", "#C1", "!subteam^S1> <!channel", "", "U1"])
def test_what_is_no_group_and_no_person_rings_nobody(mention):
    assert_sendable(render_notification(Notification("C1", NotificationKind.ALERT, "k", ALERT, mentions=(mention,))))
