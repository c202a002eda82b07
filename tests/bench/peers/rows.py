"""The table's rows: ours against each peer, or why a peer was not run."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.bench.fake_services import FakeServices
from tests.bench.load import load
from tests.bench.peers.changedetection import changedetection
from tests.bench.peers.cost import EVERY_S, PAGES, Cost
from tests.bench.peers.gatus import gatus
from tests.bench.peers.kuma import kuma
from tests.bench.peers.prometheus import prometheus
from tests.bench.peers.urlwatch import urlwatch
from tests.bench.table import Row

Measure = Callable[[FakeServices, Path], Awaitable[Cost]]
PEERS: dict[str, Measure] = {
    "urlwatch": urlwatch,
    "prometheus + alertmanager": prometheus,
    "changedetection.io": changedetection,
    "uptime-kuma": kuma,
    "gatus": gatus,
}


async def measured(peers: Mapping[str, Measure]) -> dict[str, Cost | str]:
    """What each peer took, one after another; or why it was not run."""
    told: dict[str, Cost | str] = {}
    for name, measure in peers.items():
        with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
            async with FakeServices(tls_pages=PAGES) as stage:
                try:
                    told[name] = await measure(stage, Path(folder))
                except (OSError, TimeoutError) as error:
                    told[name] = str(error)
    return told


async def rows() -> list[Row]:
    """Ours against each peer, whole processes over the same pages at the same pace."""
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        ours = await load(Path(folder), PAGES, EVERY_S, tls=True)
    what = f"CPU of a look, whole process, {PAGES} TLS pages"
    found = []
    for name, told in (await measured(PEERS)).items():
        if isinstance(told, str):
            found.append(Row(f"{what}: {name}", None, "ms", note=told))
        else:
            note = f"{ours.weight_mb:.0f} MB, {name} {told.weight_mb:.0f} MB; {told.note}"
            found.append(Row(what, ours.each_ms, "ms", yard=told.each_ms, than=name, note=note))
    return found
