"""What people see and do about a channel that takes nothing any more."""

import logging

import pytest

from bot.app import scheduler
from bot.app.delivery_reports import DeliveryReports
from bot.commands.registry import answer_command
from bot.domain import VerdictParameters
from bot.engine import Engine
from bot.errors import DeliveryError, RefusalScope
from bot.messages import alerts
from bot.notifier import DeliveryAttempt
from bot.queries.current import StatusQueries
from tests.support.acme import ACME
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import DOWN, page
from tests.support.slack_limits import assert_sendable

pytestmark = pytest.mark.anyio

ARCHIVED = DeliveryError(
    "Slack did not take the message to C1: is_archived (unarchive the channel)",
    code="is_archived",
    permanent=True,
    blame=RefusalScope.CHANNEL,
    remedy="unarchive the channel",
)


@pytest.fixture
def types(repository, clock):
    queries = StatusQueries((ACME,), repository, clock, lambda _: VerdictParameters())
    return lambda text: answer_command(queries, text, "C1", "U1", "ada").message.text


@pytest.fixture
async def paused(repository, clock, types):
    """A channel that was archived while it was owed an alert; the notifier and the delivery."""
    types("subscribe acme")
    web, chat = FakeFetcher(), FakeChat(ARCHIVED)
    engine = Engine({"acme": ACME}, web, repository, chat, clock, lambda _: VerdictParameters())
    for body in (page(), DOWN):
        web.show(body)
        await engine.poll("acme")
    [done] = await engine.publish_to("C1")
    clock.move(minutes=1)
    return engine, done


@pytest.mark.usefixtures("paused")
async def test_its_list_says_why_and_what_to_do(types):
    assert "Delivery paused since 2026-03-02 12:00 UTC" in types("list")
    assert "(is_archived). Fix: unarchive the channel" in types("list")


async def test_subscribing_again_tries_it_again_and_sends_what_is_open(paused, types):
    engine, _ = paused
    assert "It is tried again now." in types("subscribe acme-api")
    assert [d.outcome for d in await engine.publish_to("C1")] == ["sent", "sent"]
    assert "Paused" not in types("list")


async def test_who_subscribed_it_reads_which_channel_why_and_what_to_do(paused, repository, clock):
    engine, _ = paused
    clock.move(minutes=1)
    DeliveryReports(engine, repository, tuple)()
    message = alerts.render_notification(repository.next_pending("U1").post)
    assert_sendable(message, mentions={"#C1"})
    assert "C1: delivery paused. Slack rejects messages (is_archived) since" in message.text
    assert "Fix: unarchive the channel." in message.text


async def test_the_log_has_a_line_for_it_once(paused, caplog):
    _, done = paused
    caplog.set_level(logging.INFO, logger="brownout")
    scheduler.log_delivery(done)
    scheduler.log_delivery(DeliveryAttempt(done.post, "paused", "", 2))
    assert caplog.messages == [f"C1: delivery paused: {ARCHIVED}; its messages are queued"]


def test_a_channel_that_takes_posts_is_not_said_to_be_paused(types):
    types("subscribe acme")
    assert "Paused" not in types("list")
