"""The lanes of a service: spans in one scale, cut to the window, and the same in words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Advice, Condition
from bot.domain.reliability import ConditionPeriod, TimeWindow
from bot.messages.board import lanes

START = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
WINDOW = TimeWindow(START, START + timedelta(hours=1))


def at(minutes):
    return START + timedelta(minutes=minutes)


def test_a_span_lies_where_its_time_lies():
    drawn = lanes.service_lanes("Acme API", [ConditionPeriod(at(15), at(30), Condition.DEGRADED)], (), WINDOW)
    assert [(s.x, s.width, s.look) for s in drawn.status] == [(250.0, 250.0, "degraded")]


def test_what_lies_outside_is_cut_off():
    drawn = lanes.service_lanes("Acme API", (), [(at(-60), at(30), Advice.HOLD_OFF)], WINDOW)
    assert [(s.x, s.width) for s in drawn.advice] == [(0.0, 500.0)]


def test_what_is_over_before_the_window_is_not_drawn():
    drawn = lanes.service_lanes("Acme API", (), [(at(-60), at(-30), Advice.HOLD_OFF)], WINDOW)
    assert drawn.advice == ()


def test_the_picture_s_words_name_status_and_advice():
    period = ConditionPeriod(at(0), at(60), Condition.MAJOR_OUTAGE)
    drawn = lanes.service_lanes("Acme API", [period], [(at(0), at(60), Advice.HOLD_OFF)], WINDOW)
    assert drawn.label == (
        "Acme API. Status: outage from 2026-03-02 11:00 UTC until now."
        " Advice: Don't retry from 2026-03-02 11:00 UTC until now."
    )


@pytest.mark.parametrize(
    ("length", "ticks"),
    [
        (timedelta(hours=1), ["11:00", "11:10", "11:20", "11:30", "11:40", "11:50"]),
        (timedelta(hours=24), ["12:00", "18:00", "3 Mar", "06:00"]),
        (timedelta(), []),
    ],
)
def test_the_axis_has_round_times(length, ticks):
    assert [tick.text for tick in lanes.axis_ticks(TimeWindow(START, START + length))] == ticks


@given(st.integers(1, 60 * 24 * 4000))
def test_the_axis_never_has_more_than_seven_times(minutes):
    assert len(list(lanes.axis_ticks(TimeWindow(START, at(minutes))))) <= 7
