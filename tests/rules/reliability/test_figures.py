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
    window = TimeWindow(at(0), at(100))
    told = (
        ConditionClaim(at(0), at(10), Condition.DEGRADED),
        ConditionClaim(at(10), at(40), Condition.MAINTENANCE),
        ConditionClaim(at(40), at(50), Condition.MAJOR_OUTAGE),
    )
    found = compute_figures(SurfaceRecord("api", told=told, covered=(TimeWindow(at(0), at(80)),)), (), window)
    assert found.availability == 60.0  # 30 good of 30 + 20 bad
    assert found.unknown_time == timedelta(minutes=20)


def test_nothing_known_is_no_availability():
    assert compute_figures(SurfaceRecord("api"), (), WINDOW).availability is None


def test_mttr_runs_from_the_first_post_to_the_first_resolved():
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


def test_an_incident_first_posted_before_the_window_is_not_of_it():
    assert compute_figures(record(), [course((SEE, -5), (OVER, 60))], WINDOW).incidents == 0


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
