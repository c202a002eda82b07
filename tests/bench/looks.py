"""``python -m tests.bench.looks``: CPU of a poll of a page that has not changed, ours against bare clients.

With and without TLS, over connections that the server closes after each answer or that are kept; every page has a host of its
own there. ``--runs 5`` gives medians and ranges.

Every client runs alone in a process of its own and looks at the same hundred pages on loopback, each at its address and
with its ETag, ten at a time. Ours is the engine with its real Fetcher and a database on disk; its look is recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import aiohttp
import httpx

from bot import settings
from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.terminal import TerminalClient
from bot.domain import VerdictParameters
from bot.engine import Engine
from bot.storage import Repository
from tests.bench.fake_services import FakeServices, configure
from tests.bench.table import Row, spread, table
from tests.bench.tls_hosts import page_url

PAGES, ROUNDS, AT_ONCE = 100, 30, 10
TARGET_MS = 0.5
SUMMARY = "api/v2/summary.json"

Look = Callable[[int], Awaitable[object]]
Measure = Callable[[Look, int], Awaitable[None]]


async def ours(url: str, folder: Path, count: int) -> None:
    """The whole poll transition. The first polls, and an hour of calm, come before what is measured."""
    found = settings.load(configure(folder / "config", url, count, interval_s=60))
    began, passed = datetime.now(UTC), timedelta(0)  # noqa: TID251  (an hour passes by hand)
    with closing(Repository.open(folder / "looks.db")) as repository:
        async with PageFetcher(timeout_s=10) as web:
            providers = {p.id: p for p in found.providers}
            clock = [began]
            engine = Engine(
                providers, web, repository, TerminalClient(None, lambda: clock[0]), lambda: clock[0], _rules
            )  # type: ignore[arg-type]
            for _ in range(20):
                await _round(lambda n: engine.poll(f"p{n}"), count)
                passed += timedelta(minutes=4)
                clock[0] = began + passed

            async def poll_page(number: int) -> None:
                clock[0] += timedelta(seconds=60 / count)
                await engine.poll(f"p{number}")

            await _measured(poll_page, count, engine.advance_time)


def _rules(_: object) -> VerdictParameters:
    return VerdictParameters()


async def raw(url: str, count: int, measure: Measure) -> None:
    """asyncio streams and nothing else: a connection, a request, the head of the answer."""
    tags: dict[int, bytes] = {}
    tls = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE")) if url.startswith("https") else None

    async def poll_page(number: int) -> None:
        host, port = page_url(url, number).partition("://")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
        tag = b"if-none-match: " + tags[number] + b"\r\n" if number in tags else b""
        head = f"GET /p{number}/{SUMMARY} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n".encode()
        writer.write(head + tag + b"\r\n")
        answer = await reader.read(-1)
        tags[number] = next(x for x in answer.split(b"\r\n") if x.lower().startswith(b"etag: "))[6:]
        writer.close() if tls is None else writer.transport.abort()

    await measure(poll_page, count)


async def plain(url: str, count: int, measure: Measure) -> None:
    """httpx with nothing set."""
    tags: dict[int, str] = {}
    async with httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=count)) as client:

        async def poll_page(number: int) -> None:
            headers = {"if-none-match": tags[number]} if number in tags else {}
            answer = await client.get(f"{page_url(url, number)}/p{number}/{SUMMARY}", headers=headers)
            tags[number] = answer.headers["etag"]

        await measure(poll_page, count)


async def bare_aiohttp(url: str, count: int, measure: Measure) -> None:
    """aiohttp with nothing set but how long it keeps connections."""
    tags: dict[int, str] = {}
    tls = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls, keepalive_timeout=100)) as client:

        async def poll_page(number: int) -> None:
            headers = {"if-none-match": tags[number]} if number in tags else {}
            async with client.get(f"{page_url(url, number)}/p{number}/{SUMMARY}", headers=headers) as answer:
                await answer.read()
                tags[number] = answer.headers["etag"]

        await measure(poll_page, count)


async def _round(poll_page: Look, count: int) -> None:
    numbers = iter(range(count))
    while some := list(islice(numbers, AT_ONCE)):
        await asyncio.gather(*(poll_page(n) for n in some))


async def _measured(poll_page: Look, count: int, after: Callable[[], object] = lambda: None) -> None:
    """Prints CPU milliseconds a poll; ``after`` each round belongs to them."""
    await _round(poll_page, count)
    began = time.process_time()
    for _ in range(ROUNDS):
        await _round(poll_page, count)
        after()
    print(json.dumps({"ms": (time.process_time() - began) * 1000 / ROUNDS / count}))


async def _paced(poll_page: Look, count: int, apart_s: float) -> None:
    """Likewise, of two rounds of looks so far apart: what wakes up for each costs more than what is at it anyway."""
    began = 0.0
    for number in range(2):
        began = time.process_time()
        for page in range(count):
            await asyncio.gather(poll_page(page), asyncio.sleep(apart_s if number else 0))
    print(json.dumps({"ms": (time.process_time() - began) * 1000 / count}))


async def measured(
    stage: FakeServices, who: str, count: int = PAGES, apart_s: float = 0, code: Path | None = None
) -> float:
    """CPU milliseconds that one poll takes this client, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.looks", "--as", who, "--url", stage.pages_url]
    command += ["--pages", str(count), "--apart", str(apart_s)]
    trusted = {"SSL_CERT_FILE": str(stage.trusted)} if stage.trusted else {}
    child = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env={**os.environ, **trusted}, cwd=code)
    out, _ = await child.communicate()
    return float(json.loads(out.splitlines()[-1])["ms"])


CLIENTS = {"raw": "raw asyncio, no record", "aiohttp": "bare aiohttp, no record", "httpx": "plain httpx, no record"}
WAYS = {  # whether over TLS, and whether connections are kept
    "plain, closed": (False, False),
    "plain, kept": (False, True),
    "TLS, closed": (True, False),
    "TLS, kept": (True, True),
}


async def took_of(way: str, runs: int) -> dict[str, list[float]]:
    """Milliseconds of each client, of so many runs in turn."""
    tls, kept = WAYS[way]
    who = [name for name in ("ours", *CLIENTS) if not (kept and name == "raw")]
    async with FakeServices(tls_pages=PAGES if tls else 0) as stage:
        stage.closes = not kept
        took: dict[str, list[float]] = {name: [] for name in who}
        for _ in range(runs):
            for name in who:
                took[name].append(await measured(stage, name))
    return took


async def rows(runs: int = 1, ways: Iterable[str] = ("plain, closed", "TLS, kept")) -> list[Row]:
    """Ours, against each yardstick; medians where there are several runs."""
    found = []
    for way in ways:
        took = await took_of(way, runs)
        ours = took.pop("ours")
        target = TARGET_MS if way != "TLS, closed" else None
        for name, times in took.items():
            note = f"{runs} runs: {spread(ours)}, {spread(times)}" if runs > 1 else ""
            what = f"CPU of an unchanged look, recorded; {way}"
            found.append(Row(what, median(ours), "ms", target, median(times), CLIENTS[name], note))
    return found


def main() -> None:
    """Measures, or is one of those who are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--as", dest="who", choices=("ours", "raw", "aiohttp", "httpx"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--pages", type=int, default=PAGES, help=argparse.SUPPRESS)
    parser.add_argument("--apart", type=float, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.who:
        print(table(asyncio.run(rows(asked.runs, WAYS))))
    elif asked.who == "ours":
        with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
            asyncio.run(ours(asked.url, Path(folder), asked.pages))
    else:
        clients = {"raw": raw, "aiohttp": bare_aiohttp, "httpx": plain}
        measure = partial(_paced, apart_s=asked.apart) if asked.apart else _measured
        asyncio.run(clients[asked.who](asked.url, asked.pages, measure))


if __name__ == "__main__":
    main()
