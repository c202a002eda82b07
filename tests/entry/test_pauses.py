"""What people see and do about a channel that takes nothing any more."""

import logging

import pytest

from bot.courier import Delivery
from bot.engine import Engine
from bot.entry import app
from bot.entry.commands import answer
from bot.entry.desk import Desk
from bot.errors import Blame, DeliveryError
from bot.model import VerdictRules
from bot.voice import alerts
from tests.acme import ACME, DOWN, Chat, Web, page
from tests.voice.slack_limits import assert_sendable

pytestmark = pytest.mark.anyio

ARCHIVED = DeliveryError(
    "Slack did not take the message to C1: is_archived (unarchive the channel)",
    code="is_archived",
    permanent=True,
    blame=Blame.CHANNEL,
    remedy="unarchive the channel",
)


@pytest.fixture
def types(book, clock):
    desk = Desk((ACME,), book, clock, lambda _: VerdictRules())
    return lambda text: answer(desk, text, "C1", "U1", "ada").message.text


@pytest.fixture
async def paused(book, clock, types):
    """A channel that was archived while it was owed an alert; the courier and the delivery."""
    types("subscribe acme")
    web, chat = Web(), Chat(ARCHIVED)
    engine = Engine({"acme": ACME}, web, book, chat, clock, lambda _: VerdictRules())
    for body in (page(), DOWN):
        web.show(body)
        await engine.poll("acme")
    [done] = await engine.publish_to("C1")
    clock.move(minutes=1)
    return engine, done


@pytest.mark.usefixtures("paused")
async def test_its_list_says_why_and_what_to_do(types):
    assert "Paused since 2026-03-02 12:00 UTC" in types("list")
    assert "is_archived: unarchive the channel" in types("list")


async def test_subscribing_again_tries_it_again_and_sends_what_is_open(paused, types):
    engine, _ = paused
    assert "I try it again now." in types("subscribe acme-api")
    assert [d.outcome for d in await engine.publish_to("C1")] == ["sent", "sent"]
    assert "Paused" not in types("list")


@pytest.mark.usefixtures("paused")
async def test_who_subscribed_it_reads_which_channel_why_and_what_to_do(book):
    message = alerts.render(book.owed("U1").post)
    assert_sendable(message, mentions={"#C1"})
    assert "Slack has taken nothing of mine to <#C1> since" in message.text
    assert "is_archived: unarchive the channel" in message.text


async def test_the_log_has_a_line_for_it_once(paused, caplog):
    _, done = paused
    caplog.set_level(logging.INFO, logger="brownout")
    app.say(done)
    app.say(Delivery(done.post, "paused", "", 2))
    assert caplog.messages == [f"C1 is paused: {ARCHIVED}; what it is owed waits"]


def test_a_channel_that_takes_posts_is_not_said_to_be_paused(types):
    types("subscribe acme")
    assert "Paused" not in types("list")
