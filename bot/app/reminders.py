"""Notifications that are due by time alone: reminders, withheld alerts, and the removal of expired mutes.

Runs with every tick. All of its state is in the database, so that a restart changes nothing; a reminder that is
enqueued twice is sent once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, islice
from typing import TypeVar

from bot.domain import (
    Alert,
    ChannelPreferences,
    Condition,
    IncidentUserActions,
    Mute,
    NewsItem,
    NewsKind,
    Notification,
    Subscription,
    TrackedIncident,
)
from bot.engine import Engine
from bot.messages import catch_up
from bot.rules.alerting import decide, reminders, routing
from bot.storage import Repository

MAX_RELEASED = 100  # channels whose withheld alerts leave in one tick; the chat takes no more in its 15 s
STEP_CHANNELS = 20  # channels that are handled without a pause for other tasks
MAX_DONE = 100_000  # reminders to remember as enqueued

T = TypeVar("T")


@dataclass(slots=True)
class ReminderHook:
    """A hook of the scheduler's tick.

    It reads settings and subscriptions once per tick, and builds each incident's alert once, since hundreds of channels
    may wait for the same one.
    """

    engine: Engine
    repository: Repository
    _done: set[tuple[str, str, int]] = field(default_factory=set)  # channel, incident and number of reminders

    def __call__(self) -> bool:
        """Enqueues what is due now; True if anything was enqueued or a mute removed."""
        return any([*self.steps()])

    def steps(self) -> Iterator[bool]:
        """Does the same in steps of some milliseconds; each item is whether the step enqueued or removed anything.

        Between two steps other tasks of the event loop may run, and change what is read here.
        """
        now = self.engine.now()
        expired = [mute for mute in self.repository.user_actions.mutes() if self._is_mute_over(mute, now)]
        for mute in expired:
            self.repository.user_actions.remove_expired_mute(mute, now)
        yield bool(expired)
        tick = _NotificationData(self.engine, self.repository, now)
        yield from self._release_withheld(tick)
        for due in _batches(self._reminders(tick), STEP_CHANNELS):
            yield bool(self.repository.user_actions.enqueue(due, now))

    def _is_mute_over(self, mute: Mute, now: datetime) -> bool:
        """Whether its time is up, or its incident has ended."""
        if mute.until:
            return mute.until <= now
        stored = self.repository.tracked_incident(mute.target)
        return stored is not None and not stored[1].is_open

    def _release_withheld(self, tick: _NotificationData) -> Iterator[bool]:
        """Enqueues the withheld alerts that nothing holds any more, some channels at a time.

        Those of ended incidents are deleted without being sent. Several in one channel become one message. Where the
        channel has the incident's message already, its thread gets one broadcast.
        """
        left = MAX_RELEASED
        for channels in _batches(self._withheld_channels(tick), STEP_CHANNELS):
            tick.refresh()
            released, broadcasts = self._withheld_no_more(channels, tick)
            released = dict([*released.items()][:left])
            self._enqueue_released(released, broadcasts, tick)
            left -= len(released)
            yield bool(released or broadcasts)
            if left <= 0:
                return

    def _withheld_channels(self, tick: _NotificationData) -> list[str]:
        """The channels in which something is withheld; those with a complete outage first."""
        waiting: dict[str, list[tuple[str, str]]] = {}
        for channel, incident, provider in self.repository.user_actions.withheld_alerts():
            waiting.setdefault(channel, []).append((incident, provider))
        alerts = {key: tick.alert(*key) for keys in waiting.values() for key in keys}
        outages = {key for key, alert in alerts.items() if alert and _is_outage(alert)}
        return sorted(waiting, key=lambda channel: outages.isdisjoint(waiting[channel]))

    def _enqueue_released(
        self, released: dict[str, list[Alert]], broadcasts: list[Notification], tick: _NotificationData
    ) -> None:
        catch_ups: list[tuple[Notification, list[tuple[str, str]]]] = []
        single = list(broadcasts)
        for channel, alerts in released.items():
            together = [a for a in alerts if not _is_outage(a)]
            if len(together) > 1:
                incidents = [(a.incident, a.provider) for a in together]
                catch_ups.append((catch_up.catch_up_notice(channel, together, tick.now), incidents))
            alone = (a for a in alerts if len(together) <= 1 or a not in together)
            single += chain.from_iterable(self._route_single(a, channel, tick) for a in alone)
        if catch_ups:
            self.repository.user_actions.enqueue_catch_ups(catch_ups, tick.now)
        if single:
            self.repository.user_actions.enqueue(single, tick.now)

    def _withheld_no_more(
        self, channels: Sequence[str], tick: _NotificationData
    ) -> tuple[dict[str, list[Alert]], list[Notification]]:
        """What nothing holds any more: new alerts by channel, and broadcasts. Deletes what no one needs any more."""
        released: dict[str, list[Alert]] = {}
        broadcasts: list[Notification] = []
        for channel, incident, provider in self.repository.user_actions.withheld_alerts(channels):
            if channel in tick.notified_channels(incident):
                broadcasts += filter(None, [self._broadcast(channel, incident, provider, tick)])
                continue
            alert = tick.alert(incident, provider)
            if alert is None or not tick.subscriptions.get(channel):
                self.repository.user_actions.delete_withheld_alert(channel, incident)
            elif not tick.is_silent(channel, alert):
                released.setdefault(channel, []).append(alert)
        return released, broadcasts

    def _route_single(self, alert: Alert, channel: str, tick: _NotificationData) -> Iterator[Notification]:
        posts = tuple(_vendor_posts(tick.tracked(alert.incident, alert.provider)))
        routed = self.engine.route_alert(replace(alert, news=posts, opens=True), tick.subscriptions[channel])
        return (n for n in routed if not n.held)

    def _broadcast(self, channel: str, incident: str, provider: str, tick: _NotificationData) -> Notification | None:
        """The one broadcast of what quiet hours stopped, once they are over; also of an ended incident."""
        alert = tick.alert_of_any(incident, provider)
        if alert is None or not tick.subscriptions.get(channel):
            self.repository.user_actions.delete_withheld_alert(channel, incident)
            return None
        return None if tick.is_silent(channel, alert) else routing.after_quiet_hours(alert, channel, tick.now)

    def _reminders(self, tick: _NotificationData) -> Iterator[Notification]:
        first = tick.now - timedelta(hours=reminders.REMINDER_HOURS[0])
        open_alerts = self.repository.user_actions.open_alerts(first)
        acknowledged = self.repository.user_actions.acknowledged() if open_alerts else frozenset()
        for channel, incident, provider, opened_at in open_alerts:
            number = reminders.due_reminder(opened_at, tick.now)
            if number is None or (channel, incident, number) in self._done or (channel, incident) in acknowledged:
                continue
            alert = tick.alert(incident, provider)
            if alert is None or tick.is_silent(channel, alert):
                continue
            self._done.add((channel, incident, number))
            notification = reminders.build_reminder(
                alert,
                opened_at,
                tick.subscriptions.get(channel, ()),
                tick.preferences.get(channel) or ChannelPreferences(channel),
                IncidentUserActions(),
            )
            yield from filter(None, [notification])
        if len(self._done) > MAX_DONE:
            self._done.clear()  # what is enqueued again is not sent again


class _NotificationData:
    """What one tick reads, once."""

    def __init__(self, engine: Engine, repository: Repository, now: datetime) -> None:
        self._engine, self.now = engine, now
        self._repository = repository
        self._alerts: dict[tuple[str, str], Alert | None] = {}
        self._notified: dict[str, frozenset[str]] = {}

    @cached_property
    def subscriptions(self) -> dict[str, list[Subscription]]:
        """All subscriptions, by channel."""
        grouped: dict[str, list[Subscription]] = {}
        for subscription in self._repository.subscriptions():
            grouped.setdefault(subscription.channel, []).append(subscription)
        return grouped

    @cached_property
    def preferences(self) -> Mapping[str, ChannelPreferences]:
        """All channels' preferences."""
        return self._repository.channel_preferences()

    def refresh(self) -> None:
        """Forgets what another task may have changed since: the incidents, and which channels have a message."""
        self._alerts.clear()
        self._notified.clear()

    def tracked(self, incident: str, provider: str) -> TrackedIncident | None:
        """An open incident; None if it is none any more."""
        tracked = self._remembered(incident, provider)
        return tracked if tracked and tracked.is_open else None

    def alert(self, incident: str, provider: str) -> Alert | None:
        """The alert of an open incident as of now; None if it has ended."""
        return self.alert_of_any(incident, provider) if self.tracked(incident, provider) else None

    def alert_of_any(self, incident: str, provider: str) -> Alert | None:
        """The alert of an incident that is open or has ended lately; None if it is no longer remembered."""
        if (provider, incident) not in self._alerts:
            tracked = self._remembered(incident, provider)
            self._alerts[provider, incident] = self._build(tracked, provider) if tracked else None
        return self._alerts[provider, incident]

    def _remembered(self, incident: str, provider: str) -> TrackedIncident | None:
        state = self._engine.states.get(provider)
        return state.tracked_incident(incident) if state else None

    def notified_channels(self, incident: str) -> frozenset[str]:
        """The channels that have a message about the incident."""
        if incident not in self._notified:
            self._notified[incident] = self._repository.notified_channels(incident)
        return self._notified[incident]

    def _build(self, tracked: TrackedIncident, provider: str) -> Alert:
        engine = self._engine
        state = engine.states[provider]
        alternatives = engine.alternatives(engine.providers[provider])
        alert = decide.build_alert(tracked, state, engine.providers[provider], self.now, alternatives=alternatives)
        return engine.with_upstream(alert, state)

    def is_silent(self, channel: str, alert: Alert) -> bool:
        """Whether a mute or quiet hours hold the alert back in the channel."""
        preferences = self.preferences.get(channel)
        if preferences is None:
            return False
        subscriptions = self.subscriptions.get(channel, ())
        return bool(routing.silence_reason(alert, subscriptions, preferences, self.now))


def _is_outage(alert: Alert) -> bool:
    """Whether one of its services has a complete outage."""
    return any(line.condition is Condition.MAJOR_OUTAGE for line in alert.lines)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most so many."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def _vendor_posts(tracked: TrackedIncident | None) -> Iterator[NewsItem]:
    """The vendor's posts so far, for the thread of an alert that was withheld."""
    for update in tracked.incident.updates if tracked else ():
        yield NewsItem((NewsKind.UPDATE,), f"update:{update.id}", update.display_at, update.stage, update.body)
