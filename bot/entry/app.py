"""The composition root: clock, edges, scheduler and doors, joined to a running bot, and taken apart again.

One event loop. A job per source polls with jitter, and more often while its provider is in trouble; one job lets time
pass; a courier per channel delivers. Whatever fails in them is logged here, once, and the next run comes all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import uniform
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from typing_extensions import override

from bot.core.stroke import Stroke
from bot.courier import Delivery
from bot.engine import Engine
from bot.errors import BrownoutError, StoreError
from bot.model import Provider, Pulse
from bot.settings import Poll

log = logging.getLogger("brownout")

JITTER = 0.2  # of the interval, to both sides (safe-to-retry.md C.5)
FIRST_ROUND_S = 10.0  # of looks, after the start
FIRST_LOOK_S = 0.006  # which is what one takes: it is parsed and recorded
TICK_S = 15
BEAT_S = 0.25  # what begins together wakes the process once
AT_ONCE = 10  # sources that time passes for, before somebody else has a turn
LATE_S = 5.0  # a look that begins so long after it was due is late
PUBLISH_S = 1.0  # Slack takes about one post a second and channel
FAREWELL_S = 2.5  # what is being sent may finish
CANCEL_S = 1.2  # and what is cancelled may close
MAX_RETRY_AFTER_S = 900.0

DATABASE = "the database"
Door = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that is done by the calendar, in a job of its own; it may take long, but never holds up the loop."""

    name: str
    every_s: float
    do: Callable[[], Coroutine[Any, Any, None]]
    then: str  # what follows where it fails
    first_s: float | None = None  # so long after the start; None: after the first interval
    is_jittered: bool = False  # by ``JITTER`` of the interval, to both sides


class Turns(BaseTrigger):  # type: ignore[misc]
    """A trigger that asks when the next run is: by when this one was due, and what time it is.

    A job whose time is changed after every run wakes the scheduler twice a run.
    """

    def __init__(self, ask: Callable[[datetime, datetime], datetime]) -> None:
        """``ask`` must give a time after the second of its two."""
        self._ask = ask

    @override
    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return self._ask(previous_fire_time or now, now)


@dataclass(slots=True)
class App:
    """A bot that runs. ``doors`` are coroutines that serve until they are cancelled (Slack, for one).

    ``chores`` are done whenever time has passed; True from one is something to publish. ``errands`` have a job each.
    """

    engine: Engine
    poll: Poll
    doors: Iterable[Door] = ()
    on_delivery: Callable[[Delivery], None] = field(default=lambda _: None)
    farewell_s: float = FAREWELL_S
    chores: Iterable[Callable[[], bool]] = ()
    errands: Iterable[Errand] = ()
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _scheduler: Any = None
    _couriers: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    _failing: dict[str, str] = field(default_factory=dict)
    _pulses: dict[str, Pulse] = field(default_factory=dict)
    _due: dict[str, datetime] = field(default_factory=dict)  # of each source, the look that began last

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until ``stop`` is set; then lets what is being sent finish.

        A door that gives up for good ends the bot with its error.
        """
        self._stop = stop
        self._scheduler = self._scheduled()
        self._scheduler.start()
        publisher: asyncio.Task[Any] = asyncio.create_task(self._publish())
        doors: list[asyncio.Task[Any]] = [asyncio.create_task(door()) for door in self.doors]
        stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([stopped, *doors], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            stop.set()
            self._scheduler.shutdown(wait=False)
            await _ended([publisher])
            await _ended([*self._couriers.values()], patience_s=self.farewell_s)
            await _ended([stopped, *doors])

    # --- poll ---------------------------------------------------------------------------------------------------------

    def _scheduled(self) -> Any:
        """A job per source, and one that lets time pass. First looks are a tenth of a second apart, or less of many."""
        scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        apart_s = max(FIRST_LOOK_S, min(0.1, FIRST_ROUND_S / max(1, len(self.engine.providers))))
        for number, provider in enumerate(self.engine.providers):
            self._appoint(scheduler, provider, self.engine.now() + timedelta(seconds=number * apart_s))
        scheduler.add_job(self._tick, IntervalTrigger(seconds=TICK_S), id="tick")
        for errand in self.errands:
            self._send(scheduler, errand)
        return scheduler

    def _send(self, scheduler: Any, errand: Errand) -> None:
        spread = JITTER if errand.is_jittered else 0
        trigger = IntervalTrigger(seconds=errand.every_s * (1 - spread), jitter=errand.every_s * 2 * spread or None)
        first = (
            {} if errand.first_s is None else {"next_run_time": self.engine.now() + timedelta(seconds=errand.first_s)}
        )
        scheduler.add_job(self._errand, trigger, args=[errand], id=errand.name, **first)

    def _appoint(self, scheduler: Any, provider: str, first: datetime) -> None:
        trigger = Turns(partial(self._next_look, provider))
        scheduler.add_job(self._poll, trigger, args=[provider], id=f"poll {provider}", next_run_time=first)
        self._pulses[provider] = Pulse(self.poll.interval_s, first)

    def _next_look(self, provider: str, due_at: datetime, now: datetime) -> datetime:
        """When the look after one that was due then is, as that begins."""
        self._due[provider] = due_at
        return self._planned(provider, now)

    def _planned(self, provider: str, now: datetime, stroke: Stroke | None = None) -> datetime:
        at = _on_the_beat(now + timedelta(seconds=self._pause(provider, stroke)))
        self._pulses[provider] = replace(self._pulses[provider], next_at=at, interval_s=self._interval(provider))
        return at

    def take_on(self, provider: Provider) -> None:
        """Looks at one more provider's page from now on."""
        self.engine.take_on(provider)
        if self._scheduler is not None:
            self._appoint(self._scheduler, provider.id, self.engine.now())

    def pulse(self, provider: str) -> Pulse | None:
        """How the looks at a provider's page are kept; None where it has none."""
        return self._pulses.get(provider)

    def _begun(self, provider: str) -> None:
        """Notes how late this look is."""
        pulse, now = self._pulses[provider], self.engine.now()
        late = (now - self._due.get(provider, now)).total_seconds()
        worst = max(pulse.worst_s, late)
        self._pulses[provider] = replace(pulse, looks=pulse.looks + 1, late=pulse.late + (late > LATE_S), worst_s=worst)

    async def _poll(self, provider: str) -> None:
        self._begun(provider)
        stroke = None
        with self._contained(provider, "this look was lost"):
            stroke = await self.engine.poll(provider)
            self._well(DATABASE)
            _report(stroke, self.engine.alarm_after)
            if not stroke.is_nothing_new:
                self._send_couriers()  # in this turn: by the next, other looks that are due would come first
        is_other = _asked_s(stroke) > 0 or self._interval(provider) != self._pulses[provider].interval_s
        if self._scheduler.running and is_other:
            self._scheduler.modify_job(
                f"poll {provider}", next_run_time=self._planned(provider, self.engine.now(), stroke)
            )

    def _pause(self, provider: str, stroke: Stroke | None) -> float:
        """Seconds to the next look: jittered, and never sooner than the server asked for."""
        usual = self._interval(provider) * uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        return max(usual, min(_asked_s(stroke), MAX_RETRY_AFTER_S))

    def _interval(self, provider: str) -> float:
        return self.poll.incident_interval_s if self.engine.is_busy(provider) else self.poll.interval_s

    async def _tick(self) -> None:
        with self._contained("time", "what it changed is not recorded yet"):
            for number, stroke in enumerate(self.engine.ticks()):
                if stroke is not None:
                    self._wake.set()
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)  # time passes for a thousand sources, and acks don't wait for all of them
        for chore in self.chores:
            with self._contained("what time alone brings", "it waits for the next tick"):
                if chore():
                    self._wake.set()

    async def _errand(self, errand: Errand) -> None:
        with self._contained(errand.name, errand.then, is_of_the_book=False):
            await errand.do()

    # --- publish ------------------------------------------------------------------------------------------------------

    async def _publish(self) -> None:
        """Sends couriers whenever somebody wakes it, and every second, when something may have become due."""
        while True:
            self._wake.clear()
            self._send_couriers()
            await _any(self._wake, PUBLISH_S)

    def _send_couriers(self) -> None:
        """One to every channel that is owed something and has none on the way."""
        with self._contained("the outbox", "nothing is sent"):
            for channel in self.engine.owing():
                if channel not in self._couriers:
                    self._couriers[channel] = asyncio.create_task(self._deliver(channel))

    async def _deliver(self, channel: str) -> None:
        """One round to a channel, at the pace that Slack takes."""
        try:
            with self._contained(channel, "what it is owed waits"):
                sent = await self.engine.publish_to(channel)
                for delivery in sent:
                    self.on_delivery(delivery)
                if sent:
                    await _any(self._stop, PUBLISH_S)
                    self._wake.set()
        finally:
            del self._couriers[channel]

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    @contextmanager
    def _contained(self, what: str, then: str, *, is_of_the_book: bool = True) -> Iterator[None]:
        """Keeps a failure from ending the job, and logs it once for as long as it is the same.

        A database that can't be written fails every job, and is one failure until a look is recorded.
        """
        try:
            yield
        except BrownoutError as error:
            where = DATABASE if is_of_the_book and isinstance(error, StoreError) else what
            if self._failing.get(where) != str(error):
                log.error("%s: %s; %s", where, error, then)  # noqa: TRY400  (the message says it all)
            self._failing[where] = str(error)
        except Exception:
            log.exception("%s: a failure that nobody thought of; %s, and it goes on", what, then)
        else:
            self._well(what)

    def _well(self, what: str) -> None:
        if self._failing.pop(what, None):
            log.info("%s: well again", what)


def _asked_s(stroke: Stroke | None) -> float:
    """For how many seconds the server does not want to be looked at."""
    return (stroke.blindness.retry_after if stroke and stroke.blindness else None) or 0.0


def _on_the_beat(at: datetime) -> datetime:
    """The next quarter of a second: of a thousand pages, looks that begin together cost half as much CPU."""
    return at + timedelta(seconds=-at.timestamp() % BEAT_S)


async def _ended(tasks: list[asyncio.Task[Any]], patience_s: float = 0) -> None:
    """Waits a while, then cancels, and waits again; but a task that does not end holds nobody up."""
    if tasks:
        if patience_s:
            await asyncio.wait(tasks, timeout=patience_s)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_S)


async def _any(event: asyncio.Event, seconds: float) -> None:
    """Waits for the event, but not longer than this; ``wait_for`` may swallow a cancellation before Python 3.12."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _report(stroke: Stroke, alarm_after: int) -> None:
    provider = stroke.world.provider
    if stroke.blindness and stroke.before.blind_since is None:
        log.warning("%s: its page can't be read: %s", provider, stroke.blindness.why)
    elif stroke.before.failures < alarm_after <= stroke.world.failures and stroke.blindness:
        log.error(
            "%s: no usable data for %d looks: %s; its surfaces are unknown until somebody sees to it",
            *(provider, alarm_after, stroke.blindness.why),
        )
    elif stroke.before.blind_since and stroke.blindness is None:
        log.info("%s: its page can be read again", provider)


def say(delivery: Delivery) -> None:
    """One log line for what became of a post, where it is worth one: at its first refusal, and at its end."""
    post, outcome = delivery.post, delivery.outcome
    if outcome == "paused" and delivery.why:
        log.warning("%s is paused: %s; what it is owed waits", post.channel, delivery.why)
    elif outcome == "parked" or (outcome == "later" and delivery.attempt == 1):
        log.warning("%s to %s: %s: %s", post.kind, post.channel, outcome, delivery.why)
    elif outcome == "sent" and (delivery.why or delivery.attempt > 1):
        how = f"{delivery.why}, " if delivery.why else ""
        log.warning("%s to %s: sent %sat attempt %d", post.kind, post.channel, how, delivery.attempt)
