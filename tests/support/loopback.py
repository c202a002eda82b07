"""Servers on loopback: an aiohttp application, and one of raw bytes that also does what no server should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web


@asynccontextmanager
async def serving_app(
    *routes: web.RouteDef, port: int = 0, max_body: int = 2**20, backlog: int = 128, **runner: Any
) -> AsyncIterator[str]:
    """Serves these routes on a port of 127.0.0.1 (any free one by default); yields the server's URL.

    Further options are those of ``aiohttp.web.AppRunner``.
    """
    app = web.Application(client_max_size=max_body)
    app.add_routes(routes)
    server = web.AppRunner(app, **{"access_log": None, "shutdown_timeout": 0.1, **runner})
    await server.setup()
    try:
        await web.TCPSite(server, "127.0.0.1", port, backlog=backlog).start()
        yield f"http://127.0.0.1:{server.addresses[0][1]}"
    finally:
        await server.cleanup()


async def abort(request: web.BaseRequest) -> web.Response:
    """A handler's answer that ends the connection as it is."""
    if request.transport:
        with suppress(OSError):
            request.transport.abort()
    return web.Response()


async def never_answer() -> web.Response:
    """A handler's answer that never comes."""
    await asyncio.Event().wait()
    raise AssertionError


NOTHING = b"HTTP/1.1 404 Whatever\r\ncontent-length: 12\r\nconnection: close\r\n\r\nnothing here"


class RawServer:
    """``plays`` maps a path to bytes, or to a function of the writer; ``asked`` keeps each request's lines."""

    def __init__(self, plays, name):
        self.plays, self.asked, self.tasks = dict(plays), [], set()
        self.arrivals = asyncio.Semaphore(0)
        self.name, self.port = name, 0

    @property
    def url(self):
        return f"http://{self.name}:{self.port}"

    @property
    def paths(self):
        return [lines[0].split(" ")[1] for lines in self.asked]

    def header(self, name, request=-1):
        found = [line.split(": ", 1)[1] for line in self.asked[request] if line.lower().startswith(f"{name}: ")]
        return found[0] if found else None

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            self.asked.append(lines)
            self.arrivals.release()
            play = self.plays.get(lines[0].split(" ")[1], NOTHING)
            if callable(play):
                await play(writer)
            else:
                writer.write(play)
                await writer.drain()
        except (EOFError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving_raw(plays=(), tls=None, name="127.0.0.1"):
    """The server, at its port, and called so; what it still does is broken off at the end."""
    server = RawServer(plays, name)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls, backlog=500)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        await listener.wait_closed()
