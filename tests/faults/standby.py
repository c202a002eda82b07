"""Two bots on one PostgreSQL database, of which one leads; that one is killed, frozen or cut off, again and again.

Each bot is a process with the real engine, outbox, page fetcher, Slack client and commands (``worker``). New incidents
come just before and just after each fault. A post is lost if it never reaches Slack, and doubled if it is there twice;
the log admits a post that is sent again since its fate is not known. While the leader is away, the other bot is asked
for the status and to mute services; a mute is kept if it is in the database at the end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp.web

from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.slack_client import SlackClient
from bot.app.following import wait_to_lead
from bot.commands import registry
from bot.domain import Provider, Subscription, VerdictParameters
from bot.engine import Engine
from bot.errors import StoreError
from bot.queries.current import StatusQueries
from bot.storage import Repository
from bot.storage.engines import open_database
from tests.faults.fake_services import FakeSlackApi, FakeStatusPage, acme_at
from tests.faults.one_pass import repeats
from tests.faults.postgres_servers import PGBOUNCER, Cluster, Pair, Pooler, Tunnel, cluster, pair, pooler
from tests.support.loopback import serving_app
from tests.support.pages import incident, page, update

FAILOVERS = ("failover, synchronous", "failover, asynchronous")  # the server dies, and its replica is promoted
POOLED = ", through pgbouncer"
PATIENCE_S = 60.0
ASK_EVERY_S, ANSWER_WITHIN_S = 0.1, 3.0  # Slack waits three seconds for the answer to a command
REPLICA_CUT_S = 0.6  # before a failover: what is committed meanwhile is on the primary only
AIM = "BROWNOUT_TEST_AIM"  # a file that a worker removes when it stops itself just before the bytes of a post leave
GUARDED = "BROWNOUT_TEST_GUARDED"  # 0: no last check before the bytes leave
LOCKED = "BROWNOUT_TEST_LOCKED"  # 0: no lock at all, as the control
FOLLOWS = "BROWNOUT_TEST_FOLLOWS"  # 0: the bot that does not lead only waits, as the control


def real_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  (real processes have a real clock)


# --- a bot ------------------------------------------------------------------------------------------------------------


async def worker(url: str, status_page: str, slack: str) -> None:
    """A bot that answers commands and, when it leads, polls each 0.2 s and sends what is owed; says what it does."""
    is_locked, may_follow = (os.environ.get(name) != "0" for name in (LOCKED, FOLLOWS))
    wait = {"on_wait": lambda: say(event="waits"), "may_follow": may_follow} if is_locked else {}
    with closing(Repository.open(url, alone=is_locked, **wait)) as store:
        acme = acme_at(status_page)
        queries = StatusQueries((acme,), store, real_now, lambda _: VerdictParameters())
        async with serving_app(aiohttp.web.get("/command", partial(answer, queries))) as commands:
            say(event="answers", url=commands)
            if store.is_follower:
                await wait_to_lead(store, [], asyncio.Event())
            say(event="runs")
            await lead(store, acme, slack, is_guarded=is_locked and os.environ.get(GUARDED) != "0")


async def answer(queries: StatusQueries, request: aiohttp.web.Request) -> aiohttp.web.Response:
    """The answer to a command of a channel; 503 if the database can't be used."""
    try:
        said = registry.answer_command(queries, request.query["text"], request.query["channel"], "U1", "ada")
    except StoreError as error:
        return aiohttp.web.Response(text=str(error), status=503)
    return aiohttp.web.Response(text=said.message.text)


async def lead(store: Repository, acme: Provider, slack: str, *, is_guarded: bool) -> None:
    """Polls and posts until the process ends."""

    def guard() -> None:
        aim = Path(os.environ.get(AIM, "/nonexistent"))
        if aim.exists():
            aim.unlink()
            os.kill(os.getpid(), signal.SIGSTOP)
        if is_guarded:
            store.require_lease()

    chat = SlackClient("xoxb-test", base_url=slack, timeout_s=2, guard=guard)
    connections = asyncio.create_task(chat.keep_connections())
    await asyncio.sleep(0)
    async with PageFetcher(timeout_s=2) as web:
        engine = Engine({"acme": acme}, web, store, chat, real_now, lambda _: VerdictParameters())
        while not connections.done():
            await engine.poll("acme")
            if again := repeats(await engine.publish()):
                say(event="again", count=again)
            await asyncio.sleep(0.2)


def say(**what: object) -> None:
    print(json.dumps({"pid": os.getpid(), **what}), flush=True)


# --- the cycles -------------------------------------------------------------------------------------------------------


@dataclass
class Bot:
    """A worker's process, and the tunnel to its server."""

    process: subprocess.Popen[str]
    tunnel: Tunnel | None  # None: it has the addresses of both servers
    log: Path

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    @property
    def runs(self) -> bool:
        return any(line["event"] == "runs" for line in self.lines())

    @property
    def commands(self) -> str:
        """Where it answers commands; empty where it does not."""
        return next((str(line["url"]) for line in self.lines() if line["event"] == "answers"), "")

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None


@dataclass
class Tally:
    """What came of the cycles of one fault."""

    cycles: int = 0
    shown: int = 0
    posts: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: int = 0
    admitted: int = 0
    left: int = 0
    takeovers_s: list[float] = field(default_factory=list)
    commands: int = 0
    answers_s: list[float] = field(default_factory=list)
    muted: list[str] = field(default_factory=list)
    forgotten: int = 0

    HEAD = (
        *("cycles", "incidents", "posts", "lost", "doubled", "sent again by the log", "takeover s", "max"),
        *("commands", "answered", "slowest s", "mutes", "not kept"),
    )

    def row(self) -> tuple[object, ...]:
        took = self.takeovers_s or [0.0]
        counts = (self.cycles, self.shown, self.posts, len(self.lost), self.doubled, self.admitted)
        answered = (self.commands, len(self.answers_s), f"{max(self.answers_s, default=0.0):.2f}")
        return (
            *(*counts, f"{statistics.median(took):.2f}", f"{max(took):.2f}"),
            *(*answered, len(self.muted), self.forgotten),
        )


@dataclass
class Scene:
    """Two bots, a page and Slack, for the cycles of one fault."""

    server: Cluster | Pair
    status_page: FakeStatusPage
    slack: FakeSlackApi
    fault: str
    folder: Path
    dice: random.Random
    is_guarded: bool = True
    is_locked: bool = True
    follows: bool = True
    tally: Tally = field(default_factory=Tally)
    bots: list[Bot] = field(default_factory=list)
    number: int = 0
    open_incidents: list[object] = field(default_factory=list)
    pooler: Pooler | None = None

    async def add_bot(self) -> None:
        before = self.pooler or self.server
        tunnel = None if isinstance(before, Pair) else await Tunnel(before.port).__aenter__()
        log = self.folder / f"{self.fault[:4]}-{len(list(self.folder.iterdir()))}.log"
        switches = {GUARDED: self.is_guarded, LOCKED: self.is_locked, FOLLOWS: self.follows}
        environment = {**os.environ, **{name: str(int(is_on)) for name, is_on in switches.items()}}
        environment[AIM] = str(self.folder / "aim")
        address = tunnel.url if tunnel else self.server.url
        if self.pooler:
            address = address.removesuffix("/postgres") + "/session"
        command = [*(sys.executable, "-m", "tests.faults.standby", "worker"), address]
        with log.open("w") as out:
            process = subprocess.Popen(  # noqa: ASYNC220, S603  (it takes a millisecond)
                [*command, self.status_page.url, self.slack.api],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                text=True,
            )
        self.bots.append(Bot(process, tunnel, log))

    def leader(self) -> Bot | None:
        return next((bot for bot in self.bots if bot.runs and bot.is_alive), None)

    def show_news(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            one = update(self.number * 2, api="major_outage", at=real_now())
            self.open_incidents.append(incident(one, number=self.number, name=f"Errors on the API {self.number}"))
        self.status_page.show(page(*self.open_incidents[-6:], api="major_outage"))

    async def until(self, holds, what: str) -> float:
        started = time.monotonic()
        while not holds():
            await asyncio.sleep(0.02)
            if time.monotonic() - started > PATIENCE_S:
                logs = "\n".join(f"{b.log.name}: {b.log.read_text()[-600:]}" for b in self.bots)
                raise SystemExit(f"{self.fault}: {what} did not come in {PATIENCE_S:g} s\n{logs}")
        return time.monotonic() - started

    def is_posted(self, number: int) -> bool:
        return any(post.key.split(":")[0] == f"inc{number}" for post in self.slack.posts)

    async def cycle(self) -> None:
        self.show_news(3)
        await asyncio.sleep(self.dice.uniform(0.0, 0.8))
        old = self.leader()
        started = time.monotonic()
        asking = asyncio.create_task(self.ask([bot for bot in self.bots if bot is not old]))
        await self.harm(old)
        self.show_news(1)
        await self.until(lambda: any(bot.runs and bot.is_alive for bot in self.bots if bot is not old), "a takeover")
        self.tally.takeovers_s.append(time.monotonic() - started)
        await self.until(lambda: self.is_posted(self.number), "the post of the news")
        asking.cancel()
        await asyncio.wait([asking])
        await self.heal(old)
        self.bots.remove(old)
        if old.tunnel:
            await old.tunnel.__aexit__()
        while len(self.bots) < 2:
            await self.add_bot()
        await self.until(lambda: self.leader() is not None, "a bot that runs")
        await self.until(lambda: all(bot.lines() for bot in self.bots), "a bot that waits")
        self.tally.cycles += 1

    async def ask(self, bots: Sequence[Bot]) -> None:
        """Asks the bots, as Slack does that has noticed that the leader is away: for the status, and to mute."""
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        async with aiohttp.ClientSession(timeout=limit) as session:
            for number in itertools.count():
                bot = bots[number % len(bots)]
                mutes = number % 5 == 4
                channel = f"C-{self.tally.cycles}-{number}"
                text = "mute acme-web 1d" if mutes else "status acme-api"
                asked_at = time.monotonic()
                with suppress(aiohttp.ClientError, TimeoutError):
                    url = bot.commands or "http://127.0.0.1:9"
                    async with session.get(f"{url}/command", params={"text": text, "channel": channel}) as said:
                        words = await said.text()
                        if said.status == 200 and "acme" in words.lower():
                            self.tally.answers_s.append(time.monotonic() - asked_at)
                            self.tally.muted += [channel] if mutes else []
                self.tally.commands += 1  # one that is under way at the end of the cycle is not counted
                await asyncio.sleep(ASK_EVERY_S)

    async def harm(self, bot: Bot) -> None:
        match self.fault.removesuffix(POOLED):
            case "kill":
                bot.process.kill()
                bot.process.wait()
            case "freeze" | "freeze, then kill":
                bot.process.send_signal(signal.SIGSTOP)
            case "frozen before the bytes":
                (self.folder / "aim").touch()
                self.show_news(1)
                await self.until(lambda: not (self.folder / "aim").exists(), "a post to stop at")
            case "server stops":
                await asyncio.to_thread(self.server.stop)
                await asyncio.sleep(0.5)
                await asyncio.to_thread(self.server.start)
            case "pgbouncer is killed":
                await asyncio.to_thread(self.pooler.stop)
                await asyncio.to_thread(self.pooler.start)
            case "cut off":
                bot.tunnel.is_cut = True
            case _:
                self.show_news(2)
                await self.server.fail_over(REPLICA_CUT_S)

    async def heal(self, bot: Bot) -> None:
        if self.fault == "freeze, then kill":
            bot.process.kill()
        elif self.fault.removesuffix(POOLED) in ("freeze", "frozen before the bytes"):
            bot.process.send_signal(signal.SIGCONT)
        if bot.tunnel:
            bot.tunnel.is_cut = False
        try:
            await asyncio.to_thread(bot.process.wait, 20)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"{self.fault}: the old bot lives on\n{bot.log.read_text()[-800:]}") from None
        finally:
            bot.process.kill()
        self.tally.admitted += sum(int(line.get("count", 0)) for line in bot.lines())
        if isinstance(self.server, Pair):
            await self.server.attach()

    async def settle(self) -> None:
        """Waits until nothing is owed, ends the bots, and counts."""
        with closing(open_database(self.server.url, read_only=True)) as repository:
            pending = "SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending')"
            await self.until(lambda: not repository.rows(pending), "an empty outbox")
            kept = {row["channel"] for row in repository.rows("SELECT channel FROM mutes")}
        self.tally.forgotten = len(set(self.tally.muted) - kept)
        for bot in self.bots:
            bot.process.kill()
            bot.process.wait()
            if bot.tunnel:
                await bot.tunnel.__aexit__()
            self.tally.admitted += sum(int(line.get("count", 0)) for line in bot.lines())
        self.tally.shown, self.tally.posts = self.number, len(self.slack.posts)
        self.tally.lost = [f"inc{n}" for n in range(1, self.number + 1) if not self.is_posted(n)]
        self.tally.doubled = sum(count - 1 for count in Counter(p.key for p in self.slack.posts).values())


def prepare(url: str) -> None:
    """Makes the tables, and subscribes a channel."""
    with closing(Repository.open(url)) as store:
        store.subscribe(Subscription("C1", "acme", created_at=real_now()))


@contextmanager
def server_for(fault: str) -> Iterator[Cluster | Pair]:
    """The server of the cycles: one, or a primary with a replica."""
    with pair(is_synchronous=fault == FAILOVERS[0]) if fault in FAILOVERS else cluster() as server:
        yield server


@contextmanager
def pooler_for(fault: str, server: Cluster | Pair) -> Iterator[Pooler | None]:
    """The pooler between the bots and the server, where the fault is with one."""
    if fault.endswith(POOLED):
        with pooler(f"host=127.0.0.1 port={server.port} dbname=postgres") as one:
            yield one
    else:
        yield None


async def tried(
    fault: str,
    cycles: int,
    seed: int,
    *,
    may_be_read: bool,
    is_guarded: bool = True,
    is_locked: bool = True,
    follows: bool = True,
) -> Tally:
    """So many faults of one kind, on a server of its own."""
    with server_for(fault) as server, pooler_for(fault, server) as before, tempfile.TemporaryDirectory() as folder:
        if isinstance(server, Pair):
            await server.attach()
        await asyncio.to_thread(prepare, server.url)  # the replica's tunnel is in this thread
        async with FakeStatusPage() as status_page, FakeSlackApi(may_be_read=may_be_read) as slack:
            dice = random.Random(seed)  # noqa: S311
            scene = Scene(server, status_page, slack, fault, Path(folder), dice, is_guarded, is_locked, follows)
            scene.pooler = before
            status_page.show(page())
            for _ in range(2):
                await scene.add_bot()
            await scene.until(lambda: scene.leader() is not None, "a bot that runs")
            with closing(
                open_database(server.url, read_only=True)
            ) as repository:  # what the first poll shows is no news
                await scene.until(
                    lambda: repository.rows("SELECT 1 FROM sources WHERE seen_at IS NOT NULL"), "the first look"
                )
            if is_locked:
                for _ in range(cycles):
                    await scene.cycle()
            else:  # both run, and each sends what it finds
                await scene.until(lambda: all(bot.runs for bot in scene.bots), "two bots that run")
                for _ in range(cycles):
                    scene.show_news(3)
                    await scene.until(lambda: scene.is_posted(scene.number), "the post of the news")
                    scene.tally.cycles += 1
            await scene.settle()
            return scene.tally


PLAN = (  # fault, cycles of a hundred and more, and whether the history may be read
    ("kill", 30, True),
    ("kill", 30, False),
    ("freeze", 10, True),
    ("freeze, then kill", 8, True),
    ("frozen before the bytes", 8, True),
    ("frozen before the bytes", 4, False),
    ("server stops", 6, True),
    ("cut off", 6, True),
    ("failover, synchronous", 8, True),
    ("failover, asynchronous", 8, True),
    (f"kill{POOLED}", 6, True),
    (f"freeze{POOLED}", 4, True),
    (f"pgbouncer is killed{POOLED}", 4, True),
)


async def table_rows(share: float, seed: int) -> list[tuple[object, ...]]:
    """A row for each fault, with this share of the planned cycles, and for the three controls."""
    rows = []
    for fault, cycles, may_be_read in PLAN:
        if fault.endswith(POOLED) and not PGBOUNCER:
            rows.append((fault, "not run: pgbouncer is not installed", *[""] * len(Tally.HEAD)))
            continue
        tally = await tried(fault, max(1, round(cycles * share)), seed, may_be_read=may_be_read)
        rows.append((fault, "yes" if may_be_read else "no", *tally.row()))
        print(rows[-1], tally.lost, flush=True)
    cycles = max(1, round(4 * share))
    free = await tried("frozen before the bytes", cycles, seed, may_be_read=False, is_guarded=False)
    rows.append(("control: frozen, no last check", "no", *free.row()))
    waits = await tried("kill", cycles, seed, may_be_read=True, follows=False)
    rows.append(("control: kill -9, the other bot only waits", "yes", *waits.row()))
    rows.append(
        ("control: no lock", "no", *(await tried("none", cycles, seed, may_be_read=False, is_locked=False)).row())
    )
    return rows


HEAD = ("fault", "history", *Tally.HEAD)


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["worker"]:
        asyncio.run(worker(*arguments[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])
