"""A component is bad and the vendor has posted nothing: an alert of our own."""

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from bot.domain import Advice, Condition, EventKind, IncidentEnding, NewsKind, ProviderState, Stage
from bot.rules import transition
from bot.rules.alerting import decide
from bot.rules.changes import diff
from tests.support.polls import ACME, AMBER, GREEN, RED, RULES, after, incident, page, poll_page, update, watched

ID = "acme-api@2026-05-04T12:00Z"


def run(*colours, start=0, incidents=()):
    """A watched page, and from noon on a poll every minute at the API's component in these colours."""
    return watched(*(poll_page(start + n, page(*incidents, api=c)) for n, c in enumerate(colours)))


def told(change):
    return decide.decide(change, ACME, blind_after=3).alerts


def troubles(changes_):
    return [e.kind for s in changes_ for e in s.events if e.kind.startswith("trouble")]


def test_a_component_that_is_bad_for_three_minutes_gets_an_alert():
    [alert] = told(run(RED, RED, RED, RED)[-1])
    assert (alert.incident, alert.is_unposted, alert.opens) == (ID, True, True)


def test_a_component_that_is_bad_for_less_is_the_vendors_order_of_work():
    assert not [a for s in run(RED, RED, RED, GREEN, GREEN) for a in told(s)]


def test_the_alert_has_the_surfaces_condition_and_verdict():
    [line] = told(run(RED, RED, RED, RED)[-1])[0].lines
    assert (line.surface, line.condition, line.verdict.call) == ("acme-api", RED, "hold_off")


def test_its_age_is_counted_from_the_first_poll_at_it():
    [alert] = told(run(AMBER, RED, RED, RED)[-1])
    assert alert.posted_at == run(AMBER)[-1].at


def test_it_is_opened_once():
    opened = [a for s in run(*[RED] * 20) for a in told(s) if a.opens]
    assert len(opened) == 1


def test_maintenance_is_no_trouble():
    assert troubles(run(*[Condition.MAINTENANCE] * 6)) == []


def test_a_degraded_component_that_no_surface_stands_for_is_no_trouble():
    assert troubles(watched(*(poll_page(n, page(other=Condition.DEGRADED)) for n in range(6)))) == []


def test_it_ends_when_the_component_is_green():
    ended = run(RED, RED, RED, RED, GREEN)[-1]
    assert ended.state.tracked_incident(ID).ending is IncidentEnding.CLEARED


def test_its_end_is_told_in_its_thread():
    [alert] = told(run(RED, RED, RED, RED, GREEN)[-1])
    assert NewsKind.RESOLVED in alert.news[0].kinds


def test_the_last_that_is_told_is_that_all_is_clear():
    last = [a for s in run(RED, RED, RED, RED, *[GREEN] * 90) for a in told(s) if a.news][-1]
    assert (last.incident, last.news[0].kinds) == (ID, (NewsKind.ALL_CLEAR,))
    assert last.lines[0].verdict.call is Advice.RETRY_NORMALLY


def test_what_was_bad_at_the_first_poll_is_a_baseline():
    all_told = [a for s in after(*(poll_page(n, page(api=RED)) for n in range(10))) for a in told(s) if a.opens]
    assert all_told == []


def test_what_was_bad_at_the_first_poll_is_in_the_digest():
    [first] = after(poll_page(0, page(api=RED)))
    [notice] = decide.decide(first, ACME, blind_after=3).notices
    assert [i.id for i in notice.open] == [ID]


def test_what_was_bad_at_the_first_poll_and_gets_worse_opens_an_alert():
    changes_ = after(*(poll_page(n, page(api=c)) for n, c in enumerate([AMBER, AMBER, RED])))
    assert [a.incident for a in told(changes_[-1]) if a.opens] == [ID]


def test_a_restart_in_between_changes_nothing():
    stored = TypeAdapter(ProviderState)
    first = run(RED, RED)[-1].state
    world = stored.validate_json(stored.dump_json(first))
    changes_ = after(poll_page(2, page(api=RED)), poll_page(3, page(api=RED)), world=world)
    assert [a.incident for s in changes_ for a in told(s)] == [ID]


def test_a_restart_after_it_was_told_does_not_tell_it_again():
    stored = TypeAdapter(ProviderState)
    world = stored.validate_json(stored.dump_json(run(RED, RED, RED, RED)[-1].state))
    assert troubles(after(poll_page(4, page(api=RED)), poll_page(5, page(api=RED)), world=world)) == []


def test_an_open_incident_on_the_surface_leaves_no_trouble():
    posted = incident(update("u1", api=RED))
    assert troubles(run(*[RED] * 6, incidents=(posted,))) == []


@pytest.fixture
def taken_over():
    """The vendor posts an incident on a surface whose alert stands."""
    before = run(RED, RED, RED, RED)[-1].state
    posted = incident(update("u1", minutes=4, api=RED))
    return transition.apply_poll(before, poll_page(4, page(posted, api=RED)), RULES)


def test_an_incident_that_the_vendor_posts_takes_over(taken_over):
    assert taken_over.state.tracked_incident(ID).ending is IncidentEnding.POSTED


def test_its_message_is_the_incidents_from_then_on(taken_over):
    ours, theirs = taken_over.state.tracked_incident(ID), taken_over.state.tracked_incident("i1")
    assert (ours.joined, theirs.suspicions) == ("i1", (ID,))


def test_that_says_nothing_of_a_lead_since_the_page_showed_it(taken_over):
    assert taken_over.state.tracked_incident("i1").lead is None


def test_an_incident_takes_over_every_trouble_that_it_is_posted_on():
    before = watched(*(poll_page(n, page(api=RED, web=AMBER)) for n in range(4)))[-1].state
    posted = incident(update("u1", minutes=4, api=RED, web=AMBER))
    done = transition.apply_poll(before, poll_page(4, page(posted, api=RED, web=AMBER)), RULES)
    assert len(done.state.tracked_incident("i1").suspicions) == 2


def test_an_incident_of_the_baseline_takes_over_no_message_for_it_has_none():
    first = update("u1", web=RED)
    known = incident(first, update("u2", minutes=1, api=RED))
    done = after(poll_page(0, page(incident(first), api=RED)), poll_page(1, page(known, api=RED)))
    assert (done[-1].state.tracked_incident(ID).ending, done[-1].state.tracked_incident(ID).joined) == (
        IncidentEnding.POSTED,
        None,
    )


def test_after_that_only_the_incidents_alert_has_news(taken_over):
    news = {a.incident: bool(a.news) for a in told(taken_over)}
    assert news == {ID: False, "i1": True}


def test_after_that_the_surface_is_the_incidents(taken_over):
    later = [
        transition.apply_poll(
            taken_over.state, poll_page(5, page(incident(update("u1", minutes=4, api=RED)), api=AMBER)), RULES
        )
    ]
    assert {e.incident for e in later[0].events} == {"i1"}


def test_the_end_of_an_incident_with_a_red_component_is_a_trouble_after_three_minutes():
    posted, over = incident(update("u1", api=RED)), update("u2", Stage.RESOLVED, "Over.", 5)
    ended = incident(update("u1", api=RED), over)
    changes_ = watched(poll_page(0, page(posted, api=RED)), *(poll_page(5 + n, page(ended, api=RED)) for n in range(5)))
    assert [a.incident for s in changes_ for a in told(s) if a.is_unposted] == ["acme-api@2026-05-04T12:05Z"]


def test_bad_again_soon_is_the_same_trouble():
    changes_ = run(*[RED] * 4, GREEN, *[RED] * 4)
    assert len({k.incident.id for k in changes_[-1].state.incidents}) == 1
    assert troubles(changes_) == [EventKind.TROUBLE_BEGAN, EventKind.TROUBLE_ENDED, EventKind.TROUBLE_BEGAN]


def test_bad_again_two_hours_later_is_the_same_trouble():
    looks = (poll_page(n, page(api=RED if n != 4 else GREEN)) for n in (0, 1, 2, 3, 4, 121, 124))
    assert len({k.incident.id for k in watched(*looks)[-1].state.incidents}) == 1


def test_bad_again_soon_is_broadcast_as_bad_again():
    last = run(*[RED] * 4, GREEN, *[RED] * 4)[-1]
    [alert] = told(last)
    assert NewsKind.REOPENED in alert.news[0].kinds
    assert alert.news[0].broadcast


def test_each_time_it_comes_and_goes_has_keys_of_its_own():
    keys = [n.key for s in run(*([RED] * 4 + [GREEN]) * 3) for a in told(s) for n in a.news]
    assert len(keys) == len(set(keys))


def test_the_page_is_never_asked_for_a_trouble_of_ours():
    world = run(RED, RED, RED, RED)[-1].state
    assert diff.unlisted_incidents({k.incident.id: k for k in world.incidents}, page()) == ()


def test_it_is_forgotten_a_day_after_its_end_though_the_page_has_no_list_of_incidents():
    bare = [replace(page(api=c), incidents=None, maintenances=None) for c in (RED, RED, RED, RED, GREEN, GREEN)]
    done = watched(*(poll_page(n, shown) for n, shown in zip((0, 1, 2, 3, 4, 25 * 60), bare, strict=True)))
    assert ([k.incident.id for k in done[-2].state.incidents], done[-1].state.incidents) == ([ID], ())


def test_each_surface_has_a_trouble_of_its_own():
    changes_ = watched(*(poll_page(n, page(api=RED, web=AMBER)) for n in range(4)))
    assert [a.incident.partition("@")[0] for a in told(changes_[-1])] == ["acme-web", "acme-api"]


def test_a_surface_that_leaves_the_catalogue_ends_its_trouble():
    less = replace(RULES, provider=replace(ACME, surfaces=(ACME.surfaces[0],)))
    change = transition.apply_poll(run(RED, RED, RED, RED)[-1].state, poll_page(4, page(api=RED)), less)
    assert not change.state.open_incidents
    decide.decide(change, less.provider, blind_after=3)
