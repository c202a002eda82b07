"""``python -m tests.bench.load``: the real bot over a thousand pages, and over ten thousand, each once a minute.

The pages have been well for two hours when the bot starts, as nearly all pages are nearly always. What is counted is the
CPU of its whole process, and the polls that came too late or never.
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
from tests.bench.table import Row, merged, table

INTERVAL_S, JITTER = 60.0, 0.2
WATCHED, APART = timedelta(hours=2), timedelta(minutes=4)
MEASURED_S = 75.0
LATE_S = 5.0  # the bot's own word for a late look
COUNTS = (1_000, 10_000)
YARD = 300  # looks of a yardstick, at the pace of a thousand a minute


@dataclass(frozen=True)
class Loaded:
    """CPU in percent of a core, looks that were missed, CPU a poll, resident memory, and how long the first round took."""

    share: float
    missed: int
    each_ms: float
    weight_mb: float
    first_s: float


def watched_repository(path: Path | str, providers: Iterable[Provider], body: bytes) -> None:
    """A database as two hours of looks at healthy pages have left it."""
    seen, now = statuspage.parse(body), datetime.now(UTC)  # noqa: TID251  (the bot that reads it has the real clock)
    with closing(Repository.open(path)) as repository:
        for provider in providers:
            world, rules = ProviderState(provider.id), transition.TransitionContext(provider, VerdictParameters(), {})
            for number in range(WATCHED // APART + 1):
                at = now - WATCHED + number * APART
                host = urlsplit(provider.source.url).netloc
                change = transition.apply_poll(world, PollResult(at, seen, host=host), rules)
                world = change.state
            repository.record_transition(Observation(provider.id, at, "changed", body=body), change, ())


def missed(times: Iterable[list[float]], until_: float, interval_s: float = INTERVAL_S) -> int:
    """Gaps between polls, or since the last one, that are longer than jitter and lateness allow."""
    most = interval_s * (1 + JITTER) + LATE_S
    return sum(b - a > most for looks_ in times for a, b in pairwise([*looks_, until_]))


async def load(
    folder: Path, count: int, interval_s: float = INTERVAL_S, *, tls: bool = False, code: Path | None = None
) -> Loaded:
    """The bot over so many pages, for a while; ``code`` is another checkout of it."""
    async with FakeServices(tls_pages=count if tls else 0) as stage:
        config = configure(folder / f"config{count}", stage.pages_url, count, interval_s=interval_s)
        db = folder / f"load{count}.db"
        watched_repository(db, settings.load(config).providers, page_bytes())
        with (folder / "bot.log").open("ab") as log:
            async with running(config, db, stage, log, code=code) as bot:
                await until(lambda: len(stage.looks) == count, 240, "the first round")
                first_s = time.monotonic() - min(t for times in stage.looks.values() for t in times)
                round_at = time.monotonic()
                await asyncio.sleep(interval_s)  # the second round, after which first polls trouble nobody any more
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


async def rows(counts: Iterable[int] = COUNTS, *, tls: bool = True, before: Path | None = None) -> list[Row]:
    """CPU, memory and missed looks, by the number of pages; ``before`` is another checkout, measured at the same time."""
    async with FakeServices(tls_pages=YARD if tls else 0) as stage:
        bare = {who: await looks.measured(stage, who, YARD, INTERVAL_S / 1000) for who in ("raw", "aiohttp")}
    found = []
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="brownout-bench-") as one, tempfile.TemporaryDirectory() as other:
            measured = [load(Path(one), count, tls=tls)]
            measured += [load(Path(other), count, tls=tls, code=before)] if before else []
            got, *older = await asyncio.gather(*measured)
        found += _rows_of(f"{count:,} {'TLS ' if tls else ''}pages a minute", count, got, bare)
        found += [_before_row(f"{count:,} pages a minute", got, old) for old in older]
    return found


def _rows_of(what: str, count: int, got: Loaded, bare: dict[str, float]) -> list[Row]:
    alike = count / INTERVAL_S / 1000 * 100
    note = f"{got.each_ms:.2f} ms a look; first round in {got.first_s:.0f} s"
    target, cpu = (3 if count <= COUNTS[0] else 100), "% of a core"
    return [
        Row(
            f"{what}: CPU of the whole bot", got.share, cpu, target, bare["aiohttp"] * alike, "bare aiohttp, kept", note
        ),
        Row(f"{what}: the same", got.share, cpu, target, bare["raw"] * alike, "raw asyncio, closed"),
        Row(f"{what}: resident memory", got.weight_mb, "MB", 150 if count <= COUNTS[0] else None),
        Row(f"{what}: looks missed", got.missed, "looks", 0),
    ]


def _before_row(what: str, got: Loaded, old: Loaded) -> Row:
    note = f"{got.weight_mb:.0f} MB, before {old.weight_mb:.0f} MB; missed before: {old.missed}"
    return Row(f"{what}: CPU a look", got.each_ms, "ms", 0.45 * old.each_ms, old.each_ms, "before", note)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", type=int, nargs="*", default=COUNTS)
    parser.add_argument("--plain", action="store_true", help="pages without TLS, all on one host")
    parser.add_argument("--before", type=Path, help="another checkout of the bot, measured at the same time")
    parser.add_argument("--runs", type=int, default=1)
    asked = parser.parse_args()
    measured = [asyncio.run(rows(asked.counts, tls=not asked.plain, before=asked.before)) for _ in range(asked.runs)]
    print(table(merged(measured)))
