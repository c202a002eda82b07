"""What Slack would send by HTTP -> the answer of a whole web app with Slack's door in it, and what its listeners heard."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.edge.store import Store
from bot.entry.once import Once, events_once
from bot.entry.question import Reply
from bot.entry.signature import sign
from bot.entry.slack_http import FORM, JSON, PATH, HttpDoor
from bot.entry.slash import slack_app
from bot.entry.web import web_app
from bot.model import Message

SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Slack:
    """Slack's own end: knows who we are, and keeps what it is answered."""

    def __init__(self):
        self.answers = []

    async def who(self, _):
        return web.json_response({"ok": True, "user_id": "UBOT", "bot_id": "B1", "team_id": "T1"})

    async def hear(self, request):
        self.answers.append(await request.json())
        return web.Response(text="ok")


@dataclass
class Door:
    """``heard`` is what reached the listeners: the words of commands, the ids of events and of modals."""

    client: httpx.AsyncClient
    slack: Slack
    door: HttpDoor
    url: str
    book: Store
    minute: float = 0
    heard: list = field(default_factory=list)

    def now(self):
        return NOON + timedelta(minutes=self.minute)

    def headers(self, body, *, kind=FORM, at=None, secret=SECRET):
        stamp = str(int((at or self.now()).timestamp()))
        return {
            "content-type": kind,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": sign(secret, stamp, body),
        }

    async def post(self, body, *, headers=None, kind=FORM, **more):
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
        return await self.post(json.dumps(body | more).encode(), kind=JSON)

    async def settled(self):
        """Until nothing is waiting and no listener runs."""
        async with asyncio.timeout(5):
            while bool(self.door._waiting) or self.door._working or any(map(_listens, asyncio.all_tasks())):  # noqa: ASYNC110
                await asyncio.sleep(0.002)


def _listens(task):
    return "run_ack_function" in repr(task)


@asynccontextmanager
async def slack_door(path, *, now=None):
    """A door over a book at this path, with a Slack on loopback behind it."""
    slack = Slack()
    end = web.Application()
    end.router.add_post("/api/auth.test", slack.who)
    end.router.add_post("/respond", slack.hear)
    runner = web.AppRunner(end)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    book = Store.open(path)
    door = made(book, slack, url, now)
    task = asyncio.create_task(door.door.work())
    try:
        yield door
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await door.client.aclose()
        book.close()
        await runner.cleanup()


def made(book, slack, url, now=None):
    async def ready():
        return {}

    found = Door(None, slack, None, url, book)

    def answer(text, *_):
        found.heard.append(text)
        return Reply(Message(f"you typed {text}"))

    bolt = slack_app(AsyncWebClient(token="xoxb-1", base_url=f"{url}/api/", retry_handlers=[]), answer)  # noqa: S106
    events_once(bolt, Once(book.heard, now or found.now))

    async def opened(body):
        found.heard.append(body["event_id"])

    async def sent(ack, body):
        found.heard.append(body["view"]["id"])
        await ack(response_action="errors", errors={"b": "no"})

    bolt.event("app_home_opened")(opened)
    bolt.view("settings")(sent)
    found.door = HttpDoor(bolt, SECRET, now or found.now)
    app = web_app(Unasked(), ready, asyncio.Event(), slack=found.door.add)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    found.client = httpx.AsyncClient(transport=transport, base_url="https://bot.example.com")
    return found


class Unasked:
    """A desk that nobody asks."""

    providers = ()
