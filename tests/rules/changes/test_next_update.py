"""The next update: on its grid, and kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.changes.next_update import next_update

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def clock(text):
    hours, minutes = text.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


@pytest.mark.parametrize(
    ("began", "now", "time"),
    [
        ("11:49", "11:49", "12:00"),
        ("11:49", "12:06", "12:15"),
        ("11:49", "12:21", "12:30"),
        ("11:49", "13:21", "13:30"),
        ("11:49", "15:47", "16:00"),
        ("11:49", "18:10", "19:00"),
        ("11:56", "11:56", "12:15"),  # 12:00 is less than five minutes ahead
        ("12:00", "12:00", "12:15"),
        ("12:05", "13:06", "13:15"),  # said before the grid became coarser
        ("12:05", "13:15", "13:30"),
    ],
)
def test_it_is_the_next_time_of_the_grid(began, now, time):
    assert next_update(clock(began), clock(now)) == clock(time)


def test_it_is_a_quarter_hour_where_nobody_knows_when_it_began():
    assert next_update(None, clock("11:49")) == clock("12:00")


begins = st.integers(0, 60 * 24 * 3).map(lambda seconds: DAY + timedelta(seconds=seconds * 20))
ages = st.integers(0, 4 * 24 * 60 * 4).map(lambda quarters: timedelta(seconds=quarters * 15))


@given(begins, ages)
def test_it_is_ahead_at_most_an_hour_and_lies_on_a_quarter_hour(began, age):
    now = began + age
    time = next_update(began, now)
    assert timedelta(0) < time - now <= timedelta(hours=1)
    assert time.timestamp() % 900 == 0


@given(begins, ages, st.floats(0, 1))
def test_it_does_not_move_until_it_is_reached(began, age, share):
    now = began + age
    time = next_update(began, now)
    between = now + (time - now) * share
    assert next_update(began, between) == time or between >= time
