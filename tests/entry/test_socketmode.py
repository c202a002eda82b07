"""The line to Slack, with a Slack of forty lines on loopback that lets in, refuses, or hangs."""

import asyncio
import logging
import time
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import WSCloseCode, web
from slack_sdk.web.async_client import AsyncWebClient

from bot.entry import socketmode
from bot.entry.commands import Reply
from bot.entry.slash import slack_app
from bot.errors import DeliveryError
from bot.model import Message

pytestmark = pytest.mark.anyio

TOKENS = ("xapp-not-real", "xoxb-not-real")


class Slack:
    """Lets in whom ``refuses`` does not name; keeps its open sockets."""

    def __init__(self):
        self.refuses = {}
        self.sockets = []
        self.connected = asyncio.Event()
        self.hangs = False

    async def answer(self, request):
        method = request.match_info["method"]
        if method in self.refuses:
            return web.json_response({"ok": False, "error": self.refuses[method]})
        address = f"ws://{request.host}/socket"
        return web.json_response({"ok": True, "url": address, "user_id": "UBOT", "bot_id": "B1", "team_id": "T1"})

    async def socket(self, request):
        if self.hangs:
            self.connected.set()
            await asyncio.sleep(30)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.connected.set()
        async for _ in socket:
            pass
        return socket


@pytest.fixture
async def slack():
    fake = Slack()
    app = web.Application()
    app.router.add_post("/api/{method}", fake.answer)
    app.router.add_get("/socket", fake.socket)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    yield fake
    await runner.cleanup()


def line(url):
    client = AsyncWebClient(token=TOKENS[1], base_url=url, retry_handlers=[])
    bolt = slack_app(client, lambda *_: Reply(Message("hi")))
    return socketmode.serve(bolt, *TOKENS, url, waits_s=(0.05, 0.1))


@asynccontextmanager
async def serving(slack):
    task = asyncio.create_task(line(slack.url))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [r.message for r in caplog.records if r.name == "brownout"]


async def soon(seen):
    async with asyncio.timeout(8):
        while not seen():  # noqa: ASYNC110  (what is seen has no event)
            await asyncio.sleep(0.02)


async def test_it_connects_and_says_so(slack, log):
    async with serving(slack):
        await soon(log)
    assert log() == ["connected to Slack"]


@pytest.mark.parametrize(
    ("method", "name"), [("apps.connections.open", "SLACK_APP_TOKEN"), ("auth.test", "SLACK_BOT_TOKEN")]
)
async def test_a_refused_token_ends_it_with_the_tokens_name(slack, method, name):
    slack.refuses = {method: "invalid_auth"}
    with pytest.raises(DeliveryError, match=f"Slack refuses {name}") as caught:
        await line(slack.url)
    assert caught.value.permanent
    assert not any(token in str(caught.value) for token in TOKENS)


async def test_a_slack_that_is_away_is_told_once_and_tried_until_it_is_there(slack, log):
    slack.refuses = {"apps.connections.open": "internal_error"}
    async with serving(slack):
        await soon(log)
        await asyncio.sleep(0.3)
        slack.refuses = {}
        await soon(lambda: "connected to Slack" in log())
    assert [line.partition(":")[0] for line in log()] == ["not connected to Slack", "connected to Slack"]


async def test_a_line_that_broke_is_made_anew(slack):
    async with serving(slack):
        await slack.connected.wait()
        slack.connected.clear()
        await slack.sockets[0].close(code=WSCloseCode.GOING_AWAY)
        async with asyncio.timeout(15):
            await slack.connected.wait()
    assert len(slack.sockets) == 2


async def test_a_slack_that_hangs_holds_the_end_up_for_less_than_two_seconds(slack):
    slack.hangs = True
    async with serving(slack):
        await slack.connected.wait()
        began = time.monotonic()
    assert time.monotonic() - began < 2


async def test_nothing_that_is_said_has_a_token_or_a_ticket_in_it(slack, log):
    async with serving(slack):
        await soon(log)
    assert not any(secret in " ".join(log()) for secret in (*TOKENS, "/socket"))
