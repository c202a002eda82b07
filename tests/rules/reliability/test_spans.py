"""Ten drawn cases with their minutes as literals, and what holds for every drawing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Condition
from bot.domain.reliability import ConditionClaim, ConditionPeriod, SurfaceRecord, TimeWindow
from bot.rules.reliability.spans import (
    clip_periods,
    clip_to_windows,
    condition_periods,
    merge_windows,
    outages,
    split_days,
    time_by_condition,
    worst_periods,
)

GOOD, CARE, SLOW = Condition.OPERATIONAL, Condition.MAINTENANCE, Condition.DEGRADED
PART, DOWN, DARK = Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE, Condition.UNKNOWN
BERLIN = ZoneInfo("Europe/Berlin")


def at(text, day="2026-03-02"):
    return datetime.fromisoformat(f"{day}T{text}:00+00:00")


def told(*spans, start="10:00", end="12:00"):
    window = TimeWindow(at(start), at(end))
    return SurfaceRecord("api", told=tuple(spans), covered=(window,)), window


def counted(record, window):
    return {
        c: span / timedelta(minutes=1)
        for c, span in time_by_condition(condition_periods(record, window)).items()
        if span
    }


def test_an_outage_inside_the_window_takes_its_minutes_from_the_good_ones():
    record, window = told(ConditionClaim(at("10:30"), at("10:50"), DOWN))
    assert counted(record, window) == {GOOD: 100, DOWN: 20}


def test_where_two_outages_overlap_the_worse_one_counts_and_no_minute_counts_twice():
    record, window = told(
        ConditionClaim(at("10:10"), at("10:40"), SLOW), ConditionClaim(at("10:30"), at("11:00"), DOWN)
    )
    assert counted(record, window) == {GOOD: 70, SLOW: 20, DOWN: 30}


def test_an_outage_nested_in_a_milder_one_splits_it():
    record, window = told(
        ConditionClaim(at("10:00"), at("11:30"), SLOW), ConditionClaim(at("10:20"), at("10:50"), PART)
    )
    assert counted(record, window) == {GOOD: 30, SLOW: 60, PART: 30}


def test_a_mild_outage_nested_in_a_worse_one_leaves_no_trace():
    record, window = told(
        ConditionClaim(at("10:20"), at("11:20"), DOWN), ConditionClaim(at("10:30"), at("10:40"), SLOW)
    )
    assert counted(record, window) == {GOOD: 60, DOWN: 60}


def test_an_outage_without_an_end_lasts_to_the_end_of_the_window():
    record, window = told(ConditionClaim(at("11:45"), None, PART))
    assert counted(record, window) == {GOOD: 105, PART: 15}


def test_an_outage_that_began_before_the_window_counts_from_its_start():
    record, window = told(ConditionClaim(at("08:00"), at("10:25"), DOWN))
    assert counted(record, window) == {GOOD: 95, DOWN: 25}


def test_an_outage_across_midnight_is_shared_out_between_the_two_days():
    window = TimeWindow(at("00:00"), at("00:00", "2026-03-04"))
    record = SurfaceRecord(
        "api", told=(ConditionClaim(at("23:30"), at("01:10", "2026-03-03"), DOWN),), covered=(window,)
    )
    found = condition_periods(record, window)
    by_day = [
        time_by_condition(clip_periods(found, day))[DOWN] / timedelta(minutes=1) for day in split_days(window, UTC)
    ]
    assert by_day == [30, 70]


def test_the_day_on_which_clocks_go_forward_has_1380_minutes():
    window = TimeWindow(at("23:00", "2026-03-28"), at("22:00", "2026-03-29"))  # 29 March in Berlin
    record = SurfaceRecord(
        "api", told=(ConditionClaim(at("00:30", "2026-03-29"), at("01:30", "2026-03-29"), SLOW),), covered=(window,)
    )  # 01:30 to 03:30 by Berlin's clocks
    assert [counted(record, day) for day in split_days(window, BERLIN)] == [{GOOD: 1320, SLOW: 60}]


def test_the_day_on_which_clocks_go_back_has_1500_minutes():
    window = TimeWindow(at("22:00", "2026-10-24"), at("23:00", "2026-10-25"))  # 25 October in Berlin
    assert [day.length / timedelta(minutes=1) for day in split_days(window, BERLIN)] == [1500]


def test_maintenance_is_its_own_kind_of_minute_and_an_outage_in_it_counts_as_an_outage():
    record, window = told(
        ConditionClaim(at("10:00"), at("11:00"), CARE), ConditionClaim(at("10:45"), at("11:15"), DOWN)
    )
    assert counted(record, window) == {GOOD: 45, CARE: 45, DOWN: 30}


def test_time_that_nobody_watched_and_no_history_covers_is_unknown():
    record = SurfaceRecord("api", covered=(TimeWindow(at("10:00"), at("10:40")),))
    assert counted(record, TimeWindow(at("09:00"), at("11:00"))) == {GOOD: 40, DARK: 80}


def test_what_we_saw_counts_before_what_was_told_afterwards():
    record = SurfaceRecord(
        "api",
        seen=(ConditionClaim(at("10:00"), at("11:00"), GOOD),),
        watched=(TimeWindow(at("10:00"), at("11:00")),),
        told=(ConditionClaim(at("10:30"), at("11:30"), DOWN),),
        covered=(TimeWindow(at("09:00"), at("12:00")),),
    )
    assert counted(record, TimeWindow(at("10:00"), at("12:00"))) == {GOOD: 90, DOWN: 30}


def test_what_was_seen_last_says_nothing_about_the_time_in_which_we_were_blind():
    record = SurfaceRecord(
        "api", seen=(ConditionClaim(at("10:00"), None, DOWN),), watched=(TimeWindow(at("10:00"), at("10:20")),)
    )
    assert counted(record, TimeWindow(at("10:00"), at("11:00"))) == {DOWN: 20, DARK: 40}


def test_trouble_without_a_break_is_one_outage_in_its_worst_condition():
    record, window = told(
        ConditionClaim(at("10:10"), at("10:20"), SLOW),
        ConditionClaim(at("10:20"), at("10:30"), DOWN),
        ConditionClaim(at("11:00"), at("11:05"), PART),
    )
    assert outages(condition_periods(record, window)) == (
        ConditionPeriod(at("10:10"), at("10:30"), DOWN),
        ConditionPeriod(at("11:00"), at("11:05"), PART),
    )


def test_an_empty_window_has_no_runs():
    record, _ = told(ConditionClaim(at("10:00"), at("11:00"), DOWN))
    assert condition_periods(record, TimeWindow(at("11:00"), at("11:00"))) == ()


def test_windows_that_touch_are_joined():
    assert merge_windows([TimeWindow(at("11:00"), at("12:00")), TimeWindow(at("10:00"), at("11:00"))]) == (
        TimeWindow(at("10:00"), at("12:00")),
    )


def test_an_unreadable_stretch_does_not_split_an_outage():
    found = [
        ConditionPeriod(at("10:00"), at("10:10"), DOWN),
        ConditionPeriod(at("10:10"), at("10:40"), DARK),
        ConditionPeriod(at("10:40"), at("11:00"), PART),
    ]
    assert outages(found) == (ConditionPeriod(at("10:00"), at("11:00"), DOWN),)


def test_more_than_a_day_of_unknown_time_ends_an_outage():
    found = [
        ConditionPeriod(at("10:00"), at("10:10"), DOWN),
        ConditionPeriod(at("10:10"), at("10:11", "2026-03-03"), DARK),
        ConditionPeriod(at("10:11", "2026-03-03"), at("11:00", "2026-03-03"), DOWN),
    ]
    assert len(outages(found)) == 2


def test_unknown_time_before_a_good_minute_is_not_part_of_an_outage():
    found = [
        ConditionPeriod(at("10:00"), at("10:10"), DOWN),
        ConditionPeriod(at("10:10"), at("10:40"), DARK),
        ConditionPeriod(at("10:40"), at("11:00"), GOOD),
    ]
    assert outages(found) == (ConditionPeriod(at("10:00"), at("10:10"), DOWN),)


def test_what_the_vendor_dated_takes_precedence_over_what_a_poll_saw_late():
    window = TimeWindow(at("10:00"), at("12:00"))
    record = SurfaceRecord(
        "api",
        seen=(
            ConditionClaim(at("10:00"), at("10:34"), GOOD),
            ConditionClaim(at("10:34"), at("11:04"), PART),
            ConditionClaim(at("11:04"), None, GOOD),
        ),
        watched=(window,),
        posted=(ConditionClaim(at("10:30"), at("11:00"), PART), ConditionClaim(at("11:00"), at("11:04"), GOOD)),
    )
    assert counted(record, window) == {GOOD: 90, PART: 30}


def test_of_all_services_together_the_worst_counts_and_unknown_is_not_good():
    web = [ConditionPeriod(at("10:00"), at("11:00"), GOOD), ConditionPeriod(at("11:00"), at("12:00"), DOWN)]
    api = [ConditionPeriod(at("10:30"), at("12:00"), DARK)]
    assert [(p.condition, p.length / timedelta(minutes=1)) for p in worst_periods([web, api])] == [
        (GOOD, 30),
        (DARK, 30),
        (DOWN, 60),
    ]


moments = st.integers(0, 6000).map(lambda minute: at("00:00") + timedelta(minutes=minute))
windows = st.tuples(moments, moments).map(lambda pair: TimeWindow(min(pair), max(pair)))
spans = st.builds(ConditionClaim, moments, st.none() | moments, st.sampled_from(Condition))
records = st.builds(
    SurfaceRecord,
    st.just("api"),
    seen=st.lists(spans, max_size=8).map(tuple),
    watched=st.lists(windows, max_size=4).map(tuple),
    told=st.lists(spans, max_size=8).map(tuple),
    covered=st.lists(windows, max_size=4).map(tuple),
    posted=st.lists(spans, max_size=4).map(tuple),
)


@given(records, windows)
def test_minutes_by_condition_always_add_up_to_the_window(record, window):
    assert sum(time_by_condition(condition_periods(record, window)).values(), timedelta()) == window.length


@given(records, windows)
def test_runs_follow_each_other_without_gap_and_never_repeat_a_condition(record, window):
    found = condition_periods(record, window)
    assert all(a.end == b.start and a.condition is not b.condition for a, b in pairwise(found))


@given(windows, st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")]))
def test_days_add_up_to_the_window(window, zone):
    assert sum((day.length for day in split_days(window, zone)), timedelta()) == window.length


@given(records, windows, st.permutations(range(8)))
def test_the_order_in_which_things_were_told_changes_nothing(record, window, order):
    shuffled = tuple(record.told[i] for i in order if i < len(record.told))
    assert condition_periods(replace(record, told=shuffled), window) == condition_periods(record, window)


@given(records, windows, st.sampled_from([UTC, BERLIN]))
def test_sharing_out_among_days_is_the_same_as_cutting_each_day(record, window, zone):
    found, cut = condition_periods(record, window), split_days(window, zone)
    assert clip_to_windows(found, cut) == tuple(clip_periods(found, day) for day in cut)


@given(records, windows, moments)
def test_a_window_cut_in_two_has_the_same_minutes_in_sum(record, window, cut):
    middle = min(max(cut, window.start), window.end)
    parts = [
        time_by_condition(condition_periods(record, part))
        for part in (TimeWindow(window.start, middle), TimeWindow(middle, window.end))
    ]
    whole = time_by_condition(condition_periods(record, window))
    assert {c: sum((part[c] for part in parts), timedelta()) for c in Condition} == whole


@given(records, windows)
def test_a_history_that_says_the_same_again_changes_nothing(record, window):
    twice = replace(record, told=(*record.told, *record.told), covered=(*record.covered, *record.covered))
    assert condition_periods(twice, window) == condition_periods(record, window)


@given(records, st.lists(spans, max_size=4), windows)
def test_more_claims_never_turn_unknown_time_into_good_without_a_source_that_covers_it(record, more, window):
    bad = tuple(s for s in more if s.condition is not GOOD)
    before = condition_periods(record, window)
    after = condition_periods(replace(record, told=(*record.told, *bad), posted=(*record.posted, *bad)), window)
    unknown = [TimeWindow(p.start, p.end) for p in before if p.condition is DARK]
    assert [p for part in clip_to_windows(after, unknown) for p in part if p.condition is GOOD] == []
