"""``python -m tests.bench.startup``: how long it takes to be there, and what it weighs when it has nothing to do."""

from __future__ import annotations

import asyncio
import compileall
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bot import settings
from tests.bench.fake_services import FakeServices, configure, cpu_s, page_bytes, rss_mb, running, until
from tests.bench.load import watched_repository
from tests.bench.table import Row, spread, table
from tests.bench.tls_hosts import free_port

TIMES = 9
STARTS = 5
IDLE_AFTER_S = 20.0
PAGES = 10
LARGE_MB, BODY_BYTES = 700, 20_000
HELP_MS, COLD_MS, LARGE_MS, IDLE_MB = 150, 1500, 1000, 85


def command_ms(*command: str) -> float:
    """The shortest of some runs of a Python command, in milliseconds."""
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)  # noqa: S603  (ours)
        took.append((time.perf_counter() - began) * 1000)
    return min(took)


@dataclass
class Starts:
    """Of some starts: until the first request for a page, by the clock and in CPU (ms), and the memory when idle (MB)."""

    took_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    idle_mb: list[float] = field(default_factory=list)


async def started(folder: Path, make_database: Callable[[Path, Path], object] | None) -> Starts:
    """Starts the bot some times; ``make_database`` makes its database from its configuration, else each has none."""
    async with FakeServices() as stage:
        config = configure(folder / "config", stage.url, PAGES, interval_s=60, web_port=free_port())
        if make_database:
            make_database(config, folder / "bot.db")
        starts = Starts()
        for number in range(STARTS):
            stage.looks.clear()
            began = time.monotonic()
            with (folder / "bot.log").open("ab") as log:
                db = folder / ("bot.db" if make_database else f"cold{number}.db")
                async with running(config, db, stage, log) as bot:
                    await until(lambda: stage.looks, 60, "the first look")
                    starts.cpu_ms.append(cpu_s(bot.pid) * 1000)
                    starts.took_ms.append((min(t for looks in stage.looks.values() for t in looks) - began) * 1000)
                    if not make_database:
                        await asyncio.sleep(IDLE_AFTER_S)
                        starts.idle_mb.append(rss_mb(bot.pid))
    return starts


def make_large_database(config: Path, path: Path) -> None:
    """A database of ``LARGE_MB``, nearly all of it raw pages, as after some months; it is in the system's cache then."""
    watched_repository(path, settings.load(config).providers, page_bytes())
    with closing(sqlite3.connect(path)) as connection:
        rows = ((f"h{n}", os.urandom(BODY_BYTES), BODY_BYTES) for n in range(LARGE_MB * 1_000_000 // BODY_BYTES))
        connection.executemany("INSERT INTO bodies (hash, body, size) VALUES (?, ?, ?)", rows)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _of_starts(what: str, values: Sequence[float], unit: str, target: float | None, **yardstick: Any) -> Row:
    note = f"{len(values)} starts: {spread(values)}"
    return Row(what, median(values), unit, target, note=note, **yardstick)


def rows() -> list[Row]:
    """The help, the starts, the memory."""
    compileall.compile_dir("bot", quiet=1)  # as an installed package is
    helped, nothing = command_ms("-m", "bot", "--help"), command_ms("-c", "")
    libraries = "import asyncio, click, sqlite3, httpx, aiohttp, slack_sdk.web.async_client, apscheduler"
    imports: dict[str, Any] = {"yard": command_ms("-c", libraries), "than": "Python and its libraries"}
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        new = asyncio.run(started(Path(folder), None))
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        large = asyncio.run(started(Path(folder), make_large_database))
    of_large = f"a database of {LARGE_MB} MB, in cache"
    return [
        Row("`brownout --help`", helped, "ms", HELP_MS, nothing, "bare Python"),
        _of_starts("start to first check, no database yet", new.took_ms, "ms", COLD_MS, **imports),
        _of_starts("the same, CPU", new.cpu_ms, "ms", None),
        _of_starts(f"start to first check, {of_large}", large.took_ms, "ms", LARGE_MS, **imports),
        _of_starts("the same, CPU", large.cpu_ms, "ms", None),
        _of_starts("resident, idle, with Slack and board", new.idle_mb, "MB", IDLE_MB),
    ]


if __name__ == "__main__":
    print(table(rows()))
