"""The token that requests are handled with, and what happens when it changes."""

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.authorization import BotAuthorization
from tests.support.loopback import serving_app

pytestmark = pytest.mark.anyio


@pytest.fixture
async def slack():
    """A Slack that knows two tokens, and counts how often it was asked."""
    asked = []

    async def answer(request):
        token = request.headers["authorization"].removeprefix("Bearer ")
        asked.append(token)
        known = {"xoxb-1": "B1", "xoxb-2": "B2"}.get(token)
        return web.json_response({"ok": True, "bot_id": known, "user_id": f"U{known}"} if known else {"ok": False})

    async with serving_app(web.post("/api/auth.test", answer)) as url:
        client = AsyncWebClient(token="xoxb-1", base_url=f"{url}/api/", retry_handlers=[])  # noqa: S106 - no real token
        yield BotAuthorization(client), asked


async def identity(authorization):
    result = await authorization.authorize(None, "T1", "U9")
    return result.bot_token, result.bot_id, result.bot_user_id


async def test_slack_is_asked_once_who_the_bot_is(slack):
    authorization, asked = slack
    assert [await identity(authorization) for _ in range(2)] == [("xoxb-1", "B1", "UB1")] * 2
    assert asked == ["xoxb-1"]


async def test_another_token_is_another_bot(slack):
    authorization, _ = slack
    await identity(authorization)
    authorization.set_token("xoxb-2")
    assert await identity(authorization) == ("xoxb-2", "B2", "UB2")


async def test_requests_are_handled_while_slack_refuses_the_token(slack):
    authorization, _ = slack
    authorization.set_token("xoxb-3")
    assert await identity(authorization) == ("xoxb-3", None, None)
