"""Answers with tables and charts: sent where Slack takes them, plain for a day where it does not, and never lost."""

import logging
from dataclasses import dataclass, field

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_features import RETRY_AFTER, SlackFeatures
from bot.commands.types import CommandResponse
from bot.domain import Message
from bot.messages import block_kit, newer_blocks
from bot.slack.chat_respond import ChatRespond
from bot.slack.command import send_response
from tests.slack.test_interactions import slack, told

pytestmark = pytest.mark.anyio
__all__ = ["slack"]  # a fixture

PLAIN = block_kit.section("Acme API · partial outage")
ROW = [newer_blocks.text_cell("Acme API"), newer_blocks.text_cell("partial outage")]
TABLE = newer_blocks.table(("Service", "Status"), [ROW])
CHART = newer_blocks.bar_chart("Hours", ["1 Jan"], [("bad", [1.0])], ("week", "hours"))
ANSWER = CommandResponse(
    Message("Acme API, partial outage", (*newer_blocks.offer([PLAIN], [TABLE]), *newer_blocks.offer([PLAIN], [CHART])))
)


@dataclass
class Sent:
    status_code: int
    body: str = "ok"


@dataclass
class FakeRespond:
    """Takes a message, unless it has a block of a refused type."""

    refused: tuple = ()
    why: str = "invalid_blocks"
    sent: list = field(default_factory=list)
    tried: int = 0

    async def __call__(self, *, text, blocks, **_):
        self.tried += 1
        types = [block["type"] for block in blocks or ()]
        if set(types) & set(self.refused):
            return Sent(400, self.why)
        self.sent.append((text, types))
        return Sent(200)


@pytest.fixture
def features(clock):
    return SlackFeatures(clock)


async def send(respond, features):
    await send_response(ANSWER, respond, None, None, features)


async def test_newer_blocks_are_sent_where_slack_takes_them(features):
    respond = FakeRespond()
    await send(respond, features)
    assert respond.sent == [("Acme API, partial outage", ["table", "data_visualization"])]


async def test_switched_off_they_are_not_tried():
    respond = FakeRespond()
    await send(respond, None)
    assert respond.sent == [("Acme API, partial outage", ["section", "section"])]


async def test_a_refused_answer_is_sent_in_plain_blocks(features):
    respond = FakeRespond(refused=("table",))
    await send(respond, features)
    assert respond.sent == [("Acme API, partial outage", ["section", "section"])]


async def test_what_was_refused_is_not_tried_again_for_a_day(features, clock):
    respond = FakeRespond(refused=("table", "data_visualization"))
    await send(respond, features)
    assert respond.tried == 2
    await send(respond, features)
    assert respond.tried == 3
    respond.refused = ()
    clock.move(seconds=RETRY_AFTER.total_seconds())
    await send(respond, features)
    assert respond.sent[-1][1] == ["table", "data_visualization"]


async def test_the_first_refusal_is_logged_once(features, clock, caplog):
    respond = FakeRespond(refused=("table",))
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await send(respond, features)
            clock.move(days=2)
    named = [r.message for r in caplog.records if "the type table" in r.message]
    assert named == [
        "Slack takes no blocks of the type table (invalid_blocks): answers have plain blocks; tried again once a day"
    ]


@pytest.mark.parametrize("why", ["expired_url", "used_url", "<html>Bad gateway</html>", ""])
async def test_a_failure_of_another_kind_says_nothing_of_the_blocks(features, why):
    respond = FakeRespond(refused=("table",), why=why)
    await send(respond, features)
    assert respond.sent == [("Acme API, partial outage", ["section", "section"])]
    assert features.may_use("blocks of the type table")


async def test_without_any_blocks_the_text_is_sent(features):
    respond = FakeRespond(refused=("table", "section"))
    await send(respond, features)
    assert respond.sent == [("Acme API, partial outage", [])]


async def test_a_token_of_another_workspace_tries_everything_again(features):
    features.record_refusal("blocks of the type table", "invalid_blocks", "x")
    features.forget()
    assert features.may_use("blocks of the type table")


async def test_an_answer_to_a_mention_falls_back_in_the_same_way(features, slack):
    slack.refused = {"chat.postMessage": "invalid_blocks"}
    client = AsyncWebClient(token="xoxb-1", base_url=f"{slack.url}/api/")  # noqa: S106
    await send(ChatRespond(client, "C1", "1.2", "U1", is_private=False), features)
    tried = [[b["type"] for b in call.get("blocks") or ()] for call in told(slack, "chat.postMessage")]
    assert tried == [["table", "data_visualization"], ["section", "section"], []]
