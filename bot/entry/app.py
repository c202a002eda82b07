"""The composition root: clock, edges, scheduler and doors, joined to a running bot, and taken apart again.

One event loop. A job per source polls with jitter, and more often while its provider is in trouble; one job lets time
pass; one task publishes. Whatever fails in a job is logged here, once, and the next run comes all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from random import uniform
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.edge.store import Store
from bot.engine import Delivery, Engine
from bot.errors import BrownoutError
from bot.settings import Poll

log = logging.getLogger("brownout")

JITTER = 0.2  # of the interval, to both sides (safe-to-retry.md C.5)
TICK_S = 15
PUBLISH_S = 1.0  # Slack takes about one post a second and channel
FAREWELL_S = 3.0  # what is being sent may finish
MAX_BACKOFF_S = 900.0

Door = Callable[[], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class App:
    """A bot that runs. ``doors`` are coroutines that serve until they are cancelled (Slack, for one)."""

    engine: Engine
    book: Store
    poll: Poll
    doors: Iterable[Door] = ()
    on_delivery: Callable[[Delivery], None] = field(default=lambda _: None)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _scheduler: Any = None

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until ``stop`` is set; then lets what is being sent finish, and closes the book."""
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        for number, provider in enumerate(self.engine.providers):
            first = self.engine.now() + timedelta(seconds=min(number * 0.1, 10))
            self._scheduler.add_job(
                self._poll, args=[provider], id=provider, next_run_time=first, trigger=self._every(60)
            )
        self._scheduler.add_job(self._tick, IntervalTrigger(seconds=TICK_S), id="tick")
        self._scheduler.start()
        publisher = asyncio.create_task(self._publish(stop))
        doors = [asyncio.create_task(door()) for door in self.doors]
        try:
            await self._until(stop, doors)
        finally:
            stop.set()
            self._wake.set()
            self._scheduler.shutdown(wait=False)
            await asyncio.wait([publisher], timeout=FAREWELL_S)
            for task in (publisher, *doors):
                task.cancel()
            await asyncio.gather(publisher, *doors, return_exceptions=True)
            self.book.close()

    async def _until(self, stop: asyncio.Event, doors: list[asyncio.Task[None]]) -> None:
        """Waits for the stop; a door that gives up for good ends the bot with its error."""
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([stopped, *doors], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done - {stopped}:
            task.result()

    def _every(self, seconds: float) -> IntervalTrigger:
        return IntervalTrigger(seconds=seconds, jitter=seconds * JITTER)

    async def _poll(self, provider: str) -> None:
        wait = self.poll.interval_s
        try:
            stroke = await self.engine.poll(provider)
            wait = self.poll.incident_interval_s if self.engine.is_busy(provider) else self.poll.interval_s
            if stroke.blindness:
                wait = max(wait, min(stroke.blindness.retry_after or 0, MAX_BACKOFF_S))
                if stroke.world.failures in (1, self.engine.blind_after):
                    log.warning("%s: blind, look %d: %s", provider, stroke.world.failures, stroke.blindness.why)
            elif stroke.before.blind_since:
                log.info("%s: readable again", provider)
            self._wake.set()
        except BrownoutError as error:
            log.error("%s: this look was lost: %s", provider, error)  # noqa: TRY400  (the message says it all)
        except Exception:
            log.exception("%s: a look failed in a way nobody thought of; the next one comes", provider)
        if self._scheduler.running:
            at = self.engine.now() + timedelta(seconds=wait * uniform(1 - JITTER, 1 + JITTER))  # noqa: S311
            self._scheduler.modify_job(provider, next_run_time=at)

    async def _tick(self) -> None:
        try:
            if self.engine.tick():
                self._wake.set()
        except BrownoutError as error:
            log.error("time passed and could not be recorded: %s", error)  # noqa: TRY400

    async def _publish(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            sent: tuple[Delivery, ...] = ()
            try:
                sent = await self.engine.publish()
            except BrownoutError as error:
                log.error("nothing could be published: %s", error)  # noqa: TRY400
            except Exception:
                log.exception("publishing failed in a way nobody thought of; it goes on")
            for delivery in sent:
                self.on_delivery(delivery)
            await _any(stop, PUBLISH_S) if sent else await _any(self._wake, PUBLISH_S)


async def _any(event: asyncio.Event, seconds: float) -> None:
    """Waits for the event, but not longer than this."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def say(delivery: Delivery) -> None:
    """One log line for what became of a post, where it is worth one."""
    post = delivery.post
    if delivery.outcome != "sent":
        log.warning("%s to %s: %s: %s", post.kind, post.channel, delivery.outcome, delivery.why)
    elif delivery.why:
        log.warning("%s to %s was sent %s", post.kind, post.channel, delivery.why)
