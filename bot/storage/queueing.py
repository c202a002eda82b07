"""Puts notifications into the outbox, inside an open transaction.

An alert goes to hundreds of channels at once, and the event loop waits meanwhile. So what all of them have in common is
serialised once, and each statement runs for all channels together (``executemany``). Statements on the same incident
and channel keep their order: notifications are written in layers, each with at most one per incident and channel.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain import Alert, DeclaredPost, NewsItem, Notice, Notification, NotificationKind
from bot.storage import mapping
from bot.storage.connection import IGNORE, Database
from bot.storage.delivery_order import DeliveryRank, delivery_rank
from bot.storage.mapping import format_time

_CHANNEL_FIELD = '{"channel":""'  # how the stored form of a notification to no channel begins


@dataclass(frozen=True, slots=True)
class _Form:
    """What notifications with the same content have in common: their stored form but for the channel, and their ranks.

    ``alert_rank`` is the place that the alert of the same incident would have now.
    """

    about: Alert | Notice | DeclaredPost
    news: NewsItem | None
    rest: str
    rank: DeliveryRank
    alert_rank: DeliveryRank


@dataclass(slots=True)
class _Forms:
    """Serialises notifications; what many channels have in common only once."""

    _known: dict[tuple[object, ...], _Form] = field(default_factory=dict)

    def of(self, notification: Notification) -> _Form:
        key = (
            *(notification.kind, notification.key, notification.id, notification.mentions),
            *(notification.held, notification.points_to),
        )
        known = self._known.get(key)
        if known and known.about == notification.about and known.news == notification.news:
            return known
        text = mapping.NOTIFICATION_ADAPTER.dump_json(replace(notification, channel="")).decode()
        self._known[key] = _Form(
            *(notification.about, notification.news, text.removeprefix(_CHANNEL_FIELD), delivery_rank(notification)),
            delivery_rank(replace(notification, kind=NotificationKind.ALERT)),
        )
        return self._known[key]


@dataclass(frozen=True, slots=True)
class _Pending:
    """A notification with its form."""

    notification: Notification
    form: _Form

    @property
    def thread(self) -> tuple[str, str]:
        """The channel and the incident."""
        return self.notification.channel, self.notification.incident


def enqueue(db: Database, notification: Notification, at: datetime) -> None:
    """Puts one notification into the outbox; see ``enqueue_all``."""
    enqueue_all(db, (notification,), at)


def enqueue_all(db: Database, notifications: Iterable[Notification], at: datetime) -> None:
    """Puts notifications into the outbox, each once by its key. An edit supersedes the pending edits of its message.

    What is held (by a mute or by quiet hours) is recorded as withheld and not put into the outbox. A broadcast says how
    its incident is now, so nothing of it is withheld any more.
    """
    forms, depth = _Forms(), Counter[tuple[str, str]]()
    layers: list[list[_Pending]] = []
    for notification in notifications:
        pending = _Pending(notification, forms.of(notification))
        if depth[pending.thread] == len(layers):
            layers.append([])
        layers[depth[pending.thread]].append(pending)
        depth[pending.thread] += 1
    for layer in layers:
        _enqueue_layer(db, layer, at)


def share_message(
    db: Database, notices: Iterable[tuple[Notification, Iterable[tuple[str, str]]]], at: datetime
) -> None:
    """Makes a notice the message of several incidents, given with their providers, that have none in its channel."""
    rows = (
        {
            "channel": notice.channel,
            "incident": incident,
            "provider": provider,
            "opened_at": format_time(at),
            "shared_key": notice.key,
        }
        for notice, incidents in notices
        for incident, provider in incidents
    )
    db.insert_all("alerts", rows, IGNORE)


def _enqueue_layer(db: Database, layer: Sequence[_Pending], at: datetime) -> None:
    now = format_time(at)
    db.insert_all("withheld", (mapping.withheld_row(p.notification, at) for p in layer if p.notification.held), IGNORE)
    sent = [p for p in layer if not p.notification.held]
    alerts = [p for p in sent if p.notification.kind is NotificationKind.ALERT]
    said = [p.thread for p in sent if p.notification.kind is NotificationKind.ALERT or _is_broadcast(p.notification)]
    db.write_all("DELETE FROM withheld WHERE channel = ? AND incident = ?", said)
    db.insert_all("alerts", (mapping.alert_row(p.notification, at) for p in alerts), IGNORE)
    # the first alert of a complete outage tries a paused channel again at once
    outages = [(now, p.notification.channel, now) for p in alerts if p.form.rank is DeliveryRank.OUTAGE]
    db.write_all("UPDATE pauses SET probe_at = ? WHERE channel = ? AND probe_at > ?", outages)
    mentions = ((now, *p.thread) for p in sent if p.notification.mentions)
    db.write_all("UPDATE alerts SET rung_at = ? WHERE channel = ? AND incident = ?", mentions)
    edits = ((*p.thread, p.notification.key, now) for p in sent if p.notification.kind is NotificationKind.EDIT)
    db.write_all(  # of both conditions on the state, the first one lets SQLite use the index of the unsent
        "UPDATE outbox SET state = 'superseded' WHERE channel = ? AND incident = ? AND kind = 'edit'"
        " AND key <> ? AND state IN ('waiting', 'sending')"
        " AND (state = 'waiting' OR due_at > ?)",  # not what is under way
        edits,
    )
    _keep_order(db, sent)
    rows = (mapping.outbox_row(p.notification, at, _stored(p), p.form.rank) for p in sent)
    db.insert_all("outbox", rows, IGNORE)


def _is_broadcast(notification: Notification) -> bool:
    return notification.news is not None and notification.news.broadcast


def _stored(pending: _Pending) -> str:
    """The stored form, with the channel."""
    channel = json.dumps(pending.notification.channel, ensure_ascii=False)
    return f'{{"channel":{channel}{pending.form.rest}'


def _keep_order(db: Database, pending: Sequence[_Pending]) -> None:
    """Moves up what has to be sent before these: earlier replies of the thread, and the message if it became worse."""
    move = (
        "UPDATE outbox SET rank = ? WHERE channel = ? AND incident = ? AND state IN ('waiting', 'sending')"
        " AND rank > ? AND kind = ?"
    )
    followers = [p for p in pending if p.notification.kind in (NotificationKind.EDIT, NotificationKind.REPLY)]
    replies = [p for p in followers if p.notification.kind is NotificationKind.REPLY]
    db.write_all(move, ((p.form.alert_rank, *p.thread, p.form.alert_rank, "alert") for p in followers))
    db.write_all(move, ((p.form.rank, *p.thread, p.form.rank, "reply") for p in replies))
