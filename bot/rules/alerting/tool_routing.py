"""Routes alerts to tools of ``[[notify]]``: which notifications each tool gets. No I/O.

A tool gets what a channel without preferences gets, in another form: it has no message to edit, so that it gets a
beginning, updates and exactly one end per incident. The end is *safe to retry*, not the vendor's *resolved*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.domain import (
    Alert,
    ChannelPreferences,
    NewsItem,
    NewsKind,
    Notification,
    NotificationKind,
    Subscription,
    ToolTarget,
    ToolUpdates,
)
from bot.rules.alerting import routing

_NO_UPDATE = frozenset({NewsKind.NEXT, NewsKind.REMINDER, NewsKind.WHY})  # of no use outside a thread


def route_to_tool(alert: Alert, target: ToolTarget, *, has_alert: bool) -> Iterator[Notification]:
    """Yields the notifications of one alert to one tool.

    Args:
        alert: The alert with its news.
        target: The tool.
        has_alert: Whether it got the incident's beginning, or will get it.
    """
    if not has_alert and not (target.alerts and _has_wanted_advice(alert, target)):
        return
    subscriptions = tool_subscriptions(alert.provider, target)
    preferences = {target.channel: ChannelPreferences(target.channel, maintenance=target.maintenance)}
    channels = routing.ChannelDeliveryState(preferences)
    with_alert = {target.channel} if has_alert else ()
    for notification in routing.route_alert(alert, subscriptions, with_alert, channels):
        yield from _for_tool(notification, alert, target)


def tool_subscriptions(provider: str, target: ToolTarget) -> tuple[Subscription, ...]:
    """The tool's wishes as subscriptions; where it names nothing, to the provider."""
    least = target.minimum
    return tuple(Subscription(target.channel, wanted, least) for wanted in target.to or (provider,))


def _has_wanted_advice(alert: Alert, target: ToolTarget) -> bool:
    lines = (x for x in alert.lines if not target.to or {alert.provider, x.surface} & set(target.to))
    return not target.advice or any(line.verdict.call in target.advice for line in lines)


def _for_tool(notification: Notification, alert: Alert, target: ToolTarget) -> Iterator[Notification]:
    """Yields what a tool gets in place of a channel's notification."""
    if notification.kind is NotificationKind.ALERT:
        yield replace(notification, points_to="", held="")
        return
    if alert.is_over:
        yield _end(notification, alert)
        return
    item = notification.news
    if item is None or set(item.kinds) <= _NO_UPDATE:
        return
    is_wanted = target.updates is ToolUpdates.ALL or (target.updates is ToolUpdates.CHANGES and item.broadcast)
    if is_wanted or NewsKind.REOPENED in item.kinds:  # what was ended there has to begin again
        kinds = tuple(kind for kind in item.kinds if kind not in _NO_UPDATE)
        yield replace(notification, news=replace(item, kinds=kinds))


def _end(notification: Notification, alert: Alert) -> Notification:
    """The end of the alert; its key makes it one, whatever says it first."""
    at = alert.cleared_at or alert.closed_at or alert.as_of
    item = NewsItem((NewsKind.ALL_CLEAR,), f"over:{at.isoformat()}", alert.as_of, alert.stage, broadcast=True)
    key = f"{alert.incident}:{item.key}"
    return replace(notification, kind=NotificationKind.REPLY, key=key, news=item, mentions=(), points_to="")
