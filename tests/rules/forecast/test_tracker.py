"""First estimates: made once, kept as said, graded when the incident is no longer bad."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain import (
    Attribution,
    AttributionKind,
    Condition,
    EvidenceKind,
    ForecastState,
    Impact,
    Incident,
    Stage,
    TrackedIncident,
    Update,
)
from bot.rules.forecast import tracker

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def incident(stage=Stage.INVESTIGATING, **more):
    shown = Incident("i1", "Errors", stage, Impact.MAJOR, NOON, (Update("u1", Stage.INVESTIGATING, "", NOON),), **more)
    return TrackedIncident(shown, NOON + timedelta(minutes=1))


def minutes(number):
    return NOON + timedelta(minutes=number)


def test_an_incident_gets_one_estimate_with_the_time_it_had_lasted():
    after = tracker.update_forecast_state(ForecastState(), [incident()], minutes(4))
    assert [(e.incident, e.issued_at, e.elapsed) for e in after.first] == [("i1", minutes(4), timedelta(minutes=4))]


def test_the_first_estimate_is_kept_as_it_was_said():
    first = tracker.update_forecast_state(ForecastState(), [incident()], minutes(4))
    assert tracker.update_forecast_state(first, [incident(Stage.IDENTIFIED)], minutes(90)) is first


def test_it_is_graded_when_the_incident_is_no_longer_bad():
    first = tracker.update_forecast_state(ForecastState(), [incident()], minutes(4))
    after = tracker.update_forecast_state(first, [incident(Stage.MONITORING)], minutes(34))
    assert ([g.actual for g in after.grades], after.first) == ([timedelta(minutes=30)], ())


def test_what_ended_teaches_how_long_it_was_bad_in_all():
    first = tracker.update_forecast_state(ForecastState(), [incident()], minutes(4))
    assert tracker.update_forecast_state(first, [incident(Stage.RESOLVED)], minutes(34)).lifetimes.minutes == (34,)


def test_an_incident_that_we_found_open_is_not_estimated():
    assert (
        tracker.update_forecast_state(ForecastState(), [replace(incident(), is_baseline=True)], minutes(4)).first == ()
    )


def test_a_maintenance_is_not_estimated():
    assert (
        tracker.update_forecast_state(
            ForecastState(), [incident(Stage.IN_PROGRESS, is_maintenance=True)], minutes(4)
        ).first
        == ()
    )


def test_what_the_verdict_goes_by_grows_old_with_the_incident():
    first = tracker.update_forecast_state(ForecastState(), [incident()], minutes(0))
    hit = Attribution(
        "acme-api",
        "i1",
        AttributionKind.DOWN,
        Condition.MAJOR_OUTAGE,
        Stage.INVESTIGATING,
        EvidenceKind.TRANSITION,
        NOON,
    )
    assert tracker.current_estimates(first, [hit], minutes(60))["acme-api"].elapsed == timedelta(minutes=60)


def test_after_two_weeks_neither_the_verdict_nor_people_are_told_an_estimate():
    first = tracker.update_forecast_state(ForecastState(), [incident()], minutes(4))
    hit = Attribution(
        "acme-api",
        "i1",
        AttributionKind.DOWN,
        Condition.MAJOR_OUTAGE,
        Stage.INVESTIGATING,
        EvidenceKind.TRANSITION,
        NOON,
    )
    later = NOON + timedelta(days=14)
    assert (tracker.current_estimates(first, [hit], later), tracker.shown_estimate(first, "i1", later)) == ({}, None)


def test_a_clock_that_went_back_does_not_make_an_incident_younger_than_its_first_estimate_says():
    first = tracker.update_forecast_state(ForecastState(), [incident()], minutes(4))
    hit = Attribution(
        "acme-api", "i1", AttributionKind.DOWN, Condition.DEGRADED, Stage.INVESTIGATING, EvidenceKind.TRANSITION, NOON
    )
    assert tracker.current_estimates(first, [hit], minutes(-120))["acme-api"].elapsed == timedelta(minutes=4)
