"""The order in which notifications are delivered: the column ``outbox.rank``. No I/O."""

from __future__ import annotations

from enum import IntEnum

from bot.domain import Alert, Condition, DeclaredPost, NewsKind, Notice, NoticeKind, Notification, NotificationKind

TOGETHER_PREFIX = "together:"  # of the keys of messages that list many alerts


class DeliveryRank(IntEnum):
    """The place of a notification in the order of delivery, the lowest first."""

    OUTAGE = 0  # the first alert of a complete outage
    PARTIAL_OUTAGE = 1  # the first alert of a partial outage
    ALERT = 2  # any other alert
    WORSE = 3  # worse news, and answers to people
    END = 4  # the end of an incident
    OTHER = 5  # other replies and notices
    DIGEST = 6
    EDIT = 7


_SETTING_NOTICES = frozenset({NoticeKind.SETTINGS, NoticeKind.WELCOME})
_WORSE_NEWS = frozenset({NewsKind.WORSE, NewsKind.WIDENED, NewsKind.REOPENED, NewsKind.VERDICT, NewsKind.NOTE})
_ENDING_NEWS = frozenset({NewsKind.RESOLVED, NewsKind.WITHDRAWN})


def delivery_rank(notification: Notification) -> DeliveryRank:
    """The place of a notification in the order of delivery."""
    about = notification.about
    match notification.kind:
        case NotificationKind.EDIT:
            return DeliveryRank.EDIT
        case _ if isinstance(about, DeclaredPost):
            return DeliveryRank.WORSE  # people wait for it
        case NotificationKind.REPLY:
            return _reply_rank(notification)
        case NotificationKind.NOTICE:
            return _notice_rank(notification.key, about.kind if isinstance(about, Notice) else None)
        case _:
            return _alert_rank(about) if isinstance(about, Alert) else DeliveryRank.ALERT


def _reply_rank(reply: Notification) -> DeliveryRank:
    kinds = set(reply.news.kinds if reply.news else ())
    if kinds & _WORSE_NEWS or reply.mentions:
        return DeliveryRank.WORSE
    return DeliveryRank.END if kinds & _ENDING_NEWS else DeliveryRank.OTHER


def _notice_rank(key: str, kind: NoticeKind | None) -> DeliveryRank:
    if key.startswith("catch-up:"):
        return DeliveryRank.ALERT  # it stands for the alerts that quiet hours held back
    if key.startswith(TOGETHER_PREFIX):
        return DeliveryRank.PARTIAL_OUTAGE  # it stands for many alerts, and goes before those of single incidents
    if kind is NoticeKind.DIGEST:
        return DeliveryRank.DIGEST
    return DeliveryRank.WORSE if kind in _SETTING_NOTICES else DeliveryRank.OTHER


def _alert_rank(alert: Alert) -> DeliveryRank:
    conditions = {line.condition for line in alert.lines}
    if alert.closed_at is not None:
        return DeliveryRank.ALERT
    if Condition.MAJOR_OUTAGE in conditions:
        return DeliveryRank.OUTAGE
    return DeliveryRank.PARTIAL_OUTAGE if Condition.PARTIAL_OUTAGE in conditions else DeliveryRank.ALERT
