"""Each rule of bot/docs/decisions.md#what-status-pages-taught that the diff keeps, by its number."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Component, Condition, Impact, IncidentEnding, PollFailure, Snapshot, Stage, TrackedIncident
from bot.rules.changes import diff
from bot.rules.changes.diff import (
    IncidentClosed,
    IncidentOpened,
    IncidentReopened,
    IncidentRetitled,
    UpdateEdited,
    UpdatePosted,
)
from tests.support.polls import GREEN, RED, at, components, incident, page, poll_page, update

FIRST = update("u1")
SECOND = update("u2", Stage.IDENTIFIED, "Found it.", 10)
LAST = update("u3", Stage.RESOLVED, "Over.", 20)


def known(*incidents, **fields):
    return {i.id: TrackedIncident(i, at(0), **fields) for i in incidents}


def changes(before, now, minutes=30, **endings):
    return diff.detect_changes(before, poll_page(minutes, now, **endings))


# --- 1: ids are the only keys -----------------------------------------------------------------------------------------


def test_rule_1_an_unknown_id_is_a_new_incident():
    new = incident(FIRST)
    assert changes({}, page(new)) == (IncidentOpened(new), UpdatePosted(new, FIRST))


def test_rule_1_another_title_is_the_same_incident():
    before, now = incident(FIRST, name="Errors"), incident(FIRST, name="Errors on the API")
    assert changes(known(before), page(now)) == (IncidentRetitled(before, now),)


def test_rule_1_another_impact_is_the_same_incident():
    before, now = incident(FIRST), incident(FIRST, impact=Impact.CRITICAL)
    assert changes(known(before), page(now)) == (IncidentRetitled(before, now),)


def test_rule_1_the_same_title_under_another_id_is_another_incident():
    twin = incident(replace(FIRST, id="v1"), iid="i2")
    assert changes(known(incident(FIRST)), page(incident(FIRST), twin))[0] == IncidentOpened(twin)


def test_rule_1_another_shortlink_is_no_change():
    moved = incident(FIRST, url="https://stspg.example/2")
    assert changes(known(incident(FIRST, url="https://stspg.example/1")), page(moved)) == ()


@pytest.mark.hostile(24)
def test_rule_1_a_bulk_rewrite_of_the_creation_time_is_no_change():
    assert changes(known(incident(FIRST)), page(incident(FIRST, created_at=at(29)))) == ()


def test_rule_1_a_renamed_component_in_an_incident_is_no_change():
    told = [incident(FIRST, components=components()[:n]) for n in (1, 2)]
    assert changes(known(told[0]), page(told[1])) == ()


# --- 2: updates by id and content -------------------------------------------------------------------------------------


def test_rule_2_a_new_update_is_posted():
    now = incident(FIRST, SECOND)
    assert changes(known(incident(FIRST)), page(now)) == (UpdatePosted(now, SECOND),)


@pytest.mark.parametrize(
    "edit",
    [{"body": "We looked."}, {"display_at": at(-3)}, {"stage": Stage.IDENTIFIED}],
    ids=["body", "time", "stage"],
)
def test_rule_2_an_edited_update_is_edited_and_never_posted(edit):
    edited = replace(FIRST, **edit)
    now = incident(edited, stage=Stage.INVESTIGATING)
    assert changes(known(incident(FIRST)), page(now)) == (UpdateEdited(now, FIRST, edited),)


def test_rule_2_updates_that_vanish_are_no_change():
    assert changes(known(incident(FIRST, SECOND)), page(incident(SECOND))) == ()


def test_rule_2_an_incident_without_any_update_is_no_change():
    bare = replace(incident(FIRST), updates=())
    assert changes(known(incident(FIRST)), page(bare)) == ()


def test_rule_2_an_update_shown_under_two_incidents_is_each_ones_own():
    other = incident(FIRST, iid="i2")
    assert changes(known(incident(FIRST)), page(incident(FIRST), other)) == (
        IncidentOpened(other),
        UpdatePosted(other, FIRST),
    )


# --- 3: what leaves the page was not resolved -------------------------------------------------------------------------


def test_rule_3_a_vanished_incident_has_not_ended():
    assert changes(known(incident(FIRST)), page()) == ()


def test_rule_3_a_vanished_incident_is_to_be_asked_for():
    assert diff.disappeared_incidents(known(incident(FIRST)), page()) == ("i1",)


def test_rule_3_an_ended_incident_is_not_asked_for():
    ended = known(incident(FIRST, LAST), closed_at=at(20), ending=IncidentEnding.RESOLVED)
    assert diff.disappeared_incidents(ended, page()) == ()


def test_rule_3_its_own_page_tells_its_last_words():
    now = incident(FIRST, LAST)
    told = changes(known(incident(FIRST)), page(), i1=now)
    assert told == (UpdatePosted(now, LAST), IncidentClosed(now, IncidentEnding.RESOLVED, at(20)))


def test_rule_3_a_404_is_a_withdrawal():
    before = incident(FIRST)
    assert changes(known(before), page(), i1=IncidentEnding.WITHDRAWN) == (
        IncidentClosed(before, IncidentEnding.WITHDRAWN, None),
    )


def test_rule_3_one_that_goes_on_by_its_own_page_stays_open():
    assert changes(known(incident(FIRST)), page(), i1=incident(FIRST)) == ()


def test_rule_3_an_own_page_that_tells_of_another_incident_is_no_answer():
    assert changes(known(incident(FIRST)), page(), i1=incident(FIRST, LAST, iid="i9")) == ()


def test_rule_3_two_incidents_may_end_in_one_poll():
    both = known(incident(FIRST), incident(replace(FIRST, id="v1"), iid="i2"))
    told = changes(both, page(), i1=IncidentEnding.WITHDRAWN, i2=IncidentEnding.UNRECORDED)
    assert [c.ending for c in told] == [IncidentEnding.WITHDRAWN, IncidentEnding.UNRECORDED]


def test_rule_3_an_ending_is_told_once():
    ended = known(incident(FIRST), closed_at=at(20), ending=IncidentEnding.WITHDRAWN)
    assert changes(ended, page(), i1=IncidentEnding.WITHDRAWN) == ()


# --- 4: the indicator is never read -----------------------------------------------------------------------------------


def test_rule_4_a_snapshot_has_no_indicator_to_read():
    assert {"indicator", "status"}.isdisjoint(Snapshot.__dataclass_fields__)


# --- 7: an unusable look ----------------------------------------------------------------------------------------------


def test_rule_7_an_unusable_look_changes_nothing():
    assert changes(known(incident(FIRST)), PollFailure("no answer", "timeout")) == ()


@pytest.mark.hostile(16)
def test_rule_7_an_unusable_look_ends_nothing():
    told = changes(known(incident(FIRST)), PollFailure("no answer", "timeout"), i1=IncidentEnding.WITHDRAWN)
    assert told == ()


# --- 9: what is missing has not changed -------------------------------------------------------------------------------


def test_rule_9_a_missing_list_is_no_change():
    assert changes(known(incident(FIRST)), Snapshot("acme", "Acme")) == ()


def test_rule_9_a_missing_list_is_no_absence():
    assert diff.disappeared_incidents(known(incident(FIRST)), Snapshot("acme", "Acme", maintenances=())) == ()


def test_rule_9_a_missing_list_of_maintenances_is_no_absence_of_one():
    planned = incident(FIRST, is_maintenance=True)
    assert diff.disappeared_incidents(known(planned), Snapshot("acme", "Acme", incidents=())) == ()


def test_rule_9_one_without_a_list_can_be_asked_for():
    assert diff.unlisted_incidents(known(incident(FIRST)), Snapshot("acme", "Acme")) == ("i1",)


def test_rule_9_a_missing_component_keeps_what_it_last_said():
    before = components(api=RED)
    shown = Snapshot("acme", "Acme", components=components()[:1])
    assert {c.name: c.condition for c in diff.merge_components(before, shown)}["api"] is RED


def test_rule_9_no_components_at_all_keep_what_they_last_said():
    before = components(api=RED)
    assert diff.merge_components(before, Snapshot("acme", "Acme")) == before


def test_rule_9_components_that_rotate_are_all_known():
    world = ()
    for shown in (components()[:1], components()[1:]):
        world = diff.merge_components(world, Snapshot("acme", "Acme", components=shown))
    assert world == components()


def test_rule_9_a_page_that_makes_up_new_components_at_every_poll_is_not_remembered_without_end():
    world = components()
    for number in range(12):
        made_up = tuple(Component(f"c-{number}-{n}", "api", GREEN) for n in range(1000))
        world = diff.merge_components(world, Snapshot("acme", "Acme", components=made_up))
    assert len(world) <= 6000


# --- 10: reopening ----------------------------------------------------------------------------------------------------


def test_rule_10_an_ended_incident_that_is_listed_again_is_reopened():
    ended = known(incident(FIRST, LAST), closed_at=at(20), ending=IncidentEnding.RESOLVED)
    now = incident(FIRST, LAST, update("u4", minutes=25))
    assert changes(ended, page(now))[0] == IncidentReopened(now)


def test_rule_10_a_withdrawn_incident_that_is_listed_again_is_reopened():
    ended = known(incident(FIRST), closed_at=at(20), ending=IncidentEnding.WITHDRAWN)
    assert changes(ended, page(incident(FIRST))) == (IncidentReopened(incident(FIRST)),)


def test_a_postmortem_on_an_ended_incident_does_not_end_it_again():
    ended = known(incident(FIRST, LAST), closed_at=at(20), ending=IncidentEnding.RESOLVED)
    paper = update("u4", Stage.POSTMORTEM, "What we learned.", 25)
    now = incident(FIRST, LAST, paper)
    assert changes(ended, page(now)) == (UpdatePosted(now, paper),)


def test_an_incident_first_seen_over_opens_and_closes():
    over = incident(FIRST, LAST)
    assert [type(c) for c in changes({}, page(over))] == [IncidentOpened, UpdatePosted, UpdatePosted, IncidentClosed]


def test_incidents_are_told_in_the_order_of_their_first_posts():
    late, early = incident(update("v1", minutes=5), iid="a"), incident(FIRST, iid="b")
    opened = [c.incident.id for c in changes({}, page(late, early)) if isinstance(c, IncidentOpened)]
    assert opened == ["b", "a"]


def test_an_incident_listed_also_as_maintenance_is_told_once():
    both = incident(FIRST)
    told = changes({}, page(both, maintenances=(both,)))
    assert told == (IncidentOpened(both), UpdatePosted(both, FIRST))


# --- properties -------------------------------------------------------------------------------------------------------

words = st.text("ab <&", max_size=5)
times = st.integers(0, 600).map(at)
stages = st.sampled_from(Stage)


@st.composite
def incidents(draw):
    ids = draw(st.lists(st.sampled_from("uvwxyz"), unique=True, max_size=4))
    posts = [update(i, draw(stages), draw(words), draw(st.integers(0, 600))) for i in ids]
    posts.sort(key=lambda u: (u.display_at, u.id))
    return replace(
        incident(*posts or [FIRST], iid=draw(st.sampled_from("abcd")), name=draw(words), stage=draw(stages)),
        updates=tuple(posts),
    )


@st.composite
def pages(draw):
    colours = {name: draw(st.sampled_from(Condition)) for name in ("web", "api")}
    whole = page(*draw(st.lists(incidents(), unique_by=lambda i: i.id, max_size=3)), **colours)
    missing = draw(st.sets(st.sampled_from(["components", "incidents", "maintenances"])))
    return replace(whole, **dict.fromkeys(missing))


@pytest.mark.hostile(24)
@given(pages())
def test_nothing_changes_between_a_page_and_itself(shown):
    there = {
        i.id: TrackedIncident(i, at(0), closed_at=at(0) if i.stage.is_closed else None)
        for i in diff.listed_incidents(shown)
    }
    assert changes(there, shown) == ()


@given(pages(), pages())
def test_the_diff_is_a_function_of_its_arguments(before, now):
    there = known(*diff.listed_incidents(before))
    assert changes(there, now) == changes(dict(there), replace(now))


@given(pages())
def test_everything_on_a_first_page_opens_once(shown):
    opened = [c.incident.id for c in changes({}, shown) if isinstance(c, IncidentOpened)]
    assert sorted(opened) == sorted(i.id for i in diff.listed_incidents(shown))


@given(pages(), pages())
def test_components_never_get_lost(before, now):
    ids = {c.id for s in (before, now) for c in s.components or ()}
    assert {c.id for c in diff.merge_components(before.components or (), now)} == ids
