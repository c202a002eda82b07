"""Time passes for many sources in turns, so that nobody waits for all of them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.entry.app import AT_ONCE, App, _on_the_beat
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


@pytest.mark.parametrize(("ms", "beat"), [(0, 0), (1, 250), (250, 250), (251, 500), (999, 1000)])
async def test_looks_begin_on_quarters_of_a_second_and_never_before_their_time(ms, beat):
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert _on_the_beat(noon + timedelta(milliseconds=ms)) == noon + timedelta(milliseconds=beat)
