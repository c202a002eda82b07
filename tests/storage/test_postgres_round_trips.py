"""How often PostgreSQL is asked for a poll with news and for a delivery: a server far away costs that many round trips."""

import asyncio
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.app.declared import DeclaredHook
from bot.app.gathering import GatherHook
from bot.app.store_thread import StoreThread
from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from bot.queries.current import StatusQueries
from bot.storage import Repository
from tests.support.acme import ACME, NOON
from tests.support.pages import DOWN, incident, page, update
from tests.support.postgres_proxy import PostgresProxy
from tests.support.stores import SERVER, place

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not SERVER, reason="no PostgreSQL here (BROWNOUT_POSTGRES names a server to throw away)"),
]
CHANNELS = [f"C{n}" for n in range(20)]
WORSE = update(2, "identified", "Found it: the API is down in all regions.", NOON + timedelta(minutes=1))
RESOLVED = page(
    incident(update(api="major_outage"), WORSE, update(3, "resolved", "It is over.", NOON + timedelta(minutes=2)))
)
MOST = 9  # round trips
LONGER_THAN_SENDING_S = 0.06  # of what is sent together


class Counted:
    """An engine on a database behind the counting proxy; twenty channels are subscribed."""

    def __init__(self, engine, web, clock, proxy):
        self.engine, self.web, self.clock, self.proxy = engine, web, clock, proxy
        self.repository = engine.repository

    async def poll(self, body, after_s=60):
        """The round trips of one poll of this page, so many seconds after the last one."""
        self.clock.move(seconds=after_s)
        self.web.show(body)
        before = self.proxy.round_trips
        await self.engine.poll("acme")
        return self.proxy.round_trips - before


@pytest.fixture
async def counted(tmp_path, web, chat, clock):
    proxy = PostgresProxy(SERVER)
    url = str(place(tmp_path / "b.db").url).replace(SERVER, proxy.url)
    with closing(Repository.open(url, alone=True)) as repository:
        for channel in CHANNELS:
            repository.subscribe(Subscription(channel, "acme", created_at=NOON))
        engine = Engine({"acme": ACME}, web, repository, chat, clock, lambda _: VerdictParameters())
        counted = Counted(engine, web, clock, proxy)
        await counted.poll(page())
        proxy.delay_s = LONGER_THAN_SENDING_S
        yield counted
    proxy.close()


async def test_a_poll_that_changes_nothing_asks_for_nothing(counted):
    for _ in range(20):  # until its services have been well for long enough
        await counted.poll(page())
    await counted.poll(page())
    assert await counted.poll(page(), after_s=5) == 0


async def test_a_poll_that_changes_something_without_news_takes_six_with_all_that_follows(counted):
    gathering = GatherHook(counted.engine, counted.repository)
    declared = DeclaredHook(StatusQueries((ACME,), counted.repository, counted.clock, lambda _: VerdictParameters()))
    before = counted.proxy.round_trips
    counted.clock.move(seconds=60)
    assert not (await counted.engine.poll("acme")).is_unchanged
    await counted.engine.sendable_channels((), 8)
    gathering()
    declared()
    assert counted.proxy.round_trips - before <= 6


async def test_who_takes_over_reads_the_states_of_a_thousand_pages_in_three_round_trips(counted, web, chat):
    pages = {f"p{n}": replace(ACME, id=f"p{n}", surfaces=()) for n in range(1000)}
    before = counted.proxy.round_trips
    Engine(pages, web, counted.repository, chat, counted.clock, lambda _: VerdictParameters())
    assert counted.proxy.round_trips - before <= 3


async def test_an_incident_that_begins_is_recorded_in_a_handful_of_round_trips(counted):
    assert await counted.poll(DOWN) <= MOST


async def test_an_update_is_recorded_in_a_handful_of_round_trips(counted):
    await counted.poll(DOWN)
    assert await counted.poll(page(incident(update(api="major_outage"), WORSE), api="major_outage")) <= MOST


async def test_an_end_is_recorded_in_a_handful_of_round_trips(counted):
    await counted.poll(DOWN)
    assert await counted.poll(RESOLVED) <= MOST + 4  # with how good the advice was


async def test_an_alert_leaves_after_few_round_trips_and_is_recorded_as_sent_in_three(counted, chat):
    await counted.poll(DOWN)
    chat.burst = 1
    before = counted.proxy.round_trips
    await counted.engine.publish_to("C0")
    assert counted.proxy.round_trips - before <= 4 + 3


async def test_many_alerts_that_leave_together_share_their_round_trips(counted, chat):
    await counted.poll(DOWN)
    chat.burst = 1
    units = StoreThread()
    counted.engine.notifier.units = units
    before = counted.proxy.round_trips
    await asyncio.gather(*(counted.engine.publish_to(channel) for channel in CHANNELS[:8]))
    await units.close()
    assert counted.proxy.round_trips - before <= 45
