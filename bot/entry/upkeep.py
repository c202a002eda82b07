"""``[store]``, ``[replica]`` -> what a running bot does for its database: backups, an end of old pages, a replica.

Backups and the end of pages are done in a thread with connections of its own, so that no look and no answer waits. A
backup is due by the age of the newest one in its folder, which a restart doesn't change: one that was missed is made.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bot.edge.replica import Replica
from bot.edge.store import care, retention
from bot.entry.app import Door, Errand
from bot.entry.db import folder, size
from bot.errors import StoreError
from bot.settings import Store

log = logging.getLogger("brownout")

LOOKS_EVERY_S = 60.0  # whether anything is due
TRIES_EVERY = timedelta(minutes=15)  # what has failed
FORGETS_EVERY = timedelta(days=1)

T = TypeVar("T")


@dataclass(slots=True)
class Upkeep:
    """Takes care of one database. Times are by ``now``."""

    path: Path
    rules: Store
    now: Callable[[], datetime]
    copy: Replica | None = None
    _not_before: datetime | None = None
    _forgot_at: datetime | None = None

    def errands(self) -> Iterator[Errand]:
        """What the calendar calls."""
        if self.rules.backup_every_h:
            again = f"it is tried again every {TRIES_EVERY.seconds // 60} min"
            yield Errand("the backup", LOOKS_EVERY_S, self.back_up, again)
        if self.rules.bodies_days:
            yield Errand("old pages", LOOKS_EVERY_S, self.forget, "they stay for now")

    def doors(self) -> Iterator[Door]:
        """The replica, which is kept as long as the bot runs."""
        if self.copy:
            yield self.copy.serve

    def backed_up_at(self) -> datetime | None:
        """When the newest backup was made; None where there is none."""
        times = [at for _, at in care.backups(self.path, self._folder) if at <= self.now()]  # a clock may have jumped
        return times[-1] if times else None

    async def back_up(self) -> None:
        """Makes a backup if one is due. StoreError where it can't be made; then it waits a quarter of an hour."""
        now, last = self.now(), self.backed_up_at()
        is_fresh = last is not None and now - last < timedelta(hours=self.rules.backup_every_h)
        if is_fresh or (self._not_before and now < self._not_before <= now + TRIES_EVERY):
            return
        self._not_before = now + TRIES_EVERY
        began = time.monotonic()
        made = await self._beside(lambda leash: care.backup(self.path, self._folder, now, self.rules.keep, leash))
        self._not_before = None
        took, health = time.monotonic() - began, made.health
        log.info("backed up to %s: %s in %.1f s, checked", health.path, size(health.size), took)

    async def forget(self) -> None:
        """Forgets old bodies, once a day."""
        now = self.now()
        if self._forgot_at and timedelta() <= now - self._forgot_at < FORGETS_EVERY:
            return
        self._forgot_at = now
        before = now - timedelta(days=self.rules.bodies_days)
        gone = await self._beside(lambda leash: retention.forget(self.path, before, leash=leash))
        if gone.bodies:
            log.info("%d raw pages older than %g days are gone", gone.bodies, self.rules.bodies_days)

    @property
    def _folder(self) -> Path:
        return folder(self.rules, self.path)

    async def _beside(self, work: Callable[[care.Leash], T]) -> T:
        """Does it in a thread; where the bot ends meanwhile, so does the work, with nothing half done."""
        leash = care.Leash()
        try:
            return await asyncio.to_thread(work, leash)
        except asyncio.CancelledError:
            leash.pull()
            raise
        except OSError as error:
            raise StoreError(f"{self._folder}: {error}") from error
