"""Our own figures, the study's, and the error budget, each on incidents small enough to work out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import Condition, Stage
from bot.domain.reliability import ConditionClaim, ConditionPeriod, IncidentCourse, SurfaceRecord, TimeWindow
from bot.rules.reliability import icpe25
from bot.rules.reliability.error_budget import compute_error_budget
from bot.rules.reliability.figures import compute_figures
from bot.rules.reliability.spans import condition_periods, split_days

SEE, FOUND, WATCH, OVER, AFTER = (
    Stage.INVESTIGATING,
    Stage.IDENTIFIED,
    Stage.MONITORING,
    Stage.RESOLVED,
    Stage.POSTMORTEM,
)
DAY = datetime(2026, 3, 2, tzinfo=UTC)
WINDOW = TimeWindow(DAY, DAY + timedelta(days=10))


def at(minute, day=0):
    return DAY + timedelta(days=day, minutes=minute)


def course(*steps, day=0, **rest):
    told = tuple((stage, at(minute, day)) for stage, minute in steps)
    return IncidentCourse(
        rest.pop("incident", f"i{day}"), "p", "title", told[0][1], told, **({"labels": ("API",)} | rest)
    )


def record(*spans):
    return SurfaceRecord("api", told=spans, covered=(WINDOW,))


def hours(span):
    return span / timedelta(hours=1)


# --- ours -------------------------------------------------------------------------------------------------------------


def test_availability_counts_degraded_and_leaves_maintenance_and_the_unknown_out():
    window = TimeWindow(at(0), at(10000))
    told = (
        ConditionClaim(at(0), at(1000), Condition.DEGRADED),
        ConditionClaim(at(1000), at(4000), Condition.MAINTENANCE),
        ConditionClaim(at(4000), at(5000), Condition.MAJOR_OUTAGE),
    )
    found = compute_figures(SurfaceRecord("api", told=told, covered=(TimeWindow(at(0), at(8000)),)), (), window)
    assert found.availability == 60.0  # 3,000 good of 3,000 + 2,000 bad
    assert found.unknown_time == timedelta(minutes=2000)


def test_less_than_a_day_of_known_time_gives_no_availability():
    record = SurfaceRecord("api", covered=(TimeWindow(at(0), at(24 * 60 - 1)),))
    assert compute_figures(record, (), WINDOW).availability is None


def test_a_day_of_known_time_gives_an_availability():
    record = SurfaceRecord("api", covered=(TimeWindow(at(0), at(24 * 60)),))
    assert compute_figures(record, (), WINDOW).availability == 100


def test_nothing_known_is_no_availability():
    assert compute_figures(SurfaceRecord("api"), (), WINDOW).availability is None


def test_mttr_runs_from_the_first_post_to_resolved_and_not_to_the_post_mortem():
    found = compute_figures(
        record(), [course((SEE, 0), (OVER, 60), (AFTER, 900)), course((SEE, 0), (OVER, 180), day=1)], WINDOW
    )
    assert (hours(found.mttr.mean), hours(found.mttr.median), found.mttr.n) == (2, 2, 2)


def test_an_incident_told_only_after_it_was_over_counts_but_has_no_time_to_recover():
    found = compute_figures(record(), [course((OVER, 60))], WINDOW)
    assert (found.incidents, found.post_hoc, found.mttr.n) == (1, 1, 0)


def test_an_open_incident_counts_but_has_no_time_to_recover_yet():
    found = compute_figures(record(), [course((SEE, 0), (FOUND, 10))], WINDOW)
    assert (found.incidents, found.mttr.mean) == (1, None)


def test_maintenance_is_no_incident():
    assert compute_figures(record(), [course((Stage.IN_PROGRESS, 0), is_maintenance=True)], WINDOW).incidents == 0


def test_an_incident_that_began_before_the_window_and_was_open_in_it_is_counted_as_that():
    found = compute_figures(record(), [course((SEE, -5), (OVER, 60))], WINDOW)
    assert (found.incidents, found.began_before, found.mttr.n) == (1, 1, 0)


def test_an_incident_that_ended_before_the_window_is_not_of_it():
    assert compute_figures(record(), [course((SEE, -65), (OVER, -5))], WINDOW).incidents == 0


def test_an_open_incident_of_a_history_that_ended_before_the_window_is_not_of_it():
    gone = course((SEE, -65), history_until=at(-5))
    assert compute_figures(record(), [gone], WINDOW).incidents == 0


def test_a_reopened_incident_ends_with_its_last_resolved():
    found = compute_figures(record(), [course((SEE, 0), (OVER, 60), (SEE, 90), (OVER, 150), (AFTER, 900))], WINDOW)
    assert found.mttr.mean == timedelta(minutes=150)


def test_an_outage_without_a_post_is_no_incident_of_the_vendor():
    found = compute_figures(record(), [course((SEE, 0), (OVER, 60), is_unposted=True)], WINDOW)
    assert (found.incidents, found.unposted, found.mttr.n) == (0, 1, 0)


def test_the_same_incident_from_two_sources_counts_once():
    page = course((SEE, 0), (OVER, 60), incident="a")
    feed = course((SEE, 1), (FOUND, 5), (OVER, 60), incident="b")
    found = compute_figures(record(), [page, feed], WINDOW)
    assert (found.incidents, found.mttr.mean) == (1, timedelta(minutes=59))


def test_two_incidents_of_one_title_two_minutes_apart_are_two():
    pair = [course((SEE, 0), (OVER, 60), incident="a"), course((SEE, 2), (OVER, 60), incident="b")]
    assert compute_figures(record(), pair, WINDOW).incidents == 2


def test_the_time_to_resolve_has_its_p50_p90_and_longest():
    lengths = [10, 20, 30, 40, 50, 60, 70, 80, 90, 1000]
    courses = [course((SEE, 0), (OVER, n), day=day, incident=str(n)) for day, n in enumerate(lengths)]
    spread = compute_figures(record(), courses, WINDOW).to_resolve
    minutes = [span / timedelta(minutes=1) for span in (spread.p50, spread.p90, spread.longest)]
    assert (spread.n, minutes) == (10, [55, 90, 1000])


def test_incidents_are_counted_by_the_month_of_their_first_post():
    window = TimeWindow(DAY, DAY + timedelta(days=60))
    courses = [course((SEE, 0), (OVER, 5), day=day) for day in (0, 29, 30, 31)]
    assert compute_figures(record(), courses, window).months == {"2026-03": 2, "2026-04": 2}


def test_bad_time_that_only_words_support_is_inferred():
    told = (
        ConditionClaim(at(0), at(60), Condition.DEGRADED, inferred=True),
        ConditionClaim(at(30), at(40), Condition.DEGRADED),
    )
    found = compute_figures(record(*told), (), WINDOW)
    assert (found.bad_time, found.inferred) == (timedelta(minutes=60), timedelta(minutes=50))


def test_a_maintenance_that_is_only_planned_has_not_begun():
    planned = course((Stage.SCHEDULED, 0), is_maintenance=True)
    assert planned.begun_at is None


def test_a_maintenance_begins_with_its_first_update_in_progress():
    done = course((Stage.SCHEDULED, 0), (Stage.IN_PROGRESS, 150), (Stage.COMPLETED, 165), is_maintenance=True)
    assert (done.begun_at, done.resolved_at) == (at(150), at(165))


def test_mtbf_is_known_good_time_per_stretch_of_trouble():
    told = [ConditionClaim(at(0, d), at(60, d), Condition.PARTIAL_OUTAGE) for d in (1, 4)]
    assert hours(compute_figures(record(*told), (), WINDOW).mtbf) == (240 - 2) / 2


def test_a_stage_that_comes_twice_is_added_up():
    found = compute_figures(record(), [course((SEE, 0), (WATCH, 10), (SEE, 20), (WATCH, 50), (OVER, 80))], WINDOW)
    assert found.stages[SEE].mean == timedelta(minutes=40)
    assert found.stages[WATCH].mean == timedelta(minutes=40)


def test_the_vendors_lag_is_its_first_post_minus_the_start_it_states():
    found = compute_figures(
        record(), [course((SEE, 20), (OVER, 60), started_at=at(0)), course((SEE, 0), day=1)], WINDOW
    )
    assert (found.vendor_lag.n, found.vendor_lag.mean) == (1, timedelta(minutes=20))


def test_a_start_within_a_minute_of_the_first_post_is_the_page_filling_in_a_field():
    found = compute_figures(record(), [course((SEE, 20), (OVER, 60), started_at=at(19.5))], WINDOW)
    assert (found.vendor_lag.n, found.vendor_lag.median) == (0, None)


def test_a_start_a_whole_minute_before_the_first_post_is_stated():
    found = compute_figures(record(), [course((SEE, 20), (OVER, 60), started_at=at(19))], WINDOW)
    assert found.vendor_lag.mean == timedelta(minutes=1)


def test_a_post_that_is_dated_after_we_saw_it_is_no_lag_of_ours():
    found = compute_figures(record(), [course((SEE, 20), seen_at=at(18))], WINDOW)
    assert found.our_lag.mean == timedelta(0)


def test_our_lag_is_known_only_of_incidents_that_we_watched():
    found = compute_figures(record(), [course((SEE, 20), seen_at=at(21)), course((SEE, 0), day=1)], WINDOW)
    assert (found.our_lag.n, found.our_lag.mean) == (1, timedelta(minutes=1))


# --- the budget -------------------------------------------------------------------------------------------------------


def spent(*told, slo=99.0):
    return compute_error_budget(condition_periods(record(*told), WINDOW), WINDOW, slo)


def test_the_budget_is_the_share_of_the_window_that_may_be_bad():
    assert spent().total == timedelta(minutes=144)  # 1 % of ten days


def test_what_is_left_is_the_budget_without_the_bad_minutes():
    assert spent(ConditionClaim(at(0), at(44), Condition.DEGRADED)).left == timedelta(minutes=100)


def test_the_burn_rate_is_that_of_the_last_seven_days():
    old, late = (
        ConditionClaim(at(0), at(60), Condition.DEGRADED),
        ConditionClaim(at(0, 9), at(50.4, 9), Condition.DEGRADED),
    )
    assert spent(old, late).burn_rate == pytest.approx(0.5)  # 0.5 % of seven days, where 1 % is allowed


def test_a_quiet_week_burns_nothing_and_never_runs_out():
    quiet = spent(ConditionClaim(at(0), at(60), Condition.DEGRADED))
    assert (quiet.burn_rate, quiet.runs_out_at) == (0, None)


def test_a_month_of_which_nothing_is_known_has_no_budget_left_and_no_burn_rate():
    found = compute_error_budget(condition_periods(SurfaceRecord("api"), WINDOW), WINDOW, 99.9)
    assert (found.left, found.burn_rate, found.known) == (None, None, timedelta(0))


def test_a_budget_states_how_much_of_its_time_is_known():
    known = SurfaceRecord("api", covered=(TimeWindow(at(0), at(0, 4)),))
    found = compute_error_budget(condition_periods(known, WINDOW), WINDOW, 99.0)
    assert (found.known, found.period) == (timedelta(days=4), timedelta(days=10))


def test_a_burn_rate_needs_a_day_of_known_time_in_its_own_seven():
    known = SurfaceRecord("api", covered=(TimeWindow(at(0), at(0, 3)),))  # the last seven days begin with day 3
    found = compute_error_budget(condition_periods(known, WINDOW), WINDOW, 99.0)
    assert (found.left, found.burn_rate) == (timedelta(minutes=144), None)


def test_the_date_it_runs_out_is_what_is_left_at_the_present_burn():
    late = ConditionClaim(at(0, 9), at(100.8, 9), Condition.DEGRADED)  # 1 % of seven days
    assert spent(late).runs_out_at == WINDOW.end + timedelta(minutes=(144 - 100.8) * 100)


def test_an_overspent_budget_names_the_minute_in_which_it_was_spent():
    found = spent(ConditionClaim(at(0, 9), at(200, 9), Condition.MAJOR_OUTAGE))
    assert (found.left, found.runs_out_at) == (timedelta(minutes=-56), at(144, 9))


# --- icpe25 -----------------------------------------------------------------------------------------------------------


def service(*courses, label="API"):
    return icpe25.compute_study_table(courses).services[label]


def test_each_stage_counts_at_its_first_post():
    one = service(course((SEE, 0), (FOUND, 60), (SEE, 70), (FOUND, 90), (WATCH, 180), (OVER, 240)))
    assert (one.p_investigate_h, one.p_repair_h, one.p_check_h, one.mttr_h) == (1.0, 2.0, 1.0, 4.0)


def test_an_incident_whose_stages_are_out_of_order_is_dropped():
    found = icpe25.compute_study_table([course((FOUND, 0), (SEE, 10), (OVER, 60)), course((SEE, 0), (OVER, 60), day=1)])
    assert (found.incidents, found.used, found.services["API"].incidents) == (2, 1, 1)


def test_a_missing_stage_is_left_out_of_that_mean_only():
    one = service(course((SEE, 0), (OVER, 60)), course((SEE, 0), (FOUND, 30), (OVER, 60), day=1))
    assert (one.p_investigate_h, one.p_repair_h, one.mttr_h) == (0.5, None, 1.0)


def test_a_post_hoc_notice_has_no_time_to_recover_but_counts_for_the_gaps():
    one = service(course((SEE, 0), (OVER, 60)), course((OVER, 0), day=3))
    assert (one.incidents, one.mttr_h, one.mtbf_d) == (2, 1.0, 3.0)


def test_one_incident_has_no_gap():
    assert service(course((SEE, 0), (OVER, 60))).mtbf_d is None


def test_an_incident_belongs_to_every_component_it_is_linked_to():
    found = icpe25.compute_study_table([course((SEE, 0), (OVER, 60), labels=("API", "Web", "API"))])
    assert {name: s.incidents for name, s in found.services.items()} == {"API": 1, "Web": 1}


def test_components_of_two_providers_with_one_name_are_told_apart():
    ours, theirs = course((SEE, 0), (OVER, 60)), course((SEE, 0), (OVER, 60), day=1)
    other = IncidentCourse("o", "q", "t", theirs.posted_at, theirs.steps, labels=("API",))
    assert list(icpe25.compute_study_table([ours, other]).services) == ["API (p)", "API (q)"]


def test_a_partly_down_minute_costs_three_tenths_in_the_studys_availability():
    found = [
        ConditionPeriod(DAY, at(144), Condition.PARTIAL_OUTAGE),
        ConditionPeriod(at(144), at(288), Condition.MAJOR_OUTAGE),
        ConditionPeriod(at(288), at(1440), Condition.DEGRADED),
    ]
    assert icpe25.mean_daily_availability(found, split_days(TimeWindow(DAY, at(1440)), UTC)) == pytest.approx(87.0)


def test_days_of_which_nothing_is_known_do_not_count_in_the_studys_availability():
    found = [
        ConditionPeriod(DAY, at(1440), Condition.UNKNOWN),
        ConditionPeriod(at(1440), at(2880), Condition.MAJOR_OUTAGE),
    ]
    assert icpe25.mean_daily_availability(found, split_days(TimeWindow(DAY, at(2880)), UTC)) == 0.0
