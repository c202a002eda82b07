"""``python -m tests.bench.replica [--kills 20]``: what is lost when a machine dies, with a replica, and how long back is.

A process records real transitions with the real store and keeps a replica. At random it is killed with -9, its Litestream
too, and its disk is deleted; ``brownout restore``'s way brings the database back, the next process goes on from there.
The S3 is moto's server on loopback (``pip install 'moto[server]'``; left out where ``moto_server`` is not on the PATH).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median

from bot.adapters.litestream import LitestreamReplica
from bot.app.maintenance import restore_from_replica
from bot.cli.options import utc_now
from bot.domain import Observation, Subscription
from bot.storage import Repository, backup
from tests.faults.tables import table
from tests.support.acme import NOON, poll_page
from tests.support.pages import DOWN, page

PAUSE_S = 0.02
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


async def write(path: Path, url: str, endpoint: str) -> None:
    """Records transitions, and says the number and the time of each commit once it is acknowledged."""
    with closing(Repository.open(path, alone=True)) as store:
        keeping = asyncio.create_task(
            LitestreamReplica(path, url, endpoint, "us-east-1", KEYS | dict(os.environ)).run()
        )
        number, world = _last(path), store.provider_state("acme")
        while not keeping.done():
            number += 1
            if number % 5:
                store.subscribe(Subscription("C1", "acme", created_by=str(number), created_at=NOON))
            else:
                change = poll_page(world, (page(), DOWN)[number // 5 % 2], NOON + timedelta(seconds=number))
                store.record_transition(
                    Observation("acme", change.at, "changed", body=str(number).encode()), change, []
                )
                world = change.state
            with closing(sqlite3.connect(path)) as other, other:  # a commit of its own, to count by
                other.execute("CREATE TABLE IF NOT EXISTS _count (n INTEGER)")
                other.execute("INSERT INTO _count VALUES (?)", (number,))
            other.close()
            print(number, time.time(), flush=True)
            await asyncio.sleep(PAUSE_S)


def _last(path: Path) -> int:
    with closing(sqlite3.connect(path)) as repository:
        repository.execute("CREATE TABLE IF NOT EXISTS _count (n INTEGER)")
        (number,) = repository.execute("SELECT coalesce(max(n), 0) FROM _count").fetchone()
        return int(number)


@dataclass
class ReplicaResult:
    """What came of the kills: commits and seconds lost, seconds to be back."""

    kind: str
    acked: int = 0
    commits: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    unsound: int = 0

    HEAD = (
        *("replica", "kills", "commits acknowledged", "commits lost: median", "most", "seconds lost: median", "most"),
        *("seconds to be back: median", "most", "unsound"),
    )

    def row(self) -> tuple[object, ...]:
        spans = [f"{f(found):.2f}" for found in (self.seconds, self.back) for f in (median, max)]
        return (
            *(self.kind, len(self.commits), self.acked, round(median(self.commits)), max(self.commits)),
            *(*spans, self.unsound),
        )


async def die(came: ReplicaResult, folder: Path, url: str, endpoint: str, after_s: float) -> None:
    """One life, one death, one return."""
    disk = folder / "disk"
    command = [sys.executable, "-m", "tests.bench.replica", "--write", str(disk / "b.db"), url, endpoint]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    first = await process.stdout.readline()
    await asyncio.sleep(after_s)
    process.kill()
    with suppress(OSError, ValueError):
        os.kill(int((disk / "b.db-replica").read_text()), signal.SIGKILL)
    killed = time.time()
    told, _ = await process.communicate()
    shutil.rmtree(disk)
    times = {int(n): float(at) for n, at in (line.split() for line in (first + told).decode().splitlines())}
    disk.mkdir()
    began = time.monotonic()
    copy = LitestreamReplica(disk / "b.db", url, endpoint, "us-east-1", KEYS | dict(os.environ))
    done = await asyncio.to_thread(restore_from_replica, copy, utc_now())
    came.back.append(time.monotonic() - began)
    came.unsound += done is None or bool(backup.verify(disk / "b.db").wrong)
    last = _last(disk / "b.db")
    came.acked += len(times)
    came.commits.append(max(0, max(times) - last))
    came.seconds.append(max(0.0, killed - times.get(last + 1, killed)))  # the age of the oldest commit that is gone


@contextmanager
def s3() -> Iterator[str]:
    """An S3 server on loopback, with a bucket; empty where there is none."""
    server = shutil.which("moto_server")
    if server is None:
        yield ""
        return
    url = "http://127.0.0.1:5056"
    process = subprocess.Popen(  # noqa: S603
        [server, "-H", "127.0.0.1", "-p", "5056"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with suppress(OSError):
                urllib.request.urlopen(urllib.request.Request(f"{url}/bucket", method="PUT")).close()  # noqa: S310
                break
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait()


async def main(kills: int, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    print(f"seed {seed}, {1 / PAUSE_S:.0f} strokes a second at most, two commits each")
    rows = []
    with s3() as endpoint:
        for kind in ("file", *(["s3"] if endpoint else [])):
            came = ReplicaResult(kind)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                (folder / "disk").mkdir()
                url = {"file": f"file://{folder}/replica", "s3": "s3://bucket/brownout"}[kind]
                for _ in range(kills):
                    await die(came, folder, url, endpoint if kind == "s3" else "", draw.uniform(2.5, 6))
            rows.append(came.row())
    print(table(ReplicaResult.HEAD, rows))


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--kills", type=int, default=20)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--write", nargs=3, metavar=("DB", "URL", "ENDPOINT"), help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.write:
        asyncio.run(write(Path(given.write[0]), *given.write[1:]))
    else:
        asyncio.run(main(given.kills, given.seed))
