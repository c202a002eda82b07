"""A real board on loopback and a real browser in front of it: headless Chromium, driven by Playwright."""

import asyncio
import os
import shutil
import socket
from pathlib import Path

import pytest

from bot.queries.slack_status import SlackStatus
from bot.settings import WebSettings
from bot.web.server import serve
from tests.support.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]


def missing(reason):
    """Skips, or fails where the browser tests are required (as in .ci/run)."""
    if os.environ.get("BROWNOUT_BROWSER_REQUIRED") == "1":
        pytest.fail(f"the browser tests are required, and {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium():
    named = os.environ.get("BROWNOUT_CHROMIUM") or shutil.which("chromium")
    if not named or not Path(named).is_file():
        missing("there is no Chromium: apt-get install chromium, or name one in BROWNOUT_CHROMIUM")
    return named


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core, which looks for what people with a screen reader or a keyboard stumble over."""
    named = Path(os.environ.get("BROWNOUT_AXE", ROOT / "node_modules/axe-core/axe.min.js"))
    if not named.is_file():
        missing(f"axe-core is not at {named}: npm install --no-save --prefix . axe-core@4.14.1")
    return named.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def anyio_backend():
    """One event loop for the session, since the browser outlives a test."""
    return "asyncio"


@pytest.fixture(scope="session")
async def browser(chromium):
    from playwright.async_api import async_playwright  # noqa: PLC0415  (slow, and only wanted here)

    flags = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's own sandbox does not work for root
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        await browser.close()


@pytest.fixture
async def scenario(tmp_path):
    """A scenario whose board is at ``scenario.board``."""
    scenario = Scenario(tmp_path / "town.db")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    closing = asyncio.Event()
    web_server = asyncio.create_task(serve(scenario.queries(), WebSettings(port=port), SlackStatus(), 60, closing))
    scenario.closing = closing
    scenario.board = f"http://127.0.0.1:{port}"
    yield scenario
    closing.set()
    await web_server
    scenario.repository.close()
