"""Pages of more hosts than the process may have open files, in a process of its own."""

import asyncio
import json
import resource
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from aiohttp import web

from bot.adapters.page_fetcher import PageFetcher
from bot.errors import SourceError
from tests.support.loopback import serving_app

FILES, PAGES, AT_ONCE, ROUNDS = 64, 150, 8, 3
OPEN_FILES = Path("/proc/self/fd")

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="no /proc")]


def look_up(_host, port, *_, **__):
    """Every name is loopback, and a host of its own to the fetcher."""
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]


def open_files():
    return sum(1 for _ in OPEN_FILES.iterdir())


async def read_pages(port):
    """Writes which pages could not be read, and the most files that were open."""
    turn, failed, files = asyncio.Semaphore(AT_ONCE), [], 0
    async with PageFetcher(look_up=look_up) as fetcher:

        async def read(number):
            nonlocal files
            async with turn:
                try:
                    await fetcher.get(f"http://page{number}.test:{port}", "/")
                except SourceError as error:
                    failed.append(str(error))
                files = max(files, open_files())

        for _ in range(ROUNDS):
            await asyncio.gather(*map(read, range(PAGES)))
    sys.stdout.write(json.dumps({"failed": failed[:3], "files": files}))


async def limited():
    """What a process with few open files makes of the pages, and what it says on standard error."""

    async def page(_request):
        return web.Response(text="{}", content_type="application/json")

    async with serving_app(web.get("/", page)) as url:
        port = url.rpartition(":")[2]
        command = [sys.executable, "-m", "tests.adapters.test_page_connections_few_files", port]
        child = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
        out, errors = await child.communicate()
    return json.loads(out.splitlines()[-1]), errors.decode()


async def test_every_page_is_read_where_there_are_fewer_files_than_pages():
    result, _ = await limited()
    assert result["failed"] == []


async def test_room_is_left_for_the_files_of_others():
    result, _ = await limited()
    assert result["files"] <= FILES * 3 // 4


async def test_nothing_is_said_of_it():
    assert (await limited())[1] == ""


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    asyncio.run(read_pages(sys.argv[1]))
