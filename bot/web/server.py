"""Serves the web application with uvicorn in the bot's event loop. A failing server never ends the bot.

The socket is bound here, since uvicorn would end the process if the port is taken. uvicorn's signal handlers are not
installed, since the bot has its own (bot/docs/decisions.md#4-one-event-loop-one-writer).
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

from bot.domain import Provider, ProviderState
from bot.errors import ConfigError
from bot.messages import formatting, replies
from bot.queries import delivery
from bot.queries.current import StatusQueries
from bot.queries.runtime import Runtime
from bot.queries.slack_status import SlackStatus
from bot.settings import WebSettings
from bot.web.access import ReaderAccess
from bot.web.app import Readiness, web_app
from bot.web.board.reader import BoardReader
from bot.web.evidence_api import EvidenceApi

log = logging.getLogger("brownout")

STALE_AFTER_INTERVALS = 3  # poll intervals without a readable poll after which a source is not ready
GRACE_S = 0  # answers take milliseconds, and uvicorn waits a tenth of a second anyway
IDLE_TIMEOUT_S = 10.0  # a connection without a complete request is closed after this time
IDLE_CHECK_TICKS = 10  # uvicorn ticks (ten a second) between two checks for idle connections
MAX_CONNECTIONS = 256  # at once; further ones get 503


class _Server(uvicorn.Server):
    """Closes idle connections; with uvicorn alone, MAX_CONNECTIONS idle ones would lock everybody out."""

    def __init__(self, config: uvicorn.Config, idle_timeout_s: float) -> None:
        super().__init__(config)
        self._idle_timeout_s = idle_timeout_s
        self._idle_since: dict[Any, float] = {}

    @override
    async def on_tick(self, counter: int) -> bool:
        if counter % IDLE_CHECK_TICKS == 0:
            self._close_idle_connections(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def _close_idle_connections(self, now: float) -> None:
        idle = [c for c in self.server_state.connections if _is_idle(c)]
        self._idle_since = {c: self._idle_since.get(c, now) for c in idle}
        for connection, since in self._idle_since.items():
            if now - since >= self._idle_timeout_s:
                connection.transport.close()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _is_idle(connection: Any) -> bool:
    """Whether the connection has no complete request header, and no request is being answered."""
    return connection.cycle is None or bool(connection.cycle.response_complete)


def stale_sources(
    snapshot: Iterable[tuple[Provider, ProviderState]], now: datetime, interval: timedelta
) -> dict[str, str]:
    """The sources without a readable poll for STALE_AFTER_INTERVALS, by provider, with a text that says since when."""
    stale = {
        p.id: state
        for p, state in snapshot
        if state.seen_at is None or now - state.seen_at > STALE_AFTER_INTERVALS * interval
    }
    return {name: replies.page_health_text(state, now) for name, state in stale.items()}


def overdue_text(running: Runtime | None, interval_s: float) -> str:
    """How long no poll has begun, by a monotonic clock; empty for less than STALE_AFTER_INTERVALS."""
    waited_s = running.seconds_since_poll_start() if running and running.providers else 0.0
    if waited_s <= STALE_AFTER_INTERVALS * interval_s:
        return ""
    return f"no poll has begun for {formatting.format_duration(waited_s)}"


async def serve(  # noqa: PLR0913  (one caller, with names)
    queries: StatusQueries,
    web: WebSettings,
    link: SlackStatus,
    interval_s: float,
    closing: asyncio.Event,
    *,
    writing: EvidenceApi | None = None,
    slack: Callable[[FastAPI], None] | None = None,
    is_listening: asyncio.Event | None = None,
    mcp: Callable[[FastAPI], None] | None = None,
) -> None:
    """Serves until ``closing`` is set, and returns within half a second after it.

    If the port is taken, it logs that and serves nothing. ``writing`` adds the endpoints for evidence, ``slack`` the
    endpoint for Slack, ``mcp`` the one for agents. ``is_listening`` is set once requests are accepted, or never will
    be.

    Raises:
        ConfigError: The port is taken, and ``slack`` needs it.
    """
    reader = BoardReader(queries)

    async def readiness() -> Readiness:
        snapshot = await reader.ask(StatusQueries.quick_snapshot)
        sources = stale_sources(snapshot, queries.now(), timedelta(seconds=interval_s))
        failures = {
            "slack": await link.disconnected_reason(),
            "delivery": delivery.stop_text(queries),
            "database": queries.repository.file_problem(),
            "polls": overdue_text(queries.running, interval_s),
        }
        return Readiness({name: why for name, why in failures.items() if why}, sources)

    try:
        listener = _bind_socket(web.host, web.port)
    except OSError as error:
        if slack:
            where = f"{web.host}:{web.port}"
            raise ConfigError(
                [f"{where} can't be opened ({error.strerror or error}), and Slack comes in there"]
            ) from error
        log.warning(
            "no board and no API: can't open %s:%d (%s). Set another [web] port in brownout.toml, or enabled = false.",
            web.host,
            web.port,
            error.strerror or error,
        )
        if is_listening is not None:
            is_listening.set()
        await closing.wait()
        return
    log.info("board: %s", _listener_url(listener))
    if is_listening is not None:
        is_listening.set()
    app = web_app(
        queries,
        readiness,
        closing,
        writing=writing,
        routes=[add_route for add_route in (slack, mcp) if add_route],
        hosts=(web.host, *web.hosts),
        embed_origins=web.embed,
        access=ReaderAccess(web.public, web.trusted_user_header, web.trusted_proxies),
    )
    await _run_server(app, listener, closing)


async def _run_server(
    app: Any, listener: socket.socket, closing: asyncio.Event, *, idle_timeout_s: float = IDLE_TIMEOUT_S
) -> None:
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,  # web_app reads them, from trusted_proxies only
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_S,
        ),
        idle_timeout_s,
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    ending = asyncio.create_task(closing.wait())
    try:
        await asyncio.wait([serving, ending], return_when=asyncio.FIRST_COMPLETED)
        if serving.done() and not closing.is_set():
            log.error("web server stopped (%s). The bot continues without board and API.", serving.exception())
            await ending
    finally:
        ending.cancel()
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)


def _bind_socket(host: str, port: int) -> socket.socket:
    """A listening socket of the host's address family. OSError if it can't be opened."""
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


def _listener_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
