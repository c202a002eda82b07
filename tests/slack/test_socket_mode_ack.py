"""What Slack only wants acknowledged is acknowledged before anything else is done about it."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.slack.socket_mode import ImmediateAck

pytestmark = pytest.mark.anyio


class FakeConnection:
    """Takes note of what is said, and when."""

    logger = logging.getLogger("brownout.bolt")

    def __init__(self):
        self.said = []

    async def send_socket_mode_response(self, response):
        self.said.append(("ack", response.envelope_id, response.payload))


async def authorized(**_):
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1")  # noqa: S106


@asynccontextmanager
async def handler(line):
    """Listens for a command and for a modal, and says when it is at work."""
    app = AsyncApp(authorize=authorized)

    async def command(ack):
        await ack()
        line.said.append("at work")

    async def modal(ack):
        line.said.append("at work")
        await ack(response_action="errors", errors={"b": "no"})

    app.command("/brownout")(command)
    app.view("v")(modal)
    prompt = ImmediateAck(app, "xapp-1")
    yield prompt
    await prompt.client.aiohttp_client_session.close()


async def heard(kind, payload):
    line = FakeConnection()
    async with handler(line) as prompt:
        await prompt.handle(line, SocketModeRequest(kind, "e1", payload))
        await asyncio.sleep(0.05)
    return line.said


async def test_a_command_is_acknowledged_once_and_before_its_work_begins():
    said = await heard("slash_commands", {"command": "/brownout", "text": "status", "team_id": "T1", "user_id": "U1"})
    assert said == [("ack", "e1", None), "at work"]


async def test_a_command_that_nobody_listens_for_is_acknowledged_too():
    assert await heard("slash_commands", {"command": "/else", "team_id": "T1"}) == [("ack", "e1", None)]


async def test_a_modal_that_was_sent_off_is_acknowledged_with_what_its_listener_says():
    view = {"id": "V1", "callback_id": "v", "type": "modal"}
    payload = {"type": "view_submission", "view": view, "team": {"id": "T1"}, "user": {"id": "U1"}}
    said = await heard("interactive", payload)
    assert said == ["at work", ("ack", "e1", {"response_action": "errors", "errors": {"b": "no"}})]
