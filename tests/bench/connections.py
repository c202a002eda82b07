"""``python -m tests.bench.connections``: what a kept TLS connection takes in memory, and what asyncio's own buffer would.

A process of its own reads as many pages as there are hosts, with our fetcher, and keeps a connection to each.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
from asyncio import sslproto
from asyncio.subprocess import PIPE

from bot.adapters.page_connections import TLS_BUFFER_BYTES
from bot.adapters.page_fetcher import PageFetcher
from tests.bench.fake_services import FakeServices, rss_mb
from tests.bench.looks import SUMMARY
from tests.bench.table import Row, table
from tests.bench.tls_hosts import page_url

PAGES, AT_ONCE, ROUNDS = 400, 20, 3
ASYNCIO_BUFFER_BYTES = 256 * 1024


async def client(url: str, buffer_bytes: int) -> None:
    """Prints the kilobytes that each connection takes, after some rounds."""
    turn, tags = asyncio.Semaphore(AT_ONCE), dict[int, str | None]()
    async with PageFetcher(timeout_s=30) as fetcher:
        sslproto.SSLProtocol.max_size = buffer_bytes

        async def poll_page(number: int) -> None:
            async with turn:
                page = await fetcher.get(page_url(url, number), f"/p{number}/{SUMMARY}", etag=tags.get(number))
                tags[number] = page.etag

        await poll_page(0)
        gc.collect()
        before = rss_mb(os.getpid())
        for _ in range(ROUNDS):
            await asyncio.gather(*(poll_page(number) for number in range(PAGES)))
        gc.collect()
        print(json.dumps({"kb": 1024 * (rss_mb(os.getpid()) - before) / (PAGES - 1)}))


async def rows() -> list[Row]:
    """With our buffer, against asyncio's."""
    async with FakeServices(tls_pages=PAGES) as stage:
        took = {}
        for size in (TLS_BUFFER_BYTES, ASYNCIO_BUFFER_BYTES):
            command = [sys.executable, "-m", "tests.bench.connections", "--url", stage.pages_url, "--buffer", str(size)]
            child = await asyncio.create_subprocess_exec(
                *command, stdout=PIPE, env={**os.environ, "SSL_CERT_FILE": str(stage.trusted)}
            )
            out, _ = await child.communicate()
            took[size] = float(json.loads(out.splitlines()[-1])["kb"])
    ours, usual = took[TLS_BUFFER_BYTES], took[ASYNCIO_BUFFER_BYTES]
    return [Row("memory of a kept TLS connection", ours, "KB", None, usual, "a buffer of 256 KB, as asyncio has")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--buffer", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.url:
        asyncio.run(client(asked.url, asked.buffer))
    else:
        print(table(asyncio.run(rows())))
