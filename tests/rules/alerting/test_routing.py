"""Who hears of an alert, and in which form."""

from dataclasses import replace
from datetime import time

import pytest

from bot.domain import (
    ChannelPreferences,
    ChatUser,
    Condition,
    Mute,
    NewsKind,
    Notice,
    NoticeKind,
    NotificationKind,
    QuietHours,
    Subscription,
    UserAction,
)
from bot.rules.alerting import routing
from bot.rules.alerting.routing import DEFAULT_DELIVERY_STATE, ChannelDeliveryState, route_notice
from tests.support.samples import ALERT, NOON, item, line

WEB = line("Acme Web", Condition.DEGRADED)
TOLD = replace(ALERT, news=(replace(item(), broadcast=True),))


def route_alert(*arguments):
    """What a channel gets, without the reasons that follow each new message."""
    return [p for p in routing.route_alert(*arguments) if not (p.news and p.news.kinds == (NewsKind.WHY,))]


def listens(target="acme", channel="C1", minimum=Condition.DEGRADED):
    return Subscription(channel, target, minimum)


def kinds(alert, *subscriptions, told=()):
    return [(p.channel, p.kind) for p in route_alert(alert, subscriptions, told)]


def test_a_channel_that_was_not_told_gets_a_message():
    assert kinds(ALERT, listens()) == [("C1", NotificationKind.ALERT)]


def test_a_new_message_is_followed_by_its_reasons_in_the_thread():
    _, reasons = routing.route_alert(ALERT, [listens()], ())
    assert (reasons.kind, reasons.news.kinds, reasons.news.broadcast) == (
        NotificationKind.REPLY,
        (NewsKind.WHY,),
        False,
    )


def test_a_channel_that_was_told_has_its_message_drawn_again():
    assert kinds(ALERT, listens(), told={"C1"}) == [("C1", NotificationKind.EDIT)]


def test_news_go_into_the_thread():
    assert kinds(TOLD, listens(), told={"C1"}) == [("C1", NotificationKind.EDIT), ("C1", NotificationKind.REPLY)]


@pytest.mark.parametrize(("told", "loud"), [((), False), ({"C1"}, True)])
def test_nothing_is_broadcast_beside_a_new_message(told, loud):
    *_, post = route_alert(TOLD, [listens()], told)
    assert post.news.broadcast is loud


def test_every_channel_is_told_once_however_many_subscriptions_match():
    both = (listens("acme"), listens("acme-api"), listens("acme", "C2"))
    assert kinds(ALERT, *both) == [("C1", NotificationKind.ALERT), ("C2", NotificationKind.ALERT)]


def test_a_channel_that_listens_to_another_surface_is_not_told():
    assert kinds(ALERT, listens("acme-web")) == []


def test_a_channel_hears_of_its_surface_among_others():
    assert kinds(replace(ALERT, lines=(*ALERT.lines, WEB)), listens("acme-web")) == [("C1", NotificationKind.ALERT)]


@pytest.mark.parametrize("minimum", [Condition.DEGRADED, Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE])
def test_what_is_bad_enough_is_told(minimum):
    assert kinds(ALERT, listens(minimum=minimum)) == [("C1", NotificationKind.ALERT)]


def test_what_is_not_bad_enough_is_not_told():
    assert kinds(replace(ALERT, lines=(WEB,)), listens(minimum=Condition.MAJOR_OUTAGE)) == []


def test_another_surfaces_colour_does_not_count():
    both = replace(ALERT, lines=(*ALERT.lines, WEB))
    assert kinds(both, listens("acme-web", minimum=Condition.MAJOR_OUTAGE)) == []


def test_vendors_post_before_they_colour_so_a_green_incident_counts_as_degraded():
    green = replace(ALERT, lines=(replace(WEB, condition=Condition.OPERATIONAL),))
    assert kinds(green, listens()) == [("C1", NotificationKind.ALERT)]


def test_once_told_a_channel_hears_the_rest_whatever_the_colour():
    green = replace(ALERT, lines=(replace(WEB, condition=Condition.OPERATIONAL),))
    assert kinds(green, listens(minimum=Condition.MAJOR_OUTAGE), told={"C1"}) == [("C1", NotificationKind.EDIT)]


def test_a_maintenance_is_for_those_who_asked_for_it():
    works = replace(ALERT, lines=(replace(WEB, condition=Condition.MAINTENANCE),), is_maintenance=True)
    asked = listens(channel="C2", minimum=Condition.MAINTENANCE)
    assert kinds(works, listens(), asked) == [("C2", NotificationKind.ALERT)]


def test_a_maintenance_that_breaks_something_is_for_all():
    assert kinds(replace(ALERT, is_maintenance=True), listens()) == [("C1", NotificationKind.ALERT)]


def test_what_is_only_drawn_again_opens_nothing():
    assert kinds(replace(ALERT, opens=False), listens(), listens(channel="C2"), told={"C2"}) == [
        ("C2", NotificationKind.EDIT)
    ]


def test_an_incident_that_names_no_surface_is_for_those_who_listen_to_all():
    assert kinds(replace(ALERT, lines=()), listens(), listens("acme-api", "C2")) == [("C1", NotificationKind.ALERT)]


def test_a_channel_that_no_longer_listens_hears_nothing_more():
    assert kinds(TOLD, listens("acme-web"), told={"C1"}) == []


def test_the_same_alert_gives_the_same_keys():
    first, second = ([p.key for p in route_alert(TOLD, [listens()], {"C1"})] for _ in range(2))
    assert first == second


def test_posts_carry_no_more_news_than_their_own():
    assert [p.about.news for p in route_alert(TOLD, [listens()], {"C1"})] == [(), ()]


def test_a_notice_goes_once_to_every_channel_of_its_provider():
    notice = Notice(NoticeKind.BLIND, "acme", "Acme", "k", NOON, "https://status.acme.example", NOON)
    all_of_them = [listens(), listens("acme-api"), listens("acme-api", "C2"), listens("bolt", "C3")]
    assert [(p.channel, p.key) for p in route_notice(notice, all_of_them, {"acme-api"})] == [("C1", "k"), ("C2", "k")]


# --- how a channel wants it -------------------------------------------------------------------------------------------

ADA = UserAction(ChatUser("U1", "ada"), NOON)
OPS, DEV = "!subteam^S1|@ops", "!subteam^S2|@dev"
NIGHT = QuietHours(time(22), time(7), "Europe/Berlin")
PARTLY = replace(ALERT, lines=(line("Acme API", Condition.PARTIAL_OUTAGE),))


def wants(*targets, until=None, **more):
    return ChannelDeliveryState(
        {"C1": ChannelPreferences("C1", mutes=tuple(Mute("C1", t, until, ADA) for t in targets), **more)}
    )


def posts(alert, channels, *subscriptions, told=()):
    return list(route_alert(alert, subscriptions or (listens(),), told, channels))


@pytest.mark.parametrize("target", ["all", "acme", "acme-api", "i1"])
def test_what_is_muted_waits(target):
    [post] = posts(TOLD, wants(target))
    assert (post.kind, post.held) == (NotificationKind.ALERT, "muted")


@pytest.mark.parametrize("target", ["acme-web", "bolt", "i2"])
def test_a_mute_of_something_else_holds_nothing(target):
    assert [p.held for p in posts(ALERT, wants(target))] == [""]


def test_a_surface_that_is_not_muted_is_told_beside_one_that_is():
    both = replace(ALERT, lines=(*ALERT.lines, WEB))
    assert [p.held for p in posts(both, wants("acme-api"))] == [""]


def test_a_mute_of_what_an_incident_takes_over_is_a_mute_of_it():
    assert [p.held for p in posts(replace(ALERT, takes_over=("ours",)), wants("ours"))] == ["muted"]


def test_a_mute_that_has_run_out_holds_nothing():
    assert [p.held for p in posts(ALERT, wants("all", until=ALERT.as_of))] == [""]


def test_a_muted_thread_goes_on_without_a_sound():
    edit, reply = posts(TOLD, wants("acme-api"), told={"C1"})
    assert (edit.kind, reply.kind, reply.news.broadcast) == (NotificationKind.EDIT, NotificationKind.REPLY, False)


@pytest.mark.parametrize(("target", "loud"), [("i1", True), ("all", False)])
def test_the_end_of_an_incident_passes_its_own_mute_and_no_other(target, loud):
    ended = replace(ALERT, news=(replace(item(NewsKind.RESOLVED), broadcast=True),))
    *_, reply = posts(ended, wants(target), told={"C1"})
    assert reply.news.broadcast is loud


@pytest.mark.parametrize(
    ("hour", "held"), [(19, ""), (20, "quiet hours"), (23, "quiet hours"), (4, "quiet hours"), (5, "")]
)
def test_quiet_hours_are_the_channels_own(hour, held):
    tonight = replace(PARTLY, as_of=NOON.replace(hour=hour))  # 22 to 7 in Berlin is 20 to 5 in UTC in May
    assert [p.held for p in posts(tonight, wants(quiet=NIGHT))] == [held]


@pytest.mark.parametrize(("hour", "held"), [(11, ""), (12, "quiet hours"), (13, "")])
def test_quiet_hours_of_a_day_are_of_that_day(hour, held):
    lunch = QuietHours(time(12), time(13))
    today = replace(PARTLY, as_of=NOON.replace(hour=hour))
    assert [p.held for p in posts(today, wants(quiet=lunch))] == [held]


def test_a_complete_outage_passes_quiet_hours():
    assert [p.held for p in posts(ALERT, wants(quiet=QuietHours(time(0), time(23, 59))))] == [""]


def test_a_complete_outage_of_what_others_listen_to_does_not():
    both = replace(ALERT, lines=(*ALERT.lines, WEB))
    [post] = posts(both, wants(quiet=QuietHours(time(0), time(23, 59))), listens("acme-web"))
    assert post.held == "quiet hours"


ALL_DAY = QuietHours(time(0), time(23, 59))


def of_an_outage(*kinds, **more):
    """The news of an incident with an outage that is not bad any more."""
    return replace(
        ALERT,
        lines=(replace(ALERT.lines[0], condition=Condition.OPERATIONAL),),
        news=(replace(item(*kinds), broadcast=True),),
        **more,
    )


@pytest.mark.parametrize(
    ("kind", "outages", "loud"),
    [
        (NewsKind.ALL_CLEAR, ("acme-api",), True),
        (NewsKind.ALL_CLEAR, (), False),
        (NewsKind.RAISED, ("acme-api",), False),
    ],
)
def test_the_all_clear_of_an_outage_passes_quiet_hours(kind, outages, loud):
    _, reply, *_ = posts(of_an_outage(kind, outages=outages), wants(quiet=ALL_DAY), told={"C1"})
    assert reply.news.broadcast is loud


def test_the_all_clear_of_an_outage_of_what_others_subscribed_does_not():
    ended = of_an_outage(NewsKind.ALL_CLEAR, outages=("acme-web",))
    _, reply, *_ = posts(ended, wants(quiet=ALL_DAY), listens("acme-api"), told={"C1"})
    assert reply.news.broadcast is False


def test_what_quiet_hours_stop_waits_for_their_end():
    *_, waiting = posts(of_an_outage(NewsKind.RAISED), wants(quiet=ALL_DAY), told={"C1"})
    assert (waiting.held, waiting.kind) == ("quiet hours", NotificationKind.REPLY)


def test_what_a_mute_stops_is_not_said_later():
    assert [p.held for p in posts(TOLD, wants("acme-api"), told={"C1"})] == ["", ""]


@pytest.mark.parametrize(
    ("ended", "kind"),
    [
        ({}, NewsKind.REMINDER),
        ({"closed_at": NOON}, NewsKind.RESOLVED),
        ({"closed_at": NOON, "cleared_at": NOON}, NewsKind.ALL_CLEAR),
    ],
)
def test_after_quiet_hours_one_broadcast_says_how_it_is(ended, kind):
    post = routing.after_quiet_hours(replace(ALERT, **ended), "C1", NOON)
    assert (post.news.kinds, post.news.broadcast) == ((kind,), True)


def test_a_channel_that_wants_maintenances_is_told_of_them():
    works = replace(ALERT, lines=(replace(WEB, condition=Condition.MAINTENANCE),), is_maintenance=True)
    assert [p.kind for p in posts(works, wants(maintenance=True))] == [NotificationKind.ALERT]


def test_a_muted_provider_is_not_told_to_be_blind():
    notice = Notice(NoticeKind.BLIND, "acme", "Acme", "k", NOON, "https://status.acme.example", NOON)
    assert list(route_notice(notice, [listens()], {"acme-api"}, wants("acme"))) == []


def test_quiet_hours_are_no_matter_of_where_a_notice_goes():
    notice = Notice(NoticeKind.BLIND, "acme", "Acme", "k", NOON, "https://status.acme.example", NOON)
    assert (
        len(list(route_notice(notice, [listens()], {"acme-api"}, wants(quiet=QuietHours(time(0), time(23, 59)))))) == 1
    )


# --- whom it rings ----------------------------------------------------------------------------------------------------


def rings(found):
    return [p.mentions for p in found]


def test_a_complete_outage_rings():
    assert rings(posts(ALERT, DEFAULT_DELIVERY_STATE, replace(listens(), mention=OPS))) == [(OPS,)]


def test_less_than_a_complete_outage_rings_nobody():
    assert rings(posts(PARTLY, DEFAULT_DELIVERY_STATE, replace(listens(), mention=OPS))) == [()]


def test_a_complete_outage_of_another_surface_rings_nobody():
    both = replace(ALERT, lines=(*ALERT.lines, WEB))
    assert rings(posts(both, DEFAULT_DELIVERY_STATE, replace(listens("acme-web"), mention=OPS))) == [()]


def test_everybody_whose_surface_is_down_is_rung_once():
    mine = [replace(listens(t), mention=m) for t, m in (("acme", OPS), ("acme-api", DEV), ("acme-api", OPS))]
    assert rings(posts(ALERT, DEFAULT_DELIVERY_STATE, *mine)) == [(OPS, DEV)]


def test_what_becomes_a_complete_outage_rings_in_a_broadcast():
    _, worse = posts(ALERT, DEFAULT_DELIVERY_STATE, replace(listens(), mention=OPS), told={"C1"})
    assert (worse.news.kinds, worse.news.broadcast, worse.mentions) == ((NewsKind.WORSE,), True, (OPS,))


def test_the_first_reply_carries_the_ring_where_there_is_one():
    found = posts(TOLD, DEFAULT_DELIVERY_STATE, replace(listens(), mention=OPS), told={"C1"})
    assert rings(found) == [(), (OPS,)]


def test_an_incident_rings_once():
    channels = ChannelDeliveryState(mentioned={"C1"})
    assert rings(posts(TOLD, channels, replace(listens(), mention=OPS), told={"C1"})) == [(), ()]


def test_a_mute_rings_nobody():
    assert rings(posts(ALERT, wants("all"), replace(listens(), mention=OPS))) == [()]


def test_what_is_over_rings_nobody():
    over = replace(ALERT, closed_at=NOON)
    assert rings(posts(over, DEFAULT_DELIVERY_STATE, replace(listens(), mention=OPS), told={"C1"})) == [()]


# --- an episode is no wall --------------------------------------------------------------------------------------------

EPISODE = ChannelDeliveryState(earlier=(("i0", {"C1"}),))


def test_a_later_incident_of_an_episode_has_a_message_and_the_first_thread_says_so():
    alert, said = posts(ALERT, EPISODE)
    assert (alert.kind, alert.incident) == (NotificationKind.ALERT, "i1")
    assert (said.incident, said.news.kinds, said.news.broadcast) == ("i0", (NewsKind.NEXT,), False)


def test_each_of_both_points_to_the_other():
    alert, said = posts(replace(ALERT, earlier="i0"), EPISODE)
    assert (alert.points_to, said.points_to) == ("i0", "i1")


def test_a_redrawn_alert_still_points_to_the_one_before():
    edit, *_ = posts(replace(ALERT, earlier="i0"), DEFAULT_DELIVERY_STATE, told={"C1"})
    assert (edit.kind, edit.points_to) == (NotificationKind.EDIT, "i0")


def test_a_later_incident_of_an_episode_broadcasts_nothing():
    *_, reply = posts(TOLD, EPISODE, told={"C1"})
    assert reply.news.broadcast is False


def test_a_channel_that_has_no_message_of_the_first_is_told_as_ever():
    assert [p.kind for p in posts(ALERT, EPISODE, listens(channel="C2"))] == [NotificationKind.ALERT]


def test_an_alert_that_waits_announces_nothing():
    channels = replace(EPISODE, preferences=wants("all").preferences)
    assert [p.held for p in posts(ALERT, channels)] == ["muted"]


# --- regions


EAST = replace(ALERT, regions=("us-east-1",))


@pytest.mark.parametrize("target", ["acme@us-east-1", "acme-api@us-east-1"])
def test_a_channel_that_follows_the_region_of_an_incident_is_told(target):
    assert kinds(EAST, listens(target)) == [("C1", NotificationKind.ALERT)]


@pytest.mark.parametrize("target", ["acme@eu-west-1", "acme-api@eu-west-1"])
def test_a_channel_that_follows_another_region_is_not_told(target):
    assert kinds(EAST, listens(target)) == []


def test_a_channel_that_follows_all_regions_is_told_of_one():
    assert kinds(EAST, listens("acme")) == [("C1", NotificationKind.ALERT)]


def test_an_incident_that_names_no_region_is_told_to_every_channel():
    assert kinds(ALERT, listens("acme@eu-west-1")) == [("C1", NotificationKind.ALERT)]


def test_an_incident_that_names_no_surface_is_told_by_its_region():
    unnamed = replace(EAST, lines=())
    assert kinds(unnamed, listens("acme@us-east-1"), listens("acme@eu-west-1", "C2")) == [
        ("C1", NotificationKind.ALERT)
    ]


def test_a_channel_that_was_told_hears_of_the_end_in_whichever_region_that_is():
    assert kinds(EAST, listens("acme@eu-west-1"), told={"C1"}) == [("C1", NotificationKind.EDIT)]


def test_a_mention_is_for_an_outage_in_the_region_of_its_subscription():
    east, west = replace(listens("acme@us-east-1"), mention="@ada"), replace(listens("acme@eu-west-1"), mention="@bob")
    [alert, *_] = routing.route_alert(EAST, [east, west], ())
    assert alert.mentions == ("@ada",)


def test_a_notice_about_the_page_is_for_those_who_follow_one_region_too():
    notice = Notice(NoticeKind.BLIND, "acme", "Acme", "blind:1", NOON, "", NOON)
    assert [n.channel for n in route_notice(notice, [listens("acme-api@eu-west-1")], ("acme-api",))] == ["C1"]
