"""The answers to commands that change something, and their buttons that take it back."""

from datetime import timedelta

from bot.domain import ChatUser, Condition, Mute, Subscription, UserAction
from bot.messages import confirmations
from bot.messages.confirmations import SubscriptionChange
from tests.support.acme import NOON
from tests.support.slack_limits import assert_sendable

ACME = Subscription("C1", "acme", created_at=NOON)
STRICT = Subscription("C1", "acme", Condition.MAJOR_OUTAGE, "U1", NOON, "!subteam^S1|@ops")


def sendable(message):
    assert_sendable(message)
    return message.text


def commands(message):
    """The labels and commands of a message's buttons."""
    rows = [b for b in message.blocks if b["type"] == "actions"]
    return {e["text"]["text"]: e["value"] for row in rows for e in row["elements"]}


def change(*added, unchanged=(), undo=()):
    return SubscriptionChange([(s, "Acme") for s in added], [(s, "Acme") for s in unchanged], 2, (), undo)


def test_a_subscription_says_what_the_channel_gets():
    said = sendable(confirmations.subscribed_message(change(ACME)))
    assert said == "This channel now gets alerts for Acme (2 services, all severities)."


def test_a_subscription_that_is_there_already_says_so_without_an_undo():
    message = confirmations.subscribed_message(change(unchanged=[STRICT]))
    assert sendable(message).startswith("This channel already gets alerts for Acme (outage only, mention @ops")
    assert commands(message) == {"Change": "settings <#C1>"}


def test_another_channel_is_a_link():
    message = confirmations.subscribed_message(change(ACME), "C2")
    assert "<#C1> now gets alerts" in str(message.blocks)
    assert sendable(message).startswith("#C1 now gets alerts")


def test_direct_messages_are_you():
    own = Subscription("U1", "acme", created_at=NOON)
    assert sendable(confirmations.subscribed_message(change(own))).startswith("You now get alerts for Acme")


def test_the_end_of_a_subscription_can_be_taken_back_as_it_was():
    message = confirmations.unsubscribed_message([(STRICT, "Acme")], [], "C1", "C2")
    assert "No more alerts for Acme in #C1." in sendable(message)
    assert commands(message) == {"Undo": "subscribe acme min:outage mention:<!subteam^S1|@ops> <#C1>"}


def test_the_end_of_nothing_leads_to_what_there_is():
    message = confirmations.unsubscribed_message([], ["Acme"], "C1")
    assert sendable(message) == "This channel has no alerts for Acme."
    assert commands(message) == {"Subscriptions": "list <#C1>"}


def test_many_equal_subscriptions_are_taken_back_at_once():
    both = [(ACME, "Acme"), (Subscription("C1", "globex", created_at=NOON), "Globex")]
    assert commands(confirmations.unsubscribed_message(both, [], "C1")) == {
        "Undo": "subscribe acme globex min:degraded mention:off <#C1>"
    }


def test_a_mute_says_until_when_and_by_whom():
    mute = Mute("C1", "acme", NOON + timedelta(hours=2), UserAction(ChatUser("U1", "ada"), NOON))
    message = confirmations.muted_message([mute], ["Acme"])
    assert sendable(message).startswith("Acme muted in this channel until 14:00 UTC, by ada.")
    assert "<!date^" in str(message.blocks)
    assert commands(message) == {"Unmute": "unmute acme <#C1>"}


def test_the_first_line_has_the_emoji_and_the_plain_text_has_none():
    mute = Mute("C1", "acme", None, UserAction(ChatUser("U1", "ada"), NOON))
    message = confirmations.muted_message([mute], ["Acme"])
    assert message.blocks[0]["text"]["text"].startswith(":no_bell: *Acme* muted")
    assert "no_bell" not in message.text
