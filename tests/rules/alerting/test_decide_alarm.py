"""A source without usable data for too long: who runs the bot hears of it once, and once of its end."""

from datetime import timedelta

import pytest

from bot.domain import Notice, NoticeKind, NotificationKind, PollFailure, Subscription
from bot.rules.alerting import decide
from bot.rules.alerting.routing import route_owner
from tests.support.acme import ACME, NOON, poll_page
from tests.support.pages import page

LOST = PollFailure("status.acme.example answered 404 (Not Found)", "http_404")
NOTICE = Notice(NoticeKind.ALARM, "acme", "Acme", "k", NOON, "https://status.acme.example", NOON)


def told(*seen, alarm_after=5):
    """What the owner is told of looks that are a minute apart."""
    world, heard = None, []
    for minute, saw in enumerate(seen):
        change = poll_page(world, saw, NOON + timedelta(minutes=minute))
        world = change.state
        heard += decide.decide(change, ACME, blind_after=3, alarm_after=alarm_after).for_owner
    return heard


def test_it_is_told_once_however_long_it_lasts():
    assert [n.kind for n in told(page(), *[LOST] * 40)] == [NoticeKind.ALARM]


def test_it_says_how_many_looks_failed_since_when_and_why_the_last():
    [alarm] = told(page(), *[LOST] * 6)
    assert alarm.since == NOON + timedelta(minutes=1)
    assert alarm.why == "status.acme.example answered 404 (Not Found)"


def test_its_end_is_told_once():
    heard = told(page(), *[LOST] * 6, page(), page())
    assert [n.kind for n in heard] == [NoticeKind.ALARM, NoticeKind.WELL]


def test_a_short_blindness_is_no_matter_of_the_owners():
    assert told(page(), *[LOST] * 4, page()) == []


def test_a_page_that_never_answered_is_told_too():
    assert [n.kind for n in told(*[LOST] * 6)] == [NoticeKind.ALARM]


def test_every_alarm_has_a_key_of_its_own():
    keys = [n.key for n in told(*([LOST] * 5 + [page()]) * 3)]
    assert len(keys) == len(set(keys)) == 6


def test_a_page_that_moved_is_told_with_what_its_address_serves_now():
    moved = PollFailure("it looks like incident.io", "other_format")
    assert [(n.kind, n.why) for n in told(page(), *[moved] * 4)] == [(NoticeKind.MOVED, "it looks like incident.io")]


# --- who hears of it --------------------------------------------------------------------------------------------------


def posts(owners, *subscriptions):
    return [(p.channel, p.kind) for p in route_owner(NOTICE, owners, subscriptions, {"acme-api"})]


def test_everybody_who_runs_the_bot_hears_of_it():
    assert posts(["U1", "U2"]) == [("U1", NotificationKind.NOTICE), ("U2", NotificationKind.NOTICE)]


@pytest.mark.parametrize("target", ["acme", "acme-api"])
def test_a_channel_that_listens_to_the_provider_has_its_own_notice_and_no_second_one(target):
    assert posts(["C1"], Subscription("C1", target)) == []


def test_a_channel_that_listens_to_something_else_is_told():
    assert posts(["C1"], Subscription("C1", "globex")) == [("C1", NotificationKind.NOTICE)]


def test_without_an_owner_nobody_is_told():
    assert posts([]) == []
