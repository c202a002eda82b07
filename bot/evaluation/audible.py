"""Counts the messages that a subscribed channel would have been notified of, per incident of a recording.

Audible are a new message and a reply that is broadcast to the channel; edits and quiet replies notify no one. The
recording is replayed with the current rules, for one channel that is subscribed to the whole provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain import Notification, NotificationKind, Subscription, VerdictParameters
from bot.evaluation.bootstrap import quantile
from bot.evaluation.recording import PageRecording, from_minute
from bot.evaluation.replay import replay
from bot.formats.recordings import RecordedPoll
from bot.rules.alerting import decide, routing

_CHANNEL = "C1"
BLIND_AFTER = 3  # failed polls in a row; there are none in a recording that is scored


@dataclass(frozen=True, slots=True)
class AudibleMessages:
    """The audible messages about one incident; ``year`` is that of its first post."""

    provider: str
    year: int
    incident: str
    count: int


def count_audible(recording: PageRecording, rules: VerdictParameters) -> Iterator[AudibleMessages]:
    """Yields the count of every incident of the vendor that was open in the recording, 0 included."""
    incidents = {i.id: i for i in recording.incidents if i.is_live}
    counts = dict.fromkeys(incidents, 0)
    for notification in _notifications(recording, rules):
        if notification.incident in counts and _is_audible(notification):
            counts[notification.incident] += 1
    for identity, count in counts.items():
        year = from_minute(incidents[identity].first_minute).year
        yield AudibleMessages(recording.provider.id, year, identity, count)


def audible_figures(counted: Iterable[AudibleMessages]) -> dict[str, Any]:
    """P50, P90, mean and maximum of audible messages per incident; None without any incident."""
    counts = sorted(c.count for c in counted)
    if not counts:
        return {"n": 0, "p50": None, "p90": None, "mean": None, "max": None}
    p50, p90 = quantile(counts, 0.5), quantile(counts, 0.9)
    return {"n": len(counts), "p50": p50, "p90": p90, "mean": round(sum(counts) / len(counts), 2), "max": counts[-1]}


def _notifications(recording: PageRecording, rules: VerdictParameters) -> Iterator[Notification]:
    provider = recording.provider
    polls = recording.history or (RecordedPoll(p.at, p.snapshot) for p in recording.pages)
    subscription = Subscription(_CHANNEL, provider.id, created_at=datetime.min)  # noqa: DTZ901 - never compared
    notified: dict[str, set[str]] = {}
    for change in replay(polls, provider, rules):
        for alert in decide.decide(change, provider, blind_after=BLIND_AFTER).alerts:
            with_message = set().union(*(notified.get(i, set()) for i in (alert.incident, *alert.takes_over)))
            for notification in routing.route_alert(alert, [subscription], with_message):
                notified.setdefault(alert.incident, set()).add(_CHANNEL)
                yield notification


def _is_audible(notification: Notification) -> bool:
    if notification.kind is NotificationKind.ALERT:
        return not notification.held
    return notification.news is not None and notification.news.broadcast
