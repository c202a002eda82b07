"""A stage, a vendor and a bot for each test; nothing of it can reach, or be reached from, any other network."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from bot.model import Message
from tests.e2e.driver import ROOT, Bot, Driver, Namespace
from tests.e2e.vendor import PROVIDER, Vendor
from tests.voice.slack_limits import problems

SETTINGS = """\
[poll]
interval_s = 1
incident_interval_s = 1
"""


def missing(reason):
    """Skips, or fails where the end-to-end tests are required (as in .ci/run)."""
    if os.environ.get("BROWNOUT_E2E_REQUIRED") == "1":
        pytest.fail(f"the end-to-end tests are required, and {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def emulator():
    named = os.environ.get("BROWNOUT_EMULATOR")
    binary = Path(named) if named else ROOT / "node_modules/local-slack-linux-x64/bin/local-slack"
    if not binary.is_file():
        missing(f"the Slack emulator is not at {binary}: npm install --no-save --prefix . local-slack-linux-x64@0.1.8")
    return str(binary)


@pytest.fixture(scope="session")
def rights():
    if not sys.platform.startswith("linux"):
        missing("network namespaces need Linux")
    flags = Namespace.rights()
    if flags is None:
        missing("this machine does not let us make a network namespace (unshare --net)")
    return flags


@pytest.fixture
def work():
    """A directory with a short name: the path of a Unix socket has room for 107 characters."""
    directory = Path(tempfile.mkdtemp(prefix="brownout-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def namespace(work, emulator, rights):
    space = Namespace(work, emulator, rights)
    yield space
    space.close()


@pytest.fixture
def driver(namespace, work):
    """Afterwards, everything that was said in Slack is held against real Slack's limits: the emulator takes anything."""
    driver = Driver(work)
    yield driver
    calls = [call for method in ("chat.postMessage", "chat.update") for call in driver.calls(method)]
    said = [(call["args"].get("text", ""), call["args"].get("blocks", [])) for call in calls]
    said += [(m["text"], m.get("blocks", [])) for m in driver.messages() if m.get("bot_id")]
    wrong = [line for text, blocks in said for line in problems(Message(text, tuple(blocks)))]
    assert not wrong, "\n".join(["real Slack would not have taken this:", *wrong])


@pytest.fixture
def vendor(driver):
    return Vendor(driver)


@pytest.fixture
def config(work):
    (work / "config" / "providers").mkdir(parents=True)
    (work / "config" / "brownout.toml").write_text(SETTINGS)
    (work / "config" / "providers" / "acme.toml").write_text(PROVIDER)
    return work / "config"


@pytest.fixture
def db(work):
    return work / "bot.db"


@pytest.fixture
def start(namespace, driver, vendor, config, db):
    """Starts a bot, again and again if need be, on the same database; none outlives the test."""
    lives = []

    def start_bot():
        lives.append(Bot(namespace, driver, config, db))
        return lives[-1]

    yield start_bot
    for bot in lives:
        bot.kill()
    if lives:
        said = lives[-1].said()
        assert "Traceback" not in said, said
        assert "xoxb-" not in said
        assert "xapp-" not in said


@pytest.fixture
def bot(start):
    return start()
