"""Kills a poll-and-publish pass with -9 at every system call that leaves a trace, or makes the call fail; then a restart.

strace injects, and its ``when=N`` counts per name of a system call: every name is counted by itself. A post is lost if
it is not in Slack after the restart, and doubled if it is there twice.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.errors import BrownoutError
from tests.faults.fake_services import FakeSlackApi, FakeStatusPage
from tests.faults.one_pass import LATER, one_pass, repeats
from tests.support.acme import NOON
from tests.support.pages import DOWN, incident, page, update

Fates = Mapping[str, Sequence[str]]
KILLS: Fates = dict.fromkeys(
    ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "sendto", "recvfrom"), ("signal=SIGKILL",)
)
ERRORS: Fates = {
    "pwrite64": ("error=EIO", "error=ENOSPC", "error=EROFS"),
    "fdatasync": ("error=EIO", "error=ENOSPC"),
    "fsync": ("error=EIO",),
    "ftruncate": ("error=EIO", "error=EROFS"),
    "unlink": ("error=EACCES", "error=EROFS"),
    "sendto": ("error=EPIPE", "error=ECONNRESET", "error=ETIMEDOUT"),
    "recvfrom": ("error=ECONNRESET", "error=ETIMEDOUT"),
}
NEWS = page(
    incident(update(api="major_outage"), update(2, "identified", "Found it.", NOON + timedelta(minutes=1))),
    incident(update(3, body="The website is slow.", at=NOON + timedelta(minutes=2)), number=2, name="Slow website"),
    api="major_outage",
    web="degraded_performance",
)
WORKERS = 2
STRACE = shutil.which("strace")


@dataclass(frozen=True)
class Pass:
    """What a pass begins with: the page of the poll before (none: no database is there), and what it sees."""

    name: str
    before: bytes | None
    now: bytes


PASSES = (Pass("an update and a new incident", DOWN, NEWS), Pass("the first start, mid-incident", None, DOWN))


@dataclass(frozen=True)
class Point:
    """The ``number``-th call of a name, from 1, and what happens at it: a kill, or an error."""

    call: str
    number: int
    fate: str = "signal=SIGKILL"


@dataclass
class Tally:
    """What came of the points. ``said`` are the doubles that the log admits;"""

    points: int = 0
    lost: int = 0
    twice: int = 0
    said: int = 0
    corrupt: int = 0
    stuck: int = 0
    where: Counter[str] = field(default_factory=Counter)

    HEAD = ("points", "lost", "twice", "of these admitted in the log", "corrupt", "restart failed")

    def row(self) -> tuple[int, ...]:
        return self.points, self.lost, self.twice, self.said, self.corrupt, self.stuck


class CrashRun:
    """A stage, and a database as it is before the pass."""

    def __init__(self, folder: Path, scene: Pass, design: str, *, may_be_read: bool) -> None:
        self.folder, self.scene, self.design = folder, scene, design
        self.page, self.slack = FakeStatusPage(), FakeSlackApi(may_be_read=may_be_read)
        self.wanted: set[str] = set()
        self._nursery: Any = None

    async def prepare(self) -> dict[str, int]:
        """Makes the database, and counts the calls of a pass that nothing happens to."""
        if self.scene.before is not None:
            for body in (page(), self.scene.before):
                self.page.show(body)
                design = "tool" if self.design == "tool" else "outbox"
                await one_pass(self.folder / "base.db", self.page.url, self.slack.api, design=design)
        self.page.show(self.scene.now)
        log = self.folder / "calls"
        await self._run("-o", str(log), "-e", f"trace={','.join(KILLS)}")
        self.wanted = {_lasting(key) for key in self.slack.keys}
        return Counter(re.findall(r"(\w+)\(", "\n".join(s[:40] for s in log.read_text(errors="replace").splitlines())))

    async def strike(self, point: Point, tally: Tally) -> None:
        """One pass with this fault, a restart, and what came of it."""
        await self._run(
            *("-o", "/dev/null", "-e", f"trace={point.call}"),
            *("-e", f"inject={point.call}:{point.fate}:when={point.number}"),
        )
        told = self.folder / "run.db-admitted"
        again = int(told.read_text(encoding="ascii")) if told.exists() else 0
        tally.points += 1
        try:
            design = "tool" if self.design == "tool" else "outbox"
            done = await one_pass(self.folder / "run.db", self.page.url, self.slack.api, design=design, ahead=LATER)
            again += repeats(done)
        except (BrownoutError, sqlite3.Error):
            tally.stuck += 1
        keys = Counter(self.slack.keys)
        lost = len(self.wanted - {_lasting(key) for key in keys})
        twice = sum(keys.values()) - len(keys)
        tally.lost, tally.twice, tally.said = tally.lost + lost, tally.twice + twice, tally.said + min(twice, again)
        tally.corrupt += not _is_sound(self.folder / "run.db")
        if lost or twice:
            tally.where[f"{point.call} {point.number}: {lost} lost, {twice} twice"] += 1

    async def _run(self, *strace: str) -> None:
        """The pass under strace, on a fresh copy of the database."""
        self.slack.forget()
        for old in self.folder.glob("run.db*"):
            old.unlink()
        if self.scene.before is not None:
            shutil.copy(self.folder / "base.db", self.folder / "run.db")
        line = json.dumps([str(self.folder / "run.db"), self.page.url, self.slack.api, self.design])
        pid = int(await self._ask(line))
        tracer = await asyncio.create_subprocess_exec(
            *(str(STRACE), "-f", *strace, "-p", str(pid)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        told = await tracer.stderr.readline()
        assert b"attached" in told, told
        os.kill(pid, signal.SIGUSR1)
        await self._heard()
        await tracer.communicate()

    async def _ask(self, line: str) -> bytes:
        if self._nursery is None:
            command = [sys.executable, "-m", "tests.faults.one_pass"]
            pipe = asyncio.subprocess.PIPE
            root = Path(__file__).parents[2]
            self._nursery = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, cwd=root
            )
        self._nursery.stdin.write(line.encode() + b"\n")
        return await self._heard()

    async def _heard(self) -> bytes:
        return await self._nursery.stdout.readline()

    async def close(self) -> None:
        """Lets the nursery end."""
        if self._nursery is not None:
            self._nursery.stdin.close()
            await self._nursery.wait()


async def tried(
    scene: Pass, *, design: str = "outbox", fates: Fates = KILLS, every: int = 1, may_be_read: bool = False
) -> Tally:
    """Every point of this pass, or of its pwrite64 every so-manieth. The channel's history ``may_be_read``, or not."""
    tally = Tally()
    queue: list[Point] = []
    async with asyncio.TaskGroup() as group:
        for worker in range(WORKERS):
            found = functools.partial(points, fates=fates, every=every) if worker == 0 else lambda _: ()
            bench = functools.partial(CrashRun, scene=scene, design=design, may_be_read=may_be_read)
            group.create_task(_work(bench, queue, tally, found))
    return tally


async def _work(
    a_bench: Callable[[Path], CrashRun],
    queue: list[Point],
    tally: Tally,
    found: Callable[[Mapping[str, int]], Iterable[Point]],
) -> None:
    """Each worker has a stage of its own, and takes the next point until there is none."""
    with TemporaryDirectory() as name:
        bench = a_bench(Path(name))
        async with bench.page, bench.slack:
            calls = await bench.prepare()
            queue += found(calls)
            while queue:
                await bench.strike(queue.pop(), tally)
            await bench.close()


def points(calls: Mapping[str, int], fates: Fates, every: int = 1) -> Iterable[Point]:
    """Every call of a pass, with what may happen at it; of pwrite64, which is most of them, every so-manieth."""
    for name, count in sorted(calls.items()):
        step = every if name == "pwrite64" else 1
        for fate in fates.get(name, ()):
            yield from (Point(name, number, fate) for number in range(1, count + 1, step))


def _lasting(key: str) -> str:
    """A key without the time of the poll that some notices carry: another run looks at another time."""
    return re.sub(r":20\d\d-.*", "", key)


def _is_sound(db: Path) -> bool:
    with closing(sqlite3.connect(db)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
