"""``python -m tests.bench.load``: the real bot over a thousand pages, and over ten thousand, each once a minute.

The pages have been well for two hours when the bot starts, as nearly all pages are nearly always. What is counted is the
CPU of its whole process, and the looks that came too late or never.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from bot import settings
from bot.domain import Observation, PollResult, Provider, ProviderState, VerdictParameters
from bot.formats import statuspage
from bot.rules import transition
from bot.storage import Repository
from tests.bench import looks
from tests.bench.fake_services import FakeServices, configure, cpu_s, page_bytes, rss_mb, running, until
from tests.bench.table import Row, table

INTERVAL_S, JITTER = 60.0, 0.2
WATCHED, APART = timedelta(hours=2), timedelta(minutes=4)
MEASURED_S = 75.0
LATE_S = 5.0  # the bot's own word for a late look
COUNTS = (1_000, 10_000)
YARD = 300  # looks of a yardstick, at the pace of a thousand a minute


@dataclass(frozen=True)
class Loaded:
    """CPU in percent of a core, looks that were missed, CPU a look, resident memory, and how long the first round took."""

    share: float
    missed: int
    each_ms: float
    weight_mb: float
    first_s: float


def watched_book(path: Path | str, providers: Iterable[Provider], body: bytes) -> None:
    """A database as two hours of looks at healthy pages have left it."""
    seen, now = statuspage.parse(body), datetime.now(UTC)  # noqa: TID251  (the bot that reads it has the real clock)
    with closing(Repository.open(path)) as book:
        for provider in providers:
            world, rules = ProviderState(provider.id), transition.TransitionContext(provider, VerdictParameters(), {})
            for number in range(WATCHED // APART + 1):
                at = now - WATCHED + number * APART
                host = urlsplit(provider.source.url).netloc
                stroke = transition.apply_poll(world, PollResult(at, seen, host=host), rules)
                world = stroke.state
            book.record_transition(Observation(provider.id, at, "changed", body=body), stroke, ())


def missed(times: Iterable[list[float]], until_: float, interval_s: float = INTERVAL_S) -> int:
    """Gaps between looks, or since the last one, that are longer than jitter and lateness allow."""
    most = interval_s * (1 + JITTER) + LATE_S
    return sum(b - a > most for looks_ in times for a, b in pairwise([*looks_, until_]))


async def load(
    folder: Path, count: int, interval_s: float = INTERVAL_S, *, tls: bool = False, code: Path | None = None
) -> Loaded:
    """The bot over so many pages, for a while; ``code`` is another checkout of it."""
    async with FakeServices(tls_pages=count if tls else 0) as stage:
        config = configure(folder / f"config{count}", stage.pages_url, count, interval_s=interval_s)
        db = folder / f"load{count}.db"
        watched_book(db, settings.load(config).providers, page_bytes())
        with (folder / "bot.log").open("ab") as log:
            async with running(config, db, stage, log, code=code) as bot:
                await until(lambda: len(stage.looks) == count, 240, "the first round")
                first_s = time.monotonic() - min(t for times in stage.looks.values() for t in times)
                round_at = time.monotonic()
                await asyncio.sleep(interval_s)  # the second round, after which first looks trouble nobody any more
                before, began = _looks(stage), time.monotonic()
                used = cpu_s(bot.pid)
                await asyncio.sleep(MEASURED_S)
                used, took = cpu_s(bot.pid) - used, time.monotonic() - began
                steady = ([round_at, *(t for t in times if t > round_at)] for times in stage.looks.values())
                late = missed(steady, time.monotonic(), interval_s)
                each = 1000 * used / (_looks(stage) - before)
                return Loaded(100 * used / took, late, each, rss_mb(bot.pid), first_s)


def _looks(stage: FakeServices) -> int:
    return sum(map(len, stage.looks.values()))


async def rows(counts: Iterable[int] = COUNTS) -> list[Row]:
    """CPU and missed looks, by the number of pages."""
    async with FakeServices() as stage:
        bare = {who: await looks.measured(stage, who, YARD, INTERVAL_S / 1000) for who in ("raw", "httpx")}
    found = []
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
            got = await load(Path(folder), count)
        what, alike = f"{count:,} pages a minute", count / INTERVAL_S / 1000 * 100
        note = f"{got.each_ms:.2f} ms a look; first round in {got.first_s:.0f} s; {got.weight_mb:.0f} MB"
        target = 1.5 if count <= 1000 else 100
        found += [
            Row(
                f"{what}: CPU of the whole bot", got.share, "% of a core", target, bare["httpx"] * alike, "httpx", note
            ),
            Row(f"{what}: the same", got.share, "% of a core", target, bare["raw"] * alike, "raw asyncio"),
            Row(f"{what}: looks missed", got.missed, "looks", 0),
        ]
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", type=int, nargs="*", default=COUNTS)
    print(table(asyncio.run(rows(parser.parse_args().counts))))
