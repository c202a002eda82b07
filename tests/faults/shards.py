"""Three real bots that share the pages of one PostgreSQL database; one is killed, frozen or cut off, again and again.

Each is ``brownout run`` with ``[store] share_pages``. News come on some pages just before and just after each fault. A
page of the harmed bot is looked at again by another one; a post is lost if it never reaches Slack, doubled if it is
there twice, and out of order if an earlier one of the same incident and channel comes after it. Slack lets no history be
read here, so that a post whose fate is unknown is sent again; the log admits that.
"""

from __future__ import annotations

import asyncio
import random
import re
import signal
import statistics
import tempfile
import time
from asyncio.subprocess import Process
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

import aiohttp

from bot import settings
from bot.domain import Subscription
from bot.rules.sharing import SHARDS
from bot.storage import Repository
from bot.storage.engines import open_database
from tests.bench.fake_services import FakeServices, configure, page_bytes, running
from tests.bench.load import watched_repository
from tests.bench.soak.slack import FakeSlackServer
from tests.bench.tls_hosts import free_port
from tests.faults.postgres_servers import Cluster, Tunnel, cluster

BOTS, PAGES, CHANNELS, INTERVAL_S = 3, 120, 6, 10.0
BEFORE, AFTER = 6, 2  # pages that break before a fault, and after it
PATIENCE_S = 240.0  # machines are busy
_LOOKED = re.compile(r'brownout_source_looks_total\{provider="(\w+)"\}')


@dataclass
class Bot:
    """A bot's process, its board, its log, and the tunnel to its server."""

    process: Process
    port: int
    log: Path
    tunnel: Tunnel

    async def ask(self, path: str) -> str:
        """The body of an answer of its board; empty where there is none."""
        try:
            limit = aiohttp.ClientTimeout(total=3)
            async with (
                aiohttp.ClientSession(timeout=limit) as client,
                client.get(f"http://127.0.0.1:{self.port}{path}") as answer,
            ):
                return await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return ""

    async def leads(self) -> bool:
        return '"role":"leader"' in (await self.ask("/readyz")).replace(" ", "")

    async def shards(self) -> int:
        found = re.search(r'"shards": ?(\d+)', await self.ask("/readyz"))
        return int(found[1]) if found else -1

    async def pages(self) -> set[str]:
        """The pages that it polls."""
        return set(_LOOKED.findall(await self.ask("/metrics")))


@dataclass
class Tally:
    """What came of the cycles of one fault."""

    cycles: int = 0
    incidents: int = 0
    posts: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: int = 0
    admitted: int = 0
    disordered: int = 0
    looked_s: list[float] = field(default_factory=list)  # from the fault until each page of the bot was looked at
    slowest_s: list[float] = field(default_factory=list)  # the same of the last page of a cycle
    equal_s: list[float] = field(default_factory=list)  # until the shards are in equal parts again

    HEAD = (
        *("cycles", "incidents", "posts", "lost", "doubled", "sent again by the log", "out of order"),
        *("pages of the bot", "looked at after s", "the last, median", "max", "equal parts after s, max"),
    )

    def row(self) -> tuple[object, ...]:
        counts = (self.cycles, self.incidents, self.posts, len(self.lost), self.doubled, self.admitted, self.disordered)
        looked = f"{statistics.median(self.looked_s or [0]):.2f}"
        last = (f"{statistics.median(self.slowest_s or [0]):.2f}", f"{max(self.slowest_s, default=0):.2f}")
        return (*counts, len(self.looked_s), looked, *last, f"{max(self.equal_s, default=0):.2f}")


@dataclass
class Scene:
    """The bots, their pages and Slack, for the cycles of one fault."""

    server: Cluster
    stage: FakeServices
    stack: AsyncExitStack
    folder: Path
    fault: str
    dice: random.Random
    taken: list[dict[str, Any]]
    bots: list[Bot] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    started: int = 0
    broken: int = 0

    async def add_bot(self) -> None:
        self.started += 1
        port, log = free_port(), self.folder / f"bot{self.started}.log"
        config = configure(
            self.folder / f"bot{self.started}", self.stage.url, PAGES, interval_s=INTERVAL_S, web_port=port
        )
        with (config / "brownout.toml").open("a") as settings_file:
            settings_file.write("[store]\nshare_pages = true\n")
        tunnel = await Tunnel(self.server.port).__aenter__()
        out = self.stack.enter_context(log.open("wb"))
        process = await self.stack.enter_async_context(running(config, tunnel.url, self.stage, out))
        self.bots.append(Bot(process, port, log, tunnel))

    async def until(self, holds: Callable[[], Any], what: str) -> float:
        """Seconds until this holds, which may be a coroutine."""
        began = time.monotonic()
        while True:
            answer = holds()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return time.monotonic() - began
            if time.monotonic() - began > PATIENCE_S:
                logs = "\n".join(f"{b.log.name}: {b.log.read_text()[-900:]}" for b in self.bots)
                raise SystemExit(f"{self.fault}: {what} did not come in {PATIENCE_S:g} s\n{logs}")
            await asyncio.sleep(0.05)

    async def are_equal(self) -> bool:
        parts = [await bot.shards() for bot in self.bots]
        return sum(parts) == SHARDS and max(parts) <= ceil(SHARDS / len(parts))

    async def settle(self) -> float:
        return await self.until(self.are_equal, "equal parts")

    def show_news(self, count: int) -> None:
        """Pages break that have not been broken yet."""
        for _ in range(count):
            self.stage.down[f"p{self.broken}"] = page_bytes(self.broken, is_down=True)
            self.broken += 1

    def is_posted(self, number: int) -> bool:
        return any(post.get("key") == f"i{number}:alert" for post in self.taken)

    async def cycle(self) -> None:
        leaders = [await bot.leads() for bot in self.bots]
        victim = self.bots[leaders.index(True)] if "leader" in self.fault else self.bots[leaders.index(False)]
        pages = await victim.pages()
        self.show_news(BEFORE)
        await asyncio.sleep(self.dice.uniform(0.0, INTERVAL_S / 2))
        harmed_at = time.monotonic()
        await self.harm(victim)
        self.show_news(AFTER)
        others = self.bots if "stopped" in self.fault else [bot for bot in self.bots if bot is not victim]
        looks = [self.looked_after(page, harmed_at) for page in pages]
        await self.until(lambda: all(look() is not None for look in looks), "a look at the pages")
        took = [look() or 0.0 for look in looks]
        self.tally.looked_s += took
        self.tally.slowest_s.append(max(took))
        live, self.bots = self.bots, [bot for bot in others if bot.process.returncode is None]
        self.tally.equal_s.append(await self.settle() + max(took))
        await self.until(lambda: all(map(self.is_posted, range(self.broken))), "the posts of the news")
        self.bots = live
        await self.heal(victim)
        if victim.process.returncode is not None:
            self.bots.remove(victim)
            self.count_admitted(victim)
        while len(self.bots) < BOTS:
            await self.add_bot()
        await self.settle()
        self.tally.cycles += 1

    def looked_after(self, page: str, since: float) -> Callable[[], float | None]:
        """Seconds from then until the page was asked for; None while it was not."""
        return lambda: next((at - since for at in self.stage.looks.get(page, ()) if at > since), None)

    async def harm(self, bot: Bot) -> None:
        if "kill" in self.fault:
            bot.process.kill()
            await bot.process.wait()
        elif "freeze" in self.fault:
            bot.process.send_signal(signal.SIGSTOP)
        elif "cut off" in self.fault:
            bot.tunnel.is_cut = True
        else:
            await asyncio.to_thread(self.server.stop)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(self.server.start)

    async def heal(self, bot: Bot) -> None:
        """Lets the bot go on; one that led ends, since its lease is over."""
        if "freeze" in self.fault:
            bot.process.send_signal(signal.SIGCONT)
        bot.tunnel.is_cut = False
        if "leader" in self.fault:
            await asyncio.wait_for(bot.process.wait(), PATIENCE_S)
        for other in [other for other in self.bots if other.process.returncode is not None and other is not bot]:
            self.bots.remove(other)  # the leader of a server that was stopped
            self.count_admitted(other)

    def count_admitted(self, bot: Bot) -> None:
        self.tally.admitted += bot.log.read_text().count("again: ")

    async def finish(self) -> None:
        """Waits until nothing is owed, and counts."""
        with closing(open_database(self.server.url, read_only=True)) as database:
            pending = "SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending')"
            await self.until(lambda: not database.rows(pending), "an empty outbox")
            order = {(r["channel"], r["key"]): r["id"] for r in database.rows("SELECT id, channel, key FROM outbox")}
            incidents = {
                (r["channel"], r["key"]): r["incident"]
                for r in database.rows("SELECT channel, key, incident FROM outbox")
            }
        for bot in self.bots:
            self.count_admitted(bot)
        posts = [(post["channel"], post["key"]) for post in self.taken if post["kind"] == "post"]
        self.tally.incidents, self.tally.posts = self.broken, len(posts)
        self.tally.lost = [f"i{n}" for n in range(self.broken) if not self.is_posted(n)]
        self.tally.doubled = sum(count - 1 for count in Counter(posts).values())
        self.tally.disordered = disordered((incidents.get(post), order.get(post)) for post in dict.fromkeys(posts))


def disordered(posts: Iterable[tuple[str | None, int | None]]) -> int:
    """How many posts of an incident came after one that was recorded later."""
    last: dict[str, int] = defaultdict(int)
    count = 0
    for incident, number in posts:
        if incident and number is not None:
            count += number < last[incident]
            last[incident] = max(last[incident], number)
    return count


def prepare(url: str, folder: Path, stage: FakeServices) -> None:
    """A database as two hours of polls have left it, in which channels are subscribed to the pages."""
    config = configure(folder / "catalogue", stage.url, PAGES, interval_s=INTERVAL_S)
    watched_repository(url, settings.load(config).providers, page_bytes())
    now = datetime.now(UTC)  # noqa: TID251  (a subscription has a date)
    with closing(Repository.open(url)) as repository:
        for number in range(PAGES):
            repository.subscribe(Subscription(f"C{number % CHANNELS}", f"p{number}", created_at=now))


async def tried(fault: str, cycles: int, seed: int) -> Tally:
    """So many faults of one kind, on a server of its own."""
    taken: list[dict[str, Any]] = []
    slack = FakeSlackServer(taken.append, lambda: "")
    with cluster() as server, tempfile.TemporaryDirectory() as name:
        async with FakeServices(slack) as stage, AsyncExitStack() as stack:
            folder = Path(name)
            await asyncio.to_thread(prepare, server.url, folder, stage)
            scene = Scene(server, stage, stack, folder, fault, random.Random(seed), taken)  # noqa: S311
            for _ in range(BOTS):
                await scene.add_bot()
            await scene.settle()
            await scene.until(lambda: len(stage.looks) == PAGES, "the first look at each page")
            for _ in range(min(cycles, PAGES // (BEFORE + AFTER))):
                await scene.cycle()
            await scene.finish()
            return scene.tally


PLAN = (
    ("kill -9 of one", 8),
    ("kill -9 of the leader", 8),
    ("freeze one, then go on", 4),
    ("freeze the leader, then go on", 4),
    ("one is cut off from the server", 4),
    ("the server is stopped and started", 3),
)
HEAD = ("fault", *Tally.HEAD)


async def table_rows(share: float, seed: int) -> list[tuple[object, ...]]:
    """A row for each fault, with this share of the planned cycles."""
    rows = []
    for fault, cycles in PLAN:
        tally = await tried(fault, max(1, round(cycles * share)), seed)
        rows.append((fault, *tally.row()))
        print(rows[-1], tally.lost, flush=True)
    return rows
