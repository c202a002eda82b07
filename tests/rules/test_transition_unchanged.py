"""A poll that shows nothing new is short: what it leaves out must make no difference to anything that comes after."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import PollFailure, PollResult, ProviderState, Stage
from bot.rules import transition
from tests.support.polls import AMBER, RED, RULES, at, incident, page, update

DEAF = PollFailure("no answer in 10 s", "timeout")
CALM = page()
SHOWN = [
    *(CALM, CALM, page(api=RED), page(web=AMBER), DEAF),
    page(incident(update("u1", api=RED)), api=RED),
    page(incident(update("u1", api=RED), update("u9", Stage.RESOLVED, "Over.", 30))),
]


def told(change):
    """What a transition brings, but for the moment of a verdict that says the same."""
    world = change.state
    verdicts = tuple((v.surface, v.call, v.reason_code, v.exposure, v.incidents) for v in world.verdicts)
    return change.events, world.states, verdicts, world.incidents, world.components, world.seen_at, world.blind_since


def short(world, seen):
    return transition.skip_unchanged(world, seen, RULES) or transition.apply_poll(world, seen, RULES)


def well(minutes=120):
    world = ProviderState("acme")
    for minute in range(minutes):
        world = transition.apply_poll(world, PollResult(at(minute), CALM), RULES).state
    return world


@given(st.lists(st.tuples(st.sampled_from(SHOWN), st.sampled_from([1, 2, 5, 100])), min_size=1, max_size=8))
@settings(max_examples=25)
def test_short_looks_and_whole_ones_tell_the_same_story(shown):
    whole, brief, last, minute = ProviderState("acme"), ProviderState("acme"), None, 0
    for page_shown, looks in shown:
        for _ in range(looks):
            minute += 1
            seen = PollResult(at(minute), page_shown, is_same=page_shown is last)
            last = page_shown if page_shown is not DEAF else last
            full, less = transition.apply_poll(whole, seen, RULES), short(brief, seen)
            whole, brief = full.state, less.state
            assert told(less) == told(full)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
@settings(max_examples=25)
def test_a_gap_between_polls_starts_the_watch_again_after_short_polls_too(waits):
    whole = brief = well()
    minute = 119
    for wait in [1, 1, *waits]:
        minute += wait
        seen = PollResult(at(minute), CALM, is_same=True)
        full, less = transition.apply_poll(whole, seen, RULES), short(brief, seen)
        whole, brief = full.state, less.state
        assert told(less) == told(full)


def test_a_poll_at_a_calm_world_that_shows_the_same_is_short():
    world = well()
    change = transition.skip_unchanged(world, PollResult(at(120), CALM, is_same=True), RULES)
    assert (change.events, change.state) == ((), replace(world, seen_at=at(120)))


def test_a_poll_that_shows_something_else_is_never_short():
    assert transition.skip_unchanged(well(), PollResult(at(120), page(api=RED)), RULES) is None


def test_a_poll_after_a_clock_that_went_back_is_never_short():
    assert transition.skip_unchanged(well(), PollResult(at(118), CALM, is_same=True), RULES) is None


def test_a_poll_while_a_surface_recovers_is_never_short():
    world = transition.apply_poll(well(), PollResult(at(120), page(api=RED)), RULES).state
    world = transition.apply_poll(world, PollResult(at(121), CALM), RULES).state
    assert transition.skip_unchanged(world, PollResult(at(122), CALM, is_same=True), RULES) is None


@pytest.mark.parametrize("apart", [4, 2], ids=["past the day", "on its minute"])
def test_an_incident_that_is_old_enough_is_forgotten_though_looks_are_short(apart):
    over = page(incident(update("u1", api=RED), update("u9", Stage.RESOLVED, "Over.", 30)))
    world = transition.apply_poll(
        well(), PollResult(at(120), page(incident(update("u1", api=RED)), api=RED)), RULES
    ).state
    world = transition.apply_poll(world, PollResult(at(121), over), RULES).state
    world = transition.apply_poll(world, PollResult(at(122), CALM), RULES).state
    for minute in range(123, 123 + 25 * 60, apart):
        world = short(world, PollResult(at(minute), CALM, is_same=True)).state
    assert world.incidents == ()


def test_time_that_only_short_looks_watched_is_watched_time():
    world = well()
    for minute in range(120, 240):
        world = short(world, PollResult(at(minute), CALM, is_same=True)).state
    tracks = transition.advance_time(world, at(239) + timedelta(seconds=30), RULES).state.tracks
    assert {t.looked_at for t in tracks} == {at(239)}
