"""Slack's server, through Bolt's own dispatch, with a Slack of twenty lines on loopback."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.registry import CommandResponse
from bot.domain import Message
from bot.errors import StoreError, UsageError
from bot.slack.command import MAX_TEXT, slack_app
from tests.support.loopback import serving_app

pytestmark = pytest.mark.anyio

BLOCKS = ({"type": "section", "text": {"type": "plain_text", "text": "all well"}},)


class FakeSlackApi:
    """Knows who we are, and keeps what it is answered; the first answers may be refused."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.answers = []

    async def who(self, _):
        return web.json_response({"ok": True, "user_id": "UBOT", "bot_id": "B1", "team_id": "T1", "user": "brownout"})

    async def hear(self, request):
        self.answers.append(await request.json())
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(text="ok" if status == 200 else "invalid_blocks", status=status)


@asynccontextmanager
async def served(slack):
    async with serving_app(web.post("/api/auth.test", slack.who), web.post("/respond", slack.hear)) as url:
        yield url


async def typed(text, answer, slack=None, respond_at=None):
    """What Slack hears when somebody types this after /brownout, and how the command itself was acknowledged."""
    slack = slack or FakeSlackApi()
    async with served(slack) as url:
        bolt = slack_app(AsyncWebClient(token="xoxb-1", base_url=f"{url}/api/"), answer)  # noqa: S106
        command = {
            "command": "/brownout",
            "text": text,
            "channel_id": "C1",
            "user_id": "U1",
            "user_name": "ada",
            "team_id": "T1",
            "response_url": respond_at or f"{url}/respond",
        }
        request = AsyncBoltRequest(body=command, mode="socket_mode")
        acknowledged = await bolt.async_dispatch(request)
        await settled()
    return slack.answers, acknowledged


async def settled():
    """Bolt runs a listener in a task of its own. One of a socket of another test, which never ends, is not meant."""
    mine = asyncio.current_task()
    async with asyncio.timeout(5):
        while others := [t for t in asyncio.all_tasks() if t is not mine and _is_listener(repr(t))]:
            await asyncio.wait(others)


def _is_listener(task):
    return "listener" in task.lower() and "run_message_listeners" not in task


def says(text="all well", *, blocks=BLOCKS, in_channel=False):
    return lambda *_: CommandResponse(Message(text, blocks), in_channel=in_channel)


async def test_the_words_the_channel_and_the_person_are_handed_on():
    asked = []

    def answer(*what):
        asked.append(what)
        return says()()

    await typed("retry claude-api", answer)
    assert asked == [("retry claude-api", "C1", "U1", "ada")]


async def test_a_command_is_acknowledged_with_nothing_that_shows():
    _, acknowledged = await typed("status", says())
    assert (acknowledged.status, acknowledged.body) == (200, "")


async def test_a_question_is_answered_to_who_asked():
    [heard], _ = await typed("status", says())
    assert heard["response_type"] == "ephemeral"


async def test_what_changes_the_channel_is_answered_in_it():
    [heard], _ = await typed("subscribe claude", says(in_channel=True))
    assert heard["response_type"] == "in_channel"


async def test_an_answer_has_its_text_and_its_blocks_and_unfurls_nothing():
    [heard], _ = await typed("status", says())
    assert (heard["text"], heard["blocks"]) == ("all well", list(BLOCKS))
    assert not heard.get("unfurl_links")


async def test_an_answer_without_blocks_is_an_answer():
    [heard], _ = await typed("status", says(blocks=()))
    assert heard["text"] == "all well"


async def test_blocks_that_slack_refuses_leave_the_text():
    heard, _ = await typed("status", says(), FakeSlackApi(400))
    assert ["blocks" in h and bool(h["blocks"]) for h in heard] == [True, False]


async def test_an_answer_longer_than_slack_takes_is_cut():
    [heard], _ = await typed("timeline inc1", says("x" * 100_000))
    assert len(heard["text"]) <= MAX_TEXT


async def test_a_database_that_can_not_be_read_is_an_answer_too(caplog):
    def answer(*_):
        raise StoreError("the disk is gone")

    [heard], _ = await typed("status", answer)
    assert "Something went wrong (error " in heard["text"]
    number = heard["text"].split("(error ")[1][:4]
    assert [(r.message, r.exc_info) for r in caplog.records if r.name == "brownout"] == [
        (f"/brownout could not be answered: the disk is gone id={number}", None)
    ]


async def test_a_failure_that_nobody_thought_of_is_an_answer_too(caplog):
    def answer(*_):
        raise KeyError("what")

    [heard], _ = await typed("status", answer)
    assert "Something went wrong (error " in heard["text"]
    assert "what" not in json.dumps(heard)
    assert caplog.records[0].exc_info is not None


@pytest.mark.hostile(59, "a response URL that fails, a Socket Mode address with its ticket", "told without the address")
async def test_an_answer_that_does_not_arrive_is_one_line_without_the_address(caplog):
    caplog.set_level(logging.INFO)
    await typed("status", says(), respond_at="http://127.0.0.1:9/respond/SECRET")
    lines = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
    assert lines == ["an answer to /brownout did not reach Slack: ClientConnectorError"]


# --- what takes a while -----------------------------------------------------------------------------------------------


def says_later(later):
    return lambda *_: CommandResponse(Message("looking"), later=later)


async def test_the_rest_of_an_answer_follows_once_it_is_there():
    async def later():
        return CommandResponse(Message("found"))

    heard, _ = await typed("watch x", says_later(later))
    assert [h["text"] for h in heard] == ["looking", "found"]


async def test_what_was_wrong_with_a_question_is_told_later_too():
    async def later():
        raise UsageError("there is no page")

    heard, _ = await typed("watch x", says_later(later))
    assert [h["text"] for h in heard] == ["looking", "there is no page"]


async def test_a_failure_later_on_is_an_answer_too(caplog):
    async def later():
        raise KeyError("what")

    heard, _ = await typed("watch x", says_later(later))
    assert "Something went wrong (error " in heard[1]["text"]
    assert caplog.records[0].exc_info is not None


async def test_an_answer_may_take_the_place_of_its_question():
    [heard], _ = await typed("watch x", lambda *_: CommandResponse(Message("done"), replaces=True))
    assert heard["replace_original"]
