"""The examples of evidence.md: they are run against a real server."""

import asyncio
import os
import re
import shutil
import socket
import sys
import tomllib
from pathlib import Path

import pytest
from aiohttp import web

from bot.cli.options import utc_now
from bot.queries.slack_status import SlackStatus
from bot.settings import WebSettings
from bot.settings.probe_toml import ProbeTable
from bot.web.evidence_api import EvidenceApi
from bot.web.rate_limit import RateLimiter
from bot.web.server import serve
from tests.support.loopback import serving_app
from tests.support.scenario import Scenario

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "bot" / "docs" / "evidence.md").read_text(encoding="utf-8")
CONFIG = (ROOT / "config" / "brownout.toml").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(?:toml|sh|python)\n(.*?)```", PAGE, re.DOTALL)
TOML, PYTHON = (next(b for b in BLOCKS if mark in b) for mark in ("[probe.claude-login]", "class Counting"))
SHELL = next(b for b in BLOCKS if "curl" in b)
SHIPPED = re.sub(r"(?m)^# ", "", re.search(r"# \[probe\..*?(?=# Others)", CONFIG, re.DOTALL)[0])

pytestmark = pytest.mark.anyio


class EvidenceRecorder:
    """A witness that only remembers."""

    def __init__(self):
        self.heard = []

    async def take_evidence(self, _, evidence):
        self.heard += [*evidence.probes, *evidence.reports, *evidence.outcomes]


@pytest.fixture
async def bot(tmp_path):
    """A scenario's server, with what it heard, its port and its database."""
    scenario, ear = Scenario(tmp_path / "town.db"), EvidenceRecorder()
    scenario.now = utc_now
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        ear.port = listener.getsockname()[1]
    ear.db, closing = tmp_path / "town.db", asyncio.Event()
    ear.secret = scenario.repository.api_tokens.create("python", ("outcomes",), scenario.now())
    writing = EvidenceApi(ear, RateLimiter(asyncio.get_running_loop().time))
    web_server = asyncio.create_task(
        serve(scenario.queries(), WebSettings(port=ear.port), SlackStatus(), 60, closing, writing=writing)
    )
    yield ear
    closing.set()
    await web_server
    scenario.repository.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_shell_example_is_heard(bot, tmp_path):
    command = tmp_path / "bin" / "brownout"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bot "$@" --db "{bot.db}"\n')
    command.chmod(0o755)
    script = (
        SHELL.replace("sleep 60", ":")
        .replace(":8787", f":{bot.port}")
        .replace("claude-", "acme-")
        .replace("acme-login", "acme-web")
    )
    root = str(ROOT)
    where = {"PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": root}
    how = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE, "env": os.environ | where}
    shell = await asyncio.create_subprocess_exec("sh", "-e", "-c", script, **how)
    _, said = await shell.communicate()
    assert (shell.returncode, [type(one).__name__ for one in bot.heard]) == (0, ["UserReport", "RequestOutcomes"]), (
        said.decode()
    )


async def test_the_python_example_counts_and_tells(bot):
    statuses = iter([200, 200, 529])

    async def answer(_):
        return web.Response(status=next(statuses))

    async with serving_app(web.get("/", answer)) as vendor:
        program = PYTHON.replace("https://api.anthropic.com", vendor).replace("claude-api", "acme-api")
        program += "for _ in range(3):\n    client.get('/')\n"
        program += "try:\n    client.get('http://127.0.0.1:9/')\nexcept httpx.ConnectError:\n    pass\n"
        program += f"send('http://127.0.0.1:{bot.port}')\n"
        where = os.environ | {"BROWNOUT_TOKEN": bot.secret}
        python = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=where)
        await python.wait()
    [counted] = bot.heard
    assert (counted.ok, counted.errors, counted.client) == (2, {"529": 1, "connection": 1}, "shop")


@pytest.mark.parametrize("text", [TOML, SHIPPED], ids=["evidence.md", "brownout.toml"])
def test_the_probes_that_are_shown_are_probes(text):
    shown = tomllib.loads(text)["probe"]
    assert [surface for surface, table in shown.items() if not ProbeTable(**table).url] == []
    assert {"claude-login", "claude-api", "openai-api"} == shown.keys()
