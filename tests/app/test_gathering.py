"""Many first alerts that wait in a channel become one message with a list; what is not replaced by it."""

from datetime import timedelta

import pytest

from bot.app.gathering import MOST_ALERTS, GatherHook
from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from tests.support.acme import ACME, NOON
from tests.support.fake_chat import FakeChannels
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import incident, page, update

pytestmark = pytest.mark.anyio


class Storm:
    """A channel, and so many incidents that begin at one poll."""

    def __init__(self, repository, clock):
        self.repository, self.clock, self.web, self.chat = repository, clock, FakeFetcher(), FakeChannels()
        repository.subscribe(Subscription("C1", "acme", created_at=NOON))
        self.engine = Engine({"acme": ACME}, self.web, repository, self.chat, clock, lambda _: VerdictParameters())
        self.hook = GatherHook(self.engine, repository)

    async def shows(self, *incidents, api="partial_outage"):
        self.web.show(page(*incidents, api=api))
        await self.engine.poll("acme")
        self.clock.move(minutes=1)

    async def begins(self, count):
        await self.shows(api="operational")
        await self.shows(*many(count))

    def sent(self):
        """What the channel got: the text of each message that is not in a thread."""
        return [text for _, thread, _, text in self.chat.posts if thread is None]


def many(count, **last):
    return [incident(update(10 + n, **last), number=n, name=f"Errors {n}") for n in range(1, count + 1)]


@pytest.fixture
def storm(repository, clock):
    return Storm(repository, clock)


async def test_as_many_as_may_wait_have_a_message_each(storm):
    await storm.begins(MOST_ALERTS)
    assert not storm.hook()


async def test_more_of_them_are_one_message(storm):
    await storm.begins(MOST_ALERTS + 1)
    gathered = storm.hook()
    await storm.engine.publish()
    assert (gathered, len(storm.sent()), "11 new incidents at 1 provider" in storm.sent()[0]) == (True, 1, True)


async def test_each_incident_is_in_the_list(storm):
    await storm.begins(MOST_ALERTS + 5)
    storm.hook()
    await storm.engine.publish()
    assert [n for n in range(1, MOST_ALERTS + 6) if f"Errors {n} " not in storm.sent()[0]] == []


async def test_nothing_is_left_to_gather_afterwards(storm):
    await storm.begins(MOST_ALERTS + 5)
    storm.hook()
    assert not storm.hook()


async def test_a_complete_outage_has_its_own_message_before_the_list(storm):
    await storm.begins(MOST_ALERTS + 1)
    worst = incident(update(99, api="major_outage"), number=99, name="All down")
    await storm.shows(*many(MOST_ALERTS + 1), worst, api="major_outage")
    storm.hook()
    await storm.engine.publish()
    assert ["incidents at" in text for text in storm.sent()] == [False, True]


async def test_later_updates_go_to_the_thread_of_the_list(storm):
    await storm.begins(MOST_ALERTS + 1)
    storm.hook()
    await storm.engine.publish()
    _, *others = many(MOST_ALERTS + 1)
    news = incident(update(11), update(50, "identified", "Found the cause."), number=1, name="Errors 1")
    await storm.shows(news, *others)
    await storm.engine.publish()
    assert [thread for _, thread, _, text in storm.chat.posts if "Found the cause" in text] == ["1"]


async def test_what_may_have_been_sent_is_not_in_the_list(storm):
    await storm.begins(MOST_ALERTS + 2)
    entry = storm.repository.next_pending("C1")
    storm.repository.mark_sending(entry.id, storm.clock.at)
    storm.hook()
    states = {r["state"] for r in storm.repository._db.rows("SELECT state FROM outbox WHERE id = ?", entry.id)}
    assert states == {"sending"}


async def test_an_incident_that_ended_while_it_waited_is_listed_as_over(storm):
    await storm.begins(MOST_ALERTS + 1)
    _, *others = many(MOST_ALERTS + 1)
    ended = incident(
        update(11), update(50, "resolved", "Over.", at=NOON + timedelta(minutes=2)), number=1, name="Errors 1"
    )
    await storm.shows(ended, *others)
    storm.hook()
    await storm.engine.publish()
    assert ", ended at" in storm.sent()[0]


async def test_incidents_that_begin_while_a_list_waits_join_it(storm):
    await storm.begins(MOST_ALERTS + 1)
    storm.hook()
    await storm.shows(*many(MOST_ALERTS + 3))
    storm.hook()
    await storm.engine.publish()
    assert ["13 new incidents" in text for text in storm.sent()] == [True]


async def test_incidents_that_begin_after_a_list_was_sent_have_their_own_messages(storm):
    await storm.begins(MOST_ALERTS + 1)
    storm.hook()
    await storm.engine.publish()
    await storm.shows(*many(MOST_ALERTS + 3))
    storm.hook()
    await storm.engine.publish()
    assert ["new incidents" in text for text in storm.sent()] == [True, False, False]


async def test_a_list_that_was_lengthened_keeps_its_place(storm):
    await storm.begins(MOST_ALERTS + 1)
    storm.hook()
    place = storm.repository.next_pending("C1").id
    await storm.shows(*many(MOST_ALERTS + 3))
    storm.hook()
    assert storm.repository.next_pending("C1").id == place
