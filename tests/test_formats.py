"""Every format over real HTTP: a page on loopback, the real Fetcher, engine and store, and the alert that comes of it."""

import contextlib
from dataclasses import replace

import pytest
from aiohttp import web

from bot.edge.fetch import Fetcher
from bot.edge.store import Store
from bot.engine import Engine
from bot.model import Provider, Subscription, Surface, VerdictRules
from bot.sources import KINDS
from bot.sources.kind import Absence
from tests.acme import Clock
from tests.sources.pages import NOON, PAGES, read, source

pytestmark = pytest.mark.anyio

CLEAR = {"statuspage": "all-clear", "feed": "azure-clear"}
OPEN = {"statuspage": "mid-incident", "feed": "statuspage"}
WORDS = ("API", "registry", "machines", "messages", "exports", "log in", "error rates", "apps", "service", "models")


class Channel:
    """A chat that keeps what is posted."""

    burst = 9

    def __init__(self):
        self.posts = []

    async def post(self, channel, message, *, thread_ts, broadcast):  # noqa: ARG002
        self.posts.append(message.text)
        return f"ts{len(self.posts)}"

    def link(self, channel, ts):
        return f"https://chat.example/{channel}/{ts}"

    async def edit(self, channel, ts, message):
        """What is redrawn is not posted."""


class Page:
    """The kind's page: ``show`` puts a page of ours on its paths; anything else is 404."""

    def __init__(self, kind):
        self.kind, self.bodies, self.asked = kind, {}, []

    def show(self, name):
        paths = KINDS[self.kind].paths_of(self.source)
        self.bodies = dict(zip(paths, PAGES[self.kind, name], strict=True))

    @property
    def source(self):
        return replace(source(self.kind), url=self.url)

    async def answer(self, request):
        self.asked.append(request.raw_path)
        body = self.bodies.get(request.raw_path)
        if body is None:
            return web.Response(status=404, text="nothing here")
        types = {"feed": "application/atom+xml", "aws": "application/json;charset=utf-16"}
        headers = {"content-type": types.get(self.kind, "application/json")}
        return web.Response(body=body, headers=headers)


@contextlib.asynccontextmanager
async def serving(kind):
    page = Page(kind)
    app = web.Application()
    app.router.add_get("/{path:.*}", page.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    page.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield page
    finally:
        await runner.cleanup()


def provider(page):
    """A provider with one surface, which is everything that the page speaks of."""
    found = read(page.kind, OPEN.get(page.kind, "open"))
    told = {m.name for i in found.incidents for u in i.updates for m in u.transitions or ()}
    names = tuple(sorted(told | {c.name for c in found.components or ()}))
    surface = Surface(id="acme-api", provider="acme", name="Acme API", components=names, words=WORDS)
    return Provider("acme", "Acme", (surface,), page.source)


@contextlib.asynccontextmanager
async def watching(page, tmp_path):
    book, clock, chat = Store.open(tmp_path / "b.db"), Clock(NOON), Channel()
    book.subscribe(Subscription("C1", "acme", created_at=NOON))
    async with Fetcher(timeout_s=5) as fetcher:
        engine = Engine({"acme": provider(page)}, fetcher, book, chat, clock, lambda _: VerdictRules())

        async def look(name):
            page.show(name)
            clock.move(seconds=30)
            stroke = await engine.poll("acme")
            assert stroke.blindness is None, stroke.blindness
            await engine.publish()
            return stroke

        yield engine, chat, look
    book.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_trouble_on_a_page_of_any_format_is_an_alert_in_the_channel(kind, tmp_path):
    async with serving(kind) as page, watching(page, tmp_path) as (_, chat, look):
        await look(CLEAR.get(kind, "clear"))
        await look(OPEN.get(kind, "open"))
    titles = {i.name for i in read(kind, OPEN.get(kind, "open")).incidents if not i.stage.is_closed}
    assert any(title in text for title in titles for text in chat.posts)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_page_that_stays_as_it_is_says_nothing_more(kind, tmp_path):
    async with serving(kind) as page, watching(page, tmp_path) as (_, chat, look):
        for name in (CLEAR.get(kind, "clear"), OPEN.get(kind, "open"), OPEN.get(kind, "open")):
            await look(name)
            before, chat.posts = chat.posts, []
    assert before == []


@pytest.mark.parametrize("kind", [k for k in KINDS if KINDS[k].absence is Absence.OVER])
async def test_what_left_a_page_of_what_is_open_is_over(kind, tmp_path):
    async with serving(kind) as page, watching(page, tmp_path) as (engine, _, look):
        for name in ("clear", "open", "clear"):
            await look(CLEAR.get(kind, name) if name == "clear" else OPEN.get(kind, name))
        assert engine.worlds["acme"].open_incidents == ()


async def test_what_left_googles_window_is_not_over(tmp_path):
    async with serving("google") as page, watching(page, tmp_path) as (engine, _, look):
        for name in ("clear", "open", "clear"):
            await look(name)
        assert [k.incident.id for k in engine.worlds["acme"].open_incidents] == ["openGeminiIncident01"]
