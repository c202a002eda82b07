"""``python -m tests.bench.startup``: how long it takes to be there, and what it weighs when it has nothing to do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.fake_services import FakeServices, configure, rss_mb, running, until
from tests.bench.table import Row, table
from tests.bench.tls_hosts import free_port

TIMES = 9
STARTS = 5
IDLE_AFTER_S = 20.0
PAGES = 10
HELP_MS, COLD_MS, IDLE_MB = 150, 1500, 90


def command_ms(*command: str) -> float:
    """The shortest of some runs of a Python command, in milliseconds."""
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)  # noqa: S603  (ours)
        took.append((time.perf_counter() - began) * 1000)
    return min(took)


async def cold(folder: Path) -> tuple[float, float]:
    """From the start of the process, without a database, to the first request for a page (ms), and the weight (MB)."""
    async with FakeServices() as stage:
        config = configure(folder / "config", stage.url, PAGES, interval_s=60, web_port=free_port())
        took = []
        for number in range(STARTS):
            stage.looks.clear()
            began = time.monotonic()
            with (folder / "bot.log").open("ab") as log:
                async with running(config, folder / f"cold{number}.db", stage, log) as bot:
                    await until(lambda: stage.looks, 30, "the first look")
                    took.append((min(t for looks in stage.looks.values() for t in looks) - began) * 1000)
                    if number == STARTS - 1:
                        await asyncio.sleep(IDLE_AFTER_S)
                        weight = rss_mb(bot.pid)
    return min(took), weight


def rows() -> list[Row]:
    """The help, the start, the weight."""
    helped, nothing = command_ms("-m", "bot", "--help"), command_ms("-c", "")
    libraries = "import asyncio, click, sqlite3, httpx, aiohttp, slack_sdk.web.async_client, apscheduler"
    bare = command_ms("-c", libraries)
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        first, weight = asyncio.run(cold(Path(folder)))
    return [
        Row("`brownout --help`", helped, "ms", HELP_MS, nothing, "bare Python"),
        Row("start to first look, no database yet", first, "ms", COLD_MS, bare, "Python and its libraries"),
        Row("resident, idle, with Slack and board", weight, "MB", IDLE_MB),
    ]


if __name__ == "__main__":
    print(table(rows()))
