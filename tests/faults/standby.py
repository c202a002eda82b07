"""Two bots on one PostgreSQL database, of which one waits; the one that runs is killed, frozen or cut off, again and again.

Each bot is a process with the real engine, outbox, page fetcher and Slack client (``worker``). New incidents come just
before and just after each fault. A post is lost if it never reaches Slack, and doubled if it is there twice; the log
admits a post that is sent again since its fate is not known.
"""

from __future__ import annotations

import asyncio
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
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.slack_client import SlackClient
from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from bot.storage import Repository
from bot.storage.engines import open_database
from tests.faults.fake_services import FakeSlackApi, FakeStatusPage, acme_at
from tests.faults.one_pass import repeats
from tests.support.pages import incident, page, update

FAULTS = ("kill", "freeze", "freeze, then kill", "frozen before the bytes", "server stops", "cut off")
PATIENCE_S = 60.0
AIM = "BROWNOUT_TEST_AIM"  # a file that a worker removes when it stops itself just before the bytes of a post leave
GUARDED = "BROWNOUT_TEST_GUARDED"  # 0: no last check before the bytes leave
LOCKED = "BROWNOUT_TEST_LOCKED"  # 0: no lock at all, as the control


def real_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  (real processes have a real clock)


# --- a bot ------------------------------------------------------------------------------------------------------------


async def worker(url: str, status_page: str, slack: str) -> None:
    """A bot that polls each 0.2 s and sends what is owed; says when its turn began, and what it sent again."""
    is_locked = os.environ.get(LOCKED) != "0"
    with closing(Repository.open(url, alone=is_locked, on_wait=lambda: say(event="waits"))) as store:
        say(event="runs")
        require = store.lease.require if is_locked and os.environ.get(GUARDED) != "0" else lambda: None

        def guard() -> None:
            aim = Path(os.environ.get(AIM, "/nonexistent"))
            if aim.exists():
                aim.unlink()
                os.kill(os.getpid(), signal.SIGSTOP)
            require()

        chat = SlackClient("xoxb-test", base_url=slack, timeout_s=2, guard=guard)
        connections = asyncio.create_task(chat.keep_connections())
        await asyncio.sleep(0)
        async with PageFetcher(timeout_s=2) as web:
            engine = Engine({"acme": acme_at(status_page)}, web, store, chat, real_now, lambda _: VerdictParameters())
            while not connections.done():
                await engine.poll("acme")
                if again := repeats(await engine.publish()):
                    say(event="again", count=again)
                await asyncio.sleep(0.2)


def say(**what: object) -> None:
    print(json.dumps({"pid": os.getpid(), **what}), flush=True)


# --- a server ---------------------------------------------------------------------------------------------------------


@dataclass
class Cluster:
    """A PostgreSQL server of our own, on loopback, run by the user ``postgres`` where we are root."""

    folder: Path
    port: int
    bin: Path

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def run(self, program: str, *arguments: str) -> None:
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*as_user, self.bin / program, *arguments], check=True, capture_output=True, cwd=self.folder)  # noqa: S603

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200"
        self.run(
            "pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "start", "-o", options
        )

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A new server, with fsync on; it ends with the block."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise SystemExit("PostgreSQL is not installed (apt-get install postgresql)")
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            subprocess.run(["chown", "postgres", folder], check=True)  # noqa: S603, S607
        server = Cluster(Path(folder), random.randrange(20_000, 30_000), found[-1])  # noqa: S311
        server.run("initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass
class Tunnel:
    """Passes bytes on to the server, until it is cut: then it keeps the connections and passes nothing."""

    port: int
    is_cut: bool = False
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *problem: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._server.sockets[0].getsockname()[1]}/postgres"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        for task in (asyncio.create_task(self._pass(reader, back)), asyncio.create_task(self._pass(there, writer))):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                while self.is_cut:  # noqa: ASYNC110  (it is a wire)
                    await asyncio.sleep(0.05)
                to.write(data)
                await to.drain()
        except OSError:
            pass
        finally:
            to.close()


# --- the cycles -------------------------------------------------------------------------------------------------------


@dataclass
class Bot:
    """A worker's process, and the tunnel to its server."""

    process: subprocess.Popen[str]
    tunnel: Tunnel
    log: Path

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    @property
    def runs(self) -> bool:
        return any(line["event"] == "runs" for line in self.lines())

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

    HEAD = ("cycles", "incidents", "posts", "lost", "doubled", "sent again by the log", "takeover s", "max")

    def row(self) -> tuple[object, ...]:
        took = self.takeovers_s or [0.0]
        counts = (self.cycles, self.shown, self.posts, len(self.lost), self.doubled, self.admitted)
        return *counts, f"{statistics.median(took):.2f}", f"{max(took):.2f}"


@dataclass
class Scene:
    """Two bots, a page and Slack, for the cycles of one fault."""

    server: Cluster
    status_page: FakeStatusPage
    slack: FakeSlackApi
    fault: str
    folder: Path
    dice: random.Random
    is_guarded: bool = True
    is_locked: bool = True
    tally: Tally = field(default_factory=Tally)
    bots: list[Bot] = field(default_factory=list)
    number: int = 0
    open_incidents: list[object] = field(default_factory=list)

    async def add_bot(self) -> None:
        tunnel = await Tunnel(self.server.port).__aenter__()
        log = self.folder / f"{self.fault[:4]}-{len(list(self.folder.iterdir()))}.log"
        environment = {**os.environ, GUARDED: str(int(self.is_guarded)), LOCKED: str(int(self.is_locked))}
        environment[AIM] = str(self.folder / "aim")
        command = [
            sys.executable,
            "-m",
            "tests.faults.standby",
            "worker",
            tunnel.url,
            self.status_page.url,
            self.slack.api,
        ]
        with log.open("w") as out:
            process = subprocess.Popen(  # noqa: ASYNC220, S603  (it takes a millisecond)
                command, stdout=out, stderr=subprocess.STDOUT, env=environment, text=True
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
        await self.harm(old)
        self.show_news(1)
        await self.until(lambda: any(bot.runs and bot.is_alive for bot in self.bots if bot is not old), "a takeover")
        self.tally.takeovers_s.append(time.monotonic() - started)
        await self.until(lambda: self.is_posted(self.number), "the post of the news")
        await self.heal(old)
        self.bots.remove(old)
        await old.tunnel.__aexit__()
        while len(self.bots) < 2:
            await self.add_bot()
        await self.until(lambda: self.leader() is not None, "a bot that runs")
        await self.until(lambda: all(bot.lines() for bot in self.bots), "a bot that waits")
        self.tally.cycles += 1

    async def harm(self, bot: Bot) -> None:
        match self.fault:
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
                await self.until(lambda: not bot.is_alive, "the end of the bot that lost its lock")
                for other in [other for other in self.bots if other is not bot]:
                    await asyncio.to_thread(other.process.wait, 20)  # one that waits ends too: it is started again
                    self.bots.remove(other)
                for _ in range(2):
                    await self.add_bot()
            case "cut off":
                bot.tunnel.is_cut = True

    async def heal(self, bot: Bot) -> None:
        if self.fault == "freeze, then kill":
            bot.process.kill()
        elif self.fault in ("freeze", "frozen before the bytes"):
            bot.process.send_signal(signal.SIGCONT)
        bot.tunnel.is_cut = False
        try:
            await asyncio.to_thread(bot.process.wait, 20)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"{self.fault}: the old bot lives on\n{bot.log.read_text()[-800:]}") from None
        finally:
            bot.process.kill()
        self.tally.admitted += sum(int(line.get("count", 0)) for line in bot.lines())

    async def settle(self) -> None:
        """Waits until nothing is owed, ends the bots, and counts."""
        with closing(open_database(self.server.url, read_only=True)) as book:
            pending = "SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending')"
            await self.until(lambda: not book.rows(pending), "an empty outbox")
        for bot in self.bots:
            bot.process.kill()
            bot.process.wait()
            await bot.tunnel.__aexit__()
            self.tally.admitted += sum(int(line.get("count", 0)) for line in bot.lines())
        self.tally.shown, self.tally.posts = self.number, len(self.slack.posts)
        self.tally.lost = [f"inc{n}" for n in range(1, self.number + 1) if not self.is_posted(n)]
        self.tally.doubled = sum(count - 1 for count in Counter(p.key for p in self.slack.posts).values())


async def tried(
    fault: str, cycles: int, seed: int, *, may_be_read: bool, is_guarded: bool = True, is_locked: bool = True
) -> Tally:
    """So many faults of one kind, on a server of its own."""
    with cluster() as server, tempfile.TemporaryDirectory() as folder:
        with closing(Repository.open(server.url)) as store:
            store.subscribe(Subscription("C1", "acme", created_at=real_now()))
        async with FakeStatusPage() as status_page, FakeSlackApi(may_be_read=may_be_read) as slack:
            dice = random.Random(seed)  # noqa: S311
            scene = Scene(server, status_page, slack, fault, Path(folder), dice, is_guarded, is_locked)
            status_page.show(page())
            for _ in range(2):
                await scene.add_bot()
            await scene.until(lambda: scene.leader() is not None, "a bot that runs")
            with closing(open_database(server.url, read_only=True)) as book:  # what the first look shows is no news
                await scene.until(
                    lambda: book.rows("SELECT 1 FROM sources WHERE seen_at IS NOT NULL"), "the first look"
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
)


async def table_rows(share: float, seed: int) -> list[tuple[object, ...]]:
    """A row for each fault, with this share of the planned cycles, and for the two controls."""
    rows = []
    for fault, cycles, may_be_read in PLAN:
        tally = await tried(fault, max(1, round(cycles * share)), seed, may_be_read=may_be_read)
        rows.append((fault, "yes" if may_be_read else "no", *tally.row()))
        print(rows[-1], tally.lost, flush=True)
    cycles = max(1, round(4 * share))
    free = await tried("frozen before the bytes", cycles, seed, may_be_read=False, is_guarded=False)
    rows.append(("control: frozen, no last check", "no", *free.row()))
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
