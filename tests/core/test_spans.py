"""Ten drawn cases with their minutes as literals, and what holds for every drawing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.core.spans import days, joined, minutes, outages, runs, shared_out, within
from bot.model import Condition
from bot.years import Record, Run, Span, Window

GOOD, CARE, SLOW = Condition.OPERATIONAL, Condition.MAINTENANCE, Condition.DEGRADED
PART, DOWN, DARK = Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE, Condition.UNKNOWN
BERLIN = ZoneInfo("Europe/Berlin")


def at(text, day="2026-03-02"):
    return datetime.fromisoformat(f"{day}T{text}:00+00:00")


def told(*spans, start="10:00", end="12:00"):
    window = Window(at(start), at(end))
    return Record("api", told=tuple(spans), covered=(window,)), window


def counted(record, window):
    return {c: span / timedelta(minutes=1) for c, span in minutes(runs(record, window)).items() if span}


def test_an_outage_inside_the_window_takes_its_minutes_from_the_good_ones():
    record, window = told(Span(at("10:30"), at("10:50"), DOWN))
    assert counted(record, window) == {GOOD: 100, DOWN: 20}


def test_where_two_outages_overlap_the_worse_one_counts_and_no_minute_counts_twice():
    record, window = told(Span(at("10:10"), at("10:40"), SLOW), Span(at("10:30"), at("11:00"), DOWN))
    assert counted(record, window) == {GOOD: 70, SLOW: 20, DOWN: 30}


def test_an_outage_nested_in_a_milder_one_splits_it():
    record, window = told(Span(at("10:00"), at("11:30"), SLOW), Span(at("10:20"), at("10:50"), PART))
    assert counted(record, window) == {GOOD: 30, SLOW: 60, PART: 30}


def test_a_mild_outage_nested_in_a_worse_one_leaves_no_trace():
    record, window = told(Span(at("10:20"), at("11:20"), DOWN), Span(at("10:30"), at("10:40"), SLOW))
    assert counted(record, window) == {GOOD: 60, DOWN: 60}


def test_an_outage_without_an_end_lasts_to_the_end_of_the_window():
    record, window = told(Span(at("11:45"), None, PART))
    assert counted(record, window) == {GOOD: 105, PART: 15}


def test_an_outage_that_began_before_the_window_counts_from_its_start():
    record, window = told(Span(at("08:00"), at("10:25"), DOWN))
    assert counted(record, window) == {GOOD: 95, DOWN: 25}


def test_an_outage_across_midnight_is_shared_out_between_the_two_days():
    window = Window(at("00:00"), at("00:00", "2026-03-04"))
    record = Record("api", told=(Span(at("23:30"), at("01:10", "2026-03-03"), DOWN),), covered=(window,))
    found = runs(record, window)
    by_day = [minutes(within(found, day))[DOWN] / timedelta(minutes=1) for day in days(window, UTC)]
    assert by_day == [30, 70]


def test_the_day_on_which_clocks_go_forward_has_1380_minutes():
    window = Window(at("23:00", "2026-03-28"), at("22:00", "2026-03-29"))  # 29 March in Berlin
    record = Record(
        "api", told=(Span(at("00:30", "2026-03-29"), at("01:30", "2026-03-29"), SLOW),), covered=(window,)
    )  # 01:30 to 03:30 by Berlin's clocks
    assert [counted(record, day) for day in days(window, BERLIN)] == [{GOOD: 1320, SLOW: 60}]


def test_the_day_on_which_clocks_go_back_has_1500_minutes():
    window = Window(at("22:00", "2026-10-24"), at("23:00", "2026-10-25"))  # 25 October in Berlin
    assert [day.length / timedelta(minutes=1) for day in days(window, BERLIN)] == [1500]


def test_maintenance_is_its_own_kind_of_minute_and_an_outage_in_it_counts_as_an_outage():
    record, window = told(Span(at("10:00"), at("11:00"), CARE), Span(at("10:45"), at("11:15"), DOWN))
    assert counted(record, window) == {GOOD: 45, CARE: 45, DOWN: 30}


def test_time_that_nobody_watched_and_no_history_covers_is_unknown():
    record = Record("api", covered=(Window(at("10:00"), at("10:40")),))
    assert counted(record, Window(at("09:00"), at("11:00"))) == {GOOD: 40, DARK: 80}


def test_what_we_saw_counts_before_what_was_told_afterwards():
    record = Record(
        "api",
        seen=(Span(at("10:00"), at("11:00"), GOOD),),
        watched=(Window(at("10:00"), at("11:00")),),
        told=(Span(at("10:30"), at("11:30"), DOWN),),
        covered=(Window(at("09:00"), at("12:00")),),
    )
    assert counted(record, Window(at("10:00"), at("12:00"))) == {GOOD: 90, DOWN: 30}


def test_what_was_seen_last_says_nothing_about_the_time_in_which_we_were_blind():
    record = Record("api", seen=(Span(at("10:00"), None, DOWN),), watched=(Window(at("10:00"), at("10:20")),))
    assert counted(record, Window(at("10:00"), at("11:00"))) == {DOWN: 20, DARK: 40}


def test_trouble_without_a_break_is_one_outage_in_its_worst_condition():
    record, window = told(
        Span(at("10:10"), at("10:20"), SLOW), Span(at("10:20"), at("10:30"), DOWN), Span(at("11:00"), at("11:05"), PART)
    )
    assert outages(runs(record, window)) == (Run(at("10:10"), at("10:30"), DOWN), Run(at("11:00"), at("11:05"), PART))


def test_an_empty_window_has_no_runs():
    record, _ = told(Span(at("10:00"), at("11:00"), DOWN))
    assert runs(record, Window(at("11:00"), at("11:00"))) == ()


def test_windows_that_touch_are_joined():
    assert joined([Window(at("11:00"), at("12:00")), Window(at("10:00"), at("11:00"))]) == (
        Window(at("10:00"), at("12:00")),
    )


moments = st.integers(0, 6000).map(lambda minute: at("00:00") + timedelta(minutes=minute))
windows = st.tuples(moments, moments).map(lambda pair: Window(min(pair), max(pair)))
spans = st.builds(Span, moments, st.none() | moments, st.sampled_from(Condition))
records = st.builds(
    Record,
    st.just("api"),
    seen=st.lists(spans, max_size=8).map(tuple),
    watched=st.lists(windows, max_size=4).map(tuple),
    told=st.lists(spans, max_size=8).map(tuple),
    covered=st.lists(windows, max_size=4).map(tuple),
)


@given(records, windows)
def test_minutes_by_condition_always_add_up_to_the_window(record, window):
    assert sum(minutes(runs(record, window)).values(), timedelta()) == window.length


@given(records, windows)
def test_runs_follow_each_other_without_gap_and_never_repeat_a_condition(record, window):
    found = runs(record, window)
    assert all(a.end == b.start and a.condition is not b.condition for a, b in pairwise(found))


@given(windows, st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")]))
def test_days_add_up_to_the_window(window, zone):
    assert sum((day.length for day in days(window, zone)), timedelta()) == window.length


@given(records, windows, st.permutations(range(8)))
def test_the_order_in_which_things_were_told_changes_nothing(record, window, order):
    shuffled = tuple(record.told[i] for i in order if i < len(record.told))
    assert runs(Record("api", record.seen, record.watched, shuffled, record.covered), window) == runs(record, window)


@given(records, windows, st.sampled_from([UTC, BERLIN]))
def test_sharing_out_among_days_is_the_same_as_cutting_each_day(record, window, zone):
    found, cut = runs(record, window), days(window, zone)
    assert shared_out(found, cut) == tuple(within(found, day) for day in cut)
