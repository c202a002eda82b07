"""Who hears of an alert, and in which form."""

from dataclasses import replace

import pytest

from bot.model import Condition, Notice, NoticeKind, PostKind, Subscription
from bot.voice.route import route, route_notice
from tests.voice.samples import ALERT, NOON, item, line

WEB = line("Acme Web", Condition.DEGRADED)
TOLD = replace(ALERT, news=(replace(item(), broadcast=True),))


def listens(target="acme", channel="C1", minimum=Condition.DEGRADED):
    return Subscription(channel, target, minimum)


def kinds(alert, *subscriptions, told=()):
    return [(p.channel, p.kind) for p in route(alert, subscriptions, told)]


def test_a_channel_that_was_not_told_gets_a_message():
    assert kinds(ALERT, listens()) == [("C1", PostKind.ALERT)]


def test_a_channel_that_was_told_has_its_message_drawn_anew():
    assert kinds(ALERT, listens(), told={"C1"}) == [("C1", PostKind.EDIT)]


def test_news_go_into_the_thread():
    assert kinds(TOLD, listens(), told={"C1"}) == [("C1", PostKind.EDIT), ("C1", PostKind.REPLY)]


@pytest.mark.parametrize(("told", "loud"), [((), False), ({"C1"}, True)])
def test_nothing_is_broadcast_beside_a_new_message(told, loud):
    *_, post = route(TOLD, [listens()], told)
    assert post.news.broadcast is loud


def test_every_channel_is_told_once_however_many_subscriptions_match():
    both = (listens("acme"), listens("acme-api"), listens("acme", "C2"))
    assert kinds(ALERT, *both) == [("C1", PostKind.ALERT), ("C2", PostKind.ALERT)]


def test_a_channel_that_listens_to_another_surface_is_not_told():
    assert kinds(ALERT, listens("acme-web")) == []


def test_a_channel_hears_of_its_surface_among_others():
    assert kinds(replace(ALERT, lines=(*ALERT.lines, WEB)), listens("acme-web")) == [("C1", PostKind.ALERT)]


@pytest.mark.parametrize("minimum", [Condition.DEGRADED, Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE])
def test_what_is_bad_enough_is_told(minimum):
    assert kinds(ALERT, listens(minimum=minimum)) == [("C1", PostKind.ALERT)]


def test_what_is_not_bad_enough_is_not_told():
    assert kinds(replace(ALERT, lines=(WEB,)), listens(minimum=Condition.MAJOR_OUTAGE)) == []


def test_another_surfaces_colour_does_not_count():
    both = replace(ALERT, lines=(*ALERT.lines, WEB))
    assert kinds(both, listens("acme-web", minimum=Condition.MAJOR_OUTAGE)) == []


def test_vendors_post_before_they_colour_so_a_green_incident_counts_as_degraded():
    green = replace(ALERT, lines=(replace(WEB, condition=Condition.OPERATIONAL),))
    assert kinds(green, listens()) == [("C1", PostKind.ALERT)]


def test_once_told_a_channel_hears_the_rest_whatever_the_colour():
    green = replace(ALERT, lines=(replace(WEB, condition=Condition.OPERATIONAL),))
    assert kinds(green, listens(minimum=Condition.MAJOR_OUTAGE), told={"C1"}) == [("C1", PostKind.EDIT)]


def test_a_maintenance_is_for_those_who_asked_for_it():
    works = replace(ALERT, lines=(replace(WEB, condition=Condition.MAINTENANCE),), is_maintenance=True)
    asked = listens(channel="C2", minimum=Condition.MAINTENANCE)
    assert kinds(works, listens(), asked) == [("C2", PostKind.ALERT)]


def test_a_maintenance_that_breaks_something_is_for_all():
    assert kinds(replace(ALERT, is_maintenance=True), listens()) == [("C1", PostKind.ALERT)]


def test_what_is_only_drawn_anew_opens_nothing():
    assert kinds(replace(ALERT, opens=False), listens(), listens(channel="C2"), told={"C2"}) == [("C2", PostKind.EDIT)]


def test_an_incident_that_names_no_surface_is_for_those_who_listen_to_all():
    assert kinds(replace(ALERT, lines=()), listens(), listens("acme-api", "C2")) == [("C1", PostKind.ALERT)]


def test_a_channel_that_no_longer_listens_hears_nothing_more():
    assert kinds(TOLD, listens("acme-web"), told={"C1"}) == []


def test_the_same_alert_gives_the_same_keys():
    first, second = ([p.key for p in route(TOLD, [listens()], {"C1"})] for _ in range(2))
    assert first == second


def test_posts_carry_no_more_news_than_their_own():
    assert [p.about.news for p in route(TOLD, [listens()], {"C1"})] == [(), ()]


def test_a_notice_goes_once_to_every_channel_of_its_provider():
    notice = Notice(NoticeKind.BLIND, "acme", "Acme", "k", NOON, "https://status.acme.example", NOON)
    all_of_them = [listens(), listens("acme-api"), listens("acme-api", "C2"), listens("bolt", "C3")]
    assert [(p.channel, p.key) for p in route_notice(notice, all_of_them, {"acme-api"})] == [("C1", "k"), ("C2", "k")]
