"""Several bots on one PostgreSQL database: one leads, and polls and posts; the others follow, and answer.

Every answer comes from the database, so a follower says what the leader says. What people write is a short transaction
of the bot that they reached. Evidence changes the state that the leader holds, so a follower stores it for the leader,
which takes it as soon as the server tells it of the commit, and otherwise within a second. Where bots share the pages
(``page_sharing``), the others poll too, and evidence is for the bot that polls the provider's page.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from bot.app.jobs import Service
from bot.app.scheduler import wait_for_event
from bot.domain import EvidenceBatch, Provider
from bot.engine import Engine
from bot.errors import StoreError
from bot.settings import PollSettings
from bot.storage import Repository
from bot.unit_of_work import INLINE, UnitRunner

log = logging.getLogger("brownout")

CHECK_EVERY_S = 1.0  # what followers have stored is looked for so often, whether the server tells of it or not


@dataclass(slots=True)
class Leadership:
    """Whether this bot leads, for services that only the one that leads may run.

    Attributes:
        has_begun: Set once it leads.
        on_change: Called in the bot that leads when another bot has changed something.
    """

    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    on_change: list[Callable[[], None]] = field(default_factory=list)

    async def run_when_leading(self, service: Service) -> None:
        """Runs the service once this bot leads."""
        await self.has_begun.wait()
        await service()

    def tell_of_change(self) -> None:
        """Lets each service look at the database again."""
        for call in self.on_change:
            call()


@dataclass(slots=True)
class EvidenceRelay:
    """Takes evidence from programs: gives it to the engine, or stores it for the bot that leads.

    Attributes:
        repository: The database.
        now: The clock.
        units: Runs what writes to the database.
        engine: That of this bot, once it leads.
    """

    repository: Repository
    now: Callable[[], datetime]
    units: UnitRunner = INLINE
    engine: Engine | None = None

    async def take_evidence(self, provider_id: str, evidence: EvidenceBatch) -> None:
        """Passes evidence on. StoreError if it can't be stored."""
        if self.engine is None:
            await self.units.run(self.repository.handed_evidence.add, provider_id, evidence, self.now())
        else:
            await self.units.run(self.engine.apply_evidence, provider_id, evidence)


@dataclass(slots=True)
class FollowerChanges:
    """A service of a bot that polls: takes what other bots have stored, and lets what they enqueued be sent.

    Attributes:
        engine: Takes the evidence.
        repository: The database.
        hooks: What other bots' changes may concern; each is a hook of the scheduler's tick.
        wake: Lets the services look at the database.
        leads: Whether this bot leads. One that only shares its pages looks once a second, and for evidence alone.
    """

    engine: Engine
    repository: Repository
    hooks: Sequence[Callable[[], bool]]
    wake: Callable[[], None]
    leads: Callable[[], bool] = lambda: True
    _problem: str = ""

    async def run(self) -> None:
        """Runs until it is cancelled."""
        changed = asyncio.Event()
        notify = partial(_set_from_thread, asyncio.get_running_loop(), changed)
        close = self.repository.listen(lambda: notify() if self.leads() else None)
        try:
            while True:
                await wait_for_event(changed, CHECK_EVERY_S)
                is_notified = changed.is_set()
                changed.clear()
                await self.take(is_notified=is_notified)
        finally:
            close()

    async def take(self, *, is_notified: bool) -> None:
        """Takes what waits; the log has a failure once. ``is_notified``: another bot has changed something."""
        try:
            is_new = await self.engine.units.run(self._take, is_notified=is_notified)
        except StoreError as error:
            if str(error) != self._problem:
                log.error("what other bots took is not counted yet: %s", error)  # noqa: TRY400
            self._problem = str(error)
            return
        self._problem = ""
        if is_notified or is_new:
            self.wake()

    def _take(self, *, is_notified: bool) -> bool:
        """A unit of work. Polls that changed nothing are written too, since followers see only what is written."""
        self.repository.flush()
        is_new = self._take_evidence()
        return any([is_new, *(hook() for hook in self.hooks if is_notified)])

    def _take_evidence(self) -> bool:
        waiting = self.repository.handed_evidence.waiting(without=self.engine.elsewhere)
        for number, provider, batch in waiting:
            watched = self.engine.providers.get(provider)
            try:
                with self.repository.transaction():  # it is counted and deleted, or neither
                    if batch is None or watched is None:
                        log.warning(
                            "evidence of %s from another bot is left out: it can't be read, or is off", provider
                        )
                    else:
                        self.engine.apply_evidence(provider, batch)
                    self.repository.handed_evidence.remove(number)
            except StoreError:
                if watched is not None:
                    self.engine.restore_state(provider)  # without what was rolled back
                raise
        return bool(waiting)


class FollowerPolls:
    """The polls of a bot that polls nothing, for the reload of its configuration."""

    def set_intervals(self, poll: PollSettings) -> None:
        """Nothing to do."""

    async def add_provider(self, provider: Provider) -> None:
        """Nothing to do."""

    async def remove_provider(self, provider_id: str) -> None:
        """Nothing to do."""


async def wait_to_lead(
    repository: Repository, running: Sequence[asyncio.Task[Any]], stop: asyncio.Event, units: UnitRunner = INLINE
) -> bool:
    """Waits until this follower leads; False where it was stopped. A service that fails for good raises its error."""
    ended = threading.Event()
    turn = asyncio.create_task(asyncio.to_thread(repository.wait_for_turn, ended))
    stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([turn, stopped, *running], return_when=asyncio.FIRST_COMPLETED)
        for task in running:
            if task.done():
                task.result()
        is_turn = turn.done() and not stop.is_set()
    finally:
        ended.set()
        stopped.cancel()
        await asyncio.wait([turn])
    if is_turn:
        await units.run(repository.lead)
    return is_turn


def _set_from_thread(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop is closed: the bot has ended
        loop.call_soon_threadsafe(event.set)
