"""Modals and menus, inside Slack's limits whatever is written in them."""

from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given

from bot.model import Condition, Digest, Habits, Pause, Provider, Quiet, Source, Subscription, Surface
from bot.voice import views, ways
from tests.voice.samples import NOON, hostile
from tests.voice.slack_limits import assert_sendable, view_problems

ACME = Subscription("C1", "acme", Condition.DEGRADED, "U1", NOON, "!subteam^S1|@ops")
WEB = Subscription("C1", "bolt-web", Condition.MAJOR_OUTAGE, "U1", NOON)
NIGHT = Quiet(time(22), time(7), "Europe/Berlin")


def block(view, block_id):
    [found] = [b["element"] for b in view["blocks"] if b.get("block_id") == block_id]
    return found


@given(hostile)
def test_slack_takes_the_note_modal_of_every_incident(title):
    assert view_problems(views.note("i1", title, "C1")) == []


def test_slack_takes_the_settings_modal():
    assert view_problems(views.settings("C1", [ACME, WEB], Habits("C1", maintenance=True, quiet=NIGHT))) == []


@given(hostile)
def test_slack_takes_the_settings_modal_of_many_subscriptions(name):
    many = [replace(ACME, target=f"{name}{n}"[:200], mention=f"!subteam^S{n}|@{n}") for n in range(60)]
    assert view_problems(views.settings("C1", many, Habits("C1"))) == []


def test_the_settings_of_a_paused_channel_say_so_first_and_what_mends_it():
    pause = Pause("C1", "not_in_channel", "invite the bot", NOON)
    view = views.settings("C1", [ACME], Habits("C1"), pause)
    assert view_problems(view) == []
    assert "not_in_channel: invite the bot" in view["blocks"][1]["text"]["text"]


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived"])
def test_what_bars_a_channel_is_said_with_what_mends_it(code):
    said = ways.barred(code)
    assert said.text.startswith("I can't post there yet")
    assert_sendable(said)


def test_the_settings_show_what_is_so_now():
    view = views.settings("C1", [ACME], Habits("C1", maintenance=True, quiet=NIGHT))
    assert block(view, "minimum")["initial_option"]["value"] == "degraded"
    assert block(view, "mention")["initial_option"]["value"] == "!subteam^S1|@ops"
    assert block(view, "maintenance")["initial_options"][0]["value"] == "on"
    assert block(view, "quiet")["initial_value"] == "22:00-07:00 Europe/Berlin"


def test_where_subscriptions_differ_nothing_is_chosen_so_that_nothing_changes():
    view = views.settings("C1", [ACME, WEB], Habits("C1"))
    assert "initial_option" not in block(view, "minimum")
    assert "initial_option" not in block(view, "mention")


def test_slack_takes_the_menu():
    for is_new in (True, False):
        assert_sendable(views.menu(is_new=is_new))


def provider(number=1, surfaces=1):
    found = tuple(Surface(f"s{number}-{n}", f"p{number}", f"Surface {n} & co") for n in range(surfaces))
    return Provider(f"p{number}", f"Provider {number}", found, Source("x", "x", "statuspage", "https://x"))


def test_a_menu_offers_no_more_than_slack_takes():
    assert len(views.options([provider(1, 80), provider(2, 80)], "")) == 100


def test_every_word_that_is_typed_narrows_the_menu():
    found = views.options([provider(1, 12), provider(2, 12)], "2 surface 11")
    assert [o["value"] for o in found] == ["s2-11"]


def test_a_channels_ways_are_told_in_words():
    habits = Habits("C1", maintenance=True, quiet=NIGHT)
    assert list(ways.described([ACME], habits, NOON)) == [
        "• **acme**, from “degraded” up, since 2026-05-04 12:00 UTC; a complete outage rings @ops",
        "Maintenances are told too.",
        "Quiet hours: 22:00-07:00 Europe/Berlin. Only a complete outage is told in them; the rest waits.",
    ]


DAILY = Digest(time(9), "Europe/Berlin")


def test_the_settings_show_the_digest_that_is_so_now():
    view = views.settings("C1", [ACME], Habits("C1", digest=replace(DAILY, weekday=2, on_calm=False)))
    assert block(view, "digest")["initial_option"]["value"] == "2"
    assert block(view, "digest_at")["initial_value"] == "09:00 Europe/Berlin"
    assert "initial_options" not in block(view, "digest_calm")
    assert view_problems(view) == []


def test_without_a_digest_none_is_chosen():
    assert block(views.settings("C1", [ACME], Habits("C1")), "digest")["initial_option"]["value"] == "off"
