"""Every format over real HTTP: a page on loopback, the real Fetcher, engine and store, and the alert that comes of it."""

import contextlib
from dataclasses import replace

import pytest
from aiohttp import web

from bot.adapters.page_fetcher import PageFetcher
from bot.domain import Provider, Subscription, Surface, VerdictParameters
from bot.engine import Engine
from bot.formats import FORMATS
from bot.formats.base import Absence
from bot.storage import Repository
from tests.formats.pages import NOON, PAGES, read, source
from tests.support.acme import Clock
from tests.support.loopback import serving_app
from tests.support.stores import place

pytestmark = pytest.mark.anyio

CLEAR = {"statuspage": "all-clear", "feed": "azure-clear"}
OPEN = {"statuspage": "mid-incident", "feed": "statuspage"}
WORDS = ("API", "registry", "machines", "messages", "exports", "log in", "error rates", "apps", "service", "models")


class RecordingChat:
    """A chat that keeps what is posted."""

    burst = 9
    can_search_history = False

    def __init__(self):
        self.posts = []

    async def post(self, channel, message, *, thread_ts, broadcast):  # noqa: ARG002
        self.posts.append(f"{message.text} {message.blocks} {message.attachments}")
        return f"ts{len(self.posts)}"

    def permalink(self, channel, ts):
        return f"https://chat.example/{channel}/{ts}"

    async def edit(self, channel, ts, message):
        """What is redrawn is not posted."""


class FormatPage:
    """The kind's page: ``show`` puts a page of ours on its paths; anything else is 404."""

    def __init__(self, kind):
        self.kind, self.bodies, self.asked = kind, {}, []

    def show(self, name):
        paths = FORMATS[self.kind].paths_of(self.source)
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
    page = FormatPage(kind)
    async with serving_app(web.get("/{path:.*}", page.answer)) as page.url:
        yield page


def provider(page):
    """A provider with one surface, which is everything that the page speaks of."""
    found = read(page.kind, OPEN.get(page.kind, "open"))
    told = {m.name for i in found.incidents for u in i.updates for m in u.transitions or ()}
    names = tuple(sorted(told | {c.name for c in found.components or ()}))
    surface = Surface(id="acme-api", provider="acme", name="Acme API", components=names, words=WORDS)
    return Provider("acme", "Acme", (surface,), page.source)


@contextlib.asynccontextmanager
async def watching(page, tmp_path):
    repository, clock, chat = Repository.open(place(tmp_path / "b.db")), Clock(NOON), RecordingChat()
    repository.subscribe(Subscription("C1", "acme", created_at=NOON))
    async with PageFetcher(timeout_s=5) as fetcher:
        engine = Engine({"acme": provider(page)}, fetcher, repository, chat, clock, lambda _: VerdictParameters())

        async def poll_page(name):
            page.show(name)
            clock.move(seconds=30)
            change = await engine.poll("acme")
            assert change.poll_failure is None, change.poll_failure
            await engine.publish()
            return change

        yield engine, chat, poll_page
    repository.close()


@pytest.mark.parametrize("kind", FORMATS)
async def test_trouble_on_a_page_of_any_format_is_an_alert_in_the_channel(kind, tmp_path):
    async with serving(kind) as page, watching(page, tmp_path) as (_, chat, poll_page):
        await poll_page(CLEAR.get(kind, "clear"))
        await poll_page(OPEN.get(kind, "open"))
    titles = {i.name for i in read(kind, OPEN.get(kind, "open")).incidents if not i.stage.is_closed}
    assert any(title in text for title in titles for text in chat.posts)


@pytest.mark.parametrize("kind", FORMATS)
async def test_a_page_that_stays_as_it_is_says_nothing_more(kind, tmp_path):
    async with serving(kind) as page, watching(page, tmp_path) as (_, chat, poll_page):
        for name in (CLEAR.get(kind, "clear"), OPEN.get(kind, "open"), OPEN.get(kind, "open")):
            await poll_page(name)
            before, chat.posts = chat.posts, []
    assert before == []


@pytest.mark.parametrize("kind", [k for k in FORMATS if FORMATS[k].absence is Absence.OVER])
async def test_what_left_a_page_of_what_is_open_is_over(kind, tmp_path):
    async with serving(kind) as page, watching(page, tmp_path) as (engine, _, poll_page):
        for name in ("clear", "open", *["clear"] * 11):  # a page without components must confirm it for five minutes
            await poll_page(CLEAR.get(kind, name) if name == "clear" else OPEN.get(kind, name))
        assert [k for k in engine.states["acme"].open_incidents if not k.incident.is_unposted] == []


async def test_what_left_googles_window_is_not_over(tmp_path):
    async with serving("google") as page, watching(page, tmp_path) as (engine, _, poll_page):
        for name in ("clear", "open", "clear"):
            await poll_page(name)
        assert [k.incident.id for k in engine.states["acme"].open_incidents] == ["openGeminiIncident01"]
