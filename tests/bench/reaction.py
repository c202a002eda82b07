"""``python -m tests.bench.reaction``: from the poll that finds an incident to the POST of its alert, recorded in between.

Forty pages are looked at by the real bot, and one after the other opens an incident that stays open: at a thousand looks
a minute, and at 2,400, where ten begin together and queue. The yardstick looks as often, posts at once, and remembers
nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from bot import settings
from bot.domain import Subscription
from bot.storage import Repository
from tests.bench.fake_services import FakeServices, configure, page_bytes, running, until
from tests.bench.load import watched_repository
from tests.bench.table import Row, percentile, table

PAGES = 40
PACES = {1000: 10, 2400: None}  # looks a minute, and the target in ms


async def flipped(stage: FakeServices) -> list[float]:
    """Opens an incident on each page in turn; milliseconds from the answer's request to the post's."""
    for number in range(PAGES):
        name = f"p{number}"
        stage.down[name] = page_bytes(number, is_down=True)
        await until(lambda key=f"i{number}:alert": key in stage.posted, 30, f"the alert of {name}")
    return [(stage.posted[f"i{n}:alert"] - stage.shown[f"p{n}"]) * 1000 for n in range(PAGES)]


@asynccontextmanager
async def bot(stage: FakeServices, folder: Path, interval_s: float) -> AsyncIterator[None]:
    """Ours, with a channel for each page, so that nobody waits for another's turn."""
    config = configure(folder / "config", stage.url, PAGES, interval_s=interval_s)
    watched_repository(folder / "reaction.db", settings.load(config).providers, stage.well)
    with closing(Repository.open(folder / "reaction.db")) as repository:
        for number in range(PAGES):
            now = datetime.now(UTC)  # noqa: TID251  (a subscription has a date)
            repository.subscribe(Subscription(f"C{number:03}", f"p{number}", created_at=now))
    with (folder / "bot.log").open("ab") as log:
        async with running(config, folder / "reaction.db", stage, log):
            await until(lambda: len(stage.looks) == PAGES, 60, "the first round")
            await asyncio.sleep(3)
            yield


@asynccontextmanager
async def bare(stage: FakeServices, _: Path, interval_s: float) -> AsyncIterator[None]:
    """The yardstick, as a process of its own."""
    command = [sys.executable, "-m", "tests.bench.reaction", "--bare", stage.url, str(interval_s)]
    child = await asyncio.create_subprocess_exec(*command)
    try:
        await until(lambda: len(stage.looks) == PAGES, 60, "the first round")
        yield
    finally:
        child.kill()
        await child.wait()


async def look_and_post(url: str, interval_s: float) -> None:
    """A poll of every page so often; a POST for each incident that is new."""
    told: set[str] = set()

    async def watch(client: aiohttp.ClientSession, number: int) -> None:
        while True:
            async with client.get(f"{url}/p{number}/api/v2/summary.json") as answer:
                page = json.loads(await answer.read())
            for incident in page["incidents"]:
                if incident["id"] not in told:
                    told.add(incident["id"])
                    payload = {"event_type": "bare", "event_payload": {"key": f"{incident['id']}:alert"}}
                    message = {"channel": "C1", "text": incident["name"], "metadata": payload}
                    async with client.post(f"{url}/api/chat.postMessage", json=message) as taken:
                        await taken.read()
            await asyncio.sleep(interval_s)

    async with aiohttp.ClientSession() as client:
        await asyncio.gather(*(watch(client, number) for number in range(PAGES)))


async def rows() -> list[Row]:
    """Median and p95 at each pace."""
    return [row for pace, target in PACES.items() for row in await _rows(pace, target)]


async def _rows(pace: int, target: float | None) -> list[Row]:
    took = []
    for who in (bot, bare):
        with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
            async with FakeServices() as stage, who(stage, Path(folder), PAGES * 60 / pace):
                took.append(await flipped(stage))
    ours, yard = took
    what = f"look to POST, recorded between, {pace:,} looks a minute"
    return [
        Row(f"{what}, {name}", percentile(ours, share), "ms", aim, percentile(yard, share), than)
        for name, share, aim, than in (
            ("median", 0.5, target, "bare aiohttp, no record"),
            ("p95", 0.95, None, "likewise"),
        )
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bare", nargs=2, metavar=("URL", "SECONDS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.bare:
        asyncio.run(look_and_post(asked.bare[0], float(asked.bare[1])))
    else:
        print(table(asyncio.run(rows())))
