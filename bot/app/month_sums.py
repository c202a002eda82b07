"""Stores the sums of months that have passed, so that a report of years need not read every record of them.

The bot does so every six hours, in a thread with connections of its own, and ``brownout backfill`` at its end. A reader
without stored sums reads the records, and says the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from bot.app.jobs import PeriodicJob
from bot.domain import Provider
from bot.domain.reliability import TimeWindow
from bot.queries.history import HistoryQueries
from bot.queries.month_sums import MonthComputation
from bot.rules.reliability import sums
from bot.storage import Place, Repository
from bot.storage.archive import Archive
from bot.storage.backup import CancelToken

log = logging.getLogger("brownout")

CHECK_INTERVAL_S = 6 * 3600.0
FIRST_CHECK_S = 60.0
PAUSE_BETWEEN_CHECKS_S = 0.02  # of two providers, so that the bot can work
PAUSE_S = 0.5  # between two providers whose months are stored


@dataclass(frozen=True, slots=True)
class MonthSumsJob:
    """The bot's job. ``providers`` may change meanwhile; ``now`` is the clock."""

    path: Place
    providers: Sequence[Provider]
    now: Callable[[], datetime]

    def periodic_job(self) -> PeriodicJob:
        """The job for the scheduler."""
        then = "long reports read every record until then"
        return PeriodicJob("sums of past months", CHECK_INTERVAL_S, self.store_due_months, then, FIRST_CHECK_S)

    async def store_due_months(self) -> None:
        """Stores what is due. If this task is cancelled, the work ends after the provider that it is at."""
        cancel_token = CancelToken()
        began_s = time.monotonic()
        try:
            stored = await asyncio.to_thread(store_due_months, self.path, [*self.providers], self.now(), cancel_token)
        except asyncio.CancelledError:
            cancel_token.cancel()
            raise
        if stored:
            log.info("stored the sums of %d past months took=%.1fs", stored, time.monotonic() - began_s)


def store_due_months(
    place: Place, providers: Sequence[Provider], now: datetime, cancel_token: CancelToken | None = None
) -> int:
    """Stores the sums of the providers' months that are due; returns how many. StoreError if that can't be written."""
    cancel_token = cancel_token or CancelToken()
    with closing(Repository.open(place, read_only=True)) as reader:
        history = HistoryQueries(reader.archive, now)
        due = []
        for number, provider in enumerate(providers):
            if number and cancel_token.wait(PAUSE_BETWEEN_CHECKS_S):
                break
            if MonthComputation(history, provider).due_months():
                due.append(provider)
    if not due:
        return 0
    stored = 0
    with closing(Repository.open(place)) as repository:
        for number, provider in enumerate(due):
            if number and cancel_token.wait(PAUSE_S):
                break
            stored += store_months(repository, provider, now)
    return stored


def store_months(repository: Repository, provider: Provider, now: datetime) -> int:
    """Stores the sums of one provider's months that are due; returns how many."""
    computation = MonthComputation(HistoryQueries(repository.archive, now), provider)
    missing = _store(repository.archive, computation)
    return missing + _store(repository.archive, computation)  # those of other surfaces, once none is missing


def _store(archive: Archive, computation: MonthComputation) -> int:
    due = computation.due_months()
    if not due:
        return 0
    provider, token = computation.provider.id, uuid4().hex
    reads = {name: TimeWindow(m.start - sums.READS, m.end + sums.READS) for name, m in due.items()}
    archive.reserve_months(provider, computation.basis, token, reads)
    return archive.store_months(provider, token, computation.compute(due))
