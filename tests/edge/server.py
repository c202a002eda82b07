"""A server on loopback that does what a test tells it to, also what no server should."""

import asyncio
from contextlib import asynccontextmanager

NOTHING = b"HTTP/1.1 404 Whatever\r\ncontent-length: 12\r\nconnection: close\r\n\r\nnothing here"


class Server:
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
async def serving(plays=(), tls=None, name="127.0.0.1"):
    """The server, at its port, and called so; what it still does is broken off at the end."""
    server = Server(plays, name)
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
