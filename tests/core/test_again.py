"""A look that shows nothing new is short: what it leaves out must make no difference to anything that comes after."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core import stroke as strokes
from bot.model import Blindness, Look, Stage, World
from tests.core.pages import AMBER, RED, RULES, at, incident, page, update

DEAF = Blindness("no answer in 10 s", "timeout")
CALM = page()
SHOWN = [
    *(CALM, CALM, page(api=RED), page(web=AMBER), DEAF),
    page(incident(update("u1", api=RED)), api=RED),
    page(incident(update("u1", api=RED), update("u9", Stage.RESOLVED, "Over.", 30))),
]


def told(stroke):
    """What a stroke brings, but for the moment of a verdict that says the same."""
    world = stroke.world
    verdicts = tuple((v.surface, v.call, v.reason_code, v.exposure, v.incidents) for v in world.verdicts)
    return stroke.events, world.states, verdicts, world.incidents, world.components, world.seen_at, world.blind_since


def short(world, seen):
    return strokes.again(world, seen, RULES) or strokes.look(world, seen, RULES)


def well(minutes=120):
    world = World("acme")
    for minute in range(minutes):
        world = strokes.look(world, Look(at(minute), CALM), RULES).world
    return world


@given(st.lists(st.tuples(st.sampled_from(SHOWN), st.sampled_from([1, 2, 5, 100])), min_size=1, max_size=8))
@settings(max_examples=25)
def test_short_looks_and_whole_ones_tell_the_same_story(shown):
    whole, brief, last, minute = World("acme"), World("acme"), None, 0
    for page_shown, looks in shown:
        for _ in range(looks):
            minute += 1
            seen = Look(at(minute), page_shown, is_same=page_shown is last)
            last = page_shown if page_shown is not DEAF else last
            full, less = strokes.look(whole, seen, RULES), short(brief, seen)
            whole, brief = full.world, less.world
            assert told(less) == told(full)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
@settings(max_examples=25)
def test_a_gap_between_looks_starts_the_watch_anew_after_short_looks_too(waits):
    whole = brief = well()
    minute = 119
    for wait in [1, 1, *waits]:
        minute += wait
        seen = Look(at(minute), CALM, is_same=True)
        full, less = strokes.look(whole, seen, RULES), short(brief, seen)
        whole, brief = full.world, less.world
        assert told(less) == told(full)


def test_a_look_at_a_calm_world_that_shows_the_same_is_short():
    world = well()
    stroke = strokes.again(world, Look(at(120), CALM, is_same=True), RULES)
    assert (stroke.events, stroke.world) == ((), replace(world, seen_at=at(120)))


def test_a_look_that_shows_something_else_is_never_short():
    assert strokes.again(well(), Look(at(120), page(api=RED)), RULES) is None


def test_a_look_after_a_clock_that_went_back_is_never_short():
    assert strokes.again(well(), Look(at(118), CALM, is_same=True), RULES) is None


def test_a_look_while_a_surface_recovers_is_never_short():
    world = strokes.look(well(), Look(at(120), page(api=RED)), RULES).world
    world = strokes.look(world, Look(at(121), CALM), RULES).world
    assert strokes.again(world, Look(at(122), CALM, is_same=True), RULES) is None


@pytest.mark.parametrize("apart", [4, 2], ids=["past the day", "on its minute"])
def test_an_incident_that_is_old_enough_is_forgotten_though_looks_are_short(apart):
    over = page(incident(update("u1", api=RED), update("u9", Stage.RESOLVED, "Over.", 30)))
    world = strokes.look(well(), Look(at(120), page(incident(update("u1", api=RED)), api=RED)), RULES).world
    world = strokes.look(world, Look(at(121), over), RULES).world
    world = strokes.look(world, Look(at(122), CALM), RULES).world
    for minute in range(123, 123 + 25 * 60, apart):
        world = short(world, Look(at(minute), CALM, is_same=True)).world
    assert world.incidents == ()


def test_time_that_only_short_looks_watched_is_watched_time():
    world = well()
    for minute in range(120, 240):
        world = short(world, Look(at(minute), CALM, is_same=True)).world
    tracks = strokes.tick(world, at(239) + timedelta(seconds=30), RULES).world.tracks
    assert {t.looked_at for t in tracks} == {at(239)}
