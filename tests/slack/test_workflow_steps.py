"""Steps of Workflow Builder through the real Bolt app, in both modes, with a Slack on loopback."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager

import httpx
import pytest
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_client import SlackClient
from bot.app.workflow_steps import WorkflowStepRunner
from bot.domain import StepKind, VerdictParameters
from bot.errors import StoreError
from bot.queries.current import StatusQueries
from bot.slack.command import slack_app
from bot.slack.deduplication import EventDeduplicator, install_deduplication
from bot.slack.fallbacks import register_fallbacks
from bot.slack.http_mode import JSON_TYPE, PATH, SlackHttpHandler
from bot.slack.signature import sign
from bot.slack.socket_mode import ImmediateAck
from bot.slack.workflow_steps import register_workflow_steps
from bot.storage import Repository
from bot.web.app import web_app
from tests.support.acme import ACME, NOON, Clock, poll_page
from tests.support.loopback import serving_app
from tests.support.pages import DOWN, page
from tests.support.readiness import always_ready
from tests.support.signed_requests import SECRET, UnusedQueries
from tests.support.stores import place
from tests.support.workflow_slack import WORKFLOW_TOKEN, FakeWorkflows, step_event

pytestmark = pytest.mark.anyio

OURS = "xoxb-ours"
STATUS, SERVICES = str(StepKind.STATUS), str(StepKind.SERVICES)
ACME_API = {"service": "acme-api"}


class Line:
    """A connection of Socket Mode that keeps what is acknowledged."""

    logger = logging.getLogger("brownout.bolt")

    def __init__(self, log):
        self._log = log

    async def send_socket_mode_response(self, response):
        self._log.append(f"ack {response.envelope_id}")


class Workspace:
    """The bot's Bolt app; ``log`` has acknowledgements and the ends of steps, in their order."""

    def __init__(self, repository, slack, url, recorder=None):
        self.slack, self.log = slack, []
        client = AsyncWebClient(token=OURS, base_url=f"{url}/api/", retry_handlers=[])
        self.bolt, self.clock = slack_app(client, lambda *_: None), Clock()
        queries = StatusQueries((ACME,), repository, self.clock, lambda _: VerdictParameters())
        self.runner = WorkflowStepRunner(queries, SlackClient(OURS, base_url=f"{url}/api/", timeout_s=5))
        register_workflow_steps(self.bolt, queries, recorder or self.runner)
        register_fallbacks(self.bolt, self.clock)
        install_deduplication(self.bolt, EventDeduplicator(repository.heard, self.clock))
        slack.on_end = lambda execution: self.log.append(f"end {execution}")

    async def by_socket(self, body, envelope="e1"):
        """Slack sends an envelope; the bot's steps are looked at afterwards."""
        handler = ImmediateAck(self.bolt, "xapp-1")
        try:
            await handler.handle(Line(self.log), SocketModeRequest("events_api", envelope, body))
        finally:
            await handler.client.aiohttp_client_session.close()
        await self.runner.turn()

    async def by_http(self, body):
        """Slack posts a signed request; the status of the answer."""
        handler = SlackHttpHandler(self.bolt, SECRET, self.clock)
        app = web_app(UnusedQueries(), always_ready, asyncio.Event(), routes=[handler.add_route])
        sent, stamp = json.dumps(body).encode(), str(int(NOON.timestamp()))
        signed = {"content-type": JSON_TYPE, "x-slack-request-timestamp": stamp}
        signed["x-slack-signature"] = sign(SECRET, stamp, sent)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://bot.example.com") as client:
            answer = await client.post(PATH, content=sent, headers=signed)
        self.log.append(f"http {answer.status_code}")
        await self.runner.turn()


@pytest.fixture
def where(tmp_path):
    return place(tmp_path / "b.db")


@asynccontextmanager
async def opened(where, recorder=None):
    slack = FakeWorkflows()
    async with serving_app(*slack.routes()) as url:
        repository = Repository.open(where)
        repository.record_transition(None, poll_page(poll_page(None, page(), NOON).state, DOWN, NOON), [])
        try:
            yield Workspace(repository, slack, url, recorder), repository
        finally:
            repository.close()


@pytest.fixture
async def workspace(where):
    async with opened(where) as (workspace, _):
        yield workspace


async def test_by_socket_a_step_is_recorded_acknowledged_and_ended(workspace):
    await workspace.by_socket(workspace.slack.start(STATUS, ACME_API))
    assert workspace.log == ["ack e1", "end Fx1"]
    assert workspace.slack.ended["Fx1"]["status"] == "outage"


async def test_by_http_a_step_is_recorded_acknowledged_and_ended(workspace):
    await workspace.by_http(workspace.slack.start(STATUS, ACME_API))
    assert workspace.log == ["http 200", "end Fx1"]
    assert workspace.slack.ended["Fx1"]["status"] == "outage"


class FailingRunner:
    """A runner whose database can't be written."""

    async def begin(self, _):
        raise StoreError("the disk is full")


async def unrecorded(where, send):
    async with opened(where, FailingRunner()) as (workspace, _):
        await send(workspace)
        return workspace.log


async def test_by_socket_a_step_that_cant_be_recorded_is_not_acknowledged(where):
    assert await unrecorded(where, lambda w: w.by_socket(step_event(STATUS, ACME_API))) == []


async def test_by_http_a_step_that_cant_be_recorded_is_answered_with_a_failure(where):
    assert await unrecorded(where, lambda w: w.by_http(step_event(STATUS, ACME_API))) == ["http 500"]


async def test_an_event_whose_id_was_seen_before_is_still_recorded(workspace):
    await workspace.by_socket(step_event(STATUS, ACME_API, "Fx1", "Ev1"))
    workspace.slack.running.add("Fx2")
    await workspace.by_socket(step_event(STATUS, ACME_API, "Fx2", "Ev1"))
    assert "Fx2" in workspace.slack.ended


async def test_an_event_that_comes_again_is_acknowledged_and_ends_nothing_twice(workspace):
    event = workspace.slack.start(STATUS, ACME_API)
    await workspace.by_socket(event)
    await workspace.by_socket(event, "e2")
    assert (workspace.log, workspace.slack.refused) == (["ack e1", "end Fx1", "ack e2"], [])


async def test_a_step_of_another_version_is_answered(workspace):
    await workspace.by_socket(workspace.slack.start("order_pizza", {}))
    assert workspace.slack.ended["Fx1"].startswith("This version of Brownout has no such step.")


@pytest.mark.parametrize("send", [Workspace.by_socket, Workspace.by_http])
async def test_the_services_of_a_menu_are_told_before_the_acknowledgement(workspace, send):
    await send(workspace, workspace.slack.start(SERVICES, {"query": "api"}))
    assert [entry.split()[0] for entry in workspace.log] in (["end", "ack"], ["end", "http"])
    option = {"text": {"type": "plain_text", "text": "Acme API · Acme"}, "value": "acme-api"}
    assert [
        {**o, "text": {k: o["text"][k] for k in ("type", "text")}} for o in workspace.slack.ended["Fx1"]["options"]
    ] == [option]


async def test_a_menu_that_slack_does_not_take_is_acknowledged(workspace, caplog):
    workspace.slack.faults.append("internal_error")
    await workspace.by_socket(workspace.slack.start(SERVICES, {}))
    assert workspace.log == ["ack e1"]
    assert "Slack did not take the services for a workflow's menu" in caplog.text


async def test_an_event_without_inputs_is_answered(workspace):
    event = workspace.slack.start(STATUS, {})
    event["event"]["inputs"] = None
    await workspace.by_socket(event)
    assert workspace.slack.ended["Fx1"].startswith("Name a service.")


async def test_the_token_of_an_execution_is_neither_used_nor_stored(where):
    async with opened(where) as (workspace, repository):
        await workspace.by_socket(workspace.slack.start(STATUS, ACME_API))
        await workspace.by_socket(workspace.slack.start(SERVICES, {}, "Fx2"), "e2")
        rows = [str(repository._db.rows(f"SELECT * FROM {table}")) for table in repository._db.exported_columns()]  # noqa: S608
    assert {token for _, token in workspace.slack.asked if token} == {OURS}
    assert not [text for text in rows if WORKFLOW_TOKEN in text]
