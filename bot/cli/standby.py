"""A bot that waits for its turn on PostgreSQL and can't follow the one that runs, whose tables are of another version.

It says so in the log, and to what checks its health: ``/healthz`` answers 200, so that it is not restarted, and
``/readyz`` and everything else 503 with ``standby``, so that a load balancer sends requests to the other bots.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from typing_extensions import override

from bot.cli.options import open_writer
from bot.settings import WebSettings
from bot.storage import Place, Repository
from bot.storage.connection import Waiting

log = logging.getLogger("brownout")


class _Answers(BaseHTTPRequestHandler):
    """Answers health checks."""

    def do_GET(self) -> None:
        """One small JSON object."""
        is_alive = self.path.split("?")[0] == "/healthz"
        body = {"status": "ok"} if is_alive else {"status": "standby", "failures": {"standby": "another bot runs"}}
        text = json.dumps(body).encode()
        self.send_response(200 if is_alive else 503)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing."""


def open_in_turn(path: Place, web: WebSettings) -> Repository:
    """Opens the database as the one bot, or on PostgreSQL as a follower of the one that leads. Raises StoreError.

    It waits while the tables are not those of this version: for the bot that leads to end, or to make them.
    """
    with health_checks(path, web) as begin:
        return open_writer(path, alone=True, on_wait=begin, may_follow=True)


@contextmanager
def health_checks(path: Place, web: WebSettings) -> Iterator[Waiting]:
    """Gives what begins to answer health checks; it ends with the block, and the port is free again."""
    servers: list[ThreadingHTTPServer] = []

    def begin() -> None:
        log.info("standby: another bot runs on %s, with tables of another version; this one waits until it ends", path)
        if not web.enabled:
            return
        try:
            server = ThreadingHTTPServer((web.host, web.port), _Answers)
        except OSError as error:
            log.warning("standby: no health checks on %s:%d: %s", web.host, web.port, error.strerror or error)
            return
        servers.append(server)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    try:
        yield begin
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
