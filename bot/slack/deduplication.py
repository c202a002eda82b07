"""Drops what Slack sends more than once. Shared by Socket Mode and HTTP mode.

Events are remembered in memory and in the database, since Slack sends one again, also after a restart, until it is
acknowledged. Signed requests are remembered in memory only (bot.slack.http_mode): an acknowledgement waits for no disk.
Where several bots share the database, commands, clicks and submitted modals are remembered there too, since the second
delivery may reach another bot.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.errors import StoreError
from bot.unit_of_work import INLINE, UnitRunner

log = logging.getLogger("brownout")

SIGNATURE_MEMORY = timedelta(minutes=10)  # twice the time for which a signature is valid
EVENT_MEMORY = timedelta(hours=25)  # Slack tries three times within minutes, and with "Delayed events" hourly for a day
MAX_KEYS = 10_000  # in memory; the oldest are dropped
ANSWERED_TYPES = (
    "view_submission",
    "block_suggestion",
)  # the acknowledgement contains the answer, so each delivery needs one
STEP_EVENT = "function_executed"  # a step of a workflow begins


def is_step(payload: Mapping[str, Any]) -> bool:
    """Whether a request starts a step of a workflow. Its own id tells a repetition (bot.storage.workflow_steps)."""
    event = payload.get("event")
    return payload.get("type") == "event_callback" and isinstance(event, dict) and event.get("type") == STEP_EVENT


def is_acknowledged_last(payload: Mapping[str, Any]) -> bool:
    """Whether a request is acknowledged with what its listener says, and not before it runs."""
    return payload.get("type") in ANSWERED_TYPES or is_step(payload)


class KeyStore(Protocol):
    """Stores keys across restarts."""

    def claim(self, key: str, now: datetime, keep: timedelta) -> bool:
        """True for the first claim of this key within ``keep``. May raise StoreError."""


@dataclass(slots=True)
class RecentKeys:
    """The newest keys that this process has seen."""

    _until: OrderedDict[str, datetime] = field(default_factory=OrderedDict)

    def add_if_new(self, key: str, now: datetime, keep: timedelta) -> bool:
        """Adds the key. True if it was not seen within ``keep``."""
        until = self._until.pop(key, now)
        self._until[key] = now + keep
        if len(self._until) > MAX_KEYS:
            self._until.popitem(last=False)
        return until <= now


@dataclass(slots=True)
class EventDeduplicator:
    """Tells whether a key is new.

    Attributes:
        store: Keeps keys in the database.
        now: The clock.
        units: Runs what reads and writes the database.
        is_shared: Whether other bots use the database too.
    """

    store: KeyStore
    now: Callable[[], datetime]
    units: UnitRunner = INLINE
    is_shared: bool = False
    _recent: RecentKeys = field(default_factory=RecentKeys)
    _is_store_failing: bool = False

    def claim_in_memory(self, key: str, keep: timedelta) -> bool:
        """Adds the key in memory. True if this process has not seen it within ``keep``."""
        return self._recent.add_if_new(key, self.now(), keep)

    async def claim_request(self, key: str) -> bool:
        """Adds the key of a request that wants an answer within seconds. True if no bot has seen it."""
        return self.claim_in_memory(key, SIGNATURE_MEMORY) and await self.is_new_elsewhere(key)

    async def is_new_elsewhere(self, key: str) -> bool:
        """Whether no other bot on the database has seen the key of a request; it is added there."""
        return not self.is_shared or await self._claim_stored(key, SIGNATURE_MEMORY)

    async def claim(self, key: str, keep: timedelta) -> bool:
        """Adds the key. True if neither this process nor the database has seen it within ``keep``."""
        return self.claim_in_memory(key, keep) and await self._claim_stored(key, keep)

    async def _claim_stored(self, key: str, keep: timedelta) -> bool:
        """Adds the key to the database. If that can't be written, memory alone decides."""
        try:
            is_first = await self.units.run_next(self.store.claim, key, self.now(), keep)
        except StoreError as error:
            if not self._is_store_failing:
                log.error("can't store which events are handled; after a restart one may repeat: %s", error)  # noqa: TRY400
            self._is_store_failing = True
            return True
        self._is_store_failing = False
        return is_first


def install_deduplication(bolt: AsyncApp, deduplicator: EventDeduplicator) -> None:
    """Adds a middleware that lets every event through once: Slack sends it again if our answer was lost.

    The start of a workflow's step always passes: the process that claimed its id could die before the step is recorded.
    Commands and clicks are recognised by their trigger id: while Socket Mode changes its connection, both connections
    may deliver one.
    """

    async def deduplicate(body: dict[str, Any], next_: Callable[[], Awaitable[Any]]) -> BoltResponse | None:
        has_key = body.get("type") == "event_callback" and not is_step(body)
        event = body.get("event_id") if has_key else None
        if isinstance(event, str) and not await deduplicator.claim(f"event {event}", EVENT_MEMORY):
            return BoltResponse(status=200, body="")
        trigger = body.get("trigger_id") if body.get("type") not in ANSWERED_TYPES else None
        if isinstance(trigger, str) and not await deduplicator.claim_request(f"trigger {trigger}"):
            return BoltResponse(status=200, body="")
        await next_()
        return None

    bolt.middleware(deduplicate)
