"""Full garbage collections come by the calendar alone."""

import asyncio
import ctypes
import gc
import os
from pathlib import Path

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
    collecting = asyncio.create_task(garbage_collection.collect_regularly(0, 0))
    for _ in range(3):
        await asyncio.sleep(0)
    collecting.cancel()
    assert SelfReference.gone == before + 1


def resident_bytes():
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not the C library of GNU")
def test_what_was_freed_between_living_blocks_is_returned_to_the_system():
    blocks = [bytes(2_000) for _ in range(20_000)]
    kept = blocks[::100]
    del blocks
    before = resident_bytes()
    garbage_collection.return_freed_memory()
    assert before - resident_bytes() > 20_000_000, len(kept)
