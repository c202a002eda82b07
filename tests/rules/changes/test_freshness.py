"""Bodies in any order, and times that cannot be: what is older than what was read before is no news."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import (
    NO_TIME,
    Condition,
    EventKind,
    Impact,
    Incident,
    PollFailure,
    PollResult,
    ProviderState,
    Snapshot,
    Stage,
    Update,
    VerdictParameters,
)
from bot.formats import statuspage
from bot.rules import transition
from bot.rules.changes import freshness
from tests.support.acme import ACME, NOON
from tests.support.pages import incident, iso, page, update

RULES = transition.TransitionContext(ACME, VerdictParameters(), {})


def after(minutes, **more):
    return NOON + timedelta(minutes=minutes, **more)


def dated(body, minutes):
    """The body with a time of the page's own."""
    told = json.loads(body)
    told["page"]["updated_at"] = iso(after(minutes))
    return json.dumps(told).encode()


def poll(state, body, at, **more):
    saw = statuspage.parse(body) if isinstance(body, bytes) else body
    return transition.apply_poll(state, PollResult(at, saw, **more), RULES)


def play(*bodies, start=None, every_s=60):
    """The events of polls of these bodies, one after another, and the state after the last."""
    state, events, at = start or poll(ProviderState("acme"), dated(page(), -60), NOON).state, [], NOON
    for body in bodies:
        at += timedelta(seconds=every_s)
        change = poll(state, body, at)
        state, events = change.state, [*events, *change.events]
    return events, state


def kinds(events):
    return [e.kind for e in events if e.kind is not EventKind.VERDICT_CHANGED]


FIRST = update(api="major_outage", at=after(1))
FOUND = update(2, "identified", "We have found it.", after(4))
OPEN = dated(page(incident(FIRST), api="major_outage"), 1)
KNOWN = dated(page(incident(FIRST, FOUND), api="major_outage"), 4)
OVER = dated(page(), 9)


def undated(body):
    told = json.loads(body)
    del told["page"]["updated_at"]
    return json.dumps(told).encode()


# --- bodies that are older than one that was read ---------------------------------------------------------------------


def test_a_body_of_before_the_newest_one_opens_nothing_again():
    over = replace(statuspage.parse(page(incident(FIRST))).incidents[0], stage=Stage.RESOLVED)
    state = poll(play(OPEN)[1], OVER, after(10), endings={"inc1": over}).state
    assert (kinds(poll(state, OPEN, after(11)).events), poll(state, OPEN, after(11)).state.hits) == ([], ())


@pytest.mark.parametrize("make", [lambda body: body, undated], ids=["page time", "posts only"])
def test_bodies_by_turns_move_nothing_after_the_newest(make):
    _, newest = play(make(OPEN), make(KNOWN))
    events, state = play(*[make(OPEN), make(KNOWN)] * 6, start=newest)
    assert (events, state.tracked_incident("inc1").incident.stage) == ([], Stage.IDENTIFIED)


@given(st.lists(st.sampled_from([OPEN, KNOWN, dated(page(), -60)]), max_size=12))
def test_bodies_in_any_order_never_take_back_what_a_newer_one_said(bodies):
    events, state = play(*bodies)
    seen = [e.kind for e in events]
    assert seen.count(EventKind.INCIDENT_OPENED) <= 1
    assert seen.count(EventKind.UPDATE_POSTED) == (KNOWN in bodies) + (OPEN in bodies or KNOWN in bodies)
    assert {EventKind.INCIDENT_REOPENED, EventKind.INCIDENT_RESOLVED, EventKind.UPDATE_EDITED}.isdisjoint(seen)
    if KNOWN in bodies or OPEN in bodies:
        assert state.surface_state("acme-api").condition is Condition.MAJOR_OUTAGE


def test_a_text_edited_back_by_an_older_body_stays_as_it_was_edited():
    edited = {**FIRST, "body": "Now we know more.", "updated_at": iso(after(3))}
    before = {**FIRST, "updated_at": iso(after(1))}
    bodies = [undated(dated(page(incident(u), api="major_outage"), 0)) for u in (before, edited)]
    events, _ = play(*bodies, *bodies, *bodies)
    assert kinds(events).count(EventKind.UPDATE_EDITED) == 1


def test_an_old_body_is_no_look_at_the_page_now():
    state = play(OPEN, KNOWN)[1]
    assert poll(state, OPEN, after(4)).state.seen_at == state.seen_at


def test_a_page_that_gives_only_old_bodies_for_five_minutes_cannot_be_read():
    state = play(OPEN, KNOWN)[1]
    change = poll(state, OPEN, after(9))
    assert (change.poll_failure.code, change.state.failures) == ("outdated", 1)


def test_hours_of_a_rolled_back_page_end_with_the_first_newer_body():
    state = play(OPEN, KNOWN)[1]
    for minute in range(4, 300, 5):
        state = poll(state, dated(page(), -60), after(minute)).state
    later = poll(state, dated(page(), 300), after(301), endings={}).state
    assert (state.verdict("acme-api").call, later.blind_since) == ("unknown", None)


def test_a_page_that_was_put_back_for_good_is_believed_after_a_day():
    state = play(OPEN, KNOWN)[1]
    for minute in (10, 20, 60 * 25):
        change = poll(state, dated(page(), -60), after(minute))
        state = change.state
    assert (change.poll_failure, state.page_updated_at) == (None, after(-60))


def test_a_post_that_is_not_known_is_news_though_the_pages_time_stands_back():
    state = play(dated(page(), 3))[1]
    change = poll(state, dated(page(incident(update(api="major_outage", at=after(2)))), 2), after(4))
    assert EventKind.INCIDENT_OPENED in kinds(change.events)


def test_an_incident_of_days_ago_in_an_older_body_is_no_news():
    state = play(dated(page(), -1))[1]
    old = dated(page(incident(update(api="major_outage", at=after(-3000))), api="major_outage"), -2900)
    assert kinds(poll(state, old, after(2)).events) == []


def test_a_page_whose_time_never_changes_is_read_by_its_posts():
    events, state = play(dated(OPEN, -60), dated(KNOWN, -60), dated(OPEN, -60), dated(KNOWN, -60))
    assert (kinds(events).count(EventKind.UPDATE_POSTED), state.failures) == (2, 0)


def test_a_page_whose_clock_is_years_ahead_and_then_right_is_not_old():
    state = play(dated(page(), 60 * 24 * 4000))[1]
    assert EventKind.INCIDENT_OPENED in kinds(poll(state, OPEN, after(2)).events)


def test_an_outage_counts_though_the_page_dated_itself_minutes_ahead_before_it():
    state = play(dated(page(), 9))[1]
    change = poll(
        state, dated(page(incident(update(api="major_outage", at=after(2))), api="major_outage"), 2), after(2)
    )
    assert EventKind.INCIDENT_OPENED in kinds(change.events)


def test_what_an_incidents_own_page_says_counts_beside_an_old_body():
    state = play(OPEN, KNOWN)[1]
    over = statuspage.parse(page(incident(FIRST, FOUND, update(3, "resolved", "It is over.", after(8))))).incidents[0]
    change = poll(state, dated(page(), -60), after(9), endings={"inc1": over})
    assert not change.state.tracked_incident("inc1").is_open


def test_a_post_that_now_says_resolved_ends_the_incident_though_a_later_post_was_taken_away():
    state = play(undated(KNOWN))[1]
    over = undated(dated(page(incident({**FIRST, "status": "resolved"})), 9))
    assert not poll(state, over, after(10)).state.tracked_incident("inc1").is_open


def test_an_own_page_in_an_older_version_takes_nothing_back():
    state = play(KNOWN)[1]
    old = statuspage.parse(page(incident(FIRST))).incidents[0]
    later = poll(state, dated(page(), 9), after(10), endings={"inc1": old}).state.tracked_incident("inc1")
    assert (later.is_open, later.incident.stage) == (True, Stage.IDENTIFIED)


def test_a_body_that_was_served_earlier_is_old_where_the_page_has_no_time():
    state = play(undated(OPEN))[1]
    change = poll(state, undated(dated(page(), 0)), after(3), is_served_earlier=True)
    assert (change.events, change.state.seen_at) == ((), state.seen_at)


@pytest.mark.parametrize(("body", "is_news"), [(page(), False), (page(api="major_outage", web="major_outage"), True)])
def test_of_bodies_by_turns_the_one_with_less_trouble_is_the_older(body, is_news):
    state = play(undated(OPEN))[1]
    change = poll(state, body, after(2), is_by_turns=True)
    assert (change.state.surface_state("acme-web").condition.is_bad, bool(change.events)) == (is_news, is_news)


def test_of_bodies_by_turns_the_one_that_counts_is_a_look_at_the_page_now():
    state = play(undated(OPEN))[1]
    assert poll(state, undated(OPEN), after(2), is_by_turns=True).state.seen_at == after(2)


def test_after_a_step_back_of_our_clock_an_older_body_is_still_known():
    state = play(OPEN, KNOWN)[1]
    assert kinds(poll(state, OPEN, after(-240)).events) == [EventKind.SOURCE_BLIND]


def test_the_age_of_an_answer_makes_the_page_as_old():
    state = play(OPEN)[1]
    later = poll(state, KNOWN, after(30), age=timedelta(days=2)).state
    assert (later.seen_at, later.verdict("acme-web").call) == (state.seen_at, "unknown")


def test_the_same_old_body_again_does_not_count_as_read_now():
    state = play(OVER)[1]
    again = PollResult(after(3), statuspage.parse(dated(page(), 1)), is_same=True)
    assert transition.skip_unchanged(state, again, RULES) is None


# --- times that have not come -----------------------------------------------------------------------------------------


def at_time(display_at):
    return Snapshot("p", "P", (), (Incident("i", "Errors", Stage.IDENTIFIED, Impact.MAJOR, display_at, (
        Update("u1", Stage.IDENTIFIED, "Errors on the API.", display_at),)),), ())  # fmt: skip


def shown(state):
    return state.tracked_incident("i").incident


@pytest.mark.parametrize("claimed", [after(300), datetime(2199, 1, 1, tzinfo=UTC), NO_TIME])
def test_a_time_in_the_future_is_the_time_at_which_it_was_seen(claimed):
    state = poll(poll(ProviderState("acme"), at_time(claimed), NOON).state, at_time(claimed), after(60)).state
    assert (shown(state).created_at, shown(state).updates[0].display_at) == (NOON, NOON)


def test_a_time_that_has_come_meanwhile_is_no_edit():
    state = poll(ProviderState("acme"), at_time(after(30)), NOON).state
    assert kinds(poll(state, at_time(after(30)), after(60)).events) == []


def test_a_time_that_was_unknown_is_no_edit_once_it_is_given():
    state = poll(ProviderState("acme"), at_time(NO_TIME), NOON).state
    assert kinds(poll(state, at_time(after(-90)), after(60)).events) == []


def test_planned_work_keeps_its_time_in_the_future():
    planned = replace(at_time(after(300)).incidents[0], is_maintenance=True, stage=Stage.SCHEDULED)
    state = poll(ProviderState("acme"), Snapshot("p", "P", (), (), (planned,)), NOON).state
    assert shown(state).updates[0].display_at == after(300)


def test_a_clock_of_ours_that_went_back_does_not_date_known_posts_again():
    state = play(OPEN)[1]
    assert kinds(poll(state, OPEN, after(-120)).events) == []


TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.lists(st.tuples(TIMES, st.integers(-600, 600)), min_size=1, max_size=6))
def test_no_post_lies_in_the_future_and_none_is_edited_by_time_alone(claims):
    state, at = ProviderState("acme"), NOON
    for claimed, minutes in claims:
        at = max(at, NOON + timedelta(minutes=minutes))
        state = poll(state, at_time(claimed), at).state
        assert shown(state).created_at <= at
        assert all(u.display_at <= at for u in shown(state).updates)


def test_a_failed_poll_is_not_old():
    assert freshness.outdated_reason(play(OPEN)[1], PollResult(after(2), PollFailure("no", "dns"))) == ""
