"""What came from Slack -> whether it came for the first time. Shared by Socket Mode and HTTP mode.

Events are kept in memory and in the book, which still knows after a restart: Slack sends one again for as long as it
has no answer. Signed requests are kept in memory alone (bot.entry.slack_http): an acknowledgement waits for no disk.
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
ANSWERED = ("view_submission", "block_suggestion")  # the acknowledgement holds the answer, so each has its own


class Keys(Protocol):
    """Where keys are kept."""

    def claim(self, key: str, now: datetime, keep: timedelta) -> bool:
        """True for the first who claims this key within ``keep``; may raise StoreError."""


@dataclass(slots=True)
class Recent:
    """The newest keys that this process has met."""

    _until: OrderedDict[str, datetime] = field(default_factory=OrderedDict)

    def is_new(self, key: str, now: datetime, keep: timedelta) -> bool:
        """Whether the key was not met within ``keep``; it is from now on."""
        until = self._until.pop(key, now)
        self._until[key] = now + keep
        if len(self._until) > REMEMBERED:
            self._until.popitem(last=False)
        return until <= now


@dataclass(slots=True)
class Once:
    """``kept`` is the book's part, ``now`` the clock."""

    kept: Keys
    now: Callable[[], datetime]
    _recent: Recent = field(default_factory=Recent)
    _fails: bool = False

    def is_new(self, key: str, keep: timedelta) -> bool:
        """Whether this process has not met the key within ``keep``; it has from now on."""
        return self._recent.is_new(key, self.now(), keep)

    def is_first(self, key: str, keep: timedelta) -> bool:
        """Whether neither this process nor the book has met the key within ``keep``; both have from now on."""
        return self.is_new(key, keep) and self._claim(key, keep)

    def _claim(self, key: str, keep: timedelta) -> bool:
        """What the book says. Where it can't be written, memory alone counts."""
        try:
            first = self.kept.claim(key, self.now(), keep)
        except StoreError as error:
            if not self._fails:
                log.error("what comes from Slack can't be kept apart over a restart: %s", error)  # noqa: TRY400
            self._fails = True
            return True
        self._fails = False
        return first


def events_once(bolt: AsyncApp, once: Once) -> None:
    """Lets every event through once: Slack sends it again where our answer got lost, and Bolt would act again.

    A command or a press is known by its trigger, in memory only: two connections may bring it during a change-over.
    """

    async def deduplicate(body: dict[str, Any], next_: Callable[[], Awaitable[Any]]) -> BoltResponse | None:
        event = body.get("event_id") if body.get("type") == "event_callback" else None
        if isinstance(event, str) and not once.is_first(f"event {event}", EVENTS):
            return BoltResponse(status=200, body="")
        trigger = body.get("trigger_id") if body.get("type") not in ANSWERED else None
        if isinstance(trigger, str) and not once.is_new(f"trigger {trigger}", SIGNED):
            return BoltResponse(status=200, body="")
        await next_()
        return None

    bolt.middleware(deduplicate)
