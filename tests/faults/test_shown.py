"""The short form of ``python -m tests.faults shown``."""

import pytest

from tests.faults import shown

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("seed", "1236")
async def test_a_bad_day_shows_nothing_red_as_normal_nothing_that_has_passed_and_holds_no_alert_up(seed):
    assert await shown.random_day(seed).play(600) == []


@pytest.mark.parametrize("first", [0, 1900])
async def test_recorded_polls_on_a_bad_day_do_none_of_it(shared, first):
    day = shown.recorded_day(str(first), shown.recorded_polls(shared, first, 300))
    assert await day.play(300) == []


@pytest.mark.parametrize("mutant", shown.MUTANTS, ids=lambda m: m.name)
async def test_a_control_is_caught(mutant):
    assert (await shown.first_broken(7, mutant, days=4))[1]


async def test_a_bad_day_has_every_kind_of_fault():
    day = shown.random_day("1")
    await day.play(300)
    assert (day.faults["clock steps"] > 0, day.faults["network losses"] > 0, len(day.chat.codes) > 3) == (True,) * 3
