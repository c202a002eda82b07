"""The line to Slack, with a Slack of forty lines on loopback that lets in, refuses, or hangs."""

import asyncio
import logging
import time
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import WSCloseCode, web
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.registry import CommandResponse
from bot.domain import Message
from bot.errors import DeliveryError
from bot.queries.slack_status import SlackStatus
from bot.slack import socket_mode
from bot.slack.command import slack_app
from bot.slack.credentials import SlackTokens, TokenSource
from tests.support.loopback import serving_app

pytestmark = pytest.mark.anyio

TOKENS = ("xapp-not-real", "xoxb-not-real")


class FakeSlackApi:
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
    fake = FakeSlackApi()
    async with serving_app(web.post("/api/{method}", fake.answer), web.get("/socket", fake.socket)) as url:
        fake.url = f"{url}/api/"
        yield fake


def tokens(environment=None):
    app, bot = TOKENS
    return TokenSource(environment or {}, SlackTokens(bot, app))


def line(url, link=None, give_up_s=None, on_token_info=lambda _: None, source=None):
    client = AsyncWebClient(token=TOKENS[1], base_url=url, retry_handlers=[])
    bolt = slack_app(client, lambda *_: CommandResponse(Message("hi")))
    terms = socket_mode.ReconnectPolicy((0.05, 0.1), give_up_s, on_token_info)
    return socket_mode.serve(bolt, source or tokens(), url, link=link, terms=terms)


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


@pytest.mark.parametrize(
    "code", ["org_login_required", "ekm_access_denied", "access_denied", "team_access_not_granted"]
)
async def test_a_workspace_that_is_closed_for_now_is_waited_for(slack, log, code):
    slack.refuses = {"auth.test": code}
    async with serving(slack):
        await soon(log)
        slack.refuses = {}
        await soon(lambda: "connected to Slack" in log())


async def test_a_token_that_was_replaced_in_its_file_is_read_again(slack, log, tmp_path):
    for name, value in (("bot", "xoxb-new"), ("app", "xapp-new")):
        (tmp_path / name).write_text(value)
        (tmp_path / name).chmod(0o600)
    source = tokens({f"SLACK_{n.upper()}_TOKEN_FILE": str(tmp_path / n) for n in ("bot", "app")})
    slack.refuses = {"auth.test": "token_revoked"}
    source.on_change.append(lambda _: slack.refuses.clear())
    async with serving(slack, source=source):
        await soon(lambda: "connected to Slack" in log())
    assert source.tokens.bot == "xoxb-new"


async def test_connections_that_slack_closes_at_once_are_not_opened_without_a_pause(slack):
    opened = []

    async def close_all():
        while True:
            await slack.connected.wait()
            slack.connected.clear()
            opened.append(time.monotonic())
            await slack.sockets[-1].send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await slack.sockets[-1].close()

    link = SlackStatus(is_wanted=True)
    closing = asyncio.create_task(close_all())
    async with serving(slack, link=link):
        await soon(lambda: "at most ten may connect" in link.why)
        await asyncio.sleep(1)
    closing.cancel()
    assert len(opened) <= 10


@pytest.mark.parametrize(
    ("greetings", "warnings"),
    [([1], 0), ([2], 1), ([3, 3], 1), ([1, 2], 0), (["two"], 0), ([None], 0)],
    ids=["ours alone", "another's", "said once", "renewed by Slack", "a text", "no number"],
)
async def test_another_process_with_the_same_tokens_is_named_in_the_log(slack, log, greetings, warnings):
    async with serving(slack):
        await soon(lambda: "connected to Slack" in log())
        for count in greetings:
            await slack.sockets[-1].send_json({"type": "hello", "num_connections": count})
        await slack.sockets[-1].send_json({"type": "disconnect", "reason": "link_disabled"})
        await soon(lambda: any("link_disabled" in line for line in log()))
    assert sum("another process uses its tokens" in line for line in log()) == warnings


async def test_a_slack_that_is_away_is_told_once_and_tried_until_it_is_there(slack, log):
    slack.refuses = {"apps.connections.open": "internal_error"}
    async with serving(slack):
        await soon(log)
        await asyncio.sleep(0.3)
        slack.refuses = {}
        await soon(lambda: "connected to Slack" in log())
    assert [line.partition(":")[0] for line in log()] == ["Slack connection failed", "connected to Slack"]


async def test_a_line_that_broke_is_made_again(slack):
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
    async with serving(slack, on_token_info=heard.append):
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
    link, slack.refuses = SlackStatus(is_wanted=True), {"apps.connections.open": "internal_error"}
    async with serving(slack, link=link):
        await soon(lambda: link.why)
        assert "internal_error" in await link.disconnected_reason()
        slack.refuses = {}
        await slack.connected.wait()
        await soon(lambda: not link.why)
        assert await link.disconnected_reason() is None


async def test_a_link_that_slack_disables_says_so(slack):
    link = SlackStatus(is_wanted=True)
    async with serving(slack, link=link):
        await soon(lambda: slack.sockets and link.is_up)
        slack.refuses = {"apps.connections.open": "link_disabled"}
        await slack.sockets[0].send_json({"type": "disconnect", "reason": "link_disabled"})
        await soon(lambda: "Socket Mode off" in link.why)
        await slack.sockets[0].close()
        async with asyncio.timeout(8):
            while not (why := await link.disconnected_reason()):  # noqa: ASYNC110  (what is seen has no event)
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
    assert socket_mode.outage_limit_s(minutes, environment) == seconds
