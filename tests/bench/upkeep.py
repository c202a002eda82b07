"""``python -m tests.bench.upkeep [--mb 500]``: how late looks and the event loop are while the database is cared for.

One process, as the bot is: every 20 ms the loop records a transition in a large database, while a backup is made, checked,
and old pages are forgotten in threads, or while Litestream copies every commit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta
from pathlib import Path

from bot import settings
from bot.adapters.litestream import LitestreamReplica
from bot.app.maintenance import DatabaseMaintenance
from bot.cli.options import utc_now
from bot.domain import Observation
from bot.storage import Repository, backup, retention
from tests.faults.tables import table
from tests.support.acme import NOON, poll_page
from tests.support.pages import DOWN, page

PAUSE_S = 0.02
OLD = timedelta(days=400)
HEAD = ("meanwhile", "took s", "strokes", "a stroke, ms: median", "p99", "most", "the loop late, ms: p99", "most")


def filled(path: Path, megabytes: int) -> None:
    """A database of this size: old events with words, and old bodies."""
    Repository.open(path).close()
    at, draw = (NOON - OLD).strftime("%Y-%m-%dT%H:%M:%S.000Z"), random.Random(1)  # noqa: S311
    words = [f"word{n}" for n in range(5000)]
    with closing(sqlite3.connect(path)) as repository:
        while path.stat().st_size < megabytes * 1e6:
            texts = (" ".join(draw.choices(words, k=40)) for _ in range(20_000))
            repository.executemany(
                "INSERT INTO events (kind, provider, incident, text, seen_at) VALUES ('update_posted', 'old', ?, ?, ?)",
                ((f"i{draw.randrange(10**6)}", text, at) for text in texts),
            )
            hashes = [f"{draw.getrandbits(128):x}" for _ in range(500)]
            body = zlib.compress(draw.randbytes(10_000))
            repository.executemany(
                "INSERT INTO bodies (hash, body, size) VALUES (?, ?, 10000)", ((h, body) for h in hashes)
            )
            repository.executemany(
                "INSERT INTO observations (source, outcome, first_at, last_at, body_hash) VALUES ('old', 'changed', ?, ?, ?)",
                ((at, at, h) for h in hashes),
            )
            repository.commit()


class TransitionTimer:
    """Records transitions in the loop, and measures them and the loop."""

    def __init__(self, store: Repository) -> None:
        self.store, self.world, self.number = store, None, 0
        self.changes: list[float] = []
        self.late: list[float] = []

    async def run(self) -> None:
        due = time.perf_counter()
        while True:
            due += PAUSE_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            self.late.append(began - due)
            self.number += 1
            change = poll_page(self.world, (page(), DOWN)[self.number % 2], NOON + timedelta(seconds=self.number))
            seen = Observation("acme", change.at, "changed", body=str(self.number).encode())
            self.store.record_transition(seen, change, [])
            self.world = change.state
            self.changes.append(time.perf_counter() - began)
            due = max(due, began)


async def measured(name: str, store: Repository, work: Callable[[], Awaitable[object]]) -> tuple[object, ...]:
    watched, began = TransitionTimer(store), time.perf_counter()
    watched.world = store.provider_state("acme")
    task = asyncio.create_task(watched.run())
    await work()
    took = time.perf_counter() - began
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    figures = [
        *(quantile(watched.changes, q) for q in (0.5, 0.99, 1)),
        *(quantile(watched.late, q) for q in (0.99, 1)),
    ]
    return (name, f"{took:.1f}", len(watched.changes), *figures)


def quantile(found: list[float], q: float) -> str:
    return f"{1000 * sorted(found)[round(q * (len(found) - 1))]:.1f}"


@asynccontextmanager
async def replicated(path: Path, folder: Path) -> AsyncIterator[None]:
    task = asyncio.create_task(LitestreamReplica(path, f"file://{folder}/replica", environment=os.environ).run())
    await asyncio.sleep(15)  # its first snapshot
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "b.db"
        filled(path, megabytes)
        print(f"{path.stat().st_size / 1e6:.0f} MB, a stroke every {1000 * PAUSE_S:.0f} ms")
        with closing(Repository.open(path, alone=True)) as store:
            upkeep = DatabaseMaintenance(path, settings.StoreSettings(), utc_now)
            rows = [
                await measured("nothing", store, lambda: asyncio.sleep(10)),
                await measured("a backup, checked", store, upkeep.back_up_if_due),
                await measured("verify", store, lambda: asyncio.to_thread(backup.verify, path)),
                await measured("old pages go", store, lambda: asyncio.to_thread(retention.prune_bodies, path, NOON)),
            ]
            async with replicated(path, folder):
                rows.append(await measured("a replica is kept", store, lambda: asyncio.sleep(10)))
        before, after = backup.vacuum(path)
        print(table(HEAD, rows))
        print(f"vacuum, without a bot: {before / 1e6:.0f} MB -> {after / 1e6:.0f} MB")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--mb", type=int, default=500)
    asyncio.run(main(asked.parse_args().mb))
