"""The buttons of an alert, and what it says people have done."""

from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Condition, Mark, Mute, News, People, Person, Post, PostKind
from bot.voice import hands
from bot.voice.alerts import render
from tests.voice.samples import ALERT, NOON, OVER, alerts, at, hostile, item, line, parent, reply
from tests.voice.slack_limits import assert_sendable

ADA = Mark(Person("U1", "ada"), NOON)
TWO = replace(ALERT, lines=(*ALERT.lines, line("Acme Web", Condition.DEGRADED)))


def shown(alert=ALERT, people=None):
    return [e for block in hands.buttons(alert, people or People()) for e in block["elements"]]


def labels(found):
    return [e["text"]["text"] if "text" in e else e["placeholder"]["text"] for e in found]


def test_an_alert_has_its_five_buttons():
    assert labels(shown()) == ["Summary", "I'm affected", "Ack", "Mute here…", "Note…"]


def test_what_is_over_is_neither_acknowledged_nor_muted():
    assert labels(shown(OVER)) == ["Summary", "I was affected", "Note…"]


def test_several_surfaces_are_a_menu():
    [menu] = [e for e in shown(TWO) if e["action_id"] == "affected"]
    assert [(o["text"]["text"], o["value"]) for o in menu["options"]] == [
        ("Acme API", "acme-api i1"),
        ("Acme Web", "acme-web i1"),
    ]


@pytest.mark.parametrize(
    ("length", "actions"),
    [
        (140, ["summary", "affected", "ack", "mute", "note"]),
        (145, ["summary", "ack", "mute", "note"]),  # "acme-api" and it are more than an option's value holds
        (146, []),  # as "over" and it are
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
    assert len(hands.share("status", "x" * length)["elements"]) == count


def test_an_alert_that_names_no_surface_affects_nobody():
    assert "affected" not in [e["action_id"] for e in shown(replace(ALERT, lines=()))]


def test_an_ack_and_a_mute_turn_into_their_own_undoing():
    people = People(ack=ADA, mute=Mute("C1", "i1", None, ADA))
    assert labels(shown(people=people))[2:4] == ["Undo ack", "Unmute"]


def test_every_value_carries_the_incident():
    values = [e.get("value") or e["options"][0]["value"] for e in shown(TWO)]
    assert all(value.split(" ")[-1] == "i1" for value in values)


def test_a_vendors_endless_id_gets_no_buttons():
    assert shown(replace(ALERT, incident="x" * 200)) == []


def test_what_people_did_is_in_the_plain_text_and_in_the_blocks():
    people = People((("acme-api", 3),), ADA, Mute("C1", "i1", at(60), ADA))
    message = render(parent(), people)
    for said in (
        "People affected here: Acme API 3.",
        "Acknowledged by ada at 12:00 UTC.",
        "Muted in this channel by ada until 2026-05-04 13:00 UTC.",
    ):
        assert said in unescape(message.text)
        assert said in unescape(str(message.blocks))


def test_nothing_is_said_of_people_where_nobody_did_anything():
    assert list(hands.spoken(ALERT, People())) == []


@pytest.mark.hostile(40)
@given(alerts(), hostile, st.integers(1, 10**6))
def test_slack_takes_every_alert_whatever_people_are_called(alert, name, count):
    mark = Mark(Person("U1", name), NOON)
    affected = tuple((x.surface, count) for x in alert.lines)
    people = People(affected, mark, Mute("C1", alert.incident, None, mark))
    assert_sendable(render(parent(alert), people))


@pytest.mark.hostile(
    40, "a person, a note, a group called `<!channel>`", "letters; only a group picked in Slack's own list ever rings"
)
@given(hostile, hostile)
def test_slack_takes_every_note_and_it_rings_nobody(name, text):
    assert_sendable(render(reply(item(News.NOTE, quote=text, by=name))))


@given(hostile)
def test_whatever_is_asked_can_be_shared_or_chosen(text):
    row = hands.asks([(text or "?", text or "?"), ("other", "status")])
    assert all(len(e["value"]) <= 2000 and len(e["text"]["text"]) <= 75 for e in row["elements"])


@pytest.mark.parametrize("mention", ["!subteam^S1|@ops", "!subteam^S1", "@U1|ada"])
def test_a_mention_of_ours_rings_and_nothing_else_does(mention):
    message = render(Post("C1", PostKind.ALERT, "k", ALERT, mentions=(mention,)))
    token = mention.partition("|")[0]
    assert message.text.startswith(f"<{token}> Acme: Acme API down")
    assert_sendable(message, mentions={token})


@pytest.mark.hostile(40)
@pytest.mark.parametrize("mention", ["!channel", "!here", "!everyone", "#C1", "!subteam^S1> <!channel", "", "U1"])
def test_what_is_no_group_and_no_person_rings_nobody(mention):
    assert_sendable(render(Post("C1", PostKind.ALERT, "k", ALERT, mentions=(mention,))))
