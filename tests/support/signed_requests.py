"""What Slack would send by HTTP -> the answer of a whole web app with Slack's server in it, and what its listeners heard."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.types import CommandResponse
from bot.domain import Message
from bot.slack.command import slack_app
from bot.slack.deduplication import EventDeduplicator, install_deduplication
from bot.slack.http_mode import FORM_TYPE, JSON_TYPE, PATH, SlackHttpHandler
from bot.slack.signature import sign
from bot.storage import Repository
from bot.web.app import web_app
from tests.support.loopback import serving_app
from tests.support.readiness import always_ready

SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class FakeSlackApi:
    """Slack's own end: knows who we are, and keeps what it is answered."""

    def __init__(self):
        self.answers = []

    async def who(self, _):
        return web.json_response({"ok": True, "user_id": "UBOT", "bot_id": "B1", "team_id": "T1"})

    async def hear(self, request):
        self.answers.append(await request.json())
        return web.Response(text="ok")


@dataclass
class SignedEndpoint:
    """``heard`` is what reached the listeners: the words of commands, the ids of events and of modals."""

    client: httpx.AsyncClient
    slack: FakeSlackApi
    web_server: SlackHttpHandler
    url: str
    repository: Repository
    minute: float = 0
    heard: list = field(default_factory=list)

    def now(self):
        return NOON + timedelta(minutes=self.minute)

    def headers(self, body, *, kind=FORM_TYPE, at=None, secret=SECRET):
        stamp = str(int((at or self.now()).timestamp()))
        return {
            "content-type": kind,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": sign(secret, stamp, body),
        }

    async def post(self, body, *, headers=None, kind=FORM_TYPE, **more):
        """Sends these bytes, signed unless ``headers`` say otherwise, and lets the listeners end."""
        headers = self.headers(body, kind=kind) if headers is None else headers
        answer = await self.client.post(PATH, content=body, headers={**headers, **more})
        await self.settled()
        return answer

    def command(self, text="status", **more):
        fields = {"command": "/brownout", "text": text, "channel_id": "C1", "user_id": "U1", "user_name": "ada"}
        return urlencode({**fields, "team_id": "T1", "response_url": f"{self.url}/respond", **more}).encode()

    async def type(self, text="status", *, response_url=None, **more):
        return await self.post(self.command(text, **({"response_url": response_url} if response_url else {})), **more)

    async def event(self, event_id, **more):
        body = {"type": "event_callback", "event_id": event_id, "team_id": "T1", "event": {"type": "app_home_opened"}}
        body["event"] |= {"user": "U1", "tab": "home"}
        return await self.post(json.dumps(body | more).encode(), kind=JSON_TYPE)

    async def settled(self, patience_s=5):
        """Until nothing is waiting and no listener runs."""
        async with asyncio.timeout(patience_s):
            while bool(self.web_server._queue) or self.web_server._tasks or any(map(_listens, asyncio.all_tasks())):  # noqa: ASYNC110
                await asyncio.sleep(0.002)


def _listens(task):
    return "run_ack_function" in repr(task)


@asynccontextmanager
async def signed_endpoint(path, *, now=None):
    """A server over a database at this path, with a Slack on loopback behind it."""
    slack = FakeSlackApi()
    async with serving_app(web.post("/api/auth.test", slack.who), web.post("/respond", slack.hear)) as url:
        repository = Repository.open(path)
        web_server = made(repository, slack, url, now)
        task = asyncio.create_task(web_server.web_server.process_queue())
        try:
            yield web_server
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await web_server.client.aclose()
            repository.close()


def made(repository, slack, url, now=None):
    found = SignedEndpoint(None, slack, None, url, repository)

    def answer(text, *_):
        found.heard.append(text)
        return CommandResponse(Message(f"you typed {text}"))

    bolt = slack_app(AsyncWebClient(token="xoxb-1", base_url=f"{url}/api/", retry_handlers=[]), answer)  # noqa: S106
    install_deduplication(bolt, EventDeduplicator(repository.heard, now or found.now))

    async def opened(body):
        found.heard.append(body["event_id"])

    async def sent(ack, body):
        found.heard.append(body["view"]["id"])
        await ack(response_action="errors", errors={"b": "no"})

    bolt.event("app_home_opened")(opened)
    bolt.view("settings")(sent)
    found.web_server = SlackHttpHandler(bolt, SECRET, now or found.now)
    app = web_app(UnusedQueries(), always_ready, asyncio.Event(), routes=[found.web_server.add_route])
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    found.client = httpx.AsyncClient(transport=transport, base_url="https://bot.example.com")
    return found


class UnusedQueries:
    """A queries that nobody asks."""

    providers, running = (), None
