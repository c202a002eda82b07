"""The web app as a server of the bot: it opens on a real socket, ends with the bot, and never ends the bot."""

import asyncio
import logging
import signal
import socket
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.errors import ConfigError
from bot.queries.runtime import Runtime
from bot.queries.slack_status import SlackStatus
from bot.settings import WebSettings
from bot.web.server import overdue_text, serve
from tests.support.acme import ACME

pytestmark = pytest.mark.anyio


@pytest.fixture
def port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@asynccontextmanager
async def served(scenario, port):
    closing = asyncio.Event()
    web_server = asyncio.create_task(serve(scenario.queries(), WebSettings(port=port), SlackStatus(), 60, closing))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
        while not web_server.done():
            try:
                await client.get("/healthz")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.01)
        yield client, web_server, closing
    closing.set()
    await web_server


async def test_it_answers_on_its_port(scenario, port):
    scenario.poll_page(until=20)
    async with served(scenario, port) as (client, _, _):
        assert (await client.get("/v1/surfaces/acme-api/retry")).status_code == 200


async def test_it_ends_with_the_bot_although_a_board_is_live(scenario, port):
    async with served(scenario, port) as (client, web_server, closing), client.stream("GET", "/events") as stream:
        assert stream.status_code == 200
        closing.set()
        await asyncio.wait_for(web_server, 3)


async def test_it_ends_with_the_bot_although_somebody_asks_for_ever(scenario, port):
    async with served(scenario, port) as (_, web_server, closing):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        await writer.drain()
        closing.set()
        await asyncio.wait_for(web_server, 3)
        writer.close()


async def test_the_bot_s_own_signal_handlers_stay(scenario, port):
    before = signal.getsignal(signal.SIGTERM)
    async with served(scenario, port):
        assert signal.getsignal(signal.SIGTERM) is before


async def test_a_taken_port_is_said_with_what_to_do_and_the_interface_waits(scenario, caplog):
    with socket.socket() as other, caplog.at_level(logging.WARNING):
        other.bind(("127.0.0.1", 0))
        other.listen()
        closing = asyncio.Event()
        web_server = asyncio.create_task(
            serve(scenario.queries(), WebSettings(port=other.getsockname()[1]), SlackStatus(), 60, closing)
        )
        await asyncio.sleep(0.05)
        assert (web_server.done(), "Set another [web] port in brownout.toml" in caplog.text) == (False, True)
        closing.set()
        await web_server


async def test_a_taken_port_where_slack_comes_in_is_no_small_thing(scenario):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} can't be opened .*Slack comes in there"):
            await serve(
                scenario.queries(), WebSettings(port=port), SlackStatus(), 60, asyncio.Event(), slack=lambda _: None
            )


async def test_a_host_that_is_not_ours_is_said_too(scenario, caplog):
    closing = asyncio.Event()
    closing.set()
    with caplog.at_level(logging.WARNING):
        await serve(scenario.queries(), WebSettings(host="192.0.2.1"), SlackStatus(), 60, closing)
    assert "no board and no API" in caplog.text


async def test_a_live_board_hears_of_what_happens(scenario, port):
    scenario.poll_page(until=10)
    async with served(scenario, port) as (client, _, _), client.stream("GET", "/events") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        scenario.breaks()
        async with asyncio.timeout(5):
            assert "event: changed" in [await anext(lines) for _ in range(2)]


async def test_a_page_that_was_never_read_is_a_note_and_no_failure(scenario, port):
    async with served(scenario, port) as (client, _, _):
        answer = (await client.get("/readyz")).json()
    assert answer["status"] == "warn"
    assert answer["notes"] == ["acme: not checked yet", "globex: not checked yet"]


class Polls:
    """The scheduler's polls, of which none has begun for so many seconds."""

    def __init__(self, waited_s):
        self.waited_s = waited_s

    def seconds_since_poll_start(self):
        return self.waited_s


@pytest.mark.parametrize(("waited_s", "note"), [(179, ""), (181, "no poll has begun for 3 min")])
def test_no_poll_for_three_intervals_is_not_ready(waited_s, note):
    assert overdue_text(Runtime([ACME], poll_jobs=Polls(waited_s)), 60) == note


@pytest.mark.parametrize("running", [None, Runtime([ACME]), Runtime([], poll_jobs=Polls(9999))])
def test_where_nothing_is_to_be_polled_nothing_is_overdue(running):
    assert overdue_text(running, 60) == ""
