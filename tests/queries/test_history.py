"""Figures of what was polled live: transitions beat polls, a service begins, and what is open at an edge is counted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import ComponentTransition, Condition, Observation, ProviderState, Stage, Surface
from bot.domain.reliability import TimeWindow
from bot.queries.history import HistoryQueries
from bot.rules import transition
from tests.support.polls import ACME, API, GREEN, NOON, RED, RULES, WEB, at, incident, look, page, update

DAY = TimeWindow(NOON - timedelta(hours=12), NOON + timedelta(hours=12))


def move(uid, stage, minutes, old, new):
    return replace(update(uid, stage, "Text.", minutes), transitions=(ComponentTransition("c-api", "api", old, new),))


BEGAN = move("u1", Stage.INVESTIGATING, 0, GREEN, RED)
ENDED = move("u2", Stage.RESOLVED, 30, RED, GREEN)


def record(book, *looks):
    """The book after these looks."""
    state = ProviderState("acme")
    for seen in looks:
        change = transition.apply_poll(state, seen, RULES)
        book.record_transition(Observation("acme", seen.at, "changed", "", None, 0.0), change, ())
        state = change.state
    return state


def queries(book, minutes):
    return HistoryQueries(book.archive, at(minutes))


def minutes(figures):
    return {str(c): span / timedelta(minutes=1) for c, span in figures.minutes.items() if span}


@pytest.fixture
def polled(book):
    """Polls every ten minutes, three minutes after the vendor's posts of an outage of half an hour."""
    record(
        book,
        *(look(m, page()) for m in (-17, -7)),
        *(look(m, page(incident(BEGAN), api=RED)) for m in (3, 13, 23)),
        *(look(m, page(incident(BEGAN, ENDED))) for m in (33, 43)),
    )
    return queries(book, 43)


def test_minutes_come_from_transitions_also_for_what_polls_saw_late(polled):
    window = TimeWindow(at(-17), at(43))
    assert minutes(polled.reliability_figures(API, window)) == {"major_outage": 30, "operational": 30}


def test_a_service_that_no_transition_names_stays_as_polls_saw_it(polled):
    assert minutes(polled.reliability_figures(WEB, TimeWindow(at(-17), at(43)))) == {"operational": 60}


def test_an_incident_that_is_open_when_the_window_begins_is_in_it_as_begun_before(polled):
    figures = polled.reliability_figures(API, TimeWindow(at(10), at(40)))
    assert (figures.incidents, figures.began_before, figures.bad_time) == (1, 1, timedelta(minutes=20))


def test_time_before_a_service_began_is_in_no_minute_and_the_report_says_since_when(polled):
    young = replace(API, since=at(13))
    figures = polled.reliability_figures(young, TimeWindow(at(-17), at(43)))
    assert (minutes(figures), figures.since) == ({"major_outage": 17, "operational": 13}, at(13))


def test_an_incident_before_a_service_began_is_not_counted(polled):
    young = replace(API, since=at(40))
    assert polled.reliability_figures(young, TimeWindow(at(-17), at(43))).incidents == 0


def test_time_after_a_service_ended_is_in_no_minute(polled):
    figures = polled.reliability_figures(replace(API, until=at(3)), TimeWindow(at(-17), at(43)))
    assert minutes(figures) == {"operational": 17, "major_outage": 3}


def test_a_window_in_which_a_service_did_not_exist_is_empty(polled):
    own = polled.lifetime(replace(API, since=at(0)), TimeWindow(at(-20), at(-10)))
    assert own.length == timedelta(0)


def test_two_polls_an_hour_apart_leave_the_hour_unknown(book):
    record(book, look(0, page()), look(10, page()), look(70, page()))
    figures = queries(book, 70).reliability_figures(API, TimeWindow(at(0), at(70)))
    assert minutes(figures) == {"operational": 10, "unknown": 60}


def test_an_unreadable_hour_inside_an_outage_is_unknown_and_does_not_split_it(book):
    record(book, *(look(m, page(incident(BEGAN), api=RED)) for m in (3, 13, 73, 83)))
    figures = queries(book, 83).reliability_figures(API, TimeWindow(at(3), at(83)))
    assert (minutes(figures), figures.outages) == ({"major_outage": 20, "unknown": 60}, 1)


def test_a_red_component_without_a_post_is_an_outage_and_no_incident_of_the_vendor(book):
    record(book, *(look(m, page(api=RED)) for m in range(0, 30, 5)), look(30, page()))
    figures = queries(book, 30).reliability_figures(API, TimeWindow(at(-10), at(30)))
    assert (figures.incidents, figures.unposted, figures.outages, figures.mttr.n) == (0, 1, 1, 0)


def test_all_services_of_a_provider_together_count_each_incident_once(polled):
    whole, *rows = polled.provider_reports(ACME, TimeWindow(at(-17), at(43)))
    assert (whole.incidents, [f.incidents for f in rows]) == (1, [0, 1, 0])


def test_a_service_that_was_never_known_does_not_make_the_whole_unknown(polled):
    provider = replace(ACME, surfaces=(*ACME.surfaces, Surface("new", "acme", "New")))
    whole, *_ = polled.provider_reports(provider, TimeWindow(at(-17), at(43)))
    assert whole.minutes[Condition.UNKNOWN] == timedelta(0)
