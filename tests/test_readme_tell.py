"""The README's examples for programs that tell the bot something: they are run against a real door."""

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

from bot.entry.link import Link
from bot.entry.options import now
from bot.entry.pace import Pace
from bot.entry.serve import serve
from bot.entry.write import Writing
from bot.settings import Web
from bot.settings.probe import ProbeTable
from tests.entry.acme import Town

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
CONFIG = (Path(__file__).parents[1] / "config" / "brownout.toml").read_text(encoding="utf-8")
TELL = README.partition("<!-- tell -->")[2].partition("<!-- end: tell -->")[0]
TOML, SHELL, PYTHON = re.findall(r"```(?:toml|sh|python)\n(.*?)```", TELL, re.DOTALL)
SHIPPED = re.sub(r"(?m)^# ", "", re.search(r"# \[probe\..*?(?=# Others)", CONFIG, re.DOTALL)[0])

pytestmark = pytest.mark.anyio


class Ear:
    """A witness that only remembers."""

    def __init__(self):
        self.heard = []

    def witness(self, _, *, probes=(), reports=(), outcomes=()):
        self.heard += [*probes, *reports, *outcomes]


@pytest.fixture
async def bot(tmp_path):
    """A town's door, with what it heard, its port and its database."""
    town, ear = Town(tmp_path / "town.db"), Ear()
    town.now = now
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        ear.port = listener.getsockname()[1]
    ear.db, closing = tmp_path / "town.db", asyncio.Event()
    ear.secret = town.book.keys.create("python", ("outcomes",), town.now())
    writing = Writing(ear, Pace(asyncio.get_running_loop().time))
    door = asyncio.create_task(serve(town.desk(), Web(port=ear.port), Link(), 60, closing, writing=writing))
    yield ear
    closing.set()
    await door
    town.book.close()


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
    root = str(Path(__file__).parents[1])
    where = {"PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": root}
    how = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE, "env": os.environ | where}
    shell = await asyncio.create_subprocess_exec("sh", "-e", "-c", script, **how)
    _, said = await shell.communicate()
    assert (shell.returncode, [type(one).__name__ for one in bot.heard]) == (0, ["Report", "Outcomes"]), said.decode()


async def test_the_python_example_counts_and_tells(bot):
    statuses = iter([200, 200, 529])

    async def answer(_):
        return web.Response(status=next(statuses))

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    vendor = f"http://127.0.0.1:{runner.addresses[0][1]}"
    program = PYTHON.replace("https://api.anthropic.com", vendor).replace("claude-api", "acme-api")
    program += "for _ in range(3):\n    client.get('/')\n"
    program += "try:\n    client.get('http://127.0.0.1:9/')\nexcept httpx.ConnectError:\n    pass\n"
    program += f"tell('http://127.0.0.1:{bot.port}')\n"
    where = os.environ | {"BROWNOUT_TOKEN": bot.secret}
    python = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=where)
    await python.wait()
    await runner.cleanup()
    [counted] = bot.heard
    assert (counted.ok, counted.errors, counted.client) == (2, {"529": 1, "connection": 1}, "shop")


@pytest.mark.parametrize("text", [TOML, SHIPPED], ids=["README", "brownout.toml"])
def test_the_probes_that_are_shown_are_probes(text):
    shown = tomllib.loads(text)["probe"]
    assert [surface for surface, table in shown.items() if not ProbeTable(**table).url] == []
    assert {"claude-login", "claude-api", "openai-api"} == shown.keys()
