"""Time passes for many sources in turns, so that nobody waits for all of them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.app.scheduler import TICK_BATCH_SIZE, BotApp, _align_to_grid
from bot.settings import PollSettings

pytestmark = pytest.mark.anyio


class Engine:
    """Has so many sources, and says how far it got."""

    providers = ()

    def now(self):
        return datetime(2026, 3, 2, 12, tzinfo=UTC)

    def __init__(self, sources):
        self.sources, self.reached = sources, 0

    def advance_time_by_provider(self):
        for _ in range(self.sources):
            self.reached += 1
            yield None


async def test_somebody_else_has_a_turn_while_time_passes_for_many():
    bot = BotApp(Engine(10 * TICK_BATCH_SIZE), PollSettings())
    ticking = asyncio.create_task(bot._advance_time())
    seen = set()
    while not ticking.done():
        await asyncio.sleep(0)
        seen.add(bot.engine.reached)
    assert len(seen) >= 10


async def test_time_passes_for_every_source():
    bot = BotApp(Engine(25), PollSettings())
    await bot._advance_time()
    assert bot.engine.reached == 25


@pytest.mark.parametrize(("ms", "beat"), [(0, 0), (1, 250), (250, 250), (251, 500), (999, 1000)])
async def test_looks_begin_on_quarters_of_a_second_and_never_before_their_time(ms, beat):
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert _align_to_grid(noon + timedelta(milliseconds=ms), 0.25) == noon + timedelta(milliseconds=beat)
