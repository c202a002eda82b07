"""changedetection.io, told to watch the incidents of each page."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.fake_services import FakeServices
from tests.bench.peers.cost import EVERY_S, Cost, found, pages, steady
from tests.bench.tls_hosts import free_port

WATCH = {
    "include_filters": ["json:$.incidents"],
    "time_between_check": {"seconds": EVERY_S},
    "time_between_check_use_default": False,
}
TOLD = {"ALLOW_IANA_RESTRICTED_ADDRESSES": "true", "DISABLE_VERSION_CHECK": "yes"}  # loopback, and nothing else


async def changedetection(stage: FakeServices, folder: Path) -> Cost:
    """One process, its web page with it; it logs only what goes wrong."""
    command = [found("changedetection.io"), "-d", str(folder), "-h", "127.0.0.1", "-p", str(free_port()), "-l", "ERROR"]
    for number, page in enumerate(pages(stage)):
        command += ["-u", page, f"-u{number}", json.dumps(WATCH)]
    return await steady(stage, [command], TOLD)
