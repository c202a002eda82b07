"""Modals and menus, inside Slack's limits whatever is written in them."""

import re
from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given

from bot.domain import (
    ChannelPreferences,
    Condition,
    DeliveryPause,
    DigestSchedule,
    Provider,
    QuietHours,
    Source,
    Subscription,
    Surface,
)
from bot.messages import modals, preferences
from tests.support.samples import NOON, hostile
from tests.support.slack_limits import assert_sendable, view_problems

ACME = Subscription("C1", "acme", Condition.DEGRADED, "U1", NOON, "!subteam^S1|@ops")
WEB = Subscription("C1", "bolt-web", Condition.MAJOR_OUTAGE, "U1", NOON)
NIGHT = QuietHours(time(22), time(7), "Europe/Berlin")


def block(view, block_id):
    [found] = [b["element"] for b in view["blocks"] if b.get("block_id") == block_id]
    return found


@given(hostile)
def test_slack_takes_the_note_modal_of_every_incident(title):
    assert view_problems(modals.note_modal("i1", title, "C1")) == []


def test_slack_takes_the_settings_modal():
    assert (
        view_problems(modals.settings_modal("C1", [ACME, WEB], ChannelPreferences("C1", maintenance=True, quiet=NIGHT)))
        == []
    )


@given(hostile)
def test_slack_takes_the_settings_modal_of_many_subscriptions(name):
    many = [replace(ACME, target=f"{name}{n}"[:200], mention=f"!subteam^S{n}|@{n}") for n in range(60)]
    assert view_problems(modals.settings_modal("C1", many, ChannelPreferences("C1"))) == []


def test_the_settings_of_a_paused_channel_say_so_first_and_what_mends_it():
    pause = DeliveryPause("C1", "not_in_channel", "invite the bot", NOON)
    view = modals.settings_modal("C1", [ACME], ChannelPreferences("C1"), pause)
    assert view_problems(view) == []
    assert "(not_in_channel). Fix: invite the bot" in view["blocks"][1]["text"]["text"]


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived"])
def test_what_bars_a_channel_is_said_with_what_mends_it(code):
    said = preferences.cannot_post_message(code)
    assert said.text.startswith("Saved, but Brownout can't post there")
    assert_sendable(said)


def test_what_was_not_subscribed_is_promised_nothing():
    said = preferences.cannot_post_message("channel_not_found", is_kept=False).text
    assert said == "Brownout can't post there (the channel is private). Type /invite @brownout there."


def test_the_settings_show_what_is_so_now():
    view = modals.settings_modal("C1", [ACME], ChannelPreferences("C1", maintenance=True, quiet=NIGHT))
    assert block(view, "minimum")["initial_option"]["value"] == "degraded"
    assert block(view, "mention")["initial_option"]["value"] == "!subteam^S1|@ops"
    assert block(view, "maintenance")["initial_options"][0]["value"] == "on"
    assert block(view, "quiet")["initial_value"] == "22:00-07:00 Europe/Berlin"


def test_where_subscriptions_differ_nothing_is_chosen_so_that_nothing_changes():
    view = modals.settings_modal("C1", [ACME, WEB], ChannelPreferences("C1"))
    assert "initial_option" not in block(view, "minimum")
    assert "initial_option" not in block(view, "mention")


def test_slack_takes_the_menu():
    for is_new in (True, False):
        assert_sendable(modals.status_menu_message(is_new=is_new))


def provider(number=1, surfaces=1):
    found = tuple(Surface(f"s{number}-{n}", f"p{number}", f"Surface {n} & co") for n in range(surfaces))
    return Provider(f"p{number}", f"Provider {number}", found, Source("x", "x", "statuspage", "https://x"))


def test_a_menu_offers_no_more_than_slack_takes():
    assert len(modals.surface_options([provider(1, 80), provider(2, 80)], "")) == 100


def test_every_word_that_is_typed_narrows_the_menu():
    found = modals.surface_options([provider(1, 12), provider(2, 12)], "2 surface 11")
    assert [o["value"] for o in found] == ["s2-11"]


def test_a_channels_ways_are_told_in_words():
    habits = ChannelPreferences("C1", maintenance=True, quiet=NIGHT)
    assert list(preferences.describe_preferences(habits, NOON)) == [
        "Planned maintenance: included.",
        "Quiet hours: 22:00-07:00 Europe/Berlin. Only outages are sent; the rest waits.",
    ]


DAILY = DigestSchedule(time(9), "Europe/Berlin")


def test_the_settings_show_the_digest_that_is_so_now():
    view = modals.settings_modal(
        "C1", [ACME], ChannelPreferences("C1", digest=replace(DAILY, weekday=2, on_calm=False))
    )
    assert block(view, "digest")["initial_option"]["value"] == "2"
    assert block(view, "digest_at")["initial_value"] == "09:00 Europe/Berlin"
    assert "initial_options" not in block(view, "digest_calm")
    assert view_problems(view) == []


def test_without_a_digest_none_is_chosen():
    assert (
        block(modals.settings_modal("C1", [ACME], ChannelPreferences("C1")), "digest")["initial_option"]["value"]
        == "off"
    )


MODALS = {
    "note": modals.note_modal("i1", "Errors", "C1"),
    "settings": modals.settings_modal("C1", [ACME, WEB], ChannelPreferences("C1", maintenance=True, quiet=NIGHT)),
    "settings of direct messages": modals.settings_modal("D1", [ACME], ChannelPreferences("D1")),
    "subscribe": modals.subscribe_modal(("acme", "Acme")),
}


@pytest.mark.parametrize("name", MODALS)
def test_a_label_and_a_title_in_a_modal_have_24_characters_at_most(name):
    view = MODALS[name]
    texts = [b["label"]["text"] for b in view["blocks"] if "label" in b]
    texts += [view[key]["text"] for key in ("title", "submit") if key in view]
    assert [text for text in texts if len(text) > 24] == []
    assert len(texts) > 2


@pytest.mark.parametrize("name", MODALS)
def test_a_hint_in_a_modal_is_a_sentence_or_two_of_20_words_at_most(name):
    hints = [b["hint"]["text"] for b in MODALS[name]["blocks"] if "hint" in b]
    assert [s for hint in hints for s in re.split(r"(?<=[.!?]) ", hint) if len(s.split()) > 20] == []
