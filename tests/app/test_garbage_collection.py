"""Full garbage collections come by the calendar alone."""

import asyncio
import gc

import pytest

from bot.app import garbage_collection

pytestmark = pytest.mark.anyio


@pytest.fixture
def begun():
    before = gc.get_threshold()
    garbage_collection.freeze_loaded_objects()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class SelfReference:
    """Refers to itself, so that only a collection ends it."""

    gone = 0

    def __init__(self):
        self.me = self

    def __del__(self):
        SelfReference.gone += 1


@pytest.mark.usefixtures("begun")
def test_small_collections_go_on_and_full_ones_do_not():
    smallest, middle, full = gc.get_threshold()
    assert smallest > 0
    assert middle > 0
    assert full == garbage_collection.DISABLED_THRESHOLD


@pytest.mark.usefixtures("begun")
async def test_what_goes_round_in_circles_is_gone_after_a_sweep():
    SelfReference()
    before = SelfReference.gone
    collecting = asyncio.create_task(garbage_collection.collect_regularly(0))
    for _ in range(3):
        await asyncio.sleep(0)
    collecting.cancel()
    assert SelfReference.gone == before + 1
