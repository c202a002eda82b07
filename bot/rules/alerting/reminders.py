"""Builds reminders of alerts that are still open, at increasing intervals. No I/O.

Reminders are due after 30 min, 2 h, 6 h and then daily (bot/docs/decisions.md#25-reminders-on-a-widening-schedule), for
three days. An acknowledgement or a mute ends them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import (
    Alert,
    ChannelPreferences,
    IncidentUserActions,
    NewsItem,
    NewsKind,
    Notification,
    NotificationKind,
    Subscription,
)
from bot.rules.alerting import routing

REMINDER_HOURS = (0.5, 2, 6, 24, 48, 72)  # hours since the channel got the alert


def due_reminder(opened_at: datetime, at: datetime) -> int | None:
    """Returns the number, from 0, of the latest reminder whose time has come; None before the first."""
    due = [n for n, hours in enumerate(REMINDER_HOURS) if at - opened_at >= timedelta(hours=hours)]
    return due[-1] if due else None


def build_reminder(
    alert: Alert,
    opened_at: datetime,
    subscriptions: Sequence[Subscription],
    preferences: ChannelPreferences,
    actions: IncidentUserActions,
) -> Notification | None:
    """Returns the channel's reminder; None where none is due, or the alert is acknowledged, muted or no longer bad.

    Args:
        alert: The alert as of now.
        opened_at: When the channel got the alert.
        subscriptions: The channel's subscriptions.
        preferences: The channel's preferences.
        actions: What people did about the incident, such as an acknowledgement.

    Returns:
        A reply whose key is the same whenever the same reminder is built.
    """
    number = due_reminder(opened_at, alert.as_of)
    is_bad = any(
        line.condition.is_bad and _is_subscribed_to(line.surface, alert, subscriptions) for line in alert.lines
    )
    if number is None or not is_bad or alert.closed_at or alert.is_maintenance or actions.ack:
        return None
    if routing.silence_reason(alert, subscriptions, preferences, alert.as_of):
        return None
    without_news = replace(alert, news=())
    item = NewsItem((NewsKind.REMINDER,), f"reminder:{number}", alert.as_of, alert.stage, broadcast=True)
    return Notification(
        preferences.channel, NotificationKind.REPLY, f"{alert.incident}:{item.key}", without_news, news=item
    )


def _is_subscribed_to(surface: str, alert: Alert, subscriptions: Sequence[Subscription]) -> bool:
    return any(routing.is_subscribed_to(s, alert, surface) for s in subscriptions)
