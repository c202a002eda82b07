from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import DurationHistory
from bot.rules.forecast.duration import (
    QUANTILE_LEVELS,
    estimate_remaining,
    grade_estimate,
    prior_survival,
    remaining_minutes,
    track_record_text,
    update_durations,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PRINTED = [(0, 45, 241), (15, 44, 268), (30, 45, 293), (60, 69, 412), (90, 96, 863), (120, 118, 1015), (240, 152, 1531)]


NOTHING = DurationHistory()


def told(known=NOTHING, age=0):
    return estimate_remaining(known, "i1", NOON, timedelta(minutes=age))


def lasting(minutes):
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(("age", "half", "nine"), PRINTED)
def test_the_prior_gives_the_printed_table_back_to_within_six_percent(age, half, nine):
    assert remaining_minutes((), age, 0.5) == pytest.approx(half, rel=0.06)
    assert remaining_minutes((), age, 0.9) == pytest.approx(nine, rel=0.06)


@pytest.mark.parametrize(("known", "level"), [(0, 0.6), (50, 0.55), (100, 0.5)])
def test_the_less_is_known_of_a_provider_the_wider_its_estimate(known, level):
    own = tuple(sorted(remaining_minutes((), 0, (n + 0.5) / known) for n in range(known)))
    expected = remaining_minutes(own, 0, level)
    assert told(DurationHistory(own)).p50.total_seconds() / 60 == pytest.approx(expected, abs=1)


def test_what_remains_grows_with_age():
    assert told(age=240).p50 > told(age=60).p50 > told(age=0).p50


def test_the_prior_decays_into_the_providers_own_history():
    own = DurationHistory(tuple([10.0] * 100))
    assert remaining_minutes(own.minutes, 0, 0.5) == pytest.approx(10, abs=0.2)


def test_half_a_history_moves_the_estimate_half_way():
    own = DurationHistory(tuple([10.0] * 50))
    assert 10 <= remaining_minutes(own.minutes, 0, 0.5) < remaining_minutes((), 0, 0.5)


def test_an_incident_that_outlives_all_we_know_still_gets_an_estimate():
    own = DurationHistory(tuple([10.0] * 100))
    assert told(own, age=600).p90 > timedelta(0)


@given(st.floats(0, 1e7), st.lists(st.floats(0, 1e6), max_size=120), st.tuples(*[st.floats(0.02, 0.995)] * 3))
def test_no_estimate_is_of_a_time_that_has_passed(age, minutes, levels):
    estimate = told(DurationHistory(tuple(sorted(minutes)), levels), age=age)
    assert estimate is None or timedelta(0) < estimate.p50 <= estimate.p80 <= estimate.p90


@pytest.mark.parametrize(("days", "has_one"), [(13.9, True), (14, False), (400, False)])
def test_an_incident_of_two_weeks_or_more_has_no_estimate(days, has_one):
    assert (told(age=days * 24 * 60) is not None) is has_one


def test_just_before_two_weeks_the_estimate_is_not_cut_by_the_end_of_the_data():
    assert told(age=13.9 * 24 * 60).p90 > timedelta(days=1)


def test_a_miss_raises_the_level_and_a_hit_lowers_it():
    missed = update_durations(DurationHistory(), timedelta(hours=20), [grade_estimate(told(), lasting(1200))])
    held = update_durations(DurationHistory(), timedelta(minutes=1), [grade_estimate(told(), lasting(1))])
    assert all(up > level > down for up, level, down in zip(missed.levels, QUANTILE_LEVELS, held.levels, strict=True))


def test_learning_moves_a_level_by_a_fiftieth_at_most():
    missed = update_durations(DurationHistory(), timedelta(hours=20), [grade_estimate(told(), lasting(1200))])
    assert max(abs(a - b) for a, b in zip(missed.levels, QUANTILE_LEVELS, strict=True)) <= 0.02


def test_learning_leaves_no_level_out_of_reach():
    known = DurationHistory()
    for _ in range(100):
        known = update_durations(known, timedelta(hours=20), [grade_estimate(told(), lasting(1200))])
    assert max(known.levels) == 0.995


def test_learning_keeps_the_history_in_order():
    known = update_durations(update_durations(DurationHistory(), timedelta(minutes=50)), timedelta(minutes=20))
    assert known.minutes == (20, 50)


def test_a_first_estimate_cannot_be_changed():
    first = told()
    with pytest.raises(FrozenInstanceError):
        first.p50 = timedelta(0)


def test_a_first_estimate_carries_the_age_at_which_it_was_made():
    assert told(age=7).elapsed == timedelta(minutes=7)


def test_a_grade_counts_from_the_issue_of_the_estimate():
    graded = grade_estimate(told(age=30), lasting(44))
    assert (graded.actual, graded.held_quantiles) == (timedelta(minutes=44), (True, True, True))


def test_one_that_had_ended_before_its_estimate_lasted_for_no_time():
    assert grade_estimate(told(), lasting(-5)).actual == timedelta(0)


def test_the_record_tells_of_the_newest_sixteen():
    grades = [
        grade_estimate(told(), lasting(9000)),
        *[grade_estimate(told(), lasting(10))] * 13,
        *[grade_estimate(told(), lasting(9000))] * 3,
    ]
    assert track_record_text(grades) == "13 of the last 16 ended within the 9-in-10 time"


def test_there_is_no_record_before_the_first_grade():
    assert track_record_text([]) == ""


@given(st.lists(st.floats(0.5, 3000), max_size=150), st.floats(0, 2000))
def test_the_three_times_never_cross(minutes, age):
    found = told(DurationHistory(tuple(sorted(minutes))), age)
    assert timedelta(0) <= found.p50 <= found.p80 <= found.p90


@given(st.floats(0, 5000), st.floats(0, 5000))
def test_survival_only_falls(one, other):
    early, late = sorted((one, other))
    assert prior_survival(late) <= prior_survival(early) <= 1
