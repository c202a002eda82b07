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
from bot.entry.link import Link
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
        told = {"ok": True, "url": address, "user_id": "UBOT", "bot_id": "B1", "team_id": "T1"}
        return web.json_response(told, headers={"x-oauth-scopes": "commands, channels:history"})

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


def line(url, link=None, give_up_s=None, on_badge=lambda _: None):
    client = AsyncWebClient(token=TOKENS[1], base_url=url, retry_handlers=[])
    bolt = slack_app(client, lambda *_: Reply(Message("hi")))
    terms = socketmode.Terms((0.05, 0.1), give_up_s, on_badge)
    return socketmode.serve(bolt, *TOKENS, url, link=link, terms=terms)


@asynccontextmanager
async def serving(slack, **more):
    task = asyncio.create_task(line(slack.url, **more))
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


@pytest.mark.hostile(59)
async def test_nothing_that_is_said_has_a_token_or_a_ticket_in_it(slack, log):
    async with serving(slack):
        await soon(log)
    assert not any(secret in " ".join(log()) for secret in (*TOKENS, "/socket"))


async def test_it_hears_what_the_token_may_do(slack):
    heard = []
    async with serving(slack, on_badge=heard.append):
        await slack.connected.wait()
    assert [badge.scopes for badge in heard] == [{"commands", "channels:history"}]


async def test_a_slack_that_stays_gone_ends_it_with_a_clear_last_line(slack):
    slack.refuses = {"apps.connections.open": "internal_error"}
    with pytest.raises(DeliveryError, match=r"Slack has been gone for 0 min .*internal_error.*; ending"):
        await line(slack.url, give_up_s=0.2)


async def test_without_patience_to_lose_it_waits_for_ever(slack):
    slack.refuses = {"apps.connections.open": "internal_error"}
    async with serving(slack) as task:
        await asyncio.sleep(0.5)
        assert not task.done()


async def test_a_link_that_is_down_says_why(slack):
    link, slack.refuses = Link(is_wanted=True), {"apps.connections.open": "internal_error"}
    async with serving(slack, link=link):
        await soon(lambda: link.why)
        assert "internal_error" in await link.why_not()
        slack.refuses = {}
        await slack.connected.wait()
        await soon(lambda: not link.why)
        assert await link.why_not() is None


async def test_a_link_that_slack_disables_says_so(slack):
    link = Link(is_wanted=True)
    async with serving(slack, link=link):
        await soon(lambda: slack.sockets and link.is_up)
        slack.refuses = {"apps.connections.open": "link_disabled"}
        await slack.sockets[0].send_json({"type": "disconnect", "reason": "link_disabled"})
        await soon(lambda: "Socket Mode off" in link.why)
        await slack.sockets[0].close()
        async with asyncio.timeout(8):
            while not (why := await link.why_not()):  # noqa: ASYNC110  (what is seen has no event)
                await asyncio.sleep(0.02)
    assert "link_disabled" in why


@pytest.mark.parametrize(
    ("minutes", "environment", "seconds"),
    [
        (None, {}, None),
        (None, {"INVOCATION_ID": "1"}, 900),
        (None, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, 900),
        (None, {"NOTIFY_SOCKET": "/run/x"}, 900),
        (0, {"INVOCATION_ID": "1"}, None),
        (5, {}, 300),
    ],
)
def test_it_gives_up_by_itself_only_where_something_starts_it_again(minutes, environment, seconds):
    assert socketmode.patience_s(minutes, environment) == seconds
