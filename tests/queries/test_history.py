"""Figures of what was polled live: transitions beat polls, a service begins, and what is open at an edge is counted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import ComponentTransition, Condition, Observation, ProviderState, Stage, Surface, VerdictParameters
from bot.domain.reliability import TimeWindow
from bot.messages.timeline import timeline_message
from bot.queries.current import StatusQueries
from bot.queries.history import HistoryQueries
from bot.queries.incident_export import surroundings
from bot.rules import transition
from tests.support.polls import ACME, API, GREEN, NOON, RED, RULES, WEB, at, incident, page, poll_page, update

DAY = TimeWindow(NOON - timedelta(hours=12), NOON + timedelta(hours=12))


def move(uid, stage, minutes, old, new):
    return replace(update(uid, stage, "Text.", minutes), transitions=(ComponentTransition("c-api", "api", old, new),))


BEGAN = move("u1", Stage.INVESTIGATING, 0, GREEN, RED)
ENDED = move("u2", Stage.RESOLVED, 30, RED, GREEN)


def record(repository, *looks):
    """The database after these polls."""
    state = ProviderState("acme")
    for seen in looks:
        change = transition.apply_poll(state, seen, RULES)
        repository.record_transition(Observation("acme", seen.at, "changed", "", None, 0.0), change, ())
        state = change.state
    return state


def queries(repository, minutes):
    return HistoryQueries(repository.archive, at(minutes))


def minutes(figures):
    return {str(c): span / timedelta(minutes=1) for c, span in figures.minutes.items() if span}


@pytest.fixture
def polled(repository):
    """Polls every ten minutes, three minutes after the vendor's posts of an outage of half an hour."""
    record(
        repository,
        *(poll_page(m, page()) for m in (-17, -7)),
        *(poll_page(m, page(incident(BEGAN), api=RED)) for m in (3, 13, 23)),
        *(poll_page(m, page(incident(BEGAN, ENDED))) for m in (33, 43)),
    )
    return queries(repository, 43)


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


def test_two_polls_an_hour_apart_leave_the_hour_unknown(repository):
    record(repository, poll_page(0, page()), poll_page(10, page()), poll_page(70, page()))
    figures = queries(repository, 70).reliability_figures(API, TimeWindow(at(0), at(70)))
    assert minutes(figures) == {"operational": 10, "unknown": 60}


def test_an_unreadable_hour_inside_an_outage_is_unknown_and_does_not_split_it(repository):
    record(repository, *(poll_page(m, page(incident(BEGAN), api=RED)) for m in (3, 13, 73, 83)))
    figures = queries(repository, 83).reliability_figures(API, TimeWindow(at(3), at(83)))
    assert (minutes(figures), figures.outages) == ({"major_outage": 20, "unknown": 60}, 1)


def test_a_red_component_without_a_post_is_an_outage_and_no_incident_of_the_vendor(repository):
    record(repository, *(poll_page(m, page(api=RED)) for m in range(0, 30, 5)), poll_page(30, page()))
    figures = queries(repository, 30).reliability_figures(API, TimeWindow(at(-10), at(30)))
    assert (figures.incidents, figures.unposted, figures.outages, figures.mttr.n) == (0, 1, 1, 0)


def test_all_services_of_a_provider_together_count_each_incident_once(polled):
    whole, *rows = polled.provider_reports(ACME, TimeWindow(at(-17), at(43)))
    assert (whole.incidents, [f.incidents for f in rows]) == (1, [0, 1, 0])


def test_a_service_that_was_never_known_does_not_make_the_whole_unknown(polled):
    provider = replace(ACME, surfaces=(*ACME.surfaces, Surface("new", "acme", "New")))
    whole, *_ = polled.provider_reports(provider, TimeWindow(at(-17), at(43)))
    assert whole.minutes[Condition.UNKNOWN] == timedelta(0)


def listed(*incidents, without=(), added=None, **colours):
    """A complete page without these components; ``added`` is when the vendor added each, in minutes, by name."""
    found = page(*incidents, **colours)
    parts = tuple(
        replace(c, created_at=at(added[c.name]) if added else None) for c in found.components if c.name not in without
    )
    return replace(found, components=parts, is_complete=True)


def lifetime(found, surface, start=-3000):
    window = TimeWindow(at(start), at(60))
    figures = found.reliability_figures(surface, window)
    return figures.since, figures.until, figures.window


def test_a_service_begins_with_the_first_poll_that_lists_its_component(repository):
    record(
        repository,
        poll_page(0, listed(without=["api"])),
        poll_page(10, listed(without=["api"])),
        poll_page(20, listed()),
        poll_page(30, listed()),
    )
    assert lifetime(queries(repository, 30), API)[:2] == (at(20), None)
    assert lifetime(queries(repository, 30), WEB)[:2] == (None, None)


def test_a_service_that_the_first_poll_lists_began_when_the_vendor_added_it(repository):
    first = listed(added={"web": -9000, "api": -100, "other": -9000})
    record(repository, poll_page(0, first), poll_page(10, first))
    assert lifetime(queries(repository, 10), API)[0] == at(-100)


def test_components_that_came_with_the_page_do_not_say_when_their_services_began(repository):
    record(repository, poll_page(0, listed(added={"web": -200, "api": -100, "other": -200})))
    assert lifetime(queries(repository, 0), API)[0] is None


def test_an_incident_before_the_component_was_added_shows_that_the_service_was_there(repository):
    old = incident(move("u0", Stage.INVESTIGATING, -600, GREEN, RED))
    record(repository, poll_page(0, listed(old, added={"web": -9000, "api": -100, "other": -9000}, api=RED)))
    assert lifetime(queries(repository, 0), API)[0] == at(-600)


def test_a_component_that_took_over_began_with_the_one_before_it(repository):
    first = listed(added={"web": -9000, "api": -9000, "other": -9000})
    other_id = tuple(replace(c, id="c-api2", created_at=at(5)) if c.name == "api" else c for c in first.components)
    record(repository, poll_page(0, first), *(poll_page(m, replace(first, components=other_id)) for m in (10, 11, 12)))
    assert lifetime(queries(repository, 12), replace(API, components=("api",)))[0] is None


def test_a_service_ends_when_its_component_has_left_the_page(repository):
    record(repository, poll_page(0, listed()), *(poll_page(m, listed(without=["api"])) for m in range(10, 20)))
    _, until, window = lifetime(queries(repository, 20), API, start=0)
    assert (until, window.end) == (at(15), at(15))


def test_a_service_whose_component_comes_back_has_not_ended(repository):
    gone = [poll_page(m, listed(without=["api"])) for m in range(10, 20)]
    record(repository, poll_page(0, listed()), *gone, poll_page(30, listed()))
    assert lifetime(queries(repository, 30), API, start=0)[:2] == (None, None)


BOTH = replace(
    update("u1", Stage.INVESTIGATING, "Text.", 0),
    transitions=(ComponentTransition("c-api", "api", GREEN, RED), ComponentTransition("c-web", "web", GREEN, RED)),
)
WEB_BACK = replace(
    update("u2", Stage.IDENTIFIED, "Text.", 10), transitions=(ComponentTransition("c-web", "web", RED, GREEN),)
)


def test_a_service_that_recovered_before_the_first_poll_is_one_that_the_incident_affected(repository):
    state = record(repository, poll_page(-5, page()), poll_page(20, page(incident(BOTH, WEB_BACK), api=RED)))
    figures = queries(repository, 20).reliability_figures(WEB, TimeWindow(at(-5), at(20)))
    assert (state.incidents[0].surfaces, figures.incidents) == (("acme-api", "acme-web"), 1)
    assert figures.bad_time == timedelta(minutes=10)


def test_its_timeline_has_what_no_poll_saw(repository):
    record(repository, poll_page(-5, page()), poll_page(20, page(incident(BOTH, WEB_BACK), api=RED)))
    queries = StatusQueries((ACME,), repository, lambda: at(21), lambda _: VerdictParameters())
    provider, tracked, events = queries.find_incident("i1")
    beside = surroundings(queries, provider, tracked)
    said = timeline_message(tracked, provider, events, queries.surfaces(), surroundings=beside).text
    assert said.index("12:00  Acme Web: outage") < said.index("12:20  Acme, investigating")


LATE = incident(
    update("u1", Stage.RESOLVED, "Between 12:05 and 12:20 UTC calls to the API failed.", 40),
    components=page().components[1:2],
)


def test_an_incident_that_is_posted_late_counts_in_the_time_that_its_text_states(repository):
    record(repository, *(poll_page(m, page()) for m in range(0, 41, 10)), poll_page(50, page(LATE)))
    figures = queries(repository, 50).reliability_figures(API, TimeWindow(at(0), at(50)))
    assert minutes(figures) == {"operational": 35, "partial_outage": 15}
    assert (figures.incidents, figures.post_hoc, figures.inferred) == (1, 1, timedelta(minutes=15))
    assert figures.vendor_lag.median == timedelta(minutes=35)


def test_it_is_in_the_count_of_a_window_that_has_its_minutes_and_not_its_post(repository):
    record(repository, *(poll_page(m, page()) for m in range(0, 41, 10)), poll_page(50, page(LATE)))
    before, between = (
        queries(repository, 50).reliability_figures(API, TimeWindow(at(a), at(b))) for a, b in ((0, 10), (25, 35))
    )
    assert [(f.incidents, f.began_before, f.bad_time) for f in (before, between)] == [
        (1, 0, timedelta(minutes=5)),
        (1, 1, timedelta()),
    ]
