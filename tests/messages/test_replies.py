"""The answers to people's questions."""

from dataclasses import replace
from html import unescape

from bot.domain import ChannelPreferences, Condition, PollFailure, Subscription
from bot.messages import block_kit, replies
from tests.support.polls import ACME, RED, at, incident, page, update
from tests.support.slack_limits import assert_sendable

OPEN = page(incident(update("u1", api=RED)), api=RED)
DEAF = PollFailure("no answer in 10 s", "timeout")


def sendable(message):
    assert_sendable(replace(message, text=block_kit.truncate_mrkdwn(message.text, block_kit.MAX_TEXT)))
    return unescape(message.text)


# --- the rest ---------------------------------------------------------------------------------------------------------


def listed(*subscriptions, **more):
    return replies.ChannelSubscriptions(subscriptions, ChannelPreferences("C1"), **more)


def test_an_empty_list_says_how_to_begin():
    assert "/brownout subscribe" in sendable(replies.subscriptions_message(listed(), at(0)))


def test_a_list_says_what_and_from_which_severity():
    subscription = Subscription("C1", "acme", Condition.MAJOR_OUTAGE, "U1", at(0))
    said = sendable(replies.subscriptions_message(listed(subscription, names={"acme": "Acme"}), at(0)))
    assert said.splitlines()[1] == "• Acme (acme) · outage only"


def test_a_list_shows_what_is_not_watched_and_offers_to_remove_it():
    subscription = Subscription("C1", "acme", Condition.MAJOR_OUTAGE, "U1", at(0))
    message = replies.subscriptions_message(listed(subscription, unwatched={"acme": "disabled in config"}), at(0))
    assert "not watched (disabled in config)" in sendable(message)
    assert "unsubscribe acme <#C1>" in str(message.blocks)


def test_a_list_of_many_subscriptions_is_shown_whole():
    many = [Subscription("C1", f"service-{n}", Condition.DEGRADED, "U1", at(0)) for n in range(200)]
    message = replies.subscriptions_message(listed(*many), at(0))
    assert_sendable(replace(message, text="cut where it is sent"))
    assert all(f"service-{n}`" in str(message.blocks) for n in range(200))


def test_the_catalogue_names_every_surface():
    assert all(s.id in sendable(replies.surface_list_message([ACME])) for s in ACME.surfaces)
