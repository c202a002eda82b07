"""The errands of a bot that runs: a backup when one is due, also after a restart, and beside the loop."""

import asyncio
from contextlib import closing
from datetime import timedelta

import pytest

from bot.app.maintenance import RETRY_INTERVAL, DatabaseMaintenance
from bot.domain import Observation
from bot.errors import StoreError
from bot.settings import StoreSettings as Rules
from bot.storage import Repository, backup
from tests.support.acme import NOON, poll_page
from tests.support.pages import DOWN, page

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(tmp_path):
    with closing(Repository.open(tmp_path / "b.db")) as store:
        world = None
        for number, body in enumerate((page(), DOWN)):
            change = poll_page(world, body, NOON - timedelta(days=91 - number))
            store.record_transition(Observation("acme", change.at, "changed", body=body), change, [])
            world = change.state
    return tmp_path / "b.db"


@pytest.fixture
def upkeep(db, clock):
    return DatabaseMaintenance(db, Rules(), clock)


def times(db):
    return [at for _, at in backup.list_backups(db, db.parent / "backups")]


async def test_the_first_backup_is_due_at_once(upkeep, db):
    await upkeep.back_up_if_due()
    assert times(db) == [NOON]


async def test_the_next_one_is_due_after_its_hours(upkeep, db, clock):
    for _ in range(3):
        await upkeep.back_up_if_due()
        clock.move(hours=12)
    assert times(db) == [NOON, NOON + timedelta(hours=24)]


async def test_one_that_was_missed_is_made_up_for_after_a_restart(upkeep, db, clock):
    await upkeep.back_up_if_due()
    clock.move(hours=60)
    await DatabaseMaintenance(db, Rules(), clock).back_up_if_due()
    assert times(db)[-1] == NOON + timedelta(hours=60)


async def test_after_a_restart_none_is_made_too_soon(upkeep, db, clock):
    await upkeep.back_up_if_due()
    clock.move(hours=1)
    await DatabaseMaintenance(db, Rules(), clock).back_up_if_due()
    assert times(db) == [NOON]


async def test_a_clock_that_is_set_back_makes_one_backup_and_not_one_a_minute(upkeep, db, clock):
    await upkeep.back_up_if_due()
    clock.move(hours=-48)
    for _ in range(3):
        await upkeep.back_up_if_due()
        clock.move(minutes=1)
    assert len(times(db)) == 2


async def test_what_has_failed_is_tried_again_after_a_while_and_not_at_once(upkeep, db, clock):
    (db.parent / "backups").write_text("in the way")
    with pytest.raises(StoreError):
        await upkeep.back_up_if_due()
    (db.parent / "backups").unlink()
    await upkeep.back_up_if_due()
    assert times(db) == []
    clock.move(seconds=RETRY_INTERVAL.total_seconds())
    await upkeep.back_up_if_due()
    assert len(times(db)) == 1


async def test_the_age_of_the_newest_backup_is_known(upkeep, clock):
    assert upkeep.backed_up_at() is None
    await upkeep.back_up_if_due()
    clock.move(hours=1)
    assert upkeep.backed_up_at() == NOON


def test_a_bot_that_ends_calls_its_backup_off(upkeep, db):
    async def end():
        task = asyncio.create_task(upkeep.back_up_if_due())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(end())  # which waits for its threads
    assert list(db.parent.rglob("*.partial")) == []


async def test_old_pages_are_forgotten_once_a_day(upkeep, caplog, clock):
    caplog.set_level("INFO")
    for _ in range(2):
        await upkeep.prune_if_due()
        clock.move(hours=1)
    assert [r.message for r in caplog.records] == ["deleted 1 raw pages older than 90 days"]


async def test_nothing_is_on_the_calendar_where_nothing_is_wanted(db, clock):
    assert [*DatabaseMaintenance(db, Rules(backup_every_h=0, bodies_days=0), clock).periodic_jobs()] == []
