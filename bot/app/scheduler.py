"""``BotApp``: runs polls, ticks, delivery, periodic jobs and services in one event loop until it is asked to stop.

One job per source polls with jitter, and more often while its provider has an incident; one job advances time; one task
per channel delivers notifications. A failure in any of them is logged here, once, and the next run takes place anyway.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from random import uniform
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from typing_extensions import override

from bot.app.clock import StepDetector
from bot.app.jobs import PeriodicJob, Service
from bot.domain import EventKind, PollStatistics, Provider
from bot.engine import MOST_ALERTS, Engine
from bot.errors import BrownoutError, PageMovedError, StoreError
from bot.notifier import DeliveryAttempt, DeliveryStop
from bot.rules.transition import StateTransition
from bot.settings import PollSettings
from bot.unit_of_work import INLINE, UnitRunner

log = logging.getLogger("brownout")

JITTER = 0.2  # of the interval, to both sides (bot/docs/verdict-rules.md#staleness)
STARTUP_SPREAD_S = 10.0  # the first polls are spread over at most this long
TAKEOVER_SPREAD_S = 3.0  # the same for pages that another bot has polled
MIN_STARTUP_GAP_S = 0.006  # between two first polls: parsing and recording one takes this long
TICK_S = 15
# Polls that start together wake the process once, but wait for each other: so only those of very many sources do.
POLL_GRID_S, FINE_GRID_S, MANY_SOURCES = 0.25, 0.02, 300
TICK_BATCH_SIZE = 10  # providers to advance before other tasks get a turn
LATE_AFTER_S = 5.0  # a poll that starts this long after it was due counts as late
PUBLISH_S = 1.0  # until what waits is looked at again
BACKLOG_S = 0.2  # the same while something waits for the chat's limits
MAX_IN_FLIGHT = 8  # messages that are sent at the same time
SHUTDOWN_GRACE_S = 2.5  # for deliveries in progress at a shutdown
CANCEL_TIMEOUT_S = 1.2  # for cancelled tasks to clean up
MAX_RETRY_AFTER_S = 900.0
POLL_END_TIMEOUT_S = 30.0  # for a poll under way of a provider that is removed

DATABASE = "the database"
TickHook = Callable[[], bool | Iterator[bool]]


class NextRunTrigger(BaseTrigger):  # type: ignore[misc]
    """A trigger that asks a function for the next run, given when this one was due and the current time.

    The alternative, to change a job's next run after every run, wakes the scheduler twice per run.
    """

    def __init__(self, request: Callable[[datetime, datetime], datetime]) -> None:
        """``request`` must return a time after its second argument."""
        self._request = request

    @override
    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return self._request(previous_fire_time or now, now)


@dataclass(slots=True)
class BotApp:
    """A bot that runs.

    Attributes:
        engine: Polls, advances time, and publishes.
        poll: The polling intervals.
        services: Run until they are cancelled (Slack, for one).
        on_delivery: Called with each delivery attempt.
        shutdown_grace_s: Seconds that deliveries in progress get at a shutdown.
        tick_hooks: Called at every tick; True from one means that there is something to publish. A hook may be a
            generator of such answers: other tasks run between its steps.
        change_hooks: Called soon after a poll that changed something; otherwise like ``tick_hooks``.
        periodic_jobs: Each becomes a job of the scheduler.
        elapsed: A monotonic clock, in seconds.
        units: Runs what reads and writes the database: the steps of the tick and its hooks.
        leads: Whether this bot posts, and runs hooks and periodic jobs; one that shares pages with the bot that leads
            only polls, and advances time.
    """

    engine: Engine
    poll: PollSettings
    services: Iterable[Service] = ()
    on_delivery: Callable[[DeliveryAttempt], None] = field(default=lambda _: None)
    shutdown_grace_s: float = SHUTDOWN_GRACE_S
    tick_hooks: Iterable[TickHook] = ()
    periodic_jobs: Iterable[PeriodicJob] = ()
    change_hooks: Iterable[TickHook] = ()
    units: UnitRunner = INLINE
    leads: Callable[[], bool] = lambda: True
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _has_changed: bool = False  # since the change hooks ran last
    _scheduler: Any = None
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _notifiers: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    _stop_logged: DeliveryStop | None = None
    _failing: dict[str, str] = field(default_factory=dict)
    _statistics: dict[str, PollStatistics] = field(default_factory=dict)
    _polls_under_way: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    _due_at: dict[str, datetime] = field(default_factory=dict)  # by provider, when the poll that started last was due
    elapsed: Callable[[], float] = time.monotonic
    _clock: StepDetector = field(init=False)
    _polled_at_s: float = field(init=False)  # monotonic seconds: when a poll began last

    def __post_init__(self) -> None:
        """Starts to watch the clock."""
        self._clock = StepDetector(self.engine.now, self.elapsed)
        self._polled_at_s = self.elapsed()

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until ``stop`` is set; then lets deliveries in progress finish.

        A service that fails for good ends the bot with its error.
        """
        self._stop = stop
        self._scheduler = self._create_scheduler()
        self._scheduler.start()
        publisher: asyncio.Task[Any] = asyncio.create_task(self._publish_loop())
        services: list[asyncio.Task[Any]] = [asyncio.create_task(service()) for service in self.services]
        stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([stopped, *services], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            stop.set()
            self._scheduler.shutdown(wait=False)
            await cancel_tasks([publisher])
            await cancel_tasks([*self._notifiers.values()], patience_s=self.shutdown_grace_s)
            await cancel_tasks([stopped, *services])

    # --- poll ---------------------------------------------------------------------------------------------------------

    def _create_scheduler(self) -> Any:
        """Creates the jobs. First polls are a tenth of a second apart, or less if there are many sources."""
        scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._schedule_polls(scheduler, [provider.id for provider in self.engine.own_providers], STARTUP_SPREAD_S)
        scheduler.add_job(self._advance_time, IntervalTrigger(seconds=TICK_S), id="tick")
        for job in self.periodic_jobs:
            self._schedule_job(scheduler, job)
        return scheduler

    def _schedule_job(self, scheduler: Any, job: PeriodicJob) -> None:
        spread = JITTER if job.is_jittered else 0
        trigger = IntervalTrigger(seconds=job.every_s * (1 - spread), jitter=job.every_s * 2 * spread or None)
        first = {} if job.first_s is None else {"next_run_time": self.engine.now() + timedelta(seconds=job.first_s)}
        scheduler.add_job(self._run_job, trigger, args=[job], id=job.name, **first)

    def _schedule_polls(self, scheduler: Any, providers: Collection[str], spread_s: float) -> None:
        """Spreads the first polls over so many seconds."""
        apart_s = max(MIN_STARTUP_GAP_S, min(0.1, spread_s / max(1, len(providers))))
        for number, provider in enumerate(providers):
            self._schedule_poll(scheduler, provider, self.engine.now() + timedelta(seconds=number * apart_s))

    def _schedule_poll(self, scheduler: Any, provider: str, first: datetime) -> None:
        trigger = NextRunTrigger(partial(self._next_poll_at, provider))
        scheduler.add_job(
            self._poll_provider,
            trigger,
            args=[provider],
            id=_poll_job_id(provider),
            next_run_time=first,
        )
        self._statistics[provider] = PollStatistics(self.poll.interval_s, first)

    def _next_poll_at(self, provider: str, due_at: datetime, now: datetime) -> datetime:
        """The time of the next poll, asked when the poll that was due at ``due_at`` starts."""
        self._due_at[provider] = due_at
        return self._plan_next_poll(provider, now)

    def _plan_next_poll(self, provider: str, now: datetime, transition: StateTransition | None = None) -> datetime:
        grid_s = POLL_GRID_S if len(self._statistics) > MANY_SOURCES else FINE_GRID_S
        at = _align_to_grid(now + timedelta(seconds=self._seconds_to_next_poll(provider, transition)), grid_s)
        self._statistics[provider] = replace(
            self._statistics[provider], next_at=at, interval_s=self._poll_interval_s(provider)
        )
        return at

    def wake(self) -> None:
        """Lets the deliveries look at the outbox now."""
        self._wake.set()

    async def add_provider(self, provider: Provider) -> None:
        """Starts polling one more provider."""
        await self.units.run(self.engine.add_provider, provider)
        if self._scheduler is not None:
            self._schedule_poll(self._scheduler, provider.id, self.engine.now())

    async def remove_provider(self, provider_id: str) -> None:
        """Ends the polls of a provider, after the one that is under way. What was recorded stays."""
        await self._end_polls([provider_id], POLL_END_TIMEOUT_S)
        await self.units.run(self.engine.remove_provider, provider_id)

    def start_polls(self, providers: Collection[str]) -> None:
        """Polls pages that another bot has polled so far, each of them soon; the first ones as after any start."""
        self._polled_at_s = self.elapsed()
        spread_s = TAKEOVER_SPREAD_S if self._statistics else STARTUP_SPREAD_S
        self._schedule_polls(self._scheduler, providers, spread_s)

    async def stop_polls(self, providers: Collection[str], wait_s: float) -> None:
        """Polls these pages no more; a poll that is still under way after so many seconds is given up."""
        for task in await self._end_polls(providers, wait_s):
            task.cancel()

    async def _end_polls(self, providers: Collection[str], wait_s: float) -> Collection[asyncio.Task[Any]]:
        """Ends the polls of these providers; returns those that are under way after so many seconds."""
        for provider in providers:
            if self._scheduler is not None and provider in self._statistics:
                self._scheduler.remove_job(_poll_job_id(provider))
            self._statistics.pop(provider, None)
            self._due_at.pop(provider, None)
        under_way = [self._polls_under_way[provider] for provider in providers if provider in self._polls_under_way]
        return (await asyncio.wait(under_way, timeout=wait_s))[1] if under_way else ()

    def set_intervals(self, poll: PollSettings) -> None:
        """Takes on other polling intervals and limits; each provider's next poll is planned by them."""
        self.poll = poll
        self.engine.blind_after, self.engine.alarm_after = poll.blind_after, poll.alarm_after

    def replace_jobs(self, prefix: str, jobs: Iterable[PeriodicJob]) -> None:
        """Replaces the periodic jobs whose name begins with ``prefix``."""
        for job in self._scheduler.get_jobs():
            if job.id.startswith(prefix):
                job.remove()
        for new in jobs:
            self._schedule_job(self._scheduler, new)

    def poll_statistics(self, provider: str) -> PollStatistics | None:
        """Statistics of a provider's polls; None if it is not polled."""
        return self._statistics.get(provider)

    def seconds_since_poll_start(self) -> float:
        """Seconds since a poll began, or since the start, by the monotonic clock; 0 where no page is polled."""
        return self.elapsed() - self._polled_at_s if self.engine.own_providers else 0.0

    def _record_poll_start(self, provider: str) -> None:
        """Counts a poll that starts now, and how late it is."""
        self._polled_at_s = self.elapsed()
        statistics, now = self._statistics[provider], self.engine.now()
        late = (now - self._due_at.get(provider, now)).total_seconds()
        worst = max(statistics.worst_s, late)
        self._statistics[provider] = replace(
            statistics, looks=statistics.looks + 1, late=statistics.late + (late > LATE_AFTER_S), worst_s=worst
        )

    async def _poll_provider(self, provider: str) -> None:
        self._record_poll_start(provider)
        if (task := asyncio.current_task()) is not None:
            self._polls_under_way[provider] = task
        try:
            await self._poll_once(provider)
        finally:
            self._polls_under_way.pop(provider, None)

    async def _poll_once(self, provider: str) -> None:
        transition = None
        with self._log_failures(provider, "this poll failed"):
            try:
                transition = await self.engine.poll(provider, self._free_deliveries)
            finally:
                for channel in self.engine.taken_channels():
                    self._start_delivery(channel)
            self._log_recovery(DATABASE)
            _log_source_change(transition, self.engine.alarm_after)
            _log_odd_page(transition)
            if not transition.is_unchanged:
                if _opens_many(transition):
                    await self._run_hooks(self.change_hooks)  # the list goes before what it lists
                self._has_changed = True
                self._wake.set()
                await self._start_deliveries()  # now, since other due polls come first in the next turn of the loop
        if provider not in self._statistics:  # removed meanwhile
            return
        is_other = (
            _retry_after_s(transition) > 0 or self._poll_interval_s(provider) != self._statistics[provider].interval_s
        )
        if self._scheduler.running and is_other:
            self._scheduler.modify_job(
                _poll_job_id(provider), next_run_time=self._plan_next_poll(provider, self.engine.now(), transition)
            )

    def _seconds_to_next_poll(self, provider: str, transition: StateTransition | None) -> float:
        """Seconds to the next poll: jittered, and not sooner than the server asked for."""
        usual = self._poll_interval_s(provider) * uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        return max(usual, min(_retry_after_s(transition), MAX_RETRY_AFTER_S))

    def _poll_interval_s(self, provider: str) -> float:
        return self.poll.incident_interval_s if self.engine.needs_frequent_polls(provider) else self.poll.interval_s

    async def _advance_time(self) -> None:
        with self._log_failures("time", "what it changed is not recorded yet"):
            steps = self.engine.advance_time_by_provider()
            while transitions := await self.units.run(list, islice(steps, TICK_BATCH_SIZE)):
                if any(transition is not None for transition in transitions):
                    self._wake.set()
                await asyncio.sleep(0)  # so that acks don't wait for a thousand providers
        await self._run_hooks(self.tick_hooks)

    async def _run_hooks(self, hooks: Iterable[TickHook]) -> None:
        for hook in hooks if self.leads() else ():
            with self._log_failures("the tick", "it is tried again at the next one"):
                await self._run_hook(hook)

    async def _run_hook(self, hook: TickHook) -> None:
        result = await self.units.run(hook)
        steps = iter((result,)) if isinstance(result, bool) else result
        while (is_new := await self.units.run(next, steps, None)) is not None:
            if is_new:
                self._wake.set()
            await asyncio.sleep(0)

    async def _run_job(self, job: PeriodicJob) -> None:
        if not (job.is_for_each or self.leads()):
            return
        with self._log_failures(job.name, job.then, uses_database=False):
            await job.do()

    # --- publish ------------------------------------------------------------------------------------------------------

    async def _publish_loop(self) -> None:
        """Starts deliveries whenever it is woken, and every second, since a notification may have become due."""
        while True:
            self._wake.clear()
            await self._follow_clock()
            await self._start_deliveries()
            if self._has_changed:
                self._has_changed = False
                await self._run_hooks(self.change_hooks)
            await wait_for_event(self._wake, BACKLOG_S if self.engine.is_rate_limited else PUBLISH_S)

    async def _follow_clock(self) -> None:
        """After the clock was set back, moves what was planned by as much, since intervals are not of the clock.

        After it was set forward, or the machine slept, what is overdue runs at once.
        """
        if not (step := self._clock.step()):
            return
        log.warning(
            "the clock was set %s by %.0f s", "back" if step < timedelta(0) else "forward", abs(step.total_seconds())
        )
        if not self._scheduler.running:
            return
        if step > timedelta(0):
            self._scheduler.wakeup()
            return
        now = self.engine.now()
        for job in self._scheduler.get_jobs():
            if job.next_run_time is not None:
                job.modify(next_run_time=max(now, job.next_run_time + step))
        for provider, statistics in self._statistics.items():
            if statistics.next_at is not None:
                self._statistics[provider] = replace(statistics, next_at=max(now, statistics.next_at + step))
        self._due_at.clear()
        await self._shift_due_times(step)

    async def _shift_due_times(self, step: timedelta) -> None:
        if self.leads():
            with self._log_failures("the outbox", "what waits may leave late"):
                await self.units.run(self.engine.shift_due_times, step)

    async def _start_deliveries(self) -> None:
        """Starts deliveries, the most important first, as far as the chat's limits allow."""
        if not self.leads():
            return
        async with self._starting:  # or else two might start one to the same channel
            with self._log_failures("the outbox", "nothing is sent"):
                busy = tuple(self._notifiers)
                for channel in await self.engine.sendable_channels(busy, self._free_deliveries()):
                    if self.engine.claims.claim(channel):
                        self._start_delivery(channel)

    def _free_deliveries(self) -> int:
        """How many more messages this bot may send at the same time."""
        return MAX_IN_FLIGHT - len(self._notifiers) if self.leads() else 0

    def _start_delivery(self, channel: str) -> None:
        """Starts the delivery to a channel that was claimed."""
        self._notifiers[channel] = asyncio.create_task(self._deliver_to_channel(channel))

    async def _deliver_to_channel(self, channel: str) -> None:
        """Delivers pending notifications to a channel."""
        try:
            with self._log_failures(channel, "its notifications wait"):
                attempts = await self.engine.publish_to(channel)
                before, self._stop_logged = self._stop_logged, self.engine.delivery_stop  # others are under way
                _log_stop(before, self._stop_logged, self.engine.now())
                for delivery in attempts:
                    self.on_delivery(delivery)
                if attempts:
                    self._wake.set()
        finally:
            del self._notifiers[channel]
            self.engine.claims.release(channel)

    # --- failures -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _log_failures(self, what: str, then: str, *, uses_database: bool = True) -> Iterator[None]:
        """Logs a failure instead of raising it, once for as long as it is the same.

        A database that can't be written makes every job fail; that is logged as one failure until a poll is recorded.
        """
        try:
            yield
        except PageMovedError as error:
            log.info("%s: %s", what, error)
        except BrownoutError as error:
            where = DATABASE if uses_database and isinstance(error, StoreError) else what
            if self._failing.get(where) != str(error):
                log.error("%s: %s; %s", where, error, then)  # noqa: TRY400  (the message says it all)
            self._failing[where] = str(error)
        except Exception:
            log.exception("%s: unexpected error; %s; continuing", what, then)
        else:
            self._log_recovery(what)

    def _log_recovery(self, what: str) -> None:
        if self._failing.pop(what, None):
            log.info("%s: recovered", what)


def _opens_many(transition: StateTransition) -> bool:
    """Whether so many incidents opened in one poll that their alerts become a list."""
    return sum(event.kind is EventKind.INCIDENT_OPENED for event in transition.events) > MOST_ALERTS


def _poll_job_id(provider: str) -> str:
    return f"poll {provider}"


def _retry_after_s(transition: StateTransition | None) -> float:
    """The seconds for which the server asked not to be polled; 0 if it did not."""
    return (transition.poll_failure.retry_after if transition and transition.poll_failure else None) or 0.0


def _align_to_grid(at: datetime, grid_s: float) -> datetime:
    """The next time on a grid of so many seconds: for a thousand pages, polls that start together need half the CPU."""
    return at + timedelta(seconds=-at.timestamp() % grid_s)


async def cancel_tasks(tasks: list[asyncio.Task[Any]], patience_s: float = 0) -> None:
    """Waits for ``patience_s``, cancels what still runs, and waits up to CANCEL_TIMEOUT_S for it to end."""
    if tasks:
        if patience_s:
            await asyncio.wait(tasks, timeout=patience_s)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_TIMEOUT_S)


async def wait_for_event(event: asyncio.Event, seconds: float) -> None:
    """Waits for the event or the time. Not ``wait_for``, which may swallow a cancellation before Python 3.12."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _log_source_change(transition: StateTransition, alarm_after: int) -> None:
    provider = transition.state.provider
    if transition.poll_failure and transition.before.blind_since is None:
        log.warning("%s: status page unreadable: %s", provider, transition.poll_failure.why)
    elif transition.before.failures < alarm_after <= transition.state.failures and transition.poll_failure:
        log.error(
            "%s: no data for %d checks: %s. Services show as unknown.",
            *(provider, alarm_after, transition.poll_failure.why),
        )
    elif transition.before.blind_since and transition.poll_failure is None:
        minutes = (transition.at - transition.before.blind_since).total_seconds() / 60
        log.info("%s: status page readable again after=%.0fm", provider, minutes)


def _log_stop(before: DeliveryStop | None, after: DeliveryStop | None, now: datetime) -> None:
    """Logs that nothing is accepted any more, or that something is again."""
    if after is not None and (before is None or before.since != after.since):
        what = "Slack rejects all messages" if after.is_refused else "Slack can't be reached"
        hint = f" ({after.remedy})" if after.remedy else ""
        log.error("%s: %s%s; they are queued, and one is tried again and again", what, after.code, hint)
    elif before is not None and after is None:
        log.warning(
            "Slack accepts messages again after %.0f s (was: %s)", (now - before.since).total_seconds(), before.code
        )


def _log_odd_page(transition: StateTransition) -> None:
    """Logs what is odd about a page, and incidents that left it without an end, once for as long as it is so."""
    provider, before, after = transition.state.provider, transition.before, transition.state
    for problem in after.problems:
        if problem not in before.problems:
            log.warning("%s: unusual status page: %s", provider, problem)
    earlier = {u.incident for u in before.unsettled}
    for unsettled in after.unsettled:
        if unsettled.incident not in earlier:
            log.warning(
                "%s: incident %s left the page, and nothing says how it ended (%s); it stays open, and we ask again",
                *(provider, unsettled.incident, unsettled.why),
            )
    for incident in sorted(earlier - {u.incident for u in after.unsettled}):
        log.info("%s: how incident %s ended is known now", provider, incident)


def log_delivery(delivery: DeliveryAttempt) -> None:
    """Logs a delivery attempt that failed for the first time, for good, or that succeeded after failures."""
    notification, outcome = delivery.post, delivery.outcome
    if outcome == "paused" and delivery.why:
        log.warning("%s: delivery paused: %s; its messages are queued", notification.channel, delivery.why)
    elif outcome == "parked" or (outcome in ("later", "refused") and delivery.attempt == 1):
        what = "given up" if outcome == "parked" else "will be tried again"
        log.warning("%s to %s: %s: %s", notification.kind, notification.channel, what, delivery.why)
    elif outcome == "sent" and (delivery.why or delivery.attempt > 1):
        how = f"{delivery.why}, " if delivery.why else ""
        log.warning("%s to %s: sent %sat attempt %d", notification.kind, notification.channel, how, delivery.attempt)
