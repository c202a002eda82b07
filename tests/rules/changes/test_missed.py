"""What opened and ended while nobody looked is told once, late, and as little as that."""

from datetime import timedelta

import pytest

from bot.domain import (
    NoticeKind,
    Notification,
    NotificationKind,
    PollResult,
    ProviderState,
    Subscription,
    VerdictParameters,
)
from bot.formats import statuspage
from bot.messages import alerts
from bot.rules import transition
from bot.rules.alerting import routing
from bot.rules.alerting.decide import decide
from bot.rules.changes import missed
from tests.support.acme import ACME, NOON
from tests.support.pages import incident, page, update

AGO = NOON - timedelta(hours=2)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def over(number=1, start=-100, end=-60, **more):
    """An incident of the API, over by noon unless told otherwise; minutes from noon."""
    first = update(10 * number, at=at(start), api="major_outage")
    return incident(first, update(10 * number + 1, "resolved", "Fixed.", at(end)), number=number, **more)


def decided(*incidents, since=AGO, seen_at=AGO, when=NOON):
    """The decision of a poll of noon whose page (or list) has these."""
    world = ProviderState("acme", seen_at=seen_at)
    rules = transition.TransitionContext(ACME, VerdictParameters(), {})
    seen = PollResult(when, statuspage.parse(page(*incidents)), unwatched_since=since)
    done = transition.apply_poll(world, seen, rules)
    again = transition.apply_poll(done.state, PollResult(when + timedelta(minutes=1), seen.saw), rules)
    return decide(done, ACME, blind_after=3), decide(again, ACME, blind_after=3)


def told(*incidents, **more):
    return [a.incident for a in decided(*incidents, **more)[0].alerts]


def test_it_is_told_once():
    first, second = decided(over())
    assert ([a.incident for a in first.alerts], second.alerts) == (["inc1"], ())


def test_it_says_from_when_to_when_by_the_vendors_clock():
    [alert] = decided(over())[0].alerts
    assert alert.missed == (at(-100), at(-60))
    assert alert.closed_at == at(-60)


def test_it_names_the_surface_that_it_had_hit():
    [alert] = decided(over())[0].alerts
    assert [line.surface for line in alert.lines] == ["acme-api"]


def test_its_thread_stays_empty():
    [alert] = decided(over())[0].alerts
    assert alert.news == ()


def test_who_listens_to_that_surface_gets_one_message_that_says_it_is_late():
    [alert] = decided(over())[0].alerts
    [post] = routing.route_alert(alert, [Subscription("C1", "acme-api", created_at=NOON)], ())
    text = alerts.render_notification(post).text
    assert text.startswith("Acme incident missed while Brownout was offline.")
    assert "API: 10:20 UTC to 11:00 UTC. It is resolved." in text


@pytest.mark.parametrize("end", [-130, -120], ids=["before", "at"])
def test_what_ended_by_the_last_poll_is_for_the_timeline(end):
    assert told(over(start=-300, end=end)) == []


def test_what_ended_over_a_day_ago_is_for_the_timeline():
    assert told(over(start=-1600, end=-1500), since=at(-2000), seen_at=at(-2000)) == []


def test_what_ended_a_day_ago_to_the_minute_is_told():
    assert told(over(start=-1500, end=-1440), since=at(-2000), seen_at=at(-2000)) == ["inc1"]


def test_what_was_never_open_is_for_the_timeline():
    assert told(incident(update(1, "resolved", "It was.", at(-60)))) == []


def test_what_nobody_missed_is_for_the_timeline():
    assert told(over(), since=None) == []


def test_what_is_still_open_is_news_and_not_late():
    [alert] = decided(incident(update(api="major_outage", at=at(-60))))[0].alerts
    assert alert.missed is None


def test_three_are_told_one_by_one():
    assert told(*(over(n) for n in (1, 2, 3))) == ["inc1", "inc2", "inc3"]


def test_more_are_one_message_with_a_line_each():
    first, _ = decided(*(over(n, name=f"Trouble {n}") for n in (1, 2, 3, 4)))
    [notice] = first.notices
    assert (first.alerts, notice.kind, len(notice.open)) == ((), NoticeKind.MISSED, 4)
    text = alerts.render_notification(Notification("C1", NotificationKind.NOTICE, notice.key, notice)).text
    assert text.startswith("Acme: 4 incidents while Brownout was offline")
    assert "• Trouble 2 (10:20 UTC to 11:00 UTC)" in text


@pytest.mark.parametrize(("minutes", "is_gap"), [(5, False), (5.1, True)])
def test_a_gap_is_longer_than_five_minutes(minutes, is_gap):
    assert missed.is_monitoring_gap(NOON, at(minutes)) is is_gap


def test_before_the_first_poll_there_is_no_gap():
    assert not missed.is_monitoring_gap(None, NOON)
