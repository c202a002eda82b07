"""``python -m tests.bench.looks``: CPU of a look at a page that has not changed, ours against bare clients.

Every client runs alone in a process of its own and looks at the same hundred pages on loopback, each at its address and
with its ETag, ten at a time. Ours is the engine with its real Fetcher and a database on disk; its look is recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import aiohttp
import httpx

from bot import settings
from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.terminal import TerminalClient
from bot.domain import VerdictParameters
from bot.engine import Engine
from bot.storage import Repository
from tests.bench.fake_services import FakeServices, configure
from tests.bench.table import Row, table

PAGES, ROUNDS, AT_ONCE = 100, 30, 10
TARGET_MS = 0.5
SUMMARY = "api/v2/summary.json"

Look = Callable[[int], Awaitable[object]]
Measure = Callable[[Look, int], Awaitable[None]]


async def ours(url: str, folder: Path, count: int) -> None:
    """The whole poll stroke. The first looks, and an hour of calm, come before what is measured."""
    found = settings.load(configure(folder / "config", url, count, interval_s=60))
    began, passed = datetime.now(UTC), timedelta(0)  # noqa: TID251  (an hour passes by hand)
    with closing(Repository.open(folder / "looks.db")) as book:
        async with PageFetcher(timeout_s=10) as web:
            providers = {p.id: p for p in found.providers}
            clock = [began]
            engine = Engine(providers, web, book, TerminalClient(None, lambda: clock[0]), lambda: clock[0], _rules)  # type: ignore[arg-type]
            for _ in range(20):
                await _round(lambda n: engine.poll(f"p{n}"), count)
                passed += timedelta(minutes=4)
                clock[0] = began + passed

            async def look(number: int) -> None:
                clock[0] += timedelta(seconds=60 / count)
                await engine.poll(f"p{number}")

            await _measured(look, count, engine.advance_time)


def _rules(_: object) -> VerdictParameters:
    return VerdictParameters()


async def raw(url: str, count: int, measure: Measure) -> None:
    """asyncio streams and nothing else: a connection, a request, the head of the answer."""
    host, port = url.removeprefix("http://").split(":")
    tags: dict[int, bytes] = {}

    async def look(number: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        tag = b"if-none-match: " + tags[number] + b"\r\n" if number in tags else b""
        head = f"GET /p{number}/{SUMMARY} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n".encode()
        writer.write(head + tag + b"\r\n")
        answer = await reader.read(-1)
        tags[number] = next(x for x in answer.split(b"\r\n") if x.lower().startswith(b"etag: "))[6:]
        writer.close()

    await measure(look, count)


async def plain(url: str, count: int, measure: Measure) -> None:
    """httpx with nothing set."""
    tags: dict[int, str] = {}
    async with httpx.AsyncClient() as client:

        async def look(number: int) -> None:
            headers = {"if-none-match": tags[number]} if number in tags else {}
            answer = await client.get(f"{url}/p{number}/{SUMMARY}", headers=headers)
            tags[number] = answer.headers["etag"]

        await measure(look, count)


async def bare_aiohttp(url: str, count: int, measure: Measure) -> None:
    """aiohttp with a connection for each request, as ours."""
    tags: dict[int, str] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as client:

        async def look(number: int) -> None:
            headers = {"if-none-match": tags[number]} if number in tags else {}
            async with client.get(f"{url}/p{number}/{SUMMARY}", headers=headers) as answer:
                await answer.read()
                tags[number] = answer.headers["etag"]

        await measure(look, count)


async def _round(look: Look, count: int) -> None:
    numbers = iter(range(count))
    while some := list(islice(numbers, AT_ONCE)):
        await asyncio.gather(*(look(n) for n in some))


async def _measured(look: Look, count: int, after: Callable[[], object] = lambda: None) -> None:
    """Prints CPU milliseconds a look; ``after`` each round belongs to them."""
    await _round(look, count)
    began = time.process_time()
    for _ in range(ROUNDS):
        await _round(look, count)
        after()
    print(json.dumps({"ms": (time.process_time() - began) * 1000 / ROUNDS / count}))


async def _paced(look: Look, count: int, apart_s: float) -> None:
    """Likewise, of two rounds of looks so far apart: what wakes up for each costs more than what is at it anyway."""
    began = 0.0
    for number in range(2):
        began = time.process_time()
        for page in range(count):
            await asyncio.gather(look(page), asyncio.sleep(apart_s if number else 0))
    print(json.dumps({"ms": (time.process_time() - began) * 1000 / count}))


async def measured(stage: FakeServices, who: str, count: int = PAGES, apart_s: float = 0) -> float:
    """CPU milliseconds that one look takes this client, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.looks", "--as", who, "--url", stage.url]
    command += ["--pages", str(count), "--apart", str(apart_s)]
    child = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    out, _ = await child.communicate()
    return float(json.loads(out.splitlines()[-1])["ms"])


async def rows() -> list[Row]:
    """Ours, against each yardstick."""
    async with FakeServices() as stage:
        took = {who: await measured(stage, who) for who in ("ours", "raw", "aiohttp", "httpx")}
    what = "CPU of an unchanged look, recorded"
    return [
        Row(what, took["ours"], "ms", TARGET_MS, took["httpx"], "plain httpx, no record"),
        Row(what, took["ours"], "ms", TARGET_MS, took["raw"], "raw asyncio, no record"),
        Row(what, took["ours"], "ms", TARGET_MS, took["aiohttp"], "bare aiohttp, no record"),
    ]


def main() -> None:
    """Measures, or is one of those who are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--as", dest="who", choices=("ours", "raw", "aiohttp", "httpx"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--pages", type=int, default=PAGES, help=argparse.SUPPRESS)
    parser.add_argument("--apart", type=float, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.who:
        print(table(asyncio.run(rows())))
    elif asked.who == "ours":
        with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
            asyncio.run(ours(asked.url, Path(folder), asked.pages))
    else:
        clients = {"raw": raw, "aiohttp": bare_aiohttp, "httpx": plain}
        measure = partial(_paced, apart_s=asked.apart) if asked.apart else _measured
        asyncio.run(clients[asked.who](asked.url, asked.pages, measure))


if __name__ == "__main__":
    main()
