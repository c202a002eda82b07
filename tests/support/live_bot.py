"""A bot's web server on loopback, in a thread of its own, over a story of made-up providers that ends just now."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import settings
from bot.mcp_server.on_demand import OnDemandEndpoint
from bot.queries.slack_status import SlackStatus
from bot.settings import WebSettings
from bot.web.evidence_api import EvidenceApi
from bot.web.rate_limit import RateLimiter
from bot.web.server import serve
from tests.support.scenario import ACME, GLOBEX, Scenario


class Recorder:
    """Receives evidence and remembers it."""

    def __init__(self):
        self.seen = []

    async def take_evidence(self, _, evidence):
        self.seen += [*evidence.probes, *evidence.reports, *evidence.outcomes]


class LiveScenario(Scenario):
    """A scenario whose clock goes on by itself; while a story plays, it shows the story's minute."""

    is_playing = False

    def now(self):
        return super().now() if self.is_playing else datetime.now(UTC)  # noqa: TID251  (clients ask the real clock)

    def play(self, story, minutes):
        self.start, self.minute, self.is_playing = self.now() - timedelta(minutes=minutes), 0, True
        story(self)
        self.is_playing = False


STORIES = {
    "well": (lambda scenario: scenario.poll_page(until=20), 20),
    "breaks": (lambda scenario: scenario.breaks(), 15),
    "recovers": (lambda scenario: scenario.recovers(), 45),
    "is_over": (lambda scenario: scenario.is_over(), 47),
}


class LiveBot:
    """Serves while its context is entered. ``story`` is a name of STORIES; ``token`` may send outcomes."""

    def __init__(self, path, story="well", *, public=True, is_mcp=False, burst=60, services=None):
        self.path, self.story, self.evidence = path, story, Recorder()
        self.public, self.is_mcp, self.burst, self.services = public, is_mcp, burst, services or {}
        self.port = self.token = None
        self.tokens = {}
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self._thread.start()
        assert self._started.wait(20)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(20)

    async def _serve(self):
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        scenario = LiveScenario(self.path, acme=self._acme())
        with closing(scenario.repository):
            scenario.play(*STORIES[self.story])
            keys = scenario.repository.api_tokens
            self.token = keys.create("shop", ("outcomes",), scenario.now())
            self.tokens = {kind: keys.create(kind, (kind,), scenario.now()) for kind in ("reports", "read")}
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                self.port = listener.getsockname()[1]
            pace = RateLimiter(time.monotonic, burst=self.burst)
            queries, tasks, mcp = scenario.queries(), [], None
            if self.is_mcp:
                endpoint = self._mcp_endpoint(queries, pace)
                mcp, tasks = endpoint.add_route, [asyncio.create_task(endpoint.run())]
            web, writing = WebSettings(port=self.port, public=self.public), EvidenceApi(self.evidence, pace)
            serving = serve(queries, web, SlackStatus(), 60, self._closing, writing=writing, mcp=mcp)
            server = asyncio.create_task(serving)
            while not server.done() and not await _accepts(self.port):  # noqa: ASYNC110  (a port has no event)
                await asyncio.sleep(0.01)
            self._started.set()
            await asyncio.gather(server, *tasks)

    def _acme(self):
        """The provider of the story, with other ids for its services."""
        named = [replace(s, id=self.services.get(s.id, s.id)) for s in ACME.surfaces]
        return replace(ACME, surfaces=tuple(named))

    def _mcp_endpoint(self, queries, pace):
        async def create():
            from bot.mcp_server.http import McpEndpoint  # noqa: PLC0415  (needs an optional dependency)
            from bot.mcp_server.server import AgentTools  # noqa: PLC0415  (likewise)

            loaded = replace(settings.load(None), providers=(self._acme(), GLOBEX))
            tools = AgentTools(lambda: loaded, self.path, queries.now)
            return McpEndpoint(tools, queries, self.evidence, pace.try_acquire)

        return OnDemandEndpoint(create, self._closing)


async def _accepts(port):
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
