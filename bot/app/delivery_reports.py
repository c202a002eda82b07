"""Notifies people of what was not delivered: paused channels, notifications that were given up, the end of a stop.

Runs with every tick. One message lists everything that has come up, so that many channels are not as many messages. A
pause is reported once its first probe has failed, since many pass within a minute. What has been reported is in the
database, so that a restart reports nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain import DeliveryPause, Message, Notice, NoticeKind, Notification, NotificationKind
from bot.engine import Engine
from bot.messages import delivery
from bot.notifier import DeliveryStop
from bot.rules.alerting import routing
from bot.storage import Repository
from bot.storage.outbox import FORGET_AFTER, PausedChannel

REPORT_AFTER = timedelta(seconds=75)  # a pause that lasts so long has had its first probe
REPORT_STOP_AFTER = timedelta(minutes=5)  # a shorter stop of everything is only in the log
PERSON_ENDS_AFTER, MIN_TRIES = timedelta(days=1), 3  # refusals for so long, and so many, end a person's alerts
PARKED_INTERVAL = timedelta(minutes=5)  # between two notices about what was given up


@dataclass(slots=True)
class DeliveryReports:
    """A hook of the scheduler's tick. ``owners`` are the operators: people or channels."""

    engine: Engine
    repository: Repository
    owners: Callable[[], Iterable[str]]
    _stop: DeliveryStop | None = None
    _parked_at: datetime | None = field(default=None)

    def __call__(self) -> bool:
        """Enqueues what has to be reported; True if there was something."""
        now = self.engine.now()
        notices = [*self._pauses(now), *self._parked(now), *self._resumed(now)]
        return bool(notices and self.repository.user_actions.enqueue(notices, now))

    def _pauses(self, now: datetime) -> Iterator[Notification]:
        paused = self.repository.paused_channels()
        for channel in paused:
            if now - channel.pause.since >= FORGET_AFTER:
                self.repository.drop_what_is_over(channel.pause.channel)
        ended = [p.pause.channel for p in paused if _is_gone(p, now)]
        for name in ended:
            self.repository.end_subscriptions(name, "its reader can't be reached")
        if ended:
            key = f"paused:ended:{now:%Y-%m-%d}:{routing.short_key(ended)}"
            yield from self._to_owners(key, delivery.ended_message(ended), now)
        new = [p for p in paused if not p.is_told and p.pause.channel not in ended]
        if any(p.tries > 1 or now - p.pause.since >= REPORT_AFTER for p in new):
            pauses = [p.pause for p in new]
            self.repository.mark_pauses_told([p.channel for p in pauses], now)
            yield from routing.route_pauses(
                pauses, self.repository.subscriptions(), tuple(self.owners()), now, delivery.paused_message
            )

    def _parked(self, now: datetime) -> Iterator[Notification]:
        if self._parked_at is not None and timedelta() <= now - self._parked_at < PARKED_INTERVAL:
            return
        parked = self.repository.untold_parked()
        if parked:
            self._parked_at = now
            self.repository.mark_parked_told([p.id for p in parked], now)
            message = delivery.undelivered_message((p.channel, p.error) for p in parked)
            yield from self._to_owners(f"undelivered:{parked[-1].id}", message, now)

    def _resumed(self, now: datetime) -> Iterator[Notification]:
        before, self._stop = self._stop, self.engine.delivery_stop
        if before is not None and self._stop is None and before.is_refused and now - before.since >= REPORT_STOP_AFTER:
            message = delivery.resumed_message(before.code, before.since, now)
            yield from self._to_owners(f"resumed:{before.since.isoformat()}", message, now)

    def _to_owners(self, key: str, message: Message, now: datetime) -> Iterator[Notification]:
        notice = Notice(NoticeKind.PAUSED, "", "", key, now, "", now, said=message)
        for owner in sorted(set(self.owners())):
            yield Notification(owner, NotificationKind.NOTICE, key, notice)


def _is_gone(channel: PausedChannel, now: datetime) -> bool:
    pause: DeliveryPause = channel.pause
    return pause.is_person and now - pause.since >= PERSON_ENDS_AFTER and channel.tries >= MIN_TRIES
