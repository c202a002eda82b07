"""A transition -> what is said of it, and why the rest is silence."""

import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import Advice, Impact, IncidentEnding, NewsKind, NoticeKind, PollFailure, Stage, Surface
from bot.rules import transition
from bot.rules.alerting.decide import SilenceReason, decide
from tests.support.polls import ACME, AMBER, GREEN, RED, RULES, after, at, incident, page, poll_page, update, watched

DEAF = PollFailure("no answer in 10 s", "timeout")
FIRST = update("u1", api=RED)
SECOND = update("u2", Stage.IDENTIFIED, "Found it.", 5)
OVER = update("u9", Stage.RESOLVED, "Over.", 30)
OPEN = page(incident(FIRST), api=RED)


def decided(change):
    return decide(change, ACME, blind_after=3)


def last(*looks):
    return decided(watched(*looks)[-1])


def news(*looks):
    """The one alert's news at the last of these polls."""
    [alert] = last(*looks).alerts
    return alert.news


def reasons(decision):
    return dict(decision.quiet)


# --- one alert per incident -------------------------------------------------------------------------------------------


def test_an_incident_on_a_surface_is_one_alert():
    [alert] = last(poll_page(0, OPEN)).alerts
    assert (alert.incident, [line.surface for line in alert.lines], alert.opens) == ("i1", ["acme-api"], True)


def test_an_opening_quotes_the_vendor_and_adds_nothing():
    [item] = news(poll_page(0, OPEN))
    assert (item.kinds, item.quote, item.broadcast) == ((NewsKind.UPDATE,), FIRST.body, False)


def test_nothing_new_is_no_alert():
    assert last(poll_page(0, OPEN), poll_page(1, OPEN)).alerts == ()


def test_two_incidents_in_one_poll_are_two_alerts():
    both = page(incident(FIRST), incident(update("v1", web=RED), iid="i2"), api=RED, web=RED)
    assert [a.incident for a in last(poll_page(0, both)).alerts] == ["i1", "i2"]


def test_two_incidents_that_end_in_one_poll_are_two_alerts():
    first, second = incident(FIRST), incident(update("v1", web=RED), iid="i2")
    ends = incident(update("v1", web=RED), update("v9", Stage.RESOLVED, "Over.", 30), iid="i2")
    told = last(
        poll_page(0, page(first, second, api=RED, web=RED)), poll_page(30, page(), i1=incident(FIRST, OVER), i2=ends)
    )
    assert [NewsKind.RESOLVED in a.news[0].kinds for a in told.alerts] == [True, True]


# --- the kinds of news ------------------------------------------------------------------------------------------------


def test_a_post_is_an_update_and_stays_in_the_thread():
    [item] = news(poll_page(0, OPEN), poll_page(5, page(incident(FIRST, SECOND), api=RED)))
    assert (item.kinds, item.quote, item.broadcast) == ((NewsKind.UPDATE,), "Found it.", False)


def test_posts_that_came_in_one_poll_are_told_in_order():
    told = news(poll_page(0, OPEN), poll_page(9, page(incident(FIRST, SECOND, update("u3", minutes=8)), api=RED)))
    assert [item.key for item in told] == ["update:u2", "update:u3"]


def test_rule_2_an_edit_shows_before_and_after_in_the_thread():
    [item] = news(poll_page(0, OPEN), poll_page(5, page(incident(replace(FIRST, body="The API fails.")), api=RED)))
    assert (item.kinds, item.before, item.quote) == ((NewsKind.EDITED,), FIRST.body, "The API fails.")
    assert not item.broadcast


def test_rule_2_an_edit_of_the_time_alone_is_no_news():
    assert (
        last(poll_page(0, OPEN), poll_page(5, page(incident(replace(FIRST, display_at=at(-2))), api=RED))).alerts == ()
    )


@pytest.mark.parametrize(
    "changed",
    [
        incident(replace(FIRST, body="The API fails.")),
        incident(FIRST, name="API errors"),
        incident(FIRST, impact=Impact.CRITICAL),
    ],
    ids=["text", "title", "impact"],
)
def test_what_is_shown_by_turns_is_news_once(changed):
    looks = [poll_page(5 * n, page(changed, api=RED) if n % 2 else OPEN) for n in range(6)]
    assert [len(last(*looks[: n + 1]).alerts and news(*looks[: n + 1])) for n in range(2, 6)] == [0] * 4


def test_another_title_stays_in_the_thread():
    [item] = news(poll_page(0, OPEN), poll_page(5, page(incident(FIRST, name="API errors"), api=RED)))
    assert (item.kinds, item.before, item.quote, item.broadcast) == ((NewsKind.CHANGED,), "Errors", "API errors", False)


def test_another_impact_repeats_no_title():
    [item] = news(poll_page(0, OPEN), poll_page(5, page(incident(FIRST, impact=Impact.CRITICAL), api=RED)))
    assert (item.before, item.change) == ("", "impact major -> critical")


def test_wider_is_broadcast_and_names_the_surface():
    wider = page(incident(FIRST, update("u2", minutes=5, web=RED)), api=RED, web=RED)
    item, _ = news(poll_page(0, OPEN), poll_page(5, wider))
    assert (item.wider, item.anew, item.broadcast) == (("Acme Web",), (), True)


def test_wider_without_a_word_of_the_vendor_is_told_too():
    listed = incident(FIRST, components=page().components)
    [item] = news(poll_page(0, page(listed, api=RED)), poll_page(5, page(listed, api=RED, web=RED)))
    assert item.wider == ("Acme Web",)


def test_a_surface_that_it_had_left_and_breaks_again_is_told_as_wider():
    left = update("u2", body="The API works as intended. The website fails.", minutes=5, web=RED)
    back = update("u3", body="The API fails after all.", minutes=9, api=RED)
    run = (OPEN, page(incident(FIRST, left), web=RED), page(incident(FIRST, left, back), web=RED, api=RED))
    item, _ = news(*(poll_page(5 * n, shown) for n, shown in enumerate(run)))
    assert (item.wider, item.anew, item.broadcast) == (("Acme API",), ("Acme API",), True)


def test_a_component_that_flickers_in_an_incident_is_not_told_again():
    day = [poll_page(0, OPEN), *(poll_page(1 + n, page(incident(FIRST), api=(GREEN, RED)[n % 2])) for n in range(9))]
    told = [i for s in watched(*day) for a in decided(s).alerts for i in a.news if i.broadcast]
    assert told == []


def test_a_better_advice_after_a_hold_is_broadcast():
    fixed = page(incident(FIRST, update("u2", Stage.MONITORING, "Fixed.", 5)))
    told = [
        i
        for s in watched(poll_page(0, OPEN), *(poll_page(5 + n, fixed) for n in range(9)))
        for a in decided(s).alerts
        for i in a.news
    ]
    assert [(i.kinds, i.broadcast) for i in told if i.verdicts] == [((NewsKind.RAISED,), True)]


def test_the_same_verdict_after_another_post_is_told_again():
    fixed = (FIRST, update("u2", Stage.MONITORING, "Fixed.", 5))
    worse = (*fixed, update("u3", Stage.IDENTIFIED, "It fails again.", 20, api=RED))
    over = page(incident(*worse, update("u4", Stage.MONITORING, "Fixed for good.", 30)))
    days = (
        *(poll_page(5 + n, page(incident(*fixed))) for n in range(9)),
        poll_page(20, page(incident(*worse), api=RED)),
    )
    run = watched(poll_page(0, OPEN), *days, *(poll_page(30 + n, over) for n in range(9)))
    told = [i.key for s in run for a in decided(s).alerts for i in a.news if i.kinds == (NewsKind.RAISED,)]
    assert (len(told), len(set(told))) == (2, 2)


def test_resolved_stays_in_the_thread_where_it_changes_no_advice_and_carries_the_last_words():
    [item] = news(poll_page(0, OPEN), poll_page(30, page(incident(FIRST, OVER))))
    assert (item.kinds[0], item.kinds[-1], item.quote, item.broadcast) == (
        NewsKind.RESOLVED,
        NewsKind.UPDATE,
        "Over.",
        False,
    )


def test_rule_3_withdrawn_is_broadcast_and_is_not_resolved():
    [item] = news(poll_page(0, OPEN), poll_page(30, page(), i1=IncidentEnding.WITHDRAWN))
    assert (item.kinds, item.broadcast) == ((NewsKind.WITHDRAWN,), True)


def test_reopened_is_broadcast():
    again = incident(FIRST, OVER, update("ua", minutes=40, api=RED))
    item, _ = news(poll_page(0, OPEN), poll_page(30, page(incident(FIRST, OVER))), poll_page(40, page(again, api=RED)))
    assert (item.kinds[0], item.broadcast) == (NewsKind.REOPENED, True)


def test_that_nothing_is_known_any_more_is_not_the_incidents_news():
    run = watched(poll_page(0, OPEN), *(poll_page(n, DEAF) for n in range(1, 20)))
    assert [i for s in run[1:] for a in decided(s).alerts for i in a.news] == []


# --- after the end ----------------------------------------------------------------------------------------------------


def test_after_the_end_two_things_are_told_slowly_and_all_clear():
    run = watched(poll_page(0, OPEN), *(poll_page(30 + n, page(incident(FIRST, OVER))) for n in range(60)))
    told = [i.kinds for s in run for a in decided(s).alerts for i in a.news if i.broadcast]
    assert told == [(NewsKind.RAISED,), (NewsKind.ALL_CLEAR,)]


def test_nothing_is_told_of_an_ended_incident_once_its_surfaces_were_normal():
    world = watched(poll_page(0, OPEN), *(poll_page(30 + n, page(incident(FIRST, OVER))) for n in range(60)))[-1].state
    late = after(poll_page(500, page()), poll_page(501, page()), poll_page(520, page()), world=world)
    assert [a for s in late for a in decided(s).alerts] == []


def test_a_postmortem_on_an_ended_incident_goes_to_its_thread_and_opens_nothing():
    paper = incident(FIRST, OVER, update("up", Stage.POSTMORTEM, "What we learned.", 50))
    [alert] = last(poll_page(0, OPEN), poll_page(30, page(incident(FIRST, OVER))), poll_page(50, page(paper))).alerts
    assert ([i.quote for i in alert.news], alert.opens) == (["What we learned."], False)


# --- drawn anew -------------------------------------------------------------------------------------------------------


def test_a_worse_colour_without_a_word_is_broadcast():
    [alert] = last(poll_page(0, page(incident(FIRST), api=AMBER)), poll_page(5, OPEN)).alerts
    [item] = alert.news
    assert (alert.lines[0].condition, item.kinds, item.worse) == (RED, (NewsKind.WORSE,), ("Acme API",))


def test_the_share_of_the_load_moves_on_in_the_alert_by_tenths():
    fixed = page(incident(FIRST, update("u2", Stage.MONITORING, "Fixed.", 5)))
    run = watched(poll_page(0, OPEN), *(poll_page(5 + n, fixed) for n in range(58)))
    drawn = [int(a.lines[0].verdict.exposure * 10) for s in run for a in decided(s).alerts]
    assert set(drawn) == {0, 1, 2, 3, 4}


def test_a_surface_that_it_had_hit_and_only_lists_now_is_shown_once():
    listed = incident(update("u1", body="Something fails."), components=page().components)
    [alert] = last(poll_page(0, page(listed, api=RED)), poll_page(5, page(listed))).alerts
    assert ([x.surface for x in alert.lines], [x.surface for x in alert.watched]) == (["acme-api"], ["acme-web"])


def test_the_time_to_look_again_moves_on_in_the_alert():
    run = watched(*(poll_page(n, OPEN) for n in range(61)))
    drawn = [a for s in run[1:] for a in decided(s).alerts]
    assert len(drawn) == 4
    assert not any(a.opens or a.news for a in drawn)


def test_an_alert_is_not_drawn_again_for_another_incidents_surface():
    other = incident(update("v1", minutes=5, web=RED), iid="i2")
    assert [
        a.incident
        for a in last(poll_page(0, OPEN), poll_page(5, page(incident(FIRST), other, api=RED, web=RED))).alerts
    ] == ["i2"]


# --- keys -------------------------------------------------------------------------------------------------------------


def test_the_same_transition_gives_the_same_decision():
    change = watched(poll_page(0, OPEN), poll_page(30, page(incident(FIRST, OVER))))[-1]
    assert decided(change) == decided(change)


def test_a_page_that_flickers_is_told_once():
    closing, opening = page(incident(FIRST, OVER)), page(incident(FIRST, OVER, stage=Stage.IDENTIFIED))
    run = watched(
        poll_page(0, OPEN), poll_page(30, closing), *(poll_page(31 + n, (opening, closing)[n % 2]) for n in range(10))
    )
    plain = [i for s in run[2:] for a in decided(s).alerts for i in a.news if not i.verdicts]
    assert len({i.key for i in plain}) == 2


def test_an_update_named_like_another_key_has_its_own():
    [item] = news(poll_page(0, page(incident(update("alert", api=RED)), api=RED)))
    assert item.key == "update:alert"


def test_the_same_update_under_two_incidents_has_the_same_key_in_two_threads():
    both = page(incident(FIRST), incident(FIRST, iid="i2"), api=RED)
    assert [a.news[0].key for a in last(poll_page(0, both)).alerts] == ["update:u1", "update:u1"]


# --- silence has a reason ---------------------------------------------------------------------------------------------


def test_rule_8_a_baseline_is_quiet():
    [first] = after(poll_page(0, OPEN))
    assert reasons(decided(first)) == {"i1": SilenceReason.BASELINE}


def test_rule_8_a_retroactive_incident_is_quiet():
    told = last(poll_page(40, page(incident(FIRST, OVER))))
    assert (told.alerts, reasons(told)) == ((), {"i1": SilenceReason.RETROACTIVE})


def planned(**more):
    posts = (update("m1", Stage.SCHEDULED, "We will move house."),)
    return incident(*posts, components=page().components, is_maintenance=True, **more)


def test_a_maintenance_that_has_not_begun_is_an_alert_without_a_next_update():
    [alert] = last(poll_page(0, page(maintenances=(planned(scheduled_for=at(600)),)))).alerts
    assert (alert.is_maintenance, alert.next_update, alert.planned_start) == (True, None, at(600))


def test_a_planned_maintenance_is_edited_when_its_time_changes_and_not_by_time_alone():
    first, later = planned(scheduled_for=at(600)), planned(scheduled_for=at(900))
    seen = [poll_page(m, page(maintenances=(m_,))) for m, m_ in ((0, first), (20, first), (40, later))]
    shown = [len(decided(change).alerts) for change in after(poll_page(-1, page()), *seen)]
    assert shown[1:] == [1, 0, 1]


def test_a_planned_maintenance_that_names_no_service_alarms_nobody():
    nameless = incident(update("m1", Stage.SCHEDULED, "We will move house."), is_maintenance=True)
    assert reasons(last(poll_page(0, page(maintenances=(nameless,))))) == {"i1": SilenceReason.NO_SURFACE}


def test_a_maintenance_that_runs_is_an_alert_of_its_kind():
    runs = incident(
        update("m1", Stage.IN_PROGRESS, "The API moves house."), components=page().components, is_maintenance=True
    )
    [alert] = last(poll_page(0, page(maintenances=(runs,)))).alerts
    assert alert.is_maintenance


def test_a_maintenance_that_only_names_a_surface_alarms_nobody():
    runs = incident(update("m1", Stage.IN_PROGRESS, "The API moves house."), is_maintenance=True)
    assert reasons(last(poll_page(0, page(maintenances=(runs,))))) == {"i1": SilenceReason.NO_SURFACE}


def test_an_incident_of_no_impact_that_names_no_surface_is_quiet():
    told = last(poll_page(0, page(incident(update("u1", body="Hello."), impact=Impact.NONE, name="News"))))
    assert reasons(told) == {"i1": SilenceReason.NO_SURFACE}


def test_events_that_an_alert_does_not_show_are_no_news():
    world = watched(poll_page(0, OPEN))[-1]
    event = replace(world.events[-1], reason="in other words")
    change = transition.StateTransition(at(1), world.state, world.state, (event,))
    assert reasons(decided(change)) == {"i1": SilenceReason.NO_NEWS}


# --- an incident that names no surface --------------------------------------------------------------------------------

VAGUE = incident(update("u1", body="We investigate."), name="Disruption")


def test_rule_11_trouble_that_names_no_surface_is_an_alert_all_the_same():
    [alert] = last(poll_page(0, page(VAGUE))).alerts
    assert alert.lines == ()
    assert {line.verdict.call for line in alert.watched} == {Advice.RETRY_GENTLY}


def test_the_first_surface_that_it_names_is_news():
    named = incident(*VAGUE.updates, update("u2", body="It is the API.", minutes=5, api=RED), name="Disruption")
    item, _ = news(poll_page(0, page(VAGUE)), poll_page(5, page(named, api=RED)))
    assert (item.wider, item.broadcast) == (("Acme API",), True)


def test_its_end_is_told():
    [item] = news(poll_page(0, page(VAGUE)), poll_page(30, page(incident(*VAGUE.updates, OVER, name="Disruption"))))
    assert item.kinds[0] is NewsKind.RESOLVED


# --- a baseline incident goes on --------------------------------------------------------------------------------------


def later(*looks):
    """The decisions after a first poll that found an incident open."""
    return [decided(s) for s in after(poll_page(0, OPEN), *looks)[1:]]


def test_verdicts_that_move_with_time_open_no_alert_for_a_baseline():
    told = later(*(poll_page(n, page(incident(FIRST, stage=Stage.MONITORING))) for n in range(1, 70)))
    assert not [a for d in told for a in d.alerts if a.opens]


def test_the_next_post_on_a_baseline_opens_its_alert():
    [told] = later(poll_page(5, page(incident(FIRST, SECOND), api=RED)))
    assert [(a.opens, len(a.news)) for a in told.alerts] == [(True, 1)]


def test_the_end_of_a_baseline_is_told():
    [told] = later(poll_page(30, page(incident(FIRST, OVER))))
    assert [a.opens for a in told.alerts] == [True]


# --- again ------------------------------------------------------------------------------------------------------------


def again_after(*looks):
    return last(*looks).alerts[-1].again_after


def next_one(minutes, **fields):
    return page(incident(update("v1", minutes=minutes, api=RED), iid="i2", **fields), api=RED)


def test_rule_10_a_repeat_on_the_same_surface_says_how_soon():
    said = again_after(poll_page(0, OPEN), poll_page(30, page(incident(FIRST, OVER))), poll_page(32, next_one(32)))
    assert said == timedelta(minutes=2)


def test_a_repeat_names_the_one_that_it_repeats():
    told = last(poll_page(0, OPEN), poll_page(30, page(incident(FIRST, OVER))), poll_page(32, next_one(32))).alerts[-1]
    assert told.earlier == "i1"


def test_one_on_another_surface_is_no_repeat():
    other = page(incident(update("v1", minutes=32, web=RED), iid="i2"), web=RED)
    assert again_after(poll_page(0, OPEN), poll_page(30, page(incident(FIRST, OVER))), poll_page(32, other)) is None


def test_one_after_a_withdrawn_one_is_no_repeat():
    assert (
        again_after(poll_page(0, OPEN), poll_page(30, page(), i1=IncidentEnding.WITHDRAWN), poll_page(32, next_one(32)))
        is None
    )


def test_one_beside_an_open_one_is_no_repeat():
    both = page(incident(FIRST), incident(update("v1", minutes=32, api=RED), iid="i2"), api=RED)
    assert again_after(poll_page(0, OPEN), poll_page(32, both)) is None


def test_one_after_many_hours_is_no_repeat():
    quiet = page(incident(FIRST, OVER))
    assert again_after(poll_page(0, OPEN), poll_page(30, quiet), poll_page(60 * 10, next_one(600))) is None


# --- the catalogue ----------------------------------------------------------------------------------------------------


def test_a_surface_that_left_the_catalogue_is_left_out():
    world = watched(poll_page(0, OPEN))[-1].state
    less = replace(ACME, surfaces=(Surface("acme-new", "acme", "New"),))
    change = transition.apply_poll(
        world, poll_page(5, page(incident(FIRST, SECOND), api=RED)), replace(RULES, provider=less)
    )
    assert [a.lines for a in decide(change, less, blind_after=3).alerts] == [()]


# --- notices ----------------------------------------------------------------------------------------------------------


def notices(*looks, world=None):
    return [(n.kind, n.since) for s in after(*looks, world=world) for n in decided(s).notices]


def test_rule_7_blind_is_told_once_after_three_failures_and_back_once():
    run = (
        poll_page(0, page()),
        *(poll_page(n, DEAF) for n in range(1, 9)),
        *(poll_page(n, page()) for n in range(9, 12)),
    )
    assert notices(*run) == [(NoticeKind.BLIND, at(1)), (NoticeKind.BACK, at(1))]


@pytest.mark.parametrize("failures", [1, 2])
def test_fewer_failures_are_no_notice(failures):
    assert (
        notices(poll_page(0, page()), *(poll_page(n, DEAF) for n in range(1, 1 + failures)), poll_page(5, page())) == []
    )


def test_a_page_that_was_never_readable_is_told_too():
    assert notices(*(poll_page(n, DEAF) for n in range(5))) == [(NoticeKind.BLIND, at(0))]


def test_rule_8_a_first_poll_is_at_most_one_digest():
    assert notices(poll_page(0, OPEN), poll_page(1, OPEN)) == [(NoticeKind.BASELINE, at(0))]


def test_rule_8_a_first_poll_at_a_healthy_page_is_silent():
    assert notices(poll_page(0, page())) == []


def test_what_is_only_planned_is_in_no_digest():
    planned = incident(update("m1", Stage.SCHEDULED), is_maintenance=True)
    assert notices(poll_page(0, page(maintenances=(planned,)))) == []


def test_a_host_that_flickers_is_told_once_a_day():
    hosts = ("a.example", "b.example") * 4
    run = after(*(replace(poll_page(n, page()), host=host) for n, host in enumerate(hosts)))
    keys = {n.key for s in run for n in decided(s).notices if n.kind is NoticeKind.MOVED}
    assert keys == {"acme:moved:2026-05-04:a.example", "acme:moved:2026-05-04:b.example"}


def test_every_notice_of_a_run_has_its_own_key():
    flaps = [DEAF, DEAF, DEAF, page()] * 4
    keys = [n.key for s in after(*(poll_page(n, s) for n, s in enumerate(flaps))) for n in decided(s).notices]
    assert len(keys) == len(set(keys)) == 8


# --- properties -------------------------------------------------------------------------------------------------------


@st.composite
def days(draw):
    """A few incidents that come, move and go, in any order that a vendor may choose."""
    shown, looks = {}, []
    for minute in range(draw(st.integers(2, 10))):
        iid = draw(st.sampled_from(["i1", "i2"]))
        colours = {name: draw(st.sampled_from([GREEN, AMBER, RED])) for name in ("api", "web")}
        posts = shown.get(iid, ())
        said = draw(st.sampled_from(["We look.", "The website fails.", "The API works as intended."]))
        post = update(f"{iid}{len(posts)}", draw(st.sampled_from(Stage)), said, minute, **colours)
        shown[iid] = (*posts, post)
        seen = page(*(incident(*p, iid=i) for i, p in shown.items()), **colours)
        looks.append(poll_page(minute, draw(st.sampled_from([seen, DEAF, page()]))))
    return looks


LOUD = {NewsKind.WITHDRAWN, NewsKind.REOPENED, NewsKind.WIDENED, NewsKind.WORSE, NewsKind.LOWERED, NewsKind.RAISED}
LOUD |= {NewsKind.ALL_CLEAR}


@given(days())
@settings(max_examples=80)
def test_only_what_changes_what_people_do_is_broadcast(day):
    for change in after(*day):
        alerts = decided(change).alerts
        is_said_by_a_new_one = any(a.opens and change.before.tracked_incident(a.incident) is None for a in alerts)
        for item in (i for a in alerts for i in a.news):
            assert item.broadcast == bool(LOUD & set(item.kinds)) or (is_said_by_a_new_one and not item.broadcast)


@given(days())
@settings(max_examples=80)
def test_every_incident_with_events_is_told_or_has_a_reason_for_silence(day):
    for change in after(*day):
        told = decided(change)
        named = {a.incident for a in told.alerts} | set(reasons(told))
        assert {e.incident for e in change.events if e.incident} <= named


@given(days())
@settings(max_examples=80)
def test_no_thread_hears_the_same_key_twice_in_one_transition(day):
    for alert in (a for s in after(*day) for a in decided(s).alerts):
        keys = [i.key for i in alert.news]
        assert len(keys) == len(set(keys))


def calls(many):
    """How many calls of functions it takes to decide on a page that begins to list so many incidents."""
    shown = page(*(incident(update(f"u{n}", body="The API fails."), iid=f"i{n}") for n in range(many)), api=RED)
    [change] = watched(poll_page(0, shown))
    counted = 0

    def count(*_):
        nonlocal counted
        counted += 1

    sys.setprofile(count)
    try:
        decide(change, ACME, blind_after=3)
    finally:
        sys.setprofile(None)
    return counted


def test_four_times_as_many_incidents_take_hardly_more_than_four_times_the_work():
    assert calls(400) < 8 * calls(100)


OVER_AND_OPENED = (poll_page(0, OPEN), *(poll_page(m, page(incident(FIRST, OVER))) for m in range(31, 40)))


def test_what_a_new_incident_says_is_not_broadcast_by_one_that_has_just_ended():
    again = page(incident(FIRST, OVER), incident(update("v1", minutes=40, api=RED), iid="i2"), api=RED)
    [old, new] = last(*OVER_AND_OPENED, poll_page(40, again)).alerts
    assert (old.incident, [item.broadcast for item in old.news]) == ("i1", [False])
    assert (new.incident, new.opens) == ("i2", True)
