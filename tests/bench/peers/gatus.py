"""Gatus, with an endpoint for each page and a condition on its JSON. It keeps no record here: its storage is memory."""

from __future__ import annotations

from pathlib import Path

from tests.bench.fake_services import FakeServices
from tests.bench.peers.cost import EVERY_S, Cost, found, pages, steady
from tests.bench.tls_hosts import free_port

SETTINGS = """\
web: {{address: 127.0.0.1, port: {port}}}
storage: {{type: memory}}
endpoints:
"""
ENDPOINT = """\
  - {{name: p{number}, group: bench, url: "{page}", interval: {every}s, conditions: ["[STATUS] == 200", "[BODY].status.indicator == none"]}}
"""


async def gatus(stage: FakeServices, folder: Path) -> Cost:
    """One process: the program ``gatus`` on PATH, or in a folder of PEERS."""
    told = SETTINGS.format(port=free_port())
    told += "".join(ENDPOINT.format(number=n, page=page, every=EVERY_S) for n, page in enumerate(pages(stage)))
    (folder / "gatus.yaml").write_text(told, encoding="utf-8")
    return await steady(stage, [[found("gatus")]], {"GATUS_CONFIG_PATH": str(folder / "gatus.yaml")}, patience_s=120)
