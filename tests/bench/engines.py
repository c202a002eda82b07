"""``python -m tests.bench.engines``: a thousand pages a minute on SQLite, on PostgreSQL, and on PostgreSQL far away.

The real bot, one database after the other in the same run: CPU, stalls of the event loop, answers of /healthz, and the
time from the poll that finds an incident to the POST of its alert, with its record in between. Forty pages break at the
same time, each with a channel of its own. BROWNOUT_POSTGRES names a server to throw away; the far one is the same behind
a proxy that delays each answer by 5 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import aiohttp

from bot import settings
from bot.domain import Subscription
from bot.storage import Repository
from tests.bench.fake_services import FakeServices, configure, cpu_s, page_bytes, rss_mb, running, until
from tests.bench.load import watched_repository
from tests.bench.storm import stalls
from tests.bench.table import Row, percentile, table
from tests.bench.tls_hosts import free_port
from tests.support.postgres_proxy import PostgresProxy

PAGES, INTERVAL_S, BREAKING = 1_000, 60.0, 40
SETTLE_S, MEASURED_S = 90.0, 80.0
ASK_EVERY_S = 0.1
FAR_S = 0.005
SQLITE, NEAR, FAR = "SQLite", "PostgreSQL", f"PostgreSQL, {FAR_S * 1000:g} ms away"


@dataclass
class Measured:
    """What one bot did; times in ms, memory in MB, CPU in percent of a core."""

    cpu: float = 0.0
    memory: float = 0.0
    stalls: float | None = None
    health: list[float] = field(default_factory=list)
    reaction: list[float] = field(default_factory=list)
    round_trips: float | None = None  # a second


@contextmanager
def database(engine: str, folder: Path) -> Iterator[tuple[Path | str, Path | str, PostgresProxy | None]]:
    """Where the database is for who fills it and for the bot, and the proxy between, if there is one."""
    if engine == SQLITE:
        yield folder / "engine.db", folder / "engine.db", None
        return
    import psycopg  # noqa: PLC0415  (an extra)

    server, schema = os.environ["BROWNOUT_POSTGRES"], f"bench_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        options = f"?options={quote(f'-csearch_path={schema}')}"
        with closing(PostgresProxy(server, FAR_S if engine == FAR else 0.0)) as proxy:
            yield f"{server}{options}", f"{proxy.url}{options}", proxy
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


async def measure(engine: str, pages: int, code: Path | None = None) -> Measured:
    """One bot on one engine."""
    got, port = Measured(), free_port()
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as name:
        folder = Path(name)
        with database(engine, folder) as (here, bots, proxy):
            async with FakeServices() as stage:
                config = configure(folder / "config", stage.url, pages, interval_s=INTERVAL_S, web_port=port)
                watched_repository(here, settings.load(config).providers, page_bytes())
                subscribe(here)
                with (folder / "bot.log").open("ab") as log:
                    async with running(config, bots, stage, log, code=code) as bot:
                        await until(lambda: len(stage.looks) == pages, 240, "the first round")
                        await asyncio.sleep(SETTLE_S)
                        asked = proxy.round_trips if proxy else 0
                        before, began, stalled = cpu_s(bot.pid), time.monotonic(), await stalls(port)
                        for number in range(BREAKING):
                            stage.down[f"p{number}"] = page_bytes(number, is_down=True)
                        await ask_health(port, began + MEASURED_S, got.health)
                        took = time.monotonic() - began
                        got.cpu, got.memory = 100 * (cpu_s(bot.pid) - before) / took, rss_mb(bot.pid)
                        got.round_trips = (proxy.round_trips - asked) / took if proxy else None
                        got.stalls = (await stalls(port) or 0) - (stalled or 0)
                        got.reaction = list(reactions(stage))
    return got


def subscribe(place: Path | str) -> None:
    """A channel for each page that breaks, so that none waits for another's turn."""
    now = datetime.now(UTC)  # noqa: TID251  (a subscription has a date)
    with closing(Repository.open(place)) as repository:
        for number in range(BREAKING):
            repository.subscribe(Subscription(f"C{number:03}", f"p{number}", created_at=now))


async def ask_health(port: int, until_s: float, found: list[float]) -> None:
    """How long /healthz takes, in ms, ten times a second."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as client:
        while time.monotonic() < until_s:
            began = time.monotonic()
            async with client.get(f"http://127.0.0.1:{port}/healthz") as answer:
                await answer.read()
            found.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(ASK_EVERY_S)


def reactions(stage: FakeServices) -> Iterator[float]:
    """From the poll that finds an incident to the POST of its alert, in ms."""
    for number in range(BREAKING):
        shown, posted = stage.shown.get(f"p{number}"), stage.posted.get(f"i{number}:alert")
        if shown is not None and posted is not None:
            yield (posted - shown) * 1000


async def rows(engines: Iterable[str] = (SQLITE, NEAR, FAR), pages: int = PAGES) -> list[Row]:
    """Every figure of each engine; the yardstick is SQLite in the same run."""
    found: list[Row] = []
    yard: Measured | None = None
    for engine in engines:
        if engine != SQLITE and not os.environ.get("BROWNOUT_POSTGRES"):
            found.append(Row(engine, None, "", note="no server: BROWNOUT_POSTGRES names one to throw away"))
            continue
        got = await measure(engine, pages)
        found += engine_rows(engine, got, yard)
        yard = yard or got
    return found


def engine_rows(engine: str, got: Measured, yard: Measured | None) -> list[Row]:
    """The rows of one engine."""
    than = SQLITE if yard else ""
    note = f"{got.round_trips:.1f} round trips a second" if got.round_trips is not None else ""
    found = [Row(f"{engine}: CPU of the bot", got.cpu, "% of a core", None, yard.cpu if yard else None, than, note)]
    found.append(Row(f"{engine}: memory", got.memory, "MB", None, yard.memory if yard else None, than))
    found.append(Row(f"{engine}: stalls of more than 50 ms", got.stalls, "", 0, yard.stalls if yard else None, than))
    for what, values, earlier, targets in (
        ("/healthz", got.health, yard.health if yard else [], (None, 50)),
        ("look to POST, recorded between", got.reaction, yard.reaction if yard else [], (None, None)),
    ):
        shares = (("median", 0.5), ("P99", 0.99)) if what == "/healthz" else (("median", 0.5), ("P95", 0.95))
        for (word, share), target in zip(shares, targets, strict=True):
            value = percentile(values, share) if values else None
            other = percentile(earlier, share) if earlier else None
            found.append(Row(f"{engine}: {what}, {word}", value, "ms", target, other, than, f"{len(values)} measured"))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=PAGES)
    print(table(asyncio.run(rows(pages=parser.parse_args().pages))))
