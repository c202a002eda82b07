"""The channels of direct messages: stored beside the event loop, and read again by each bot that begins to lead."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from bot.errors import StoreError
from bot.storage.schedules import ScheduleStore
from bot.unit_of_work import UnitRunner

log = logging.getLogger("brownout")


@dataclass(slots=True)
class StoredDmChannels:
    """Stores the channel of a person's direct messages as a unit of work, for which no post waits.

    Attributes:
        store: Where they are stored.
        units: Runs it.
    """

    store: ScheduleStore
    units: UnitRunner
    _saving: set[asyncio.Task[Any]] = field(default_factory=set)

    def save_dm_channel(self, person: str, channel: str) -> None:
        """Stores one soon; the log has a failure. Called in the event loop."""
        task = asyncio.get_running_loop().create_task(self._save(person, channel))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save(self, person: str, channel: str) -> None:
        try:
            await self.units.run(self.store.save_dm_channel, person, channel)
        except StoreError as error:
            log.warning("the direct message channel of %s could not be saved: %s", person, error)
