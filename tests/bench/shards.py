"""``python -m tests.bench.shards``: three bots that share three thousand pages a minute on PostgreSQL; one is killed.

A look is missed if a page is not asked for within its interval, its jitter and five seconds. BROWNOUT_POSTGRES names a
server to throw away.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bot import settings
from tests.bench.engines import NEAR, database
from tests.bench.fake_services import FakeServices, configure, cpu_s, page_bytes, rss_mb, running, until
from tests.bench.load import missed, watched_repository
from tests.bench.table import Row, percentile, table
from tests.bench.tls_hosts import free_port

BOTS, PAGES, INTERVAL_S = 3, 3_000, 60.0
SETTLE_S, AFTER_S = 60.0, 80.0
_LOOKED = re.compile(r'brownout_source_looks_total\{provider="(\w+)"\}')


@dataclass
class Measured:
    """What the bots did. ``looked_s``: from the kill until each page of the killed bot was asked for again."""

    missed_before: int = 0
    missed_after: int = 0
    looked_s: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of each bot before the kill, in percent of a core
    cpu_after: list[float] = field(default_factory=list)  # likewise, of those that live
    memory: float = 0.0  # MB, of the largest


async def board(port: int, path: str) -> str:
    """What the board of a bot answers."""
    limit = aiohttp.ClientTimeout(total=60)
    async with (
        aiohttp.ClientSession(timeout=limit) as client,
        client.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return await answer.text()


async def measure(pages: int) -> Measured:
    """Three bots, until some time after the kill of one."""
    got = Measured()
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as name, database(NEAR, Path(name)) as (here, bots, _):
        async with FakeServices() as stage, AsyncExitStack() as stack:
            ports = [free_port() for _ in range(BOTS)]
            configs = [
                configure(Path(name) / f"bot{port}", stage.url, pages, interval_s=INTERVAL_S, web_port=port)
                for port in ports
            ]
            for config in configs:
                with (config / "brownout.toml").open("a") as settings_file:
                    settings_file.write("[store]\nshare_pages = true\n")
            await asyncio.to_thread(watched_repository, here, settings.load(configs[0]).providers, page_bytes())
            processes = []
            for config in configs:
                log = stack.enter_context((Path(name) / f"{config.name}.log").open("wb"))
                processes.append(await stack.enter_async_context(running(config, bots, stage, log)))
            await until(lambda: len(stage.looks) == pages, 240, "the first round")
            await asyncio.sleep(SETTLE_S / 2)
            settled, used = time.monotonic(), [cpu_s(bot.pid) for bot in processes]
            await asyncio.sleep(SETTLE_S)
            killed_pages = _LOOKED.findall(await board(ports[-1], "/metrics"))
            took = time.monotonic() - settled
            got.cpu = [100 * (cpu_s(bot.pid) - before) / took for bot, before in zip(processes, used, strict=True)]
            processes[-1].kill()
            killed = time.monotonic()
            live = processes[:-1]
            used = [cpu_s(bot.pid) for bot in live]
            await asyncio.sleep(AFTER_S)
            took = time.monotonic() - killed
            got.cpu_after = [100 * (cpu_s(bot.pid) - before) / took for bot, before in zip(live, used, strict=True)]
            got.memory = max(rss_mb(bot.pid) for bot in live)
            got.missed_before = missed(since(stage, settled, killed), killed, INTERVAL_S)
            got.missed_after = missed(since(stage, settled, time.monotonic()), time.monotonic(), INTERVAL_S)
            again = (next((at for at in stage.looks[page] if at > killed), None) for page in killed_pages)
            got.looked_s = [at - killed if at else AFTER_S for at in again]
    return got


def since(stage: FakeServices, begin: float, end: float) -> list[list[float]]:
    """The times of each page's looks, from the last one before ``begin`` to ``end``."""
    found = []
    for times in stage.looks.values():
        first = max((at for at in times if at <= begin), default=begin)
        found.append([first, *(at for at in times if begin < at <= end)])
    return found


async def rows(pages: int = PAGES) -> list[Row]:
    """Every figure."""
    what = f"{BOTS} bots, {pages:,} pages a minute"
    if not os.environ.get("BROWNOUT_POSTGRES"):
        return [Row(what, None, "", note="no server: BROWNOUT_POSTGRES names one to throw away")]
    got = await measure(pages)
    each = ", ".join(f"{share:.1f}" for share in got.cpu)
    later = ", ".join(f"{share:.1f}" for share in got.cpu_after)
    note = f"{len(got.looked_s)} pages"
    return [
        Row(f"{what}: looks missed", got.missed_before, "", 0),
        Row(f"{what}: the same, one bot killed", got.missed_after, "", 0),
        Row("pages of the killed bot looked at, median", percentile(got.looked_s, 0.5), "s", None, note=note),
        Row("the same, the last", max(got.looked_s), "s", 5, note=note),
        Row("CPU of a bot", max(got.cpu), "% of a core", None, note=f"each: {each}"),
        Row("CPU of a bot after the kill", max(got.cpu_after), "% of a core", None, note=f"each: {later}"),
        Row("memory of a bot", got.memory, "MB", None),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=PAGES)
    print(table(asyncio.run(rows(parser.parse_args().pages))))
