"""The web app as a door of the bot: uvicorn in the bot's own event loop, which never ends the bot.

The socket is bound here and not by uvicorn, which would end the process where the port is taken; uvicorn's own signal
handlers are left out, since the bot ends by its own (DESIGN.md section 2: one event loop).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from bot.entry.desk import Desk
from bot.entry.link import Link
from bot.entry.web import web_app
from bot.entry.write import Writing
from bot.errors import ConfigError
from bot.model import Provider, World
from bot.settings import Web
from bot.voice import replies

log = logging.getLogger("brownout")

INTERVALS = 3  # a source not read for so many is not ready
GRACE_S = 0  # answers take milliseconds, and uvicorn gives them a tenth of a second anyway
SILENT_S = 10.0  # a connection without a whole request is closed after so long
TICKS = 10  # of uvicorn's own, ten a second, between two looks for these
CONNECTIONS = 256  # at once; more are told to come back


class _Server(uvicorn.Server):
    """Hangs up on who says nothing for so many seconds; uvicorn itself would let 256 of them keep everybody out."""

    def __init__(self, config: uvicorn.Config, silent_s: float) -> None:
        super().__init__(config)
        self._silent_s = silent_s
        self._since: dict[Any, float] = {}

    @override
    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS == 0:
            self._hang_up(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def _hang_up(self, now: float) -> None:
        silent = [c for c in self.server_state.connections if _asks_nothing(c)]
        self._since = {c: self._since.get(c, now) for c in silent}
        for connection, since in self._since.items():
            if now - since >= self._silent_s:
                connection.transport.close()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _asks_nothing(connection: Any) -> bool:
    """Whether its request is not there yet, headers and all, and no other one is being answered."""
    return connection.cycle is None or bool(connection.cycle.response_complete)


def unready(board: Iterable[tuple[Provider, World]], now: datetime, interval: timedelta) -> dict[str, str]:
    """Each source that was not readable for three intervals, and since when."""
    late = {p.id: w for p, w in board if w.seen_at is None or now - w.seen_at > INTERVALS * interval}
    return {name: replies.health(world, now) for name, world in late.items()}


async def serve(
    desk: Desk,
    web: Web,
    link: Link,
    interval_s: float,
    closing: asyncio.Event,
    *,
    writing: Writing | None = None,
    slack: Callable[[FastAPI], None] | None = None,
) -> None:
    """Serves until ``closing`` is set, and is gone half a second later; where the port is taken, it only says so.

    ``writing`` opens the doors for evidence. With ``slack``, Slack comes in by this door: ConfigError where the port is
    taken.
    """

    async def wrong() -> dict[str, str]:
        slack = await link.why_not()
        sources = unready(desk.glance(), desk.now(), timedelta(seconds=interval_s))
        return sources | ({"slack": slack} if slack else {})

    try:
        listener = _listener(web.host, web.port)
    except OSError as error:
        if slack:
            where = f"{web.host}:{web.port}"
            raise ConfigError(
                [f"{where} can't be opened ({error.strerror or error}), and Slack comes in there"]
            ) from error
        log.warning(
            "no board and no gate: %s:%d can't be opened (%s). Name another port under [web] in brownout.toml, or set"
            " enabled = false there; the bot goes on without them.",
            web.host,
            web.port,
            error.strerror or error,
        )
        await closing.wait()
        return
    log.info("the board is at %s", _address(listener))
    app = web_app(desk, wrong, closing, writing=writing, slack=slack, hosts=(web.host, *web.hosts))
    await _run(app, listener, closing)


async def _run(app: Any, listener: socket.socket, closing: asyncio.Event, *, silent_s: float = SILENT_S) -> None:
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=GRACE_S,
        ),
        silent_s,
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    ending = asyncio.create_task(closing.wait())
    try:
        await asyncio.wait([serving, ending], return_when=asyncio.FIRST_COMPLETED)
        if serving.done() and not closing.is_set():
            log.error("the board and the gate have ended (%s); the bot goes on without them", serving.exception())
            await ending
    finally:
        ending.cancel()
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)


def _listener(host: str, port: int) -> socket.socket:
    """A bound socket, of the family that the host is of. OSError where it can't be had."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)  # noqa: FBT003  (its name)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
