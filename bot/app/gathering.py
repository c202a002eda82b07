"""``GatherHook``: many first alerts that wait in one channel become one message with a list.

A channel gets about one message a second, and all channels together some hundreds a minute. When many incidents begin
at once, the last of them would be told after minutes, behind a page of messages that no one can read. A complete
outage always has its own message (bot/docs/slack.md#many-incidents-at-once).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.domain import Notification
from bot.engine import Engine
from bot.messages import catch_up
from bot.storage import Repository

MOST_ALERTS = 10  # first alerts that may wait in a channel, each with its own message
STEP_CHANNELS = 20  # channels that are handled without a pause for other tasks


@dataclass(frozen=True, slots=True)
class GatherHook:
    """A hook of the scheduler: before deliveries, and at every tick."""

    engine: Engine
    repository: Repository

    def __call__(self) -> bool:
        """Replaces what is too much for a channel; True if there was any."""
        return any([*self.steps()])

    def steps(self) -> Iterator[bool]:
        """Does the same in steps of some milliseconds; other tasks may run between two of them."""
        crowded = self.repository.crowded_channels(MOST_ALERTS)
        for start in range(0, len(crowded), STEP_CHANNELS):
            yield self._gather(crowded[start : start + STEP_CHANNELS])

    def _gather(self, channels: tuple[str, ...]) -> bool:
        now = self.engine.now()
        messages: dict[tuple[int, ...], Notification] = {}  # by the ids of the objects: channels share them
        notices = []
        for channel, alerts in self.repository.waiting_alerts(channels).items():
            if len(alerts) > MOST_ALERTS:
                shared = tuple(map(id, alerts))
                if shared not in messages:
                    messages[shared] = catch_up.together_notice(channel, alerts, now)
                notices.append((replace(messages[shared], channel=channel), [(a.incident, a.provider) for a in alerts]))
        if notices:
            self.repository.send_together(notices, now)
        return bool(notices)
