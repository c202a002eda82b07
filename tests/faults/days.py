"""A seed -> days in the life of the bot, with everything that can go wrong, on a virtual clock; and what must hold.

The engine, the rules, the voice and the SQLite store are the real ones; page, chat, disk and clock are fakes. A run is
one day of trouble and three well hours after it. The same seed gives the same run.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from bot.domain import EventKind, IncidentEnding, PollResult, Snapshot, Subscription, VerdictParameters
from bot.engine import Engine
from bot.errors import StoreError
from bot.poller import Poller
from bot.storage import Repository
from tests.faults import invariants, unreliable
from tests.faults.one_pass import SaveFirst, SendFirst
from tests.faults.random_vendor import RandomVendor
from tests.faults.tables import table
from tests.support.acme import ACME, NOON

DESIGNS = ("ours", "save-first", "send-first", "resolve-on-empty", "edges-only")
RAM = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112,S108 - where fsync costs nothing; a crash is a Death
CHANNELS = {"C1": "acme", "C2": "acme-api"}
BLIND_AFTER = 3


_OUTBOX = (  # without the ids: PostgreSQL leaves numbers out after a transaction that was rolled back
    "SELECT channel, key, kind, incident, post, state, attempts, created_at, due_at, sent_at, ts, error, rank, left_at,"
    " doubted_from, refusals, refused_from, is_outside_thread FROM outbox ORDER BY id"
)


def schema_url(server: str) -> str:
    """The address of a new schema of a server to throw away."""
    import psycopg  # noqa: PLC0415  (an extra)

    schema = f"days_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"{server}?options={quote(f'-csearch_path={schema}')}"


async def same_outbox(seed: int, days: int, server: str) -> list[tuple[object, ...]]:
    """Each day once on SQLite and once on PostgreSQL: what did not hold, and the rows of the outbox that differ."""
    found = []
    for number in range(1, days + 1):
        on_file, on_server = Day(f"{seed}:{number}"), Day(f"{seed}:{number}", server=server)
        broken = [*await on_file.live(), *await on_server.live()]
        pairs = zip_longest(on_file.outbox, on_server.outbox)
        differ = sum(ours != theirs for ours, theirs in pairs)
        found.append((number, on_file.deaths, len(on_file.outbox), len(on_server.outbox), differ, len(broken)))
    return found


class Trusting(Poller):
    """A control: reads a page that can't be read as one without incidents."""

    async def _failed_poll(self, provider: Any, world: Any, error: Any) -> Any:
        poll_page, observation = await super()._failed_poll(provider, world, error)
        ended = {k.incident.id: IncidentEnding.UNRECORDED for k in world.open_incidents}
        return PollResult(poll_page.at, Snapshot("acmepage", "Acme", (), ()), ended), observation


class Forgetful(Poller):
    """A control: knows only what a poll shows, and never asks what it has missed."""

    async def _add_missed(self, _provider: Any, _world: Any, snapshot: Any) -> Any:
        return snapshot, None


@dataclass
class UnreadableTally:
    """How many stretches of at least BLIND_AFTER failed looks there were; some looks died, and who knows when."""

    sure: int = 0
    unsure: int = 0
    _failed: int = 0
    _died: int = 0
    _is_foggy: bool = False

    def poll_page(self, *, failed: bool, died: bool = False) -> None:
        """A poll that was recorded, or one that may have been."""
        if failed:
            self._failed, self._died = self._failed + (not died), self._died + died
            return
        if self._failed >= BLIND_AFTER and not self._is_foggy:
            self.sure += 1
        elif self._failed + self._died >= BLIND_AFTER or self._is_foggy:
            self.unsure += 1
        self._failed, self._died, self._is_foggy = 0, 0, died


@dataclass(frozen=True)
class Gap:
    """From a good poll to the next, by the bot's clock; and when that was in truth."""

    start: datetime
    end: datetime
    true_end: datetime


LOOKERS = {"resolve-on-empty": Trusting, "edges-only": Forgetful}


@dataclass
class Day:
    """One run. ``seen`` counts the good polls that recorded each text; ``dark`` are the stretches without any."""

    seed: str
    design: str = "ours"
    true_time: datetime = NOON
    skew: timedelta = timedelta()
    deaths: int = 0
    looks: int = 0
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    early: list[str] = field(default_factory=list)  # incidents called over while they went on
    parked: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    unseen: int = 0
    late: int = 0
    gaps: list[Gap] = field(default_factory=list)
    dark: UnreadableTally = field(default_factory=UnreadableTally)
    server: str = ""  # PostgreSQL, in a schema of its own; empty for a SQLite file
    outbox: list[tuple[Any, ...]] = field(default_factory=list)  # at the end, in order

    def __post_init__(self) -> None:
        self.draw = Random(self.seed)  # noqa: S311 - faults, not keys
        self.luck = unreliable.Luck(self.draw)
        self.vendor = RandomVendor(self.draw)
        self.web = unreliable.UnreliableFetcher(self.vendor, self.luck, lambda: self.true_time)
        self.chat = unreliable.UnreliableChat(
            self.luck, lambda: self.true_time, can_search_history=self.seed[-1] in "02468"
        )

    def now(self) -> datetime:
        return self.true_time + self.skew

    async def live(self) -> list[str]:
        """Runs the day; what did not hold, a sentence each."""
        with TemporaryDirectory(dir=RAM) as folder:
            self.path = schema_url(self.server) if self.server else Path(folder) / "day.db"
            self._start()
            for channel, target in CHANNELS.items():
                self.store.subscribe(Subscription(channel, target, created_at=NOON))
            self.luck.is_on = False
            await self._work()  # a first poll of a green page
            self.luck.is_on = True
            while self.true_time < NOON + timedelta(hours=24):
                await self._step()
            self._calm()
            while self.true_time < NOON + timedelta(hours=27):
                await self._step()
            self.unseen = len(invariants.unseen(self))
            self.late = len(invariants.told_late(self))
            broken = list(invariants.broken(self))
            self.outbox = [tuple(row.values()) for row in self.store._db.rows(_OUTBOX)]
            self.store.close()
            return broken

    def _start(self) -> None:
        self.store = Repository.open(self.path)
        repository: Any = unreliable.UnreliableDatabase(self.store, self.luck)
        repository = {"save-first": SaveFirst, "send-first": lambda b: SendFirst(b, self.chat)}.get(
            self.design, lambda b: b
        )(repository)
        self.engine = Engine({"acme": ACME}, self.web, repository, self.chat, self.now, lambda _: VerdictParameters())
        if self.design in LOOKERS:
            self.engine.poller = LOOKERS[self.design](self.web, self.now)

    def _calm(self) -> None:
        self.luck.is_on = False
        self.web.fault = self.chat.fault = ""
        self.skew = timedelta()
        self.vendor.close_all(self.true_time)

    # --- a step -------------------------------------------------------------------------------------------------------

    async def _step(self) -> None:
        self._pass(60 if self.vendor.open or self.web.fault else 300)
        if self.luck.is_on:
            self._misfortune()
        try:
            await self._work()
        except unreliable.SimulatedKill:
            self._die()

    def _pass(self, seconds: float) -> None:
        span = seconds * self.draw.uniform(0.8, 1.2)
        self.true_time += timedelta(seconds=span)
        if self.luck.is_on:
            self.vendor.step(self.true_time, span / 60)

    def _misfortune(self) -> None:
        """Faults begin and end, and the clock jumps."""
        if self.luck.strikes(4 if self.web.fault else 60):
            self.web.fault = "" if self.web.fault else self.draw.choice([*unreliable.BODIES, *unreliable.CODES])
            self.faults["page"] += bool(self.web.fault)
        if self.luck.strikes(8 if self.chat.fault else 60):
            self.chat.fault = "" if self.chat.fault else self.draw.choice(unreliable.REFUSALS)
            self.faults["Slack"] += bool(self.chat.fault)
        if self.luck.strikes(200):
            self.skew = timedelta(seconds=self.draw.uniform(-600, 600))
            self.faults["clock"] += 1

    async def _work(self) -> None:
        """What the App does in a minute; it goes on where the disk is full."""
        try:
            self._note(await self._look())
            self.engine.advance_time()
        except StoreError:
            self.faults["disk"] += 1
        try:
            for _ in range(10):
                done = await self.engine.publish()
                self.parked += [f"{d.post.key}: {d.why}" for d in done if d.outcome == "parked"]
                if not done:
                    break
        except StoreError:
            self.faults["disk"] += 1

    async def _look(self) -> Any:
        try:
            change = await self.engine.poll("acme")
            if self.design == "send-first":
                await self.engine.repository.settle()
        except unreliable.SimulatedKill:
            self.dark.poll_page(failed=bool(self.web.fault), died=True)
            raise
        self.dark.poll_page(failed=bool(self.web.fault))
        return change

    def _note(self, change: Any) -> None:
        """What this look has recorded for good."""
        self.looks += 1
        over = (EventKind.INCIDENT_RESOLVED, EventKind.INCIDENT_WITHDRAWN)
        for event in change.events:
            story = self.vendor.story(event.incident or "")
            if event.kind in over and (story is None or story.closed_at is None):
                self.early.append(event.incident or "")
        if not self.web.fault:
            self.gaps.append(Gap(change.before.seen_at or change.at, change.at, self.true_time))
            there = self.vendor.on_page(self.true_time)
            self.seen.update((story.id, update["body"]) for story in there for update in story.updates)

    def _die(self) -> None:
        """The process is gone, and comes back at once or hours later."""
        self.deaths += 1
        self.store.close()
        if self.draw.random() < 0.2:
            for _ in range(self.draw.randrange(60)):
                self._pass(120)
        self.store = Repository.open(self.path)
        for row in self.store._db.rows("SELECT channel, key FROM outbox WHERE state = 'sending'"):
            self.chat.doubt(row["channel"], row["key"])
        self.store.close()
        self._start()


# --- many days --------------------------------------------------------------------------------------------------------


async def first_broken(seed: int, days: int, design: str) -> tuple[int, list[str]]:
    """The first day on which something did not hold, and what; 0 where everything did."""
    for number in range(1, days + 1):
        if broken := await Day(f"{seed}:{number}", design).live():
            return number, broken
    return 0, []


async def report(seed: int, days: int) -> str:
    """So many days of ours, and each control until it is caught."""
    lines, rows, total = [f"seed {seed}"], [], Counter[str]()
    began = time.monotonic()
    for number in range(1, days + 1):
        day = Day(f"{seed}:{number}")
        lines += [f"day {number}: {what}" for what in await day.live()]
        posts = Counter((m.channel, m.key) for m in day.chat.said)
        total.update(
            {
                "looks": day.looks,
                "crashes": day.deaths,
                "incidents": len(day.vendor.stories),
                "posts": len(day.chat.said),
            }
            | {
                "twice (fate unknown)": posts.total() - len(posts),
                "over before any look": day.unseen,
                "of these told late": day.late,
            }
            | {f"{name} faults": count for name, count in day.faults.items()}
        )
    took = time.monotonic() - began
    rows = [("ours", days, f"{len(lines) - 1} violations", "")]
    for design in DESIGNS[1:]:
        number, broken = await first_broken(seed, days, design)
        rules = ", ".join(dict.fromkeys(what.partition(":")[0] for what in broken))
        rows.append((f"control: {design}", number or days, "caught" if broken else "NOT CAUGHT", rules))
    lines.append(
        f"{days} days in {took:.0f} s ({days / took * 60:.0f} a minute): "
        + ", ".join(f"{n} {k}" for k, n in total.items())
    )
    return "\n".join([*lines, table(("design", "days", "result", "broken rules"), rows)])
