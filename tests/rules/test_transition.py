"""What one poll or one tick makes of the world."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import (
    Advice,
    Condition,
    EventKind,
    IncidentEnding,
    PollFailure,
    PollResult,
    ProviderState,
    Snapshot,
    Stage,
    Surface,
)
from bot.rules import transition
from tests.support.polls import (
    ACME,
    AMBER,
    GREEN,
    RED,
    RULES,
    after,
    at,
    components,
    incident,
    page,
    poll_page,
    update,
    watched,
)

DEAF = PollFailure("no answer in 10 s", "timeout")
OPENS = update("u1", api=RED)
OVER = update("u9", Stage.RESOLVED, "Over.", 30)


def kinds(change):
    return [e.kind for e in change.events]


def of(change, kind):
    return [e for e in change.events if e.kind is kind]


# --- 8: the first poll is a baseline ----------------------------------------------------------------------------------


def test_rule_8_everything_at_the_first_poll_is_a_baseline():
    [first] = after(poll_page(0, page(incident(OPENS), api=RED)))
    assert first.events
    assert all(e.is_baseline for e in first.events)


def test_rule_8_what_comes_later_is_not():
    *_, second = after(poll_page(0, page()), poll_page(1, page(incident(OPENS), api=RED)))
    assert not any(e.is_baseline for e in second.events)


def test_rule_8_blind_looks_before_the_first_usable_one_take_nothing_from_it():
    *_, first = after(poll_page(0, DEAF), poll_page(1, page(incident(OPENS), api=RED)))
    assert all(e.is_baseline for e in first.events if e.incident)


def test_rule_8_what_a_blind_look_before_the_first_usable_one_changes_is_no_baseline():
    [blind] = after(poll_page(0, DEAF))
    assert [e.is_baseline for e in blind.events] == [False] * len(blind.events)


def test_rule_8_an_incident_first_seen_over_is_retroactive():
    [*_, change] = watched(poll_page(40, page(incident(OPENS, OVER))))
    assert change.state.tracked_incident("i1").is_retroactive


def test_a_retroactive_incident_that_is_reopened_is_live():
    again = incident(OPENS, OVER, update("ua", minutes=50, api=RED))
    [*_, change] = watched(poll_page(40, page(incident(OPENS, OVER))), poll_page(50, page(again, api=RED)))
    assert not change.state.tracked_incident("i1").is_retroactive


# --- 7: blind ---------------------------------------------------------------------------------------------------------


def test_rule_7_a_blind_look_changes_no_incident_and_no_surface():
    seen, blind = after(poll_page(0, page(incident(OPENS), api=RED)), poll_page(1, DEAF))
    assert (blind.state.incidents, blind.state.states) == (seen.state.incidents, seen.state.states)


def test_rule_7_being_blind_is_told_once_and_so_is_the_end_of_it():
    run = after(
        poll_page(0, page()), poll_page(1, DEAF), poll_page(2, DEAF), poll_page(3, page()), poll_page(4, page())
    )
    sources = (EventKind.SOURCE_BLIND, EventKind.SOURCE_BACK)
    assert [k for s in run for k in kinds(s) if k in sources] == [*sources]


def test_rule_7_a_blind_page_is_unknown_in_the_end_and_never_normal():
    run = after(poll_page(0, page()), *(poll_page(n, DEAF) for n in range(1, 20)))
    assert {v.call for v in run[-1].state.verdicts} == {Advice.UNKNOWN}


def test_blind_looks_are_counted_until_a_usable_one():
    run = after(poll_page(0, DEAF), poll_page(1, DEAF), poll_page(2, page()))
    assert [s.state.failures for s in run] == [1, 2, 0]


# --- what vanishes, and what stays ------------------------------------------------------------------------------------


def test_updates_that_vanish_from_the_page_are_kept():
    run = after(
        poll_page(0, page(incident(OPENS), api=RED)), poll_page(1, page(incident(OVER, stage=Stage.MONITORING)))
    )
    assert [u.id for u in run[-1].state.tracked_incident("i1").incident.updates] == ["u1", "u9"]


def test_components_that_vanish_from_an_incident_are_kept():
    listed = incident(OPENS, components=page().components)
    run = after(poll_page(0, page(listed, api=RED)), poll_page(1, page(incident(OPENS), api=RED)))
    assert run[-1].state.tracked_incident("i1").incident.components == listed.components


def test_an_incident_that_stays_on_the_page_after_its_end_ended_when_we_first_saw_that():
    run = watched(
        poll_page(0, page(incident(OPENS), api=RED)), *(poll_page(30 + n, page(incident(OPENS, OVER))) for n in (0, 9))
    )
    assert run[-1].state.tracked_incident("i1").closed_at == at(30)


def test_rule_3_an_incident_that_vanishes_stays_open_until_it_was_asked_for():
    run = after(poll_page(0, page(incident(OPENS), api=RED)), poll_page(1, page(api=RED)))
    assert run[-1].state.tracked_incident("i1").is_open


def test_rule_3_a_withdrawn_incident_is_not_resolved():
    run = after(poll_page(0, page(incident(OPENS), api=RED)), poll_page(1, page(), i1=IncidentEnding.WITHDRAWN))
    assert (run[-1].state.tracked_incident("i1").ending, kinds(run[-1])[0]) == (
        IncidentEnding.WITHDRAWN,
        EventKind.INCIDENT_WITHDRAWN,
    )


def test_two_incidents_that_end_in_one_poll_both_end():
    both = (incident(OPENS), incident(update("v1", web=RED), iid="i2"))
    run = after(
        poll_page(0, page(*both, api=RED, web=RED)),
        poll_page(1, page(), i1=IncidentEnding.WITHDRAWN, i2=incident(OVER, iid="i2")),
    )
    assert run[-1].state.open_incidents == ()


def test_an_ended_incident_that_stays_on_the_page_is_never_told_again():
    over = incident(OPENS, OVER)
    run = watched(
        poll_page(0, page(incident(OPENS), api=RED)), *(poll_page(30 + 60 * n, page(over)) for n in range(60))
    )
    assert sum(EventKind.INCIDENT_OPENED in kinds(s) for s in run) == 1


def test_an_ended_incident_is_forgotten_after_a_day_off_the_page():
    run = watched(
        poll_page(0, page(incident(OPENS), api=RED)),
        poll_page(30, page(incident(OPENS, OVER))),
        poll_page(60 * 25, page()),
    )
    assert run[-1].state.incidents == ()


def test_a_page_that_has_no_maintenances_forgets_its_incidents_all_the_same():
    shown = [replace(page(*i, api=c), maintenances=None) for i, c in (([incident(OPENS)], RED), ([], GREEN))]
    run = watched(
        poll_page(0, shown[0]), poll_page(30, shown[1], i1=incident(OPENS, OVER)), poll_page(60 * 25, shown[1])
    )
    assert run[-1].state.incidents == ()


def test_a_page_without_its_list_forgets_nothing():
    told = page(incident(OPENS, OVER))
    run = watched(
        poll_page(0, page(incident(OPENS), api=RED)),
        poll_page(30, told),
        poll_page(60 * 25, Snapshot("a", "A")),
        poll_page(1501, told),
    )
    assert EventKind.INCIDENT_OPENED not in kinds(run[-1])


def test_an_update_that_two_incidents_show_is_posted_once_in_each():
    both = page(incident(OPENS), incident(OPENS, iid="i2"), api=RED)
    run = watched(poll_page(0, both), poll_page(1, both))
    posted = [e.incident for s in run for e in of(s, EventKind.UPDATE_POSTED)]
    assert posted == ["i1", "i2"]


# --- who tells of a surface -------------------------------------------------------------------------------------------


def verdicts_of(run, surface="acme-api"):
    return [(e.verdict, e.incident) for s in run for e in of(s, EventKind.VERDICT_CHANGED) if e.surface == surface]


def story(*more):
    """An incident of half an hour, and looks once a minute for an hour and a half."""
    shown = {0: page(incident(OPENS), api=RED), 30: page(incident(OPENS, OVER)), **dict(more)}
    looks, now = [], shown[0]
    for minute in range(91):
        now = shown.get(minute, now)
        looks.append(poll_page(minute, now))
    return watched(*looks)


def test_verdicts_after_the_end_still_belong_to_the_incident_until_normal():
    told = verdicts_of(story())
    assert told[-1] == (Advice.RETRY_NORMALLY, "i1")
    assert {i for _, i in told} == {"i1"}


def test_an_incident_lets_go_of_a_surface_that_is_normal_again():
    assert story()[-1].state.tracked_incident("i1").freed == ("acme-api",)


def test_a_verdict_that_moves_after_that_is_nobodys():
    quiet = story()[-1].state
    late = transition.apply_poll(quiet, poll_page(500, page()), RULES)
    assert {e.incident for e in of(late, EventKind.VERDICT_CHANGED)} == {None}


def test_the_next_incident_takes_a_surface_over():
    new = incident(update("v1", minutes=35, api=RED), iid="i2")
    run = story((35, page(new, api=RED)))
    assert run[-1].state.tracked_incident("i1").freed == ("acme-api",)
    assert verdicts_of(run)[-1][1] == "i2"


def test_a_reopened_incident_takes_its_surfaces_back():
    again = incident(OPENS, OVER, update("ua", minutes=85, api=RED))
    assert story((85, page(again, api=RED)))[-1].state.tracked_incident("i1").freed == ()


def test_a_maintenance_that_is_only_planned_tells_of_no_surface():
    planned = incident(update("m1", Stage.SCHEDULED, "The API moves."), iid="m", is_maintenance=True)
    shown = (
        page(incident(OPENS), maintenances=(planned,), api=RED),
        page(incident(OPENS, OVER), maintenances=(planned,)),
    )
    run = watched(poll_page(0, shown[0]), *(poll_page(30 + n, shown[1]) for n in range(60)))
    assert {i for _, i in verdicts_of(run)} == {"i1"}


# --- the source -------------------------------------------------------------------------------------------------------


def test_another_host_is_told_once():
    moved = replace(poll_page(1, page()), host="status.elsewhere.example")
    run = after(poll_page(0, page()), moved, replace(moved, at=at(2)))
    assert [EventKind.SOURCE_MOVED in kinds(s) for s in run] == [False, True, False]


def test_another_host_is_told_once_though_a_poll_between_does_not_say_who_answered():
    moved = replace(poll_page(1, page()), host="status.elsewhere.example")
    run = after(poll_page(0, page()), moved, replace(moved, at=at(2), host=""), replace(moved, at=at(3)))
    assert [EventKind.SOURCE_MOVED in kinds(s) for s in run] == [False, True, False, False]


def test_a_poll_that_does_not_say_who_answered_has_not_moved():
    run = after(poll_page(0, page()), replace(poll_page(1, page()), host=""), poll_page(2, page()))
    assert not any(EventKind.SOURCE_MOVED in kinds(s) for s in run)


# --- the catalogue changes between two runs ---------------------------------------------------------------------------


def test_a_surface_that_left_the_catalogue_is_no_reason_to_stop():
    run = after(poll_page(0, page(incident(OPENS), api=RED)))
    less = replace(RULES, provider=replace(ACME, surfaces=(ACME.surfaces[0],)))
    change = transition.apply_poll(
        run[-1].state, poll_page(1, page(incident(OPENS, update("u2", minutes=1)), api=RED)), less
    )
    assert [s.surface for s in change.state.states] == ["acme-web"]


def test_a_new_surface_in_the_catalogue_gets_a_verdict():
    more = replace(RULES, provider=replace(ACME, surfaces=(*ACME.surfaces, Surface("acme-new", "acme", "New"))))
    change = transition.apply_poll(after(poll_page(0, page()))[-1].state, poll_page(1, page()), more)
    assert change.state.verdict("acme-new") is not None


# --- properties -------------------------------------------------------------------------------------------------------

colours = st.sampled_from([GREEN, AMBER, RED, Condition.MAINTENANCE, Condition.UNKNOWN])


@st.composite
def snapshots(draw):
    shown = []
    for iid in draw(st.lists(st.sampled_from(["i1", "i2"]), unique=True)):
        posts = [
            update(
                f"{iid}{n}",
                draw(st.sampled_from(Stage)),
                draw(st.sampled_from(["API down", "All fine", ""])),
                n,
                api=RED,
            )
            for n in range(draw(st.integers(1, 3)))
        ]
        shown.append(incident(*posts, iid=iid))
    whole = page(*shown, api=draw(colours), web=draw(colours))
    return replace(whole, **dict.fromkeys(draw(st.sets(st.sampled_from(["components", "incidents"])))))


looks = st.lists(st.one_of(snapshots(), st.just(DEAF)), min_size=1, max_size=8)


@given(looks)
@settings(max_examples=60)
def test_a_second_poll_at_the_same_page_is_silent(seen):
    run = after(*(poll_page(n, s) for n, s in enumerate(seen)))
    again = transition.apply_poll(run[-1].state, poll_page(len(seen) - 1, seen[-1]), RULES)
    assert again.events == ()


@given(looks)
@settings(max_examples=60)
def test_the_same_looks_make_the_same_world_and_events(seen):
    first, second = (after(*(poll_page(n, s) for n, s in enumerate(seen))) for _ in range(2))
    assert first == second


@given(looks)
@settings(max_examples=60)
def test_events_of_one_transition_are_never_twice_the_same(seen):
    for change in after(*(poll_page(n, s) for n, s in enumerate(seen))):
        assert len(set(change.events)) == len(change.events)


@given(looks)
@settings(max_examples=60)
def test_every_surface_always_has_a_state_and_a_verdict(seen):
    world = after(*(poll_page(n, s) for n, s in enumerate(seen)))[-1].state
    ids = [s.id for s in ACME.surfaces]
    assert [s.surface for s in world.states] == ids == [v.surface for v in world.verdicts]


@pytest.mark.parametrize("minutes", [1, 6, 20, 24 * 60 * 3])
def test_a_tick_brings_no_incident_and_no_update(minutes):
    world = after(poll_page(0, page(incident(OPENS), api=RED)))[-1].state
    told = {e.kind for e in transition.advance_time(world, at(minutes), RULES).events}
    assert told <= {EventKind.VERDICT_CHANGED, EventKind.SURFACE_CHANGED}


def test_components_that_the_page_left_out_keep_their_colour():
    less = Snapshot("acme", "Acme", components(web=GREEN)[:1], ())
    run = after(poll_page(0, page(api=AMBER)), PollResult(at(1), less))
    assert run[-1].state.surface_state("acme-api").condition is AMBER


def test_a_condition_that_words_had_told_is_no_longer_inferred_once_the_component_shows_it():
    told = incident(update("u1", body="The API fails."))
    words = Snapshot("acme", "Acme", components()[:1], (told,))
    run = after(PollResult(at(0), words), PollResult(at(1), page(told, api=Condition.PARTIAL_OUTAGE)))
    states = [s.state.surface_state("acme-api") for s in run]
    assert [(s.condition, s.inferred) for s in states] == [
        (Condition.PARTIAL_OUTAGE, True),
        (Condition.PARTIAL_OUTAGE, False),
    ]


def test_the_first_transition_of_an_empty_world_needs_no_page():
    assert transition.advance_time(ProviderState("acme"), at(0), RULES).state.verdict("acme-api").call is Advice.UNKNOWN


def test_watched_time_is_no_unwatched_time():
    world = after(poll_page(0, page()))[-1].state
    until = at(0) + timedelta(hours=3)
    assert transition.mark_monitored_until(world, until).seen_at == until


# --- calm -------------------------------------------------------------------------------------------------------------


def timeless(world):
    """A world without the time that its verdicts are of."""
    return replace(world, verdicts=tuple(replace(v, as_of=at(0)) for v in world.verdicts))


@given(
    st.lists(st.sampled_from([{}, {"api": RED}, {"web": AMBER}]), min_size=1, max_size=5),
    st.lists(st.integers(0, 15), min_size=1, max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_time_alone_changes_nothing_in_a_calm_world(colours, waits):
    shown = [page(**c) for c in colours for _ in range(3)] + [page()] * 150
    world = ProviderState("acme")
    for minutes, seen in enumerate(shown):
        world = transition.apply_poll(world, PollResult(at(minutes), seen), RULES).state
        for wait in waits:
            later = at(minutes + wait)
            if transition.is_unaffected_by_time(world, later, RULES):
                assert timeless(transition.advance_time(world, later, RULES).state) == timeless(world)


def test_a_page_that_shows_nothing_for_hours_is_calm_for_five_minutes_and_no_longer():
    world = ProviderState("acme")
    for minutes in range(120):
        world = transition.apply_poll(world, PollResult(at(minutes), page()), RULES).state
    assert [transition.is_unaffected_by_time(world, at(119 + wait), RULES) for wait in (0, 5, 6)] == [True, True, False]


def test_a_surface_that_needs_another_providers_is_never_calm():
    needy = replace(ACME, surfaces=(replace(ACME.surfaces[0], needs=("other-login",)), *ACME.surfaces[1:]))
    rules = replace(RULES, provider=needy)
    world = ProviderState("acme")
    for minutes in range(120):
        world = transition.apply_poll(world, PollResult(at(minutes), page()), rules).state
    assert not transition.is_unaffected_by_time(world, at(119), rules)


def test_a_surface_that_was_never_judged_is_never_calm():
    world = ProviderState("acme")
    for minutes in range(120):
        world = transition.apply_poll(world, PollResult(at(minutes), page()), RULES).state
    more = replace(RULES, provider=replace(ACME, surfaces=(*ACME.surfaces, Surface("acme-new", "acme", "New"))))
    assert not transition.is_unaffected_by_time(world, at(119), more)
