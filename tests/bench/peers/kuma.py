"""Uptime Kuma, with a JSON query for each page, which is how it is told of other people's status pages."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.bench.fake_services import FakeServices
from tests.bench.peers.cost import EVERY_S, PAGES, Cost, alive, found, pages, process, steady
from tests.bench.tls_hosts import free_port

APART_S = 1.0  # at most, between the first polls of two monitors
PATIENCE_S = 60 + PAGES * APART_S
USER = "INSERT INTO user (id, username) VALUES (1, 'bench')"
MONITOR = """\
INSERT INTO monitor (name, user_id, type, url, interval, timeout, json_path, expected_value)
VALUES (?, 1, 'json-query', ?, ?, 16, 'status.indicator', 'none')
"""


async def kuma(stage: FakeServices, folder: Path) -> Cost:
    """One process. It is started once before, so that it makes its database, into which the monitors are written."""
    port = free_port()
    command = [found("uptime-kuma"), "--run", "--host=127.0.0.1", f"--port={port}"]
    # Its look for a newer version ends at a proxy that is not there.
    told = {"DATA_DIR": f"{folder}/", "UPTIME_KUMA_DB_TYPE": "sqlite", "https_proxy": "http://127.0.0.1:1"}
    async with process(command, told) as maker:
        await alive([maker], lambda: _answers(port), PATIENCE_S, "its database")
    with closing(sqlite3.connect(folder / "kuma.db")) as repository, repository:
        repository.execute(USER)
        repository.executemany(MONITOR, [(f"p{n}", page, EVERY_S) for n, page in enumerate(pages(stage))])
    return await steady(stage, [command], told, PATIENCE_S)


def _answers(port: int) -> bool:
    with closing(socket.socket()) as web_server:
        return web_server.connect_ex(("127.0.0.1", port)) == 0
