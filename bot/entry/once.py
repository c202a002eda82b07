"""The key of something that came from Slack -> whether it came for the first time.

Memory answers at once, so that an acknowledgement waits for no disk; the book answers before anything acts, and still
knows after a restart. Shared by Socket Mode and HTTP mode.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.errors import StoreError

log = logging.getLogger("brownout")

SIGNED = timedelta(minutes=10)  # twice the window in which a signature is good
EVENTS = timedelta(hours=25)  # Slack tries three times within minutes, and with "Delayed events" hourly for a day
REMEMBERED = 10_000  # keys in memory, the newest
_ANSWERED = ("view_submission", "block_suggestion")  # the acknowledgement holds the answer, so each has its own


class Keys(Protocol):
    """Where keys are kept."""

    def claim(self, key: str, now: datetime, keep: timedelta) -> bool:
        """True for the first who claims this key within ``keep``; may raise StoreError."""


@dataclass(slots=True)
class Once:
    """``kept`` is the book's part, ``now`` the clock."""

    kept: Keys
    now: Callable[[], datetime]
    _recent: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    _fails: bool = False

    def is_new(self, key: str, keep: timedelta) -> bool:
        """Whether this process has not met the key within ``keep``; it has from now on."""
        now = self.now()
        until = self._recent.pop(key, now)
        self._recent[key] = now + keep
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        return until <= now

    def claim(self, key: str, keep: timedelta) -> bool:
        """Whether no process has, by the book. Where the book can't be written, memory alone counts."""
        try:
            first = self.kept.claim(key, self.now(), keep)
        except StoreError as error:
            if not self._fails:
                log.error("what comes from Slack can't be kept apart over a restart: %s", error)  # noqa: TRY400
            self._fails = True
            return True
        self._fails = False
        return first

    def is_first(self, key: str, keep: timedelta) -> bool:
        """Both."""
        return self.is_new(key, keep) and self.claim(key, keep)


def events_once(bolt: AsyncApp, once: Once) -> None:
    """Lets every event through once: Slack sends it again where our answer got lost, and Bolt would act again.

    A command or a press is known by its trigger, in memory only: two connections may bring it during a change-over.
    """

    async def deduplicate(body: dict[str, Any], next_: Callable[[], Awaitable[Any]]) -> BoltResponse | None:
        event = body.get("event_id") if body.get("type") == "event_callback" else None
        if isinstance(event, str) and not once.is_first(f"event {event}", EVENTS):
            return BoltResponse(status=200, body="")
        trigger = body.get("trigger_id") if body.get("type") not in _ANSWERED else None
        if isinstance(trigger, str) and not once.is_new(f"trigger {trigger}", SIGNED):
            return BoltResponse(status=200, body="")
        await next_()
        return None

    bolt.middleware(deduplicate)
