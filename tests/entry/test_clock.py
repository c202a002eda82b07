"""The demo's clock, with the wall's seconds counted by hand."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.entry.clock import Clock, FastClock

pytestmark = pytest.mark.anyio

START = datetime(2026, 3, 2, 11, 45, tzinfo=UTC)


class Wall:
    """Seconds that pass when we say so."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


def test_the_real_clock_shows_utc():
    now = Clock().now()
    assert now.utcoffset() == timedelta()
    assert abs(now.timestamp() - time.time()) < 10


def test_a_fast_clock_begins_at_its_start():
    assert FastClock(START, 120, elapsed=Wall()).now() == START


def test_a_second_on_the_wall_is_two_minutes_at_120():
    wall = Wall()
    clock = FastClock(START, 120, elapsed=wall)
    wall.seconds += 1
    assert clock.now() == START + timedelta(minutes=2)


def test_the_demo_day_takes_less_than_three_minutes():
    day = datetime(2026, 3, 2, 17, tzinfo=UTC) - START
    assert FastClock(START, 120, elapsed=Wall()).wall_s(day.total_seconds()) == 157.5


def test_the_real_clock_waits_as_long_as_it_says():
    assert Clock().wall_s(60) == 60


async def test_a_fast_clock_waits_until_its_own_moment():
    clock = FastClock(START, 100_000)
    await clock.sleep_until(START + timedelta(hours=1))
    assert clock.now() >= START + timedelta(hours=1)


async def test_a_wait_for_what_has_passed_is_none():
    clock = Clock()
    before = clock.now()
    await clock.sleep_until(START)
    await clock.sleep(-5)
    assert clock.now() - before < timedelta(seconds=1)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_time_runs_forward_or_not_at_all(speed):
    with pytest.raises(ValueError, match="speed of time"):
        FastClock(START, speed)
