"""A week of Slack on a virtual clock: refusals of every code, token rotations, archives, new ids, storms; 300 channels.

The rules, the store and the notifier are real; Slack, the vendor's page and the clock are played. ``run_week`` returns a
report, whose ``violations`` must be empty for ours and must not be for the designs that are controls.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from bot.adapters import slack_client, slack_refusals
from bot.app.delivery_reports import DeliveryReports
from bot.domain import Subscription
from bot.errors import DeliveryError, RefusalScope
from bot.messages.alerts import render_notification
from bot.notifier import Notifier
from bot.notifier.gate import WorkspaceGate
from bot.rules.alerting import decide, routing
from bot.storage import Repository
from tests.support.acme import ACME, poll_page
from tests.support.pages import incident, page, update

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
IN_FLIGHT = 8  # as the bot's
RATE, BURST = 6.0, 40.0  # posts that this Slack takes a second
EDIT_RATE, EDIT_BURST = 50 / 60, 20.0
PROMISE = timedelta(minutes=2)  # from an outage to its message where Slack takes messages
AFTER = timedelta(minutes=1)  # from when Slack takes them again; both plus what the rate needs for what waits
MIN_OPENING = timedelta(minutes=4)  # a shorter time in which Slack takes messages proves nothing
STORM_EVERY = 12  # incidents; the two after each of these begin with it
CALLS_A_MINUTE = 60 * 6 + 60 + 60  # posts, edits, and what a burst adds


@dataclass(frozen=True, slots=True)
class Fault:
    """A span in which Slack refuses with a code: everything, one channel's messages, or the replies of a thread."""

    code: str
    start: datetime
    end: datetime
    channel: str = ""
    only_replies: bool = False

    def holds(self, at: datetime, channel: str, *, is_reply: bool) -> bool:
        """Whether it refuses a message to this channel."""
        if not self.start <= at < self.end or (self.channel and self.channel != channel):
            return False
        return is_reply or not self.only_replies


@dataclass(slots=True)
class Bucket:
    """What a Slack with limits takes."""

    rate: float
    size: float
    level: float
    at: datetime = START

    def wait_s(self, now: datetime) -> float:
        self.level = min(self.size, self.level + (now - self.at).total_seconds() * self.rate)
        self.at = now
        if self.level >= 1:
            self.level -= 1
            return 0
        return (1 - self.level) / self.rate


@dataclass(slots=True)
class WeekSlack:
    """A ChatClient that refuses as its faults say, has limits, and counts."""

    now: SimpleNamespace
    faults: list[Fault]
    burst: int = 1
    can_search_history: bool = False
    calls: Counter[datetime] = field(default_factory=Counter)  # by minute
    limited: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    shown: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)  # by channel and key
    posts: Bucket = field(default_factory=lambda: Bucket(RATE, BURST, BURST))
    edits: Bucket = field(default_factory=lambda: Bucket(EDIT_RATE, EDIT_BURST, EDIT_BURST))
    channels: dict[str, datetime] = field(default_factory=dict)
    number: int = 0

    def _answer(self, channel: str, method: str, *, is_reply: bool) -> None:
        at = self.now.at
        self.calls[at.replace(second=0, microsecond=0)] += 1
        for fault in self.faults:
            if fault.holds(at, channel, is_reply=is_reply):
                self.refused[fault.code] += 1
                status, headers = (429, {"Retry-After": "3"}) if "limited" in fault.code else (200, {})
                answer = SimpleNamespace(status_code=status, data={"ok": False, "error": fault.code}, headers=headers)
                raise slack_client._delivery_error(channel, answer, method)
        bucket = self.posts if method == slack_refusals.POST else self.edits
        too_soon = method == slack_refusals.POST and at - self.channels.get(channel, START) < timedelta(seconds=0.9)
        if wait := bucket.wait_s(at) or (1 if too_soon else 0):
            self.limited += 1
            raise DeliveryError("slow", code="ratelimited", retry_after=max(1.0, wait))
        self.channels[channel] = at

    async def post(self, channel, message, *, thread_ts, broadcast):  # noqa: ARG002
        self._answer(channel, slack_refusals.POST, is_reply=thread_ts is not None)
        self.number += 1
        self.shown.setdefault((channel, message.key), []).append(self.now.at)
        return f"{self.number}.0"

    async def edit(self, channel, ts, message):  # noqa: ARG002
        self._answer(channel, slack_refusals.UPDATE, is_reply=False)

    async def find_message(self, channel, key, since, *, thread_ts):
        raise NotImplementedError

    async def is_token_accepted(self):
        codes = {f.code for f in self.faults if not f.channel and f.start <= self.now.at < f.end}
        return codes.isdisjoint(slack_refusals.TOKEN_CODES)

    def permalink(self, channel, ts):  # noqa: ARG002
        return ""


@dataclass(frozen=True, slots=True)
class Move:
    """A channel that is shared with another company gets a new id; Slack's event of that comes a little later."""

    old: str
    new: str
    at: datetime
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Outage:
    """An incident of the week."""

    number: int
    start: datetime
    end: datetime
    is_complete: bool


def _condition(outage: Outage) -> str:
    return "major_outage" if outage.is_complete else "degraded_performance"


class ImpatientGate(WorkspaceGate):
    """A control: without a wait between probes."""

    def probe_at(self, *, is_outage_waiting, now):  # noqa: ARG002
        return now


@dataclass(slots=True)
class Report:
    """What a week came to."""

    seed: int
    design: str
    outages: int = 0
    told: int = 0
    worst_s: float = 0.0
    posts: int = 0
    doubled: int = 0
    limited: int = 0
    refused: int = 0
    codes: int = 0
    most_calls: int = 0
    parked: int = 0
    violations: list[str] = field(default_factory=list)

    def row(self) -> tuple[object, ...]:
        broken = "; ".join(sorted({v.partition(":")[0] for v in self.violations}))
        return (
            *(self.design, self.outages, self.told, f"{self.worst_s:.0f} s", self.posts, self.doubled, self.refused),
            *(self.codes, self.limited, self.most_calls, self.parked, broken or "0 violations"),
        )


def week_faults(rng: random.Random, channels: list[str], days: float) -> Iterator[Fault]:  # noqa: C901 - a table
    """Random spans of every code that chat.postMessage and chat.update may answer."""
    span = timedelta(days=days)

    def at() -> datetime:
        return START + span * rng.random()

    def between(least: timedelta, most: timedelta) -> timedelta:
        return least + (most - least) * rng.random() ** 2

    codes = sorted(slack_refusals.DOCUMENTED[slack_refusals.POST] | {"mercury_in_retrograde"})
    for code in rng.sample(codes, round(len(codes) * min(1.0, days / 4))):  # so that Slack is well most of the time
        rule, start = slack_refusals.rule(code), at()
        match rule.scope:
            case RefusalScope.WORKSPACE:
                if rule.is_token:
                    continue
                yield Fault(code, start, start + between(timedelta(seconds=5), timedelta(minutes=90)))
            case RefusalScope.CHANNEL:
                for channel in rng.sample(channels, 3):
                    begin = at()
                    yield Fault(code, begin, begin + between(timedelta(seconds=30), timedelta(hours=20)), channel)
            case RefusalScope.PERSON:
                continue  # of people; see the table of faults
            case RefusalScope.TRANSIENT:
                yield Fault(code, start, start + between(timedelta(seconds=5), timedelta(minutes=10)))
            case _:
                for channel in rng.sample(channels, 2):
                    begin = at()
                    span_s = between(timedelta(minutes=1), timedelta(hours=6))
                    yield Fault(code, begin, begin + span_s, channel, only_replies=True)


@dataclass(slots=True)
class Rotation:
    """Tokens that expire; the new one is there a little later."""

    now: SimpleNamespace
    faults: list[Fault]
    _used: set[datetime] = field(default_factory=set)

    def reload(self) -> bool:
        """True if a newer token is there than the one in use."""
        expired = [f for f in self.faults if f.start <= self.now.at and f.start not in self._used]
        ready = [f for f in expired if f.end <= self.now.at]
        self._used |= {f.start for f in ready}
        return bool(ready)


@dataclass(frozen=True, slots=True)
class Clockwork:
    """What the reports ask of an engine."""

    clock: SimpleNamespace
    notifier: Notifier

    def now(self) -> datetime:
        return self.clock.at

    @property
    def delivery_stop(self):
        return self.notifier.stop


class Week:
    """Everything of one week."""

    def __init__(
        self, seed: int, repository: Repository, *, channels: int, incidents: int, days: float, design: str
    ) -> None:
        self.rng, self.repository, self.design = random.Random(seed), repository, design  # noqa: S311 - no secret
        self.luck = random.Random(f"{seed} of moves and storms")  # noqa: S311 - likewise
        self.now = SimpleNamespace(at=START)
        self.names = [f"C{n:03d}" for n in range(channels)]
        with repository._db.transaction():
            for name in self.names:
                repository.subscribe(Subscription(name, "acme", created_by="U1", created_at=START))
        self.end = START + timedelta(days=days)
        codes = sorted(slack_refusals.TOKEN_CODES)
        rotations = []
        for code in codes[: max(1, round(days))]:
            begin = START + timedelta(days=days) * self.rng.random()
            rotations.append(Fault(code, begin, begin + timedelta(minutes=self.rng.uniform(0.2, 20))))
        self.moves = [
            self._move(number, name, days)
            for number, name in enumerate(self.luck.sample(self.names, max(1, channels // 20)))
        ]
        moved = [Fault("channel_not_found", m.at, self.end + timedelta(days=1), m.old) for m in self.moves]
        self.faults = [*week_faults(self.rng, self.names, days), *rotations, *moved]
        self.chat = WeekSlack(self.now, self.faults)
        self.notifier = Notifier(
            repository, self.chat, lambda: self.now.at, render_notification, Rotation(self.now, rotations)
        )
        if design == "no back-off":
            self.notifier.gate = ImpatientGate()
        if design == "pause for a day":
            self.notifier.probe_waits = (timedelta(days=1),)
            self.notifier.outage_probe_wait = timedelta(days=1)
        self.reports = DeliveryReports(Clockwork(self.now, self.notifier), repository, lambda: ["U9"])
        self.outages = self._outages(incidents, days)
        self.open: list[Outage] = []
        self.state = poll_page(None, page(), START - timedelta(minutes=1)).state
        repository.record_transition(None, poll_page(None, page(), START - timedelta(minutes=1)), ())

    def _move(self, number: int, name: str, days: float) -> Move:
        at = START + timedelta(days=days) * self.luck.random()
        return Move(name, f"N{number:03d}", at, at + timedelta(seconds=self.luck.uniform(0, 120)))

    def _ids(self, channel: str) -> tuple[str, ...]:
        """All the ids that a channel has in the week."""
        return (channel, *(m.new for m in self.moves if m.old == channel))

    def _outages(self, incidents: int, days: float) -> list[Outage]:
        outages, step = [], timedelta(days=days) / incidents
        for number in range(1, incidents + 1):
            start = START + step * (number - 1) + step * 0.5 * self.rng.random()
            if number % STORM_EVERY in (1, 2) and outages:  # a storm: three incidents within seconds
                start = outages[-1].start + timedelta(seconds=self.luck.uniform(2, 20))
            length = timedelta(minutes=self.rng.uniform(20, 55))
            end = min(start + length, START + timedelta(days=days) - timedelta(minutes=1))
            outages.append(Outage(number, start, end, self.rng.random() < 0.6))
        return outages

    def _body(self, ended: Outage | None) -> bytes:
        """The page as it is now; ``ended``: this one has just ended."""
        going_on = [o for o in self.outages if o.start <= self.now.at and (self.now.at < o.end or o in self.open)]
        shown = []
        for outage in going_on:
            first = update(outage.number * 10, at=outage.start, api=_condition(outage))
            last = update(outage.number * 10 + 1, "resolved", "Over.", at=outage.end, api="operational")
            shown.append(incident(first, *([last] if outage is ended else []), number=outage.number))
        bad = {_condition(o) for o in going_on if o is not ended}
        worst = next((c for c in ("major_outage", "degraded_performance") if c in bad), "operational")
        return page(*shown, api=worst)

    def _show(self, outage: Outage, *, is_over: bool) -> None:
        if not is_over:
            self.open.append(outage)
        change = poll_page(self.state, self._body(outage if is_over else None), self.now.at)
        if is_over:
            self.open.remove(outage)
        subscriptions = self.repository.subscriptions()
        notifications = [
            n
            for alert in decide.decide(change, ACME, blind_after=3).alerts
            for n in routing.route_alert(alert, subscriptions, self.repository.notified_channels(alert.incident))
        ]
        self.repository.record_transition(None, change, notifications)
        self.state = change.state
        if self.design == "pause for a day":
            self.repository._db.write("UPDATE pauses SET probe_at = strftime('%Y-%m-%dT%H:%M:%fZ', tried_at, '+1 day')")
        if self.design == "no order":
            self.repository._db.write("UPDATE outbox SET rank = 5 WHERE state = 'waiting'")

    async def run(self) -> Report:
        events = sorted(
            [(o.start, o, False) for o in self.outages] + [(o.end, o, True) for o in self.outages], key=lambda e: e[0]
        )
        unarchived = sorted((f.end, f.channel) for f in self.faults if f.code == "is_archived")
        moves = sorted(self.moves, key=lambda m: m.heard_at)
        ticked = START
        while self.now.at < self.end or self.repository.pending_channels(self.now.at):
            if self.now.at > self.end + timedelta(hours=3):
                break
            while events and events[0][0] <= self.now.at:
                _, outage, is_over = events.pop(0)
                self._show(outage, is_over=is_over)
            while unarchived and unarchived[0][0] <= self.now.at:
                self.repository.probe_channels(self.now.at, unarchived.pop(0)[1])
            while moves and moves[0].heard_at <= self.now.at:
                self.repository.move_channel(moves[0].old, moves.pop(0).new, self.now.at)
            if self.now.at - ticked >= timedelta(seconds=15):
                self.reports()
                ticked = self.now.at
            sent = False
            for channel in await self.notifier.sendable_channels((), IN_FLIGHT):
                sent |= bool(await self.notifier.publish_to(channel))
            self.now.at += timedelta(seconds=self._step_s(sent, events))
        return self._report()

    def _step_s(self, sent: bool, events: list) -> float:
        if self.notifier.is_rate_limited or sent:
            return 0.2
        if self.repository._db.rows("SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending') LIMIT 1"):
            return 2.0
        ahead = (min((e[0] for e in events), default=self.end) - self.now.at).total_seconds()
        return max(0.2, min(ahead, 3600.0))

    # --- what has to hold -----------------------------------------------------------------------------------------------

    def _openings(self, channel: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The times between start and end in which Slack takes a channel's alerts."""
        closed = sorted(
            (f.start, self._end(f))
            for f in self.faults
            if not f.only_replies and f.channel in ("", *self._ids(channel)) and f.end > start and f.start < end
        )
        at = start
        for begin, over in closed:
            if begin > at:
                yield at, begin
            at = max(at, over)
        if at < end:
            yield at, end

    def _end(self, fault: Fault) -> datetime:
        """When a fault ends; for a channel that has moved, when the bot hears of it."""
        return next((m.heard_at for m in self.moves if m.old == fault.channel and m.at == fault.start), fault.end)

    def _report(self) -> Report:
        report = Report(0, self.design, outages=sum(o.is_complete for o in self.outages))
        waiting = timedelta(seconds=len(self.names) / 5)  # the rate of posts that the bot begins with
        for outage in self.outages:
            for channel in self.names:
                self._check(outage, channel, waiting, report)
        shown = self.chat.shown
        report.posts = sum(map(len, shown.values()))
        report.doubled = sum(len(times) - 1 for times in shown.values())
        if report.doubled:
            report.violations.append(f"doubled: {report.doubled}")
        report.limited, report.refused, report.codes = (
            self.chat.limited,
            self.chat.refused.total(),
            len(self.chat.refused),
        )
        report.most_calls = max(self.chat.calls.values())
        if report.most_calls > CALLS_A_MINUTE:
            report.violations.append(f"calls a minute: {report.most_calls}")
        for fault in self.faults:
            if not fault.channel and fault.end - fault.start > timedelta(minutes=4):
                self._check_calls(fault, report)
        report.parked = self.repository.backlog().parked
        silent = self.repository.untold_parked()
        if silent:
            report.violations.append(f"given up and told to nobody: {silent[0]}")
        return report

    def _check(self, outage: Outage, channel: str, waiting: timedelta, report: Report) -> None:
        key = f"inc{outage.number}:alert"
        times = sorted(at for name in self._ids(channel) for at in self.chat.shown.get((name, key), []))
        if not outage.is_complete:
            return
        report.told += bool(times)
        for number, (begin, end) in enumerate(self._openings(channel, outage.start, outage.end)):
            if end - begin < MIN_OPENING:
                continue
            bound = begin + (PROMISE if number == 0 and begin == outage.start else AFTER) + waiting
            if bound > end:
                continue
            if not times or times[0] > bound:
                late = f"{(times[0] - begin).total_seconds():.0f} s" if times else "never"
                report.violations.append(
                    f"outage late: inc{outage.number} in {channel}: {late} after {begin:%a %H:%M:%S}"
                )
            elif times[0] >= begin:
                report.worst_s = max(report.worst_s, (times[0] - begin).total_seconds())
            return

    def _check_calls(self, fault: Fault, report: Report) -> None:
        """While everything is refused, hardly anything is tried."""
        at, calls = fault.start.replace(second=0, microsecond=0) + timedelta(minutes=2), 0
        while at + timedelta(minutes=1) < fault.end:
            calls = max(calls, self.chat.calls[at])
            at += timedelta(minutes=1)
        if calls > 40:
            report.violations.append(f"calls while refused: {calls} a minute with {fault.code}")


def run_week(
    seed: int = 7, *, channels: int = 300, incidents: int = 60, days: float = 7, design: str = "ours"
) -> Report:
    """Plays a week in a database of its own."""
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a RAM disk, where there is one
    with tempfile.TemporaryDirectory(dir=folder) as name:
        repository = Repository.open(Path(name) / "week.db")
        try:
            return asyncio.run(
                Week(seed, repository, channels=channels, incidents=incidents, days=days, design=design).run()
            )
        finally:
            repository.close()
