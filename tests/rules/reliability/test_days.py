"""A day as one status: trouble counts however short, and a day that is not known for more than an hour is not operational."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import Condition
from bot.domain.reliability import ConditionPeriod, DayStatus
from bot.rules.reliability.days import summarize_day

START = datetime(2026, 11, 1, tzinfo=UTC)
GREEN, DARK, RED = Condition.OPERATIONAL, Condition.UNKNOWN, Condition.MAJOR_OUTAGE


def day(*parts):
    """A day of these conditions, each for so many minutes."""
    periods, at = [], START
    for condition, minutes in parts:
        periods.append(ConditionPeriod(at, at + timedelta(minutes=minutes), condition))
        at = periods[-1].end
    return summarize_day(START.date(), periods)


@pytest.mark.parametrize(
    ("parts", "worst", "unknown"),
    [
        ([(GREEN, 1440)], GREEN, 0),
        ([(GREEN, 1380), (DARK, 60)], GREEN, 60),
        ([(GREEN, 1379), (DARK, 61)], DARK, 61),
        ([(GREEN, 720), (DARK, 720)], DARK, 720),
        ([(DARK, 1440)], DARK, 0),
        ([(DARK, 1439), (RED, 1)], RED, 1439),
        ([(DARK, 30)], DARK, 0),
    ],
)
def test_a_day_is_operational_only_where_at_most_an_hour_is_unknown(parts, worst, unknown):
    found = day(*parts)
    assert (found.worst, found.unknown_time) == (worst, timedelta(minutes=unknown))


def test_a_day_has_the_time_of_its_trouble():
    assert day((GREEN, 1430), (RED, 10)) == DayStatus(START.date(), RED, timedelta(minutes=10))


def test_equal_days_are_one_object():
    assert day((GREEN, 1440)) is day((GREEN, 1440))
