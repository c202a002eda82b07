"""The demo's clock, with the wall's seconds counted by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.app.clock import FastClock, StepDetector
from tests.support.acme import Clock

pytestmark = pytest.mark.anyio

START = datetime(2026, 3, 2, 11, 45, tzinfo=UTC)


class FakeWallClock:
    """Seconds that pass when we say so."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


def test_a_fast_clock_begins_at_its_start():
    assert FastClock(START, 120, elapsed=FakeWallClock()).now() == START


def test_a_second_on_the_wall_is_two_minutes_at_120():
    wall = FakeWallClock()
    clock = FastClock(START, 120, elapsed=wall)
    wall.seconds += 1
    assert clock.now() == START + timedelta(minutes=2)


def test_the_demo_day_takes_less_than_three_minutes():
    day = datetime(2026, 3, 2, 17, tzinfo=UTC) - START
    assert FastClock(START, 120, elapsed=FakeWallClock()).wall_s(day.total_seconds()) == 157.5


async def test_a_fast_clock_waits_until_its_own_moment():
    clock = FastClock(START, 100_000)
    await clock.sleep_until(START + timedelta(hours=1))
    assert clock.now() >= START + timedelta(hours=1)


async def test_a_wait_for_what_has_passed_is_none():
    clock = FastClock(START, 1, elapsed=FakeWallClock())  # whose hands do not move: a wait would never end
    await clock.sleep_until(START)
    await clock.sleep(-5)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_time_runs_forward_or_not_at_all(speed):
    with pytest.raises(ValueError, match="speed of time"):
        FastClock(START, speed)


@pytest.mark.parametrize("step_s", [-7200, -90, -2, 2, 28_800])
def test_a_clock_that_is_set_while_a_second_passes_has_made_that_step(step_s):
    wall, clock = FakeWallClock(), Clock(START)
    detector = StepDetector(clock, wall)
    wall.seconds += 1
    clock.move(seconds=1 + step_s)
    assert (detector.step(), detector.step()) == (timedelta(seconds=step_s), timedelta(0))


@pytest.mark.parametrize("seconds", [0.5, 5, 3600])
def test_a_clock_that_goes_on_makes_no_step_however_long_nobody_asks(seconds):
    wall, clock = FakeWallClock(), Clock(START)
    detector = StepDetector(clock, wall)
    wall.seconds += seconds
    clock.move(seconds=seconds + 1.5)
    assert detector.step() == timedelta(0)


def test_a_machine_that_slept_has_made_a_step_forward():
    clock = Clock(START)
    detector = StepDetector(clock, FakeWallClock())
    clock.move(hours=8)
    assert detector.step() == timedelta(hours=8)
