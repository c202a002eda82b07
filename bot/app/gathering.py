"""``GatherHook``: many first alerts that wait in one channel become one message with a list.

A channel gets about one message a second, and all channels together some hundreds a minute. When many incidents begin
at once, the last of them would be told after minutes, behind a page of messages that no one can read. A complete
outage always has its own message (bot/docs/slack.md#many-incidents-at-once).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain import Notification
from bot.engine import MOST_ALERTS, Engine
from bot.messages import catch_up
from bot.storage import Repository

STEP_CHANNELS = 10  # channels that are handled without a pause for other tasks
APART = timedelta(seconds=5)  # between two times that lists are made, since a list takes what begins meanwhile

Content = tuple[tuple[str, str, datetime], ...]  # provider, incident and time of each alert of a list


@dataclass(slots=True)
class GatherHook:
    """A hook of the scheduler: after polls that changed something, and at every tick."""

    engine: Engine
    repository: Repository
    _gathered_at: datetime | None = None

    def __call__(self) -> bool:
        """Replaces what is too much for a channel; True if there was any."""
        return any([*self.steps()])

    def steps(self) -> Iterator[bool]:
        """Does the same in steps of some milliseconds; other tasks may run between two of them."""
        now = self.engine.now()
        if self._gathered_at is not None and self._gathered_at <= now < self._gathered_at + APART:
            return
        crowded = self.repository.crowded_channels(MOST_ALERTS)
        messages: dict[Content, Notification] = {}  # most channels wait for the same alerts
        for start in range(0, len(crowded), STEP_CHANNELS):
            self._gathered_at = now
            yield self._gather(crowded[start : start + STEP_CHANNELS], now, messages)

    def _gather(self, channels: tuple[str, ...], now: datetime, messages: dict[Content, Notification]) -> bool:
        notices = []
        for channel, alerts in self.repository.waiting_alerts(channels).items():
            if len(alerts) > MOST_ALERTS:
                content = tuple((a.provider, a.incident, a.as_of) for a in alerts)
                if content not in messages:
                    messages[content] = catch_up.together_notice(channel, alerts, now)
                notices.append(
                    (
                        replace(messages[content], channel=channel),
                        [(incident, provider) for provider, incident, _ in content],
                    )
                )
        if notices:
            self.repository.send_together(notices, now)
        return bool(notices)
