"""A component is its id: known by name at first sight, kept when it is renamed, and forgotten when it has left."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import (
    Component,
    Condition,
    PollResult,
    Provider,
    ProviderState,
    Snapshot,
    Source,
    Surface,
    VerdictParameters,
)
from bot.rules import transition
from bot.rules.changes import component_pins
from tests.support.acme import NOON

RED, GREEN = Condition.MAJOR_OUTAGE, Condition.OPERATIONAL
NAMED = Provider(
    "acme",
    "Acme",
    (
        Surface("acme-api", "acme", "Acme API", components=("API",)),
        Surface("acme-web", "acme", "Acme web", components=("Website", "Website (EU)")),
        Surface("acme-jobs", "acme", "Acme jobs", components=("id-jobs",), parts=("Scheduler",)),
    ),
    Source("acme", "acme", "statuspage", "https://status.acme.example"),
)
USUAL = {"a": "API", "w": "Website", "id-jobs": "Jobs"}


def page(names=USUAL, *, complete=True, **conditions):
    listed = tuple(Component(i, n, conditions.get(i, GREEN)) for i, n in names.items())
    return Snapshot("p", "Acme", listed, (), (), is_complete=complete)


class Story:
    """Polls a minute apart."""

    def __init__(self, provider=NAMED):
        self.provider, self.state, self.at, self.events = provider, ProviderState("acme"), NOON, []

    def show(self, snapshot, polls=1):
        for _ in range(polls):
            context = transition.TransitionContext(self.provider, VerdictParameters(), {})
            found = transition.apply_poll(self.state, PollResult(self.at, snapshot), context)
            self.state, self.at = found.state, self.at + timedelta(minutes=1)
            self.events += [e for e in found.events if e.kind not in ("verdict_changed", "surface_changed")]
        return self

    def condition(self, surface):
        return str(self.state.surface_state(surface).condition)

    def kinds(self):
        return [str(e.kind) for e in self.events]


@pytest.fixture
def story():
    return Story().show(page(), polls=30)


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_component_with_a_new_name_is_the_same_one(story):
    story.show(page(a=RED), polls=5).show(page(USUAL | {"a": "API (REST)"}, a=RED), polls=60)
    assert (story.condition("acme-api"), story.kinds()) == ("major_outage", ["trouble_began", "component_renamed"])


def test_it_is_the_same_one_over_a_restart_and_in_incidents(story):
    story.show(page(USUAL | {"a": "API (REST)"}), polls=3)
    pinned = component_pins.pinned_provider(NAMED, story.state.pins)
    assert pinned.surface("acme-api").components == ("API", "a")


def test_two_components_that_swap_their_names_keep_their_surfaces(story):
    story.show(page({"a": "Website", "w": "API", "id-jobs": "Jobs"}, a=RED), polls=3)
    assert [story.condition(s) for s in ("acme-api", "acme-web")] == ["major_outage", "operational"]


def test_a_component_that_takes_the_name_of_one_that_is_still_there_stands_for_nothing():
    story = Story().show(page(USUAL | {"x": "Beta"}), polls=3)
    story.show(page({"a": "API (old)", "w": "Website", "id-jobs": "Jobs", "x": "API"}, x=RED), polls=3)
    assert story.condition("acme-api") == "operational"


def test_two_components_of_one_name_count_both():
    story = Story().show(page({"us": "API", "eu": "API", "w": "Website", "id-jobs": "Jobs"}), polls=3)
    story.show(page({"us": "API", "eu": "API", "w": "Website", "id-jobs": "Jobs"}, eu=RED), polls=3)
    assert story.condition("acme-api") == "major_outage"


def test_an_id_in_the_file_counts_more_than_a_name():
    story = Story().show(page({"a": "API", "w": "Website", "id-jobs": "API"}, **{"id-jobs": RED}), polls=3)
    assert [story.condition(s) for s in ("acme-api", "acme-jobs")] == ["operational", "major_outage"]


def test_an_entry_that_is_taken_out_of_the_file_ends_its_pin(story):
    without = tuple(replace(s, components=("New",)) if s.id == "acme-api" else s for s in NAMED.surfaces)
    story.provider = replace(NAMED, surfaces=without)
    story.show(page(a=RED), polls=3)
    assert story.condition("acme-api") == "operational"


def test_the_component_of_one_feature_stays_one(story):
    names = USUAL | {"s": "Scheduler"}
    story.show(page(names), polls=3).show(page(names | {"s": "Cron"}, s=RED), polls=3)
    assert story.condition("acme-jobs") == "degraded"


def test_a_component_that_an_earlier_version_has_seen_may_be_renamed_before_this_one_looks(story):
    story.show(page(a=RED), polls=5)
    story.state = replace(story.state, pins=(), absences=(), has_all_components=False)
    story.show(page(USUAL | {"a": "API (REST)"}, a=RED), polls=3)
    assert (story.condition("acme-api"), story.kinds()) == ("major_outage", ["trouble_began"])


# --- a component that has left ----------------------------------------------------------------------------------------

WITHOUT = {"w": "Website", "id-jobs": "Jobs"}


def test_a_red_component_that_has_left_is_no_evidence_any_more(story):
    story.show(page(a=RED), polls=10).show(page(WITHOUT), polls=10)
    assert (story.condition("acme-api"), story.state.verdict("acme-api").reason_code) == ("unknown", "component_gone")


def test_what_was_told_of_it_ends_as_removed_and_not_as_recovered(story):
    story.show(page(a=RED), polls=10).show(page(WITHOUT), polls=10)
    assert [str(k.ending) for k in story.state.incidents] == ["removed"]


def test_it_is_told_once(story):
    story.show(page(WITHOUT), polls=200)
    assert story.kinds() == ["component_gone"]


def test_a_surface_that_has_lost_it_is_never_called_safe(story):
    story.show(page(WITHOUT), polls=10)
    calls = set()
    for _ in range(60):
        story.show(page(WITHOUT))
        calls.add(str(story.state.verdict("acme-api").call))
    assert calls == {"unknown"}


@pytest.mark.parametrize("polls", [1, 4])
def test_a_few_polls_without_it_change_nothing(story, polls):
    story.show(page(a=RED), polls=5).show(page(WITHOUT), polls=polls)
    assert story.condition("acme-api") == "major_outage"


def test_polls_with_and_without_it_in_turn_change_nothing(story):
    story.show(page(a=RED), polls=5)
    for _ in range(30):
        story.show(page(WITHOUT)).show(page(a=RED))
    assert (story.condition("acme-api"), story.kinds()) == ("major_outage", ["trouble_began"])


@pytest.mark.parametrize(
    "shown",
    [
        page(WITHOUT, complete=False),
        page(WITHOUT, w=Condition.DEGRADED, **{"id-jobs": RED}),  # it may list only what is not operational
        Snapshot("p", "Acme", None, (), (), is_complete=True),
        Snapshot("p", "Acme", (), (), (), is_complete=True),
    ],
)
def test_a_list_that_may_leave_it_out_proves_nothing(story, shown):
    story.show(page(a=RED), polls=5).show(shown, polls=60)
    assert story.condition("acme-api") == "major_outage"


def test_a_component_that_is_listed_only_while_it_is_bad_has_not_left(story):
    transient = Component("a", "API", RED, is_transient=True)
    story.show(replace(page(), components=(transient, *page(WITHOUT).components)), polls=5)
    story.show(page(WITHOUT), polls=20)
    assert (story.condition("acme-api"), "component_gone" in story.kinds()) == ("operational", False)


def test_one_of_two_components_leaves_the_surface_its_other(story):
    both = USUAL | {"e": "Website (EU)"}
    story.show(page(both), polls=5).show(page(both | {"w": "Website"}, e=RED), polls=5).show(page(USUAL), polls=10)
    assert story.condition("acme-web") == "operational"


def test_one_that_comes_back_counts_again(story):
    story.show(page(WITHOUT), polls=10).show(page(a=RED), polls=3)
    assert story.condition("acme-api") == "major_outage"


def test_a_new_id_with_the_old_name_takes_the_surface_over_at_once(story):
    story.show(page(a=RED), polls=5).show(page(WITHOUT | {"b": "API"}))
    assert (story.condition("acme-api"), story.kinds()[-2:]) == ("operational", ["component_replaced", "trouble_ended"])


def test_a_new_id_takes_over_from_one_that_the_file_names_by_id_and_after_it_had_left(story):
    names = {"a": "API", "w": "Website"}
    story.show(page(names), polls=10).show(page(names | {"id-new": "Jobs"}, **{"id-new": RED}), polls=3)
    assert story.condition("acme-jobs") == "major_outage"


def test_a_new_id_takes_over_a_name_that_was_new_too(story):
    story.show(page(USUAL | {"a": "API (REST)"}), polls=3)
    story.show(page(WITHOUT | {"b": "API (REST)"}, b=RED), polls=3)
    assert story.condition("acme-api") == "major_outage"


def test_an_id_that_is_given_to_another_component_after_it_had_left_is_not_the_surfaces(story):
    story.show(page(WITHOUT), polls=10).show(page(WITHOUT | {"a": "Parcels"}, a=RED), polls=10)
    assert story.condition("acme-api") == "unknown"


NEEDY = replace(NAMED, surfaces=(*NAMED.surfaces[:2], replace(NAMED.surfaces[2], needs=("acme-api",))))


def test_what_needs_a_surface_that_has_lost_its_component_is_judged_by_its_own():
    story = Story(NEEDY).show(page(), polls=30).show(page(WITHOUT), polls=30)
    assert str(story.state.verdict("acme-jobs").call) == "retry_normally"


def test_a_surface_that_has_lost_its_component_is_held_with_what_it_needs():
    story = Story(NEEDY).show(page(), polls=30).show(page({"a": "API", "w": "Website"}, a=RED), polls=30)
    assert [str(story.state.verdict(s).call) for s in ("acme-api", "acme-jobs")] == ["hold_off", "hold_off"]


def test_components_of_no_surface_are_forgotten_in_silence():
    names = USUAL | {"x": "Beta"}
    story = Story().show(page(names, x=Condition.DEGRADED), polls=5).show(page(), polls=10)
    assert ([c.id for c in story.state.components if c.id == "x"], story.kinds()) == ([], [])


# --- any story --------------------------------------------------------------------------------------------------------

IDS = st.lists(st.sampled_from(["a", "w", "id-jobs", "x", "y"]), unique=True, max_size=5)
NAMES = st.sampled_from(["API", "Website", "Jobs", "Beta", "API (REST)"])
PAGES = st.builds(
    lambda ids, names, red, complete: page(
        dict(zip(ids, names, strict=False)), complete=complete, **{i: RED for i in ids if i in red}
    ),
    IDS,
    st.lists(NAMES, min_size=5, max_size=5),
    st.sets(st.sampled_from(["a", "w", "x"])),
    st.booleans(),
)


@given(st.lists(st.tuples(PAGES, st.integers(1, 8)), max_size=6))
def test_a_surface_is_never_operational_while_its_pinned_component_is_listed_red(polls):
    story = Story()
    for snapshot, times in polls:
        story.show(snapshot, polls=times)
        red = {c.id for c in snapshot.components if c.condition is RED}
        links = {p.id: p.entry for p in story.state.pins}
        red_entries = {links[i] for i in red if links.get(i)}
        for surface in NAMED.surfaces:
            if red_entries & {e.casefold() for e in surface.components}:
                assert story.condition(surface.id) == "major_outage"


@given(st.lists(st.tuples(PAGES, st.integers(1, 8)), max_size=6))
def test_every_pin_is_of_an_entry_of_the_file_and_each_id_has_one(polls):
    story = Story()
    for snapshot, times in polls:
        story.show(snapshot, polls=times)
        ids = [p.id for p in story.state.pins if p.id]
        assert len(ids) == len(set(ids))
        assert {p.entry for p in story.state.pins} <= {"", "api", "website", "website (eu)", "id-jobs", "scheduler"}
