"""``/mcp`` before, at and after its first request, with a server that only notes what it is asked."""

import asyncio
import subprocess
import sys

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse

from bot.mcp_server.on_demand import OnDemandEndpoint

pytestmark = pytest.mark.anyio


class NotingServer:
    def __init__(self):
        self.is_entered = False

    async def __aenter__(self):
        self.is_entered = True

    async def __aexit__(self, *error):
        self.is_entered = False

    async def answer(self, scope, receive, send):
        await PlainTextResponse(str(self.is_entered))(scope, receive, send)


class Running:
    """An endpoint whose ``run`` runs; ``made`` are the servers that it made."""

    def __init__(self, error=None):
        self.made, self._error, self.closing = [], error, asyncio.Event()
        self.endpoint, self.app = OnDemandEndpoint(self._create, self.closing), FastAPI()
        self.endpoint.add_route(self.app)

    async def _create(self):
        if self._error:
            raise self._error
        self.made.append(NotingServer())
        return self.made[-1]

    async def __aenter__(self):
        self.task = asyncio.create_task(self.endpoint.run())
        return self

    async def __aexit__(self, *error):
        self.closing.set()
        await self.task

    async def post(self):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://bot") as client:
            return await client.post("/mcp")


async def test_no_server_is_made_before_the_first_request():
    async with Running() as running:
        await asyncio.sleep(0)
    assert running.made == []


async def test_the_first_request_is_answered_by_a_server_that_runs():
    async with Running() as running:
        assert (await running.post()).text == "True"


async def test_requests_at_the_same_time_have_one_server_made():
    async with Running() as running:
        await asyncio.gather(running.post(), running.post(), running.post())
    assert len(running.made) == 1


async def test_the_server_ends_with_the_bot():
    async with Running() as running:
        await running.post()
    assert not running.made[0].is_entered


async def test_a_request_after_the_end_is_asked_to_come_again():
    async with Running() as running:
        pass
    answer = await running.post()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_an_sdk_that_cannot_be_imported_makes_no_request_wait():
    async with Running(ImportError("no module named mcp")) as running:
        assert (await running.post()).status_code == 503


async def test_an_sdk_that_cannot_be_imported_is_logged_with_what_to_do(caplog):
    async with Running(ImportError("no module named mcp")) as running:
        await running.post()
    assert "Install the extra `mcp` again" in caplog.text


def test_the_module_of_the_endpoint_does_not_import_the_sdk():
    code = "import sys, bot.mcp_server.on_demand; print('mcp' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  (ours)
    assert result.stdout == "False\n"
