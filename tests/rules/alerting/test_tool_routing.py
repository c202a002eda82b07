"""What a tool of [[notify]] gets of an alert: a beginning, updates by choice, and exactly one end."""

from dataclasses import replace

import pytest

from bot.domain import Advice, Condition, IncidentEnding, NewsItem, NewsKind, NotificationKind, ToolTarget, ToolUpdates
from bot.rules.alerting.tool_routing import route_to_tool
from tests.support.phases import ALL_CLEAR, NEW, RESOLVED, WIDER
from tests.support.samples import at

TOOL = ToolTarget("pd")
WORSE = NewsItem((NewsKind.WORSE,), "ours:1", at(20), broadcast=True)
POST = NewsItem((NewsKind.UPDATE,), "update:u1", at(20))
CLEAR = NewsItem((NewsKind.ALL_CLEAR,), "ours:2", at(271), broadcast=True)
REOPENED = NewsItem((NewsKind.REOPENED,), "ours:3", at(280), broadcast=True)


def routed(alert, target=TOOL, *, has_alert=False):
    return [(n.kind, n.key) for n in route_to_tool(alert, target, has_alert=has_alert)]


def with_news(alert, *items):
    return replace(alert, news=items)


def test_a_new_alert_is_one_beginning_to_the_tools_channel():
    [notification] = route_to_tool(NEW, TOOL, has_alert=False)
    assert (notification.channel, notification.kind, notification.key) == (
        "notify:pd",
        NotificationKind.ALERT,
        "i1:alert",
    )


@pytest.mark.parametrize(
    ("target", "is_sent"),
    [
        (ToolTarget("pd", ("acme",)), True),
        (ToolTarget("pd", ("acme-web",)), True),
        (ToolTarget("pd", ("globex",)), False),
        (ToolTarget("pd", minimum=Condition.PARTIAL_OUTAGE), True),
        (ToolTarget("pd", minimum=Condition.MAJOR_OUTAGE), False),
        (ToolTarget("pd", advice=frozenset({Advice.HOLD_OFF})), True),
        (ToolTarget("pd", advice=frozenset({Advice.FAIL_OVER})), False),
        (ToolTarget("pd", ("acme-console",), advice=frozenset({Advice.HOLD_OFF})), False),
    ],
)
def test_service_severity_and_advice_choose_what_begins(target, is_sent):
    assert bool(routed(NEW, target)) is is_sent


@pytest.mark.parametrize(
    ("updates", "keys"),
    [
        (ToolUpdates.NONE, []),
        (ToolUpdates.CHANGES, ["i1:ours:1"]),
        (ToolUpdates.ALL, ["i1:ours:1", "i1:update:u1"]),
    ],
)
def test_updates_are_by_choice(updates, keys):
    target = replace(TOOL, updates=updates)
    assert [key for _, key in routed(with_news(WIDER, WORSE, POST), target, has_alert=True)] == keys


def test_a_change_of_advice_alone_is_no_message():
    assert routed(WIDER, has_alert=True) == []


def test_resolved_by_the_vendor_is_no_end():
    assert routed(RESOLVED, has_alert=True) == []


def test_safe_to_retry_is_the_end_and_whatever_says_it_has_one_key():
    keys = {key for _, key in routed(with_news(ALL_CLEAR, CLEAR), has_alert=True)}
    assert keys == {key for _, key in routed(ALL_CLEAR, has_alert=True)} == {f"i1:over:{at(271).isoformat()}"}


def test_what_another_alert_continues_is_ended():
    posted = replace(NEW, closed_at=at(9), ending=IncidentEnding.POSTED)
    assert [kind for kind, _ in routed(posted, has_alert=True)] == [NotificationKind.REPLY]


def test_an_end_without_a_beginning_is_nothing():
    assert routed(replace(with_news(ALL_CLEAR, CLEAR), opens=False)) == []


def test_what_opens_again_is_told_even_without_updates():
    target = replace(TOOL, updates=ToolUpdates.NONE)
    assert [key for _, key in routed(with_news(WIDER, REOPENED), target, has_alert=True)] == ["i1:ours:3"]
