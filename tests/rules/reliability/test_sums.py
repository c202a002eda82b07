"""Sums of adjacent stretches of time add up to those of the whole, wherever it is cut."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Condition, Stage
from bot.domain.reliability import ConditionPeriod, IncidentCourse, StatedTimes, TimeWindow
from bot.rules.reliability import spans, sums
from tests.support.polls import ACME

T0 = datetime(2026, 3, 1, tzinfo=UTC)
GOOD, DOWN, DARK = Condition.OPERATIONAL, Condition.MAJOR_OUTAGE, Condition.UNKNOWN
HOUR = timedelta(hours=1)


def course(*lengths):
    """Periods of these conditions and hours, from T0 on."""
    ends = list(accumulate(hours for _, hours in lengths))
    return [
        ConditionPeriod(T0 + (end - hours) * HOUR, T0 + end * HOUR, condition)
        for (condition, hours), end in zip(lengths, ends, strict=True)
    ]


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ([(GOOD, 1), (DOWN, 1)], [(DOWN, 1), (GOOD, 1)], 1),
        ([(DOWN, 1), (DARK, 10)], [(DARK, 14), (DOWN, 1)], 1),
        ([(DOWN, 1), (DARK, 10)], [(DARK, 15), (DOWN, 1)], 2),
        ([(DOWN, 1), (GOOD, 1)], [(DOWN, 1)], 2),
        ([(DARK, 5)], [(DARK, 5)], 0),
        ([(DOWN, 1), (GOOD, 1), (DOWN, 1)], [(DARK, 3)], 2),
    ],
)
def test_an_outage_that_goes_on_over_a_border_is_one(first, second, count):
    assert sums.join_outages(sums.count_outages(course(*first)), sums.count_outages(course(*second))).count == count


def test_an_outage_goes_on_over_a_month_of_which_nothing_is_said_but_a_short_unknown_time():
    parts = [course((DOWN, 1)), course((DARK, 3)), course((DARK, 3), (DOWN, 2))]
    whole = sums.add_up([sums.sum_up(part, (), TimeWindow(T0, T0 + HOUR)) for part in parts])
    assert whole.outages.count == 1


@given(
    st.lists(st.tuples(st.sampled_from(list(Condition)), st.integers(1, 30)), max_size=12),
    st.lists(st.integers(0, 300), max_size=4),
)
def test_outages_and_minutes_of_a_course_that_is_cut_anywhere_add_up(lengths, cuts):
    periods = course(*lengths)
    edges = [T0, *(T0 + hour * HOUR for hour in sorted(cuts)), T0 + 400 * HOUR]
    parts = [spans.clip_periods(periods, TimeWindow(a, b)) for a, b in pairwise(edges)]
    whole = sums.add_up([sums.sum_up(part, (), TimeWindow(T0, T0)) for part in parts])
    assert whole.outages.count == len(spans.outages(periods))
    assert whole.minutes == spans.time_by_condition(periods)


def test_an_incident_is_counted_when_it_began_and_its_durations_when_it_was_posted():
    late = IncidentCourse(
        "i1",
        "acme",
        "Errors",
        T0 + 2 * HOUR,
        ((Stage.RESOLVED, T0 + 2 * HOUR),),
        stated=StatedTimes((TimeWindow(T0 - 3 * HOUR, T0 - 2 * HOUR),)),
    )
    before = sums.sum_incidents([late], TimeWindow(T0 - 24 * HOUR, T0))
    after = sums.sum_incidents([late], TimeWindow(T0, T0 + 24 * HOUR))
    assert (before.counted, before.months, after.counted, after.months) == (1, {}, 0, {"2026-03": 1})


def test_a_month_is_settled_when_no_post_can_change_what_its_sums_say_without_changing_a_record_of_its_time():
    month = TimeWindow(T0, T0 + timedelta(days=31))
    assert not sums.is_settled(month, month.end + sums.READS - HOUR)
    assert sums.is_settled(month, month.end + sums.READS)


def test_other_components_make_another_basis():
    changed = replace(ACME, surfaces=(replace(ACME.surfaces[0], components=("c-new",)), *ACME.surfaces[1:]))
    assert sums.basis_of(changed) != sums.basis_of(ACME)


def test_whole_months_of_a_window_are_those_that_it_has_from_the_first_to_the_last_moment():
    window = TimeWindow(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 31, 23, 59, tzinfo=UTC))
    assert list(spans.whole_months(window)) == ["2026-01", "2026-02"]
    assert list(spans.whole_months(TimeWindow(window.start + HOUR, window.end))) == ["2026-02"]
