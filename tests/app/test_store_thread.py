"""The thread in which the running bot's units of work run, one at a time."""

import asyncio
import logging
import threading
from contextlib import asynccontextmanager

import pytest

from bot.app.store_thread import StoreThread
from bot.errors import StoreError

pytestmark = pytest.mark.anyio
TIMEOUT_S = 5


@pytest.fixture
async def units():
    thread = StoreThread()
    yield thread
    await thread.close()


class Blocked:
    """The thread is busy until this is left; ``done`` is what ran meanwhile or later, in order."""

    def __init__(self, units):
        self.units, self.go, self.done = units, threading.Event(), []

    async def __aenter__(self):
        began = asyncio.Event()
        loop = asyncio.get_running_loop()

        def block():
            loop.call_soon_threadsafe(began.set)
            self.go.wait(TIMEOUT_S)

        self.task = asyncio.create_task(self.units.run(block))
        await began.wait()
        return self

    async def __aexit__(self, *_):
        self.go.set()
        await self.task

    async def ask(self, how, *args):
        """Asks for a unit, and lets it be queued; returns its task."""
        task = asyncio.create_task(how(*args))
        await asyncio.sleep(0)
        return task


def fail():
    raise StoreError("the disk is full")


async def test_a_unit_runs_in_another_thread_and_its_result_comes_back(units):
    assert await units.run(threading.get_ident) != threading.get_ident()


async def test_units_keep_their_order(units):
    async with Blocked(units) as blocked:
        tasks = [await blocked.ask(units.run, blocked.done.append, number) for number in range(5)]
    await asyncio.gather(*tasks)
    assert blocked.done == [0, 1, 2, 3, 4]


async def test_a_delivery_goes_before_the_polls_that_wait(units):
    async with Blocked(units) as blocked:
        tasks = [await blocked.ask(units.run, blocked.done.append, "poll")]
        tasks += [await blocked.ask(units.run_next, blocked.done.append, "delivery")]
    await asyncio.gather(*tasks)
    assert blocked.done == ["delivery", "poll"]


async def test_what_a_unit_raises_is_raised_where_it_was_asked_for(units):
    with pytest.raises(StoreError, match="the disk is full"):
        await units.run(fail)


async def test_after_a_failure_the_next_unit_runs(units):
    with pytest.raises(StoreError):
        await units.run(fail)
    assert await units.run(len, "abc") == 3


async def test_the_event_loop_goes_on_while_a_unit_takes_long(units):
    async with Blocked(units):
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.sleep(0)


async def test_a_unit_runs_although_its_caller_was_cancelled(units):
    async with Blocked(units) as blocked:
        task = await blocked.ask(units.run, blocked.done.append, "recorded")
        task.cancel()
    await units.run(len, "")
    assert blocked.done == ["recorded"]


async def test_a_failure_whose_caller_was_cancelled_is_logged(units, caplog):
    async with Blocked(units) as blocked:
        (await blocked.ask(units.run, fail)).cancel()
    with caplog.at_level(logging.ERROR, logger="brownout"):
        await units.run(len, "")
    assert "the disk is full" in caplog.text


async def test_a_short_unit_runs_at_once_if_nothing_waits(units):
    assert await units.run_short(threading.get_ident) == threading.get_ident()


async def test_a_short_unit_waits_its_turn_behind_others(units):
    async with Blocked(units) as blocked:
        task = await blocked.ask(units.run_short, threading.get_ident)
    assert await task != threading.get_ident()


@asynccontextmanager
async def together(units, work, items):
    """Several items of one unit, asked for while the thread is busy."""
    async with Blocked(units) as blocked:
        tasks = [await blocked.ask(units.run_together, work, item) for item in items]
    yield await asyncio.gather(*tasks, return_exceptions=True)


async def test_items_that_wait_are_taken_together(units):
    calls = []

    def work(items):
        calls.append(list(items))
        return [item * 2 for item in items]

    async with together(units, work, [1, 2, 3]) as results:
        assert (results, calls) == ([2, 4, 6], [[1, 2, 3]])


async def test_an_item_that_fails_spoils_no_other(units):
    def work(items):
        if 2 in items:
            raise StoreError("no")
        return items

    async with together(units, work, [1, 2, 3]) as results:
        assert [getattr(r, "args", r) for r in results] == [1, ("no",), 3]


async def test_an_item_that_comes_later_has_a_run_of_its_own(units):
    assert [await units.run_together(list, item) for item in (1, 2)] == [1, 2]


async def test_the_end_waits_for_what_was_asked_for():
    units = StoreThread()
    async with Blocked(units) as blocked:
        task = await blocked.ask(units.run, blocked.done.append, "recorded")
        closing = await blocked.ask(units.close)
    await closing
    await task
    assert blocked.done == ["recorded"]


async def test_after_the_end_a_unit_is_refused():
    units = StoreThread()
    await units.close()
    with pytest.raises(StoreError, match="the bot is stopping"):
        await units.run(len, "")


async def test_after_the_end_each_item_of_a_unit_is_refused():
    units = StoreThread()
    await units.close()
    asked = (asyncio.wait_for(units.run_together(list, item), TIMEOUT_S) for item in (1, 2))
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [StoreError, StoreError]


async def test_after_the_end_a_short_unit_is_refused():
    units = StoreThread()
    await units.close()
    with pytest.raises(StoreError, match="the bot is stopping"):
        await units.run_short(len, "")


async def test_a_unit_that_raises_the_end_of_an_iteration_is_an_error_and_no_hang(units):
    with pytest.raises(RuntimeError, match="StopIteration"):
        await units.run(next, iter(()))
