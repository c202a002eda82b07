"""A soak from its first minute to its last: the world, the bot in its lives, the commands, the samples."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import socket
import sqlite3
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from bot import settings
from tests.bench.soak.report import BY_ITSELF, report
from tests.bench.soak.world import Storms, World, ask, config, now

SAMPLE_S = 10
DRAIN_S = 900
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-soak", "SLACK_APP_TOKEN": "xapp-soak"}


@dataclass
class Soak:
    """Everything it needs to know is in ``options``; everything it finds out is a file in ``out``."""

    options: argparse.Namespace
    out: Path
    draw: Random = field(init=False)
    bot: Process | None = None
    life: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    ends: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Seeds what is drawn; the same seed draws the same world."""
        self.draw = Random(self.options.seed)  # noqa: S311  (faults, not keys)
        self.db = self.out / "soak.db"
        self.port = _free_port()

    async def run(self) -> None:
        asked = self.options
        self.world = World(
            *(asked.shared, self.out),
            count=asked.sources,
            minutes=asked.minutes,
            speed=asked.speed,
            seed=asked.seed,
            tls=asked.tls,
            storms=Storms(asked.storm_every * 60),
        )
        await self.world.start()
        self.config = config(self.out / "config", self.world, self.port, asked.interval)
        self._note("began", at=time.time(), **{k: str(v) for k, v in vars(asked).items()})
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self.surfaces = _surfaces(self.config)
        await self._begin()
        doing = (self._sample(), self._subscribe(), self._commands(), self._breaks(), self._lives())
        tasks = [asyncio.create_task(t) for t in doing]
        with suppress(TimeoutError):
            left = asked.minutes * 60 - (now() - self.world.began).total_seconds()
            await asyncio.wait_for(stop.wait(), max(left, 1))
        for task in tasks[1:]:
            task.cancel()
        for failure in await asyncio.gather(*tasks[1:], return_exceptions=True):
            if isinstance(failure, Exception):
                raise failure
        await self._drain()
        tasks[0].cancel()
        await self._end(signal.SIGTERM)
        await self.world.stop()
        self._note("ended", at=time.time(), counts=self._counted())

    def _note(self, what: str, **more: Any) -> None:
        with (self.out / "lives.ndjson").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, **more}) + "\n")

    def _counted(self) -> dict[str, Any]:
        slack = self.world.slack
        acks = sorted(slack.acks)
        told = {"pages": dict(self.world.answers), "slack": slack.calls, "asked": dict(self.counts)}
        told |= {"acks": len(acks), "answers": slack.answers}
        return (
            told | {"ack_p50_ms": 1000 * acks[len(acks) // 2], "ack_p99_ms": 1000 * acks[int(len(acks) * 0.99)]}
            if acks
            else told
        )

    # --- the bot's lives ----------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self.life += 1
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SLACK_")}
        env = kept | TOKENS | {"SLACK_API_URL": f"{self.world.url}/api/"}
        env |= {"SSL_CERT_FILE": str(self.world.trusted)} if self.world.trusted else {}
        command = [sys.executable, "-m", "bot", "run", "--config", str(self.config), "--db", str(self.db)]
        with (self.out / "bot.log").open("ab") as log:
            self.bot = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=log, stderr=log, env=env)
        self._note("born", life=self.life, at=time.time(), pid=self.bot.pid)

    async def _end(self, how: signal.Signals) -> None:
        if self.bot is None:
            return
        began, name = time.monotonic(), how.name if self.bot.returncode is None else BY_ITSELF
        with suppress(ProcessLookupError):
            self.bot.send_signal(how)
        code = await self.bot.wait()
        self.bot = None
        self._note("died", life=self.life, at=time.time(), how=name, code=code, took_s=time.monotonic() - began)

    async def _lives(self) -> None:
        """Ends it every so often, by SIGTERM and kill -9 in turn, and begins it again some seconds later.

        One that has ended by itself is begun again too.
        """
        for how in itertools.cycle((signal.SIGKILL, signal.SIGTERM)):
            with suppress(TimeoutError):
                await asyncio.wait_for(self.bot.wait(), self.options.restart_every * 60 or None)
            await self._end(how)
            await asyncio.sleep(self.draw.uniform(1, 20))
            await self._begin()
            self._note("counts", at=time.time(), counts=self._counted())
            print(f"\n{now():%H:%M:%S}  life {self.life} begins", flush=True)
            await asyncio.to_thread(report, self.out, is_over=False)

    # --- people -------------------------------------------------------------------------------------------------------

    async def _subscribe(self) -> None:
        """By the command line, while the bot runs: each channel listens to some providers, or surfaces of them."""
        await _until(self.db.exists, 30)
        names = list(self.world.players)
        for number in range(self.options.channels):
            whole = self.draw.sample(names, k=min(len(names), self.draw.randint(6, 14)))
            part = [s for s in self.draw.sample(self.surfaces, k=3) if number % 2]
            level = self.draw.choice(["degraded", "degraded", "degraded", "partial", "major"])
            words = [*whole, *part, f"min:{level}"]
            channel = f"C{number:03}"
            command = [sys.executable, "-m", "bot", "subscribe", "--channel", channel, "--config", str(self.config)]
            done = await asyncio.create_subprocess_exec(*command, "--db", str(self.db), *words, stdout=DEVNULL)
            if await done.wait():
                raise RuntimeError(f"subscribing {channel} failed")
            self._note("subscribed", channel=channel, targets=[*whole, *part], level=level)

    async def _commands(self) -> None:
        """Something is typed or fetched every so often."""
        for number in itertools.count():
            await asyncio.sleep(self.draw.expovariate(1 / self.options.command_every))
            kind, text = self._drawn()
            if kind == "slack":
                sent = await self.world.slack.command(text, f"C{self.draw.randrange(self.options.channels):03}", number)
                self.counts[f"/{text.split()[0]}" if sent else "nobody on the line"] += 1
            else:
                status = await ask(f"http://127.0.0.1:{self.port}{text}")
                self.counts[f"GET {status}"] += 1

    def _drawn(self) -> tuple[str, str]:
        surface, incident = self.draw.choice(self.surfaces), self._incident()
        typed = [f"status {surface}", f"retry {surface}", "summary last", f"summary {incident}", f"timeline {incident}"]
        typed += [
            f"history {surface} 30d",
            f"uptime {surface} 90d",
            f"why {incident}",
            "list",
            "sources",
            "help",
            "nonsense",
        ]
        typed += [
            f"report {surface} it is slow",
            f"mute {surface} 2m",
            "unmute",
            f"note {incident} seen by us",
            "status",
        ]
        fetched = [f"/v1/surfaces/{surface}/retry", f"/v1/surfaces/{surface}", "/v1/incidents", "/healthz", "/readyz"]
        fetched += [f"/v1/incidents/{incident}/timeline", "/"]
        return ("slack", self.draw.choice(typed)) if self.draw.random() < 0.7 else ("http", self.draw.choice(fetched))

    def _incident(self) -> str:
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"{self.db.as_uri()}?mode=ro", uri=True)) as repository:
            found = repository.execute("SELECT id FROM incidents ORDER BY posted_at DESC LIMIT 50").fetchall()
            return str(self.draw.choice(found)[0]) if found else "last"
        return "last"

    async def _breaks(self) -> None:
        """The line to Slack breaks now and then."""
        while True:
            await asyncio.sleep(self.draw.uniform(200, 600))
            await self.world.slack.hang_up()
            self.counts["lines broken"] += 1

    # --- the end ------------------------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """All is well from now on, and the pages stand still; waits until nothing is owed."""
        self.world.quiet()
        if self.bot is None:
            await self._begin()
        self._note("quiet", at=time.time())
        await _until(lambda: self._owed() == 0, DRAIN_S, every_s=1)
        self._note("drained", at=time.time(), owed=self._owed())

    def _owed(self) -> int:
        """What was due before the pages stood still and is not sent; what time alone brings since is not counted."""
        with closing(sqlite3.connect(f"{self.db.as_uri()}?mode=ro", uri=True)) as repository:
            return int(
                repository.execute("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')").fetchone()[0]
            )

    async def _sample(self) -> None:
        with (self.out / "samples.ndjson").open("a", encoding="utf-8") as file:
            while True:
                for who, pid in (("bot", self.bot.pid if self.bot else 0), ("world", os.getpid())):
                    with suppress(OSError, ValueError, IndexError):
                        sample = {"at": time.time(), "who": who, "life": self.life, **_measured(pid)}
                        sample["db"] = self.db.stat().st_size
                        file.write(json.dumps(sample) + "\n")
                file.flush()
                await asyncio.sleep(SAMPLE_S)


def _measured(pid: int) -> dict[str, float]:
    """Of a process: resident bytes, open files, threads, CPU seconds."""
    proc = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    times = (proc / "stat").read_text().rpartition(")")[2].split()
    cpu = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
    fds = len(list((proc / "fd").iterdir()))
    return {"rss": int(status["VmRSS"].split()[0]) * 1024, "fds": fds, "threads": int(status["Threads"]), "cpu": cpu}


def _surfaces(folder: Path) -> list[str]:
    return [s.id for p in settings.load(folder).providers for s in p.surfaces]


def _free_port() -> int:
    with closing(socket.socket()) as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return int(any_socket.getsockname()[1])


async def _until(is_so: Any, patience_s: float, every_s: float = 0.1) -> None:
    until = time.monotonic() + patience_s
    while not is_so() and time.monotonic() < until:  # noqa: ASYNC110  (a file is waited for)
        await asyncio.sleep(every_s)
