"""The examples of http-api.md: they are whole, and they do what they say against a real server."""

import ast
import asyncio
import importlib.util
import re
import shutil
import socket
import sys
from pathlib import Path

import pytest

from bot.queries.slack_status import SlackStatus
from bot.settings import WebSettings
from bot.web.server import serve
from tests.support.scenario import Scenario

PAGE = (Path(__file__).parents[2] / "bot" / "docs" / "http-api.md").read_text(encoding="utf-8")
SHELL, PYTHON, ROUTER = re.findall(r"```(?:sh|python)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
async def port(tmp_path):
    """A scenario where all is well, and the port of its gate."""
    scenario = Scenario(tmp_path / "town.db")
    scenario.poll_page(until=20)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    closing = asyncio.Event()
    web_server = asyncio.create_task(serve(scenario.queries(), WebSettings(port=port), SlackStatus(), 60, closing))
    yield port
    closing.set()
    await web_server
    scenario.repository.close()


@pytest.mark.parametrize("example", [PYTHON, ROUTER], ids=["httpx", "router"])
def test_the_python_examples_are_python(example):
    assert ast.parse(example)


@pytest.mark.anyio
async def test_the_shell_example_is_shell():
    shell = await asyncio.create_subprocess_exec(shutil.which("sh"), "-n", stdin=asyncio.subprocess.PIPE)
    await shell.communicate(SHELL.encode())
    assert shell.returncode == 0


@pytest.mark.anyio
@pytest.mark.skipif(importlib.util.find_spec("stamina") is None, reason="stamina is not installed: no need of ours")
async def test_the_python_example_comes_back_when_it_may_go(port):
    example = PYTHON.replace(":8787/v1/surfaces/claude-api", f":{port}/v1/surfaces/acme-api")
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", example, stdout=asyncio.subprocess.PIPE)
    printed, _ = await program.communicate()
    assert printed.decode().startswith("Safe to retry")
