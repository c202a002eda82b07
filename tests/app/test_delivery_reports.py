"""Who is told what was not delivered: in one message, once, and not before it has lasted."""

from datetime import timedelta

import pytest

from bot.app.delivery_reports import DeliveryReports
from bot.domain import DeliveryPause, Subscription, VerdictParameters
from bot.engine import Engine
from bot.errors import DeliveryError, RefusalScope
from bot.messages import alerts
from tests.support.acme import ACME, NOON
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import DOWN, incident, page, update
from tests.support.slack_limits import assert_sendable

pytestmark = pytest.mark.anyio

MINUTE, HOURLY = timedelta(minutes=1), (timedelta(hours=1),)


class Setup:
    """A bot with an owner U9, its outbox, and the hook."""

    def __init__(self, repository, clock):
        self.repository, self.clock, self.chat, self.web = repository, clock, FakeChat(), FakeFetcher()
        self.engine = Engine({"acme": ACME}, self.web, repository, self.chat, clock, lambda _: VerdictParameters())
        self.hook = DeliveryReports(self.engine, repository, lambda: ["U9"])

    def pause(self, channel, code="is_archived", *, is_person=False):
        self.repository.pause_channel(DeliveryPause(channel, code, "unarchive it", self.clock(), is_person), HOURLY)

    def told(self, reader):
        """The texts that wait for somebody."""
        self.hook()
        texts = []
        while entry := self.repository.next_pending(reader):
            message = alerts.render_notification(entry.post)
            assert_sendable(message, mentions={"@U5", *(f"#C{n}" for n in range(51))})
            texts.append(message.text)
            self.repository.mark_sent(entry.id, "1.0", self.clock(), is_parent=False)
        return texts

    async def alerted(self, *failures):
        """An alert and its reply, the first attempts failing like this."""
        self.repository.subscribe(Subscription("C1", "acme", created_by="U1", created_at=NOON))
        for body in (page(), DOWN):
            self.web.show(body)
            await self.engine.poll("acme")
        self.chat.failures = list(failures)
        await self.engine.publish_to("C1")


@pytest.fixture
def setup(repository, clock):
    return Setup(repository, clock)


def refused(code, scope):
    return DeliveryError(code, code=code, permanent=True, blame=scope)


def test_what_passes_within_a_minute_is_told_to_nobody(setup):
    setup.pause("C1")
    setup.clock.move(seconds=59)
    assert setup.told("U9") == []


def test_many_paused_channels_are_one_message(setup):
    for number in range(51):
        setup.pause(f"C{number}")
    setup.clock.move(minutes=2)
    [text] = setup.told("U9")
    assert ("Delivery paused in 51 channels." in text, "and 31 more" in text) == (True, True)


def test_a_pause_is_told_once(setup):
    setup.pause("C1")
    setup.clock.move(minutes=2)
    setup.told("U9")
    setup.pause("C1")
    setup.clock.move(minutes=2)
    assert setup.told("U9") == []


def test_a_subscriber_is_told_of_their_own_channels_only(setup):
    setup.repository.subscribe(Subscription("C1", "acme", created_by="U1", created_at=NOON))
    for channel in ("C1", "C2"):
        setup.pause(channel)
    setup.clock.move(minutes=2)
    [text] = setup.told("U1")
    assert ("C1: delivery paused." in text, "C2" in text) == (True, False)


def test_nobody_is_told_of_their_own_direct_messages(setup):
    setup.repository.subscribe(Subscription("D1", "acme", created_by="U1", created_at=NOON))
    setup.pause("D1")
    setup.clock.move(minutes=2)
    assert setup.told("U1") == []


def test_the_alerts_of_somebody_who_left_end_after_a_day_of_refusals(setup):
    setup.repository.subscribe(Subscription("U5", "acme", created_by="U5", created_at=NOON))
    for _ in range(25):
        setup.pause("U5", "user_disabled", is_person=True)
        setup.clock.move(hours=1)
    told = setup.told("U9")
    assert ("Direct messages ended." in told[0], setup.repository.subscriptions("U5")) == (True, ())


def test_they_do_not_end_before(setup):
    setup.repository.subscribe(Subscription("U5", "acme", created_by="U5", created_at=NOON))
    for _ in range(23):
        setup.pause("U5", "user_disabled", is_person=True)
        setup.clock.move(hours=1)
    setup.hook()
    assert len(setup.repository.subscriptions("U5")) == 1


def test_a_channel_never_loses_its_subscriptions(setup):
    setup.repository.subscribe(Subscription("C1", "acme", created_by="U5", created_at=NOON))
    for _ in range(50):
        setup.pause("C1")
        setup.clock.move(hours=1)
    setup.hook()
    assert len(setup.repository.subscriptions("C1")) == 1


async def test_the_owner_is_told_what_was_given_up_and_why(setup):
    await setup.alerted(refused("no_text", RefusalScope.POST))
    [text] = setup.told("U9")
    assert ("1 message not delivered." in text, "C1: no_text" in text) == (True, True)


async def test_it_is_told_once(setup):
    await setup.alerted(refused("no_text", RefusalScope.POST))
    setup.told("U9")
    setup.clock.move(minutes=10)
    assert setup.told("U9") == []


async def test_a_stop_of_everything_is_told_when_it_is_over(setup):
    await setup.alerted(refused("ekm_access_denied", RefusalScope.WORKSPACE))
    setup.hook()
    setup.clock.move(minutes=6)
    await setup.engine.publish()
    [text] = setup.told("U9")
    assert "It rejected all messages (ekm_access_denied) for 6 min." in text


async def test_a_pause_of_minutes_loses_nothing(setup):
    await setup.alerted(refused("is_archived", RefusalScope.CHANNEL))
    setup.clock.move(minutes=30)
    setup.hook()
    assert setup.repository.backlog().parked == 0


async def test_after_an_hour_what_is_over_is_given_up(setup):
    await setup.alerted(refused("is_archived", RefusalScope.CHANNEL))
    setup.web.show(page(incident(update(api="major_outage"), update(3, "resolved", "Over."))))
    for _ in range(3):
        setup.clock.move(minutes=30)
        await setup.engine.poll("acme")
    setup.hook()
    assert "C1" not in setup.repository.pending_channels(setup.clock() + timedelta(hours=2))
