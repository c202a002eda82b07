"""Messages that a poll takes for delivery in the transaction of its record: which, how many, and what a failure undoes."""

import asyncio

import pytest

from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from bot.errors import StoreError
from tests.support.acme import ACME, NOON
from tests.support.fake_chat import FakeChat
from tests.support.pages import DOWN, page

pytestmark = pytest.mark.anyio

FREE = 8


@pytest.fixture
def chat():
    return FakeChat(burst=1)


@pytest.fixture
def start(web, chat, repository, clock):
    """An engine whose page was well a minute ago, and so many channels."""

    async def started(*channels):
        for channel in channels:
            repository.subscribe(Subscription(channel, "acme", created_at=NOON))
        engine = Engine({"acme": ACME}, web, repository, chat, clock, lambda _: VerdictParameters())
        web.show(page())
        await engine.poll("acme")
        clock.move(minutes=1)
        web.show(DOWN)
        return engine

    return started


def states(repository):
    """Channel and state of what is in the outbox, but for what follows the alerts."""
    rows = repository._db.rows("SELECT channel, state FROM outbox WHERE kind = 'alert' ORDER BY channel")
    return [(row["channel"], row["state"]) for row in rows]


async def test_a_poll_marks_its_alert_as_sending_with_its_record(start, repository):
    engine = await start("C1")
    await engine.poll("acme", lambda: FREE)
    assert (states(repository), engine.taken_channels()) == ([("C1", "sending")], ("C1",))


async def test_without_free_deliveries_nothing_is_taken(start, repository):
    engine = await start("C1")
    await engine.poll("acme", lambda: 0)
    assert (states(repository), engine.taken_channels()) == ([("C1", "waiting")], ())


async def test_no_more_is_taken_than_may_be_sent_at_once(start, repository):
    engine = await start("C1", "C2", "C3")
    await engine.poll("acme", lambda: 2)
    assert [state for _, state in states(repository)] == ["sending", "sending", "waiting"]


async def test_no_more_is_taken_than_the_chat_accepts(start, repository, clock):
    engine = await start("C1", "C2")
    engine.limiter.posts.slow_down(clock(), 5)
    await engine.poll("acme", lambda: FREE)
    assert {state for _, state in states(repository)} == {"waiting"}


async def test_a_channel_with_a_delivery_in_progress_is_left_to_it(start, repository):
    engine = await start("C1", "C2")
    engine.claims.claim("C1")
    await engine.poll("acme", lambda: FREE)
    assert states(repository) == [("C1", "waiting"), ("C2", "sending")]


async def test_what_was_taken_is_sent_once(start, chat):
    engine = await start("C1")
    await engine.poll("acme", lambda: FREE)
    await engine.publish_to("C1")
    assert chat.said == [("post", "C1", None)]


async def test_what_was_taken_counts_against_the_limits(start, clock):
    engine = await start("C1", "C2")
    before = engine.limiter.posts.available(clock())
    await engine.poll("acme", lambda: FREE)
    assert before - engine.limiter.posts.available(clock()) == 2


async def test_what_was_not_used_of_an_allowance_may_be_sent(start, clock):
    engine = await start("C1")
    await engine.poll("acme", lambda: FREE)
    engine.taken_channels()
    assert engine.notifier.allow(FREE).posts == int(engine.limiter.posts.available(clock()))


async def fail_to_record(engine, repository):
    """A poll whose transaction fails."""
    repository.mark_sending, marks = refuse, repository.mark_sending
    with pytest.raises(StoreError):
        await engine.poll("acme", lambda: FREE)
    repository.mark_sending = marks


async def test_a_failed_commit_takes_nothing(start, repository):
    engine = await start("C1")
    await fail_to_record(engine, repository)
    assert (states(repository), engine.taken_channels(), engine.claims.claim("C1")) == ([], (), True)


async def test_the_poll_after_a_failed_commit_takes_it(start, repository):
    engine = await start("C1")
    await fail_to_record(engine, repository)
    await engine.poll("acme", lambda: FREE)
    assert states(repository) == [("C1", "sending")]


async def test_what_was_taken_waits_again_where_nothing_is_accepted_meanwhile(start, repository, chat, clock):
    engine = await start("C1")
    await engine.poll("acme", lambda: FREE)
    engine.notifier.gate.refuse("C9", "token_revoked", "", clock(), is_sure=True)
    await engine.publish_to("C1")
    assert (states(repository), chat.said) == ([("C1", "waiting")], [])


async def test_nothing_is_taken_while_the_chat_accepts_nothing(start, repository, clock):
    engine = await start("C1")
    engine.notifier.gate.refuse("C9", "token_revoked", "", clock(), is_sure=True)
    await engine.poll("acme", lambda: FREE)
    assert states(repository) == [("C1", "waiting")]


async def test_a_row_of_another_version_does_not_keep_a_poll_from_being_recorded(start, repository):
    engine = await start("C1")
    await engine.poll("acme")
    repository._db.write("""UPDATE outbox SET post = '{"newer":1,' || substr(post, 2)""")
    engine.web.show(page())
    assert (await engine.poll("acme", lambda: FREE)).events


def refuse(*_):
    raise StoreError("the disk is full")


class CancelledCaller:
    """Runs units; the caller of each is cancelled after it, or before it where it is ``early``."""

    def __init__(self, *, early):
        self.early, self.later = early, None

    async def run(self, unit, *args):
        if self.early:
            self.later = lambda: unit(*args)
        else:
            unit(*args)
        raise asyncio.CancelledError

    run_short = run


@pytest.mark.parametrize("early", [True, False])
async def test_what_the_poll_of_a_cancelled_caller_took_is_left_to_the_next_delivery(start, early):
    engine = await start("C1")
    units = engine.units = CancelledCaller(early=early)
    with pytest.raises(asyncio.CancelledError):
        await engine.poll("acme", lambda: FREE)
    if early:
        units.later()
    assert (engine.taken_channels(), engine.claims.claim("C1")) == ((), True)
