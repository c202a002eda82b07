"""Full garbage collections come by the calendar alone."""

import gc

import pytest

from bot.entry import sweep

pytestmark = pytest.mark.anyio


@pytest.fixture
def begun():
    before = gc.get_threshold()
    sweep.begin()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Ring:
    """Refers to itself, so that only a collection ends it."""

    gone = 0

    def __init__(self):
        self.me = self

    def __del__(self):
        Ring.gone += 1


@pytest.mark.usefixtures("begun")
def test_small_collections_go_on_and_full_ones_do_not():
    smallest, middle, full = gc.get_threshold()
    assert smallest > 0
    assert middle > 0
    assert full == sweep.NEVER


@pytest.mark.usefixtures("begun")
async def test_what_goes_round_in_circles_is_gone_after_a_sweep():
    Ring()
    before = Ring.gone
    await sweep.errand().do()
    assert Ring.gone == before + 1
