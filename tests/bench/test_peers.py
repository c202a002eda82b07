"""Peers that cannot be measured are told of, and their processes end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.fake_services import FakeServices
from tests.bench.peers.cost import Cost, alive, found, process
from tests.bench.peers.rows import measured

pytestmark = pytest.mark.anyio


async def missing(_: FakeServices, __: Path) -> Cost:
    found("no-such-watcher")
    raise AssertionError("it was found")


async def well(_: FakeServices, __: Path) -> Cost:
    return Cost(1.0, 2.0)


async def test_a_peer_that_is_not_installed_is_named() -> None:
    assert await measured({"a": missing}) == {"a": "no-such-watcher is not installed"}


async def test_a_missing_peer_does_not_hold_up_the_next() -> None:
    assert (await measured({"a": missing, "b": well}))["b"] == Cost(1.0, 2.0)


async def test_a_peer_that_ends_by_itself_is_not_waited_for() -> None:
    async with process([sys.executable, "-c", "raise SystemExit(3)"], {}) as child:
        with pytest.raises(ChildProcessError, match="before the first round, with 3"):
            await alive([child], lambda: False, 60, "the first round")


async def test_a_peer_is_ended() -> None:
    async with process([sys.executable, "-c", "import signal; signal.pause()"], {}) as child:
        pass
    assert child.returncode is not None
