"""Worlds: a stage, a vendor and a bot each; nothing of it can reach, or be reached from, any other network."""

import json
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.domain import Message
from bot.storage import loop_check
from tests.e2e import network_namespace
from tests.e2e.driver import ROOT, Driver, Namespace, World
from tests.e2e.vendor import PROVIDER, Vendor
from tests.support.slack_limits import problems, view_problems

SETTINGS = """\
[poll]
interval_s = 1
incident_interval_s = 1
"""


HERE = Path(__file__).parent
EMULATOR = Path(os.environ.get("BROWNOUT_EMULATOR", ROOT / "node_modules/local-slack-linux-x64/bin/local-slack"))
IS_REQUIRED = os.environ.get("BROWNOUT_E2E_REQUIRED") == "1"  # as in .ci/run: what would be skipped fails


def missing():
    """What these tests would need and do not have here; empty where they can run."""
    if not sys.platform.startswith("linux"):
        return "the Slack emulator runs in a network namespace, which needs Linux"
    if not EMULATOR.is_file():
        return f"no Slack emulator at {EMULATOR}: npm install --no-save --prefix . local-slack-linux-x64@0.1.8"
    if Namespace.rights() is None:
        return "this machine does not let us make a network namespace (unshare --net)"
    return ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    reason = missing() if ours and not IS_REQUIRED else ""
    for item in ours:
        item.add_marker(pytest.mark.e2e)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@contextmanager
def a_world(mode="socket"):
    """A directory with a short name (a Unix socket's path has room for 107 letters), and all that lives on it."""
    with tempfile.TemporaryDirectory(prefix="brownout-") as name:
        work = Path(name)
        (work / "config" / "providers").mkdir(parents=True)
        (work / "config" / "brownout.toml").write_text(SETTINGS)
        (work / "config" / "providers" / "acme.toml").write_text(PROVIDER)
        namespace = Namespace(work, str(EMULATOR), Namespace.rights(), mode)
        world = World(work, namespace, driver := Driver(work), Vendor(driver), mode=mode)
        try:
            yield world
            check_what_was_said(world)
        finally:
            world.end()


def check_what_was_said(world):
    """Real Slack has limits and phones that ring; the emulator takes anything. And logs hold no secret and no crash."""
    calls = [call["args"] for method in ("chat.postMessage", "chat.update") for call in world.driver.calls(method)]
    told = [*calls, *(m for m in world.driver.messages() if m.get("bot_id"))]
    rings = world.rings
    wrong = [p for m in told for p in problems(Message(m.get("text", ""), tuple(m.get("blocks", ()))), mentions=rings)]
    for call in [c for method in ("views.open", "views.publish") for c in world.driver.calls(method)]:
        view = call["args"]["view"]
        wrong += view_problems(view if isinstance(view, dict) else json.loads(view), mentions={"#C1", "#C2"})
    assert not wrong, "\n".join(["real Slack would not have taken this:", *wrong])
    for word in (
        "Traceback",
        "xoxb-",
        "xapp-",
        loop_check.WORDS,
        network_namespace.TEAM["app"]["signingSecret"],
        "/_hooks/",
    ):
        assert word not in world.said(), world.said()


@pytest.fixture(scope="session")
def worlds():
    """Makes a world, for as long as the ``with`` lasts; for stories that many tests read."""
    if reason := missing():
        pytest.fail(f"the end-to-end tests are required here, and they can't run: {reason}")
    return a_world


@pytest.fixture
def world(worlds):
    with worlds() as world:
        yield world


@pytest.fixture
def driver(world):
    return world.driver


@pytest.fixture
def vendor(world):
    return world.vendor
