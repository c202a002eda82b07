"""Red components of no surface: one incident for all of them, for those who follow the whole provider."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import (
    Component,
    ComponentTransition,
    Condition,
    Impact,
    Incident,
    PollResult,
    ProviderState,
    Snapshot,
    Stage,
    Subscription,
    Update,
    VerdictParameters,
)
from bot.rules import transition
from bot.rules.alerting import decide, routing
from bot.rules.evidence import unmapped
from tests.support.acme import ACME, NOON

RED, PARTIAL, DEGRADED, GREEN = (
    Condition.MAJOR_OUTAGE,
    Condition.PARTIAL_OUTAGE,
    Condition.DEGRADED,
    Condition.OPERATIONAL,
)


def part(identity, condition=GREEN, **more):
    return Component(identity, f"Part {identity}", condition, **more)


def page(*parts, incidents=(), api=GREEN):
    own = (Component("c-api", "API", api), Component("c-web", "Website", GREEN))
    return Snapshot("p", "Acme", (*own, *parts), incidents, (), is_complete=True)


def posted(*components, stage=Stage.INVESTIGATING, at=NOON):
    moves = tuple(ComponentTransition(c.id, c.name, GREEN, c.condition) for c in components)
    update = Update("u1", stage, "We are looking into it.", at, moves)
    return Incident("i1", "Errors", stage, Impact.MAJOR, at, (update,), components)


class Story:
    """Polls a minute apart; the alerts that were made."""

    def __init__(self):
        self.state, self.at, self.alerts, self.kinds = ProviderState("acme"), NOON, [], []

    def show(self, snapshot, polls=1):
        context = transition.TransitionContext(ACME, VerdictParameters(), {})
        for _ in range(polls):
            change = transition.apply_poll(self.state, PollResult(self.at, snapshot), context)
            self.alerts += decide.decide(change, ACME, blind_after=3).alerts
            self.kinds += [str(e.kind) for e in change.events if "trouble" in e.kind]
            self.state, self.at = change.state, self.at + timedelta(minutes=1)
        return self

    def open(self):
        return [k.incident.name for k in self.state.open_incidents if k.incident.is_unposted]


@pytest.fixture
def story():
    return Story().show(page(part("x"), part("y")), polls=5)


def test_it_is_told_after_three_minutes(story):
    story.show(page(part("x", RED)), polls=3)
    before = story.open()
    story.show(page(part("x", RED)))
    assert (before, story.open()) == ([], ["Part x shown as outage without an incident"])


@pytest.mark.parametrize("condition", [DEGRADED, Condition.MAINTENANCE, Condition.UNKNOWN])
def test_less_than_a_partial_outage_is_not_told(story, condition):
    assert story.show(page(part("x", condition)), polls=30).open() == []


def test_a_component_of_a_surface_is_told_as_before_and_not_twice(story):
    assert story.show(page(api=RED), polls=30).open() == ["Acme API is bad on the page, and no incident is posted"]


def test_hundreds_of_them_are_one_message(story):
    many = [part(f"n{n:03}", PARTIAL) for n in range(300)]
    story.show(page(*many), polls=60)
    assert len({a.incident for a in story.alerts}) == 1
    names = ", ".join(f"Part n{n:03}" for n in range(6))
    assert story.open() == [f"{names} and 294 more shown as partial outage without an incident"]


def test_one_more_changes_the_message_and_says_nothing_new(story):
    story.show(page(part("x", RED)), polls=10)
    count = len(story.alerts)
    story.show(page(part("x", RED), part("y", RED)), polls=10)
    after = [a for a in story.alerts[count:] if a.title != "Part x shown as outage without an incident"]
    assert [(a.title, a.opens, a.news) for a in after] == [
        ("Part x and Part y shown as outage without an incident", False, ())
    ]


def test_it_ends_when_the_last_one_is_well(story):
    story.show(page(part("x", RED), part("y", RED)), polls=10).show(page(part("x", RED), part("y")), polls=3)
    still = story.open()
    story.show(page(part("x"), part("y")))
    assert (len(still), story.open(), str(story.state.incidents[-1].ending)) == (1, [], "cleared")


def test_one_that_left_the_page_has_not_recovered(story):
    story.show(page(part("x", RED)), polls=10).show(page(), polls=10)
    assert str(story.state.incidents[-1].ending) == "removed"


def test_a_return_within_a_short_time_is_the_same_incident(story):
    for _ in range(3):
        story.show(page(part("x", RED)), polls=10).show(page(part("x")), polls=3)
    assert len([k for k in story.state.incidents if k.incident.is_unposted]) == 1


def test_an_incident_that_mentions_it_tells_it(story):
    red = part("x", RED)
    assert story.show(page(red, incidents=(posted(red),)), polls=30).open() == []


def test_an_incident_that_comes_later_takes_the_message_over(story):
    red = part("x", RED)
    story.show(page(red), polls=10).show(page(red, incidents=(posted(red, at=NOON + timedelta(minutes=15)),)))
    own, vendors = (story.state.tracked_incident(k.incident.id) for k in story.state.incidents)
    assert (str(own.ending), own.joined, vendors.suspicions) == ("posted", "i1", (own.incident.id,))


def test_what_is_red_at_the_first_poll_is_no_news():
    story = Story().show(page(part("x", RED)), polls=5)
    assert ([k.is_baseline for k in story.state.incidents], [a for a in story.alerts if a.opens]) == ([True], [])


def test_a_group_is_told_by_its_members(story):
    group, member = part("g", RED, is_group=True), part("m", RED, parent="g")
    assert story.show(page(group, member), polls=10).open() == ["Part m shown as outage without an incident"]


def test_a_member_of_a_group_that_stands_for_a_surface_is_the_surfaces(story):
    assert story.show(page(part("m", RED, parent="c-api")), polls=10).open() == []


def test_a_group_of_components_of_surfaces_is_not_told_beside_them(story):
    group = part("g", RED, is_group=True)
    shown = page(group, api=RED)
    shown = replace(shown, components=(replace(shown.components[0], parent="g"), *shown.components[1:]))
    assert [k for k in story.show(shown, polls=10).open() if "Part" in k] == []


@pytest.mark.parametrize(
    ("target", "minimum", "is_told"),
    [
        ("acme", DEGRADED, True),
        ("acme", PARTIAL, True),
        ("acme", RED, False),
        ("acme-api", DEGRADED, False),
    ],
)
def test_it_is_told_to_those_who_follow_the_whole_provider(story, target, minimum, is_told):
    [alert] = [a for a in story.show(page(part("x", PARTIAL)), polls=5).alerts if a.is_unposted][:1]
    owed = routing.route_alert(alert, [Subscription("C1", target, minimum, created_at=NOON)], ())
    assert bool(list(owed)) is is_told


def test_no_surface_is_held_by_it(story):
    story.show(page(part("x", RED)), polls=30)
    assert {str(v.call) for v in story.state.verdicts} == {"retry_normally"}


PARTS = st.lists(
    st.builds(part, st.sampled_from("abcdef"), st.sampled_from(list(Condition))), unique_by=lambda c: c.id, max_size=6
)


@given(st.lists(st.tuples(PARTS, st.integers(1, 6)), max_size=8))
def test_there_is_one_open_incident_at_most_and_it_names_what_is_red(polls):
    story = Story().show(page())
    for parts, times in polls:
        story.show(page(*parts), polls=times)
        found = [k for k in story.state.open_incidents if unmapped.is_unmapped_outage(k)]
        red = {c.id for c in story.state.components if c.condition in (PARTIAL, RED)}
        assert len(found) <= 1
        assert all({c.id for c in k.incident.components} <= red and k.incident.components for k in found)
