"""The files for other programs: what is served is whole, and pip installs it."""

import asyncio
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from bot.web import clients
from bot.web.app import web_app
from tests.support.readiness import always_ready

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def client(scenario):
    transport = httpx.ASGITransport(app=web_app(scenario.queries(), always_ready, asyncio.Event()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def test_the_typescript_client_is_served_as_it_is(client):
    found = await client.get("/clients/gate.ts")
    assert found.text == (ROOT / "bot" / "clients" / "gate.ts").read_text(encoding="utf-8")
    assert found.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("file", ["python", "..%2fapp.py", "brownout_gate-0.0.1-py3-none-any.whl"])
async def test_another_name_is_answered_with_those_there_are(client, file):
    found = await client.get(f"/clients/{file}")
    assert (found.status_code, clients.wheel_name() in found.text or "nothing at" in found.text) == (404, True)


async def test_pip_installs_the_wheel(client, tmp_path):
    wheel = tmp_path / clients.wheel_name()
    wheel.write_bytes((await client.get(f"/clients/{wheel.name}")).content)
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel]
    run = await asyncio.to_thread(subprocess.run, pip, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    code = "import brownout_gate, importlib.metadata as m; print(brownout_gate.__file__, m.requires('brownout-gate'))"
    program = [sys.executable, "-c", code]
    run = await asyncio.to_thread(
        subprocess.run, program, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(target)}
    )
    assert run.stdout.startswith(str(target))
    assert "httpx<1,>=0.24" in run.stdout or "httpx>=0.24,<1" in run.stdout


def test_the_same_files_make_the_same_wheel():
    first = clients.build_wheel()
    clients.build_wheel.cache_clear()
    assert clients.build_wheel() == first


def test_every_module_is_in_the_wheel():
    packed = set(zipfile.ZipFile(io.BytesIO(clients.build_wheel())).namelist())
    there = {f"brownout_gate/{file.name}" for file in (ROOT / "bot/clients/python/brownout_gate").glob("*.py")}
    assert there - packed == set()
