"""Time passes for many sources in turns, so that nobody waits for all of them."""

import asyncio

import pytest

from bot.entry.app import AT_ONCE, App
from bot.settings import Poll

pytestmark = pytest.mark.anyio


class Engine:
    """Has so many sources, and says how far it got."""

    providers = ()

    def __init__(self, sources):
        self.sources, self.reached = sources, 0

    def ticks(self):
        for _ in range(self.sources):
            self.reached += 1
            yield None


async def test_somebody_else_has_a_turn_while_time_passes_for_many():
    bot = App(Engine(10 * AT_ONCE), Poll())
    ticking = asyncio.create_task(bot._tick())
    seen = set()
    while not ticking.done():
        await asyncio.sleep(0)
        seen.add(bot.engine.reached)
    assert len(seen) >= 10


async def test_time_passes_for_every_source():
    bot = App(Engine(25), Poll())
    await bot._tick()
    assert bot.engine.reached == 25
