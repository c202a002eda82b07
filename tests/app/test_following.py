"""What followers store, and what the bot that leads makes of it."""

import asyncio
from datetime import timedelta

import pytest

from bot.app.following import EvidenceRelay, FollowerChanges, Leadership
from bot.domain import EvidenceBatch, RequestOutcomes, TeamAlert, UserReport, VerdictParameters
from bot.engine import Engine
from bot.errors import StoreError
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher

pytestmark = pytest.mark.anyio

COUNTED = RequestOutcomes("acme-api", NOON - timedelta(minutes=1), NOON, 5, {"503": 45, "timeout": 2}, client="shop")
BATCH = EvidenceBatch(
    reports=(UserReport("acme-api", "U1", NOON),),
    outcomes=(COUNTED,),
    alerts=(TeamAlert("acme-api", "errors", NOON, NOON, NOON + timedelta(hours=1), writer="grafana"),),
)


@pytest.fixture
def engine(repository):
    return Engine({"acme": ACME}, FakeFetcher(), repository, FakeChat(), Clock(), lambda _: VerdictParameters())


@pytest.fixture
def woken():
    return []


@pytest.fixture
def changes(engine, repository, woken):
    return FollowerChanges(engine, repository, [lambda: False], lambda: woken.append(1))


async def test_a_follower_stores_evidence_as_it_came(repository):
    relay = EvidenceRelay(repository, Clock())
    await relay.take_evidence("acme", BATCH)
    assert [(provider, batch) for _, provider, batch in repository.handed_evidence.waiting()] == [("acme", BATCH)]


async def test_a_bot_that_leads_counts_evidence_at_once(repository, engine):
    await EvidenceRelay(repository, Clock(), engine=engine).take_evidence("acme", EvidenceBatch(outcomes=(COUNTED,)))
    assert len(repository._db.rows("SELECT 1 FROM outcomes")) == 1
    assert repository.handed_evidence.waiting() == ()


async def test_the_leader_counts_what_a_follower_has_stored_once(repository, changes):
    await EvidenceRelay(repository, Clock()).take_evidence("acme", EvidenceBatch(outcomes=(COUNTED,)))
    await changes.take(is_notified=True)
    assert (len(repository._db.rows("SELECT 1 FROM outcomes")), repository.handed_evidence.waiting()) == (1, ())


async def test_what_was_stored_by_others_lets_the_deliveries_look(changes, woken):
    await changes.take(is_notified=True)
    assert woken == [1]


async def test_a_look_at_nothing_new_wakes_nobody(changes, woken):
    await changes.take(is_notified=False)
    assert woken == []


async def test_evidence_of_a_provider_that_is_off_is_left_out(repository, changes):
    repository.handed_evidence.add("gone", BATCH, NOON)
    await changes.take(is_notified=False)
    assert repository.handed_evidence.waiting() == ()


async def test_a_batch_that_is_damaged_keeps_nobody_from_the_next(repository, changes):
    repository._db.insert("handed_evidence", {"provider": "acme", "batch": "{", "at": "x"})
    repository.handed_evidence.add("acme", BATCH, NOON)
    await changes.take(is_notified=False)
    assert (len(repository._db.rows("SELECT 1 FROM outcomes")), repository.handed_evidence.waiting()) == (1, ())


async def test_a_database_that_can_t_be_written_is_said_once_and_ends_nothing(engine, repository, caplog):
    def fail():
        raise StoreError("it is full")

    changes = FollowerChanges(engine, repository, [fail], lambda: None)
    for _ in range(2):
        await changes.take(is_notified=True)
    assert caplog.text.count("it is full") == 1


async def test_evidence_that_was_not_deleted_is_not_counted_in_memory_either(engine, repository, woken):
    class Stuck:
        waiting = staticmethod(repository.handed_evidence.waiting)

        def remove(self, _):
            raise StoreError("it is full")

    class Half:
        """The repository, with evidence that can't be deleted."""

        handed_evidence = Stuck()

        def __getattr__(self, name):
            return getattr(repository, name)

    repository.handed_evidence.add("acme", BATCH, NOON)
    before = engine.states["acme"]
    await FollowerChanges(engine, Half(), [], lambda: woken.append(1)).take(is_notified=False)
    assert (engine.states["acme"], repository._db.rows("SELECT 1 FROM outcomes"), woken) == (before, [], [])


async def test_a_service_of_the_leader_waits_until_this_bot_leads():
    leadership, began = Leadership(), []

    async def service():
        began.append(1)

    waiting = asyncio.create_task(leadership.run_when_leading(service))
    await asyncio.sleep(0)
    assert began == []
    leadership.has_begun.set()
    await waiting
    assert began == [1]
