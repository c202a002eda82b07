"""The small story of every format, over real HTTP, engine and store, to what a reader of the page would write down."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.adapters.page_fetcher import PageFetcher
from bot.domain import EventKind, Provider, Subscription, Surface, VerdictParameters
from bot.engine import Engine
from bot.formats import FORMATS
from bot.storage import Repository
from tests.formats.pages import source
from tests.formats.stories import CLEAR, ENDED, EXPECTED, OPEN, POSTED, Times, pages
from tests.support.acme import Clock
from tests.support.loopback import serving_app
from tests.test_engine_formats import RecordingChat

pytestmark = pytest.mark.anyio

TEN = datetime(2026, 1, 10, 10, tzinfo=UTC)
TIMES = Times(TEN, TEN + timedelta(minutes=20), TEN + timedelta(minutes=40))
MINUTE = timedelta(minutes=1)


class Vendor:
    """The vendor's server."""

    def __init__(self):
        self.shown, self.asked = {}, []

    async def answer(self, request):
        self.asked.append(request.raw_path)
        body = self.shown.get(request.raw_path)
        return web.Response(status=404) if body is None else web.Response(body=body)


@contextlib.asynccontextmanager
async def played(kind, tmp_path):
    """The database after the story was polled: before it, a minute after each step, and for eight minutes after it."""
    vendor = Vendor()
    async with serving_app(web.get("/{path:.*}", vendor.answer)) as url, PageFetcher(timeout_s=5) as fetcher:
        surface = Surface(id="acme-api", provider="acme", name="Acme API", components=("API",), words=("calls", "API"))
        provider = Provider("acme", "Acme", (surface,), replace(source(kind), url=url))
        with contextlib.closing(Repository.open(tmp_path / "b.db")) as repository:
            repository.subscribe(Subscription("C1", "acme", created_at=TEN))
            clock = Clock(TEN - 10 * MINUTE)
            engine = Engine(
                {"acme": provider}, fetcher, repository, RecordingChat(), clock, lambda _: VerdictParameters()
            )
            later = [(ENDED, TIMES.ended + n * MINUTE) for n in range(1, 9)]
            polls = [(CLEAR, TEN - 5 * MINUTE), (OPEN, TEN + MINUTE), (POSTED, TIMES.posted + MINUTE), *later]
            for step, at in polls:
                clock.move(seconds=(at - clock()).total_seconds())
                vendor.shown = pages(kind, step, TIMES, url.partition("://")[2])
                change = await engine.poll("acme")
                assert change.poll_failure is None, change.poll_failure
            yield repository, engine


FULL = """
10:01 opened investigating 10:00
10:01 post investigating 10:00
10:01 acme-api major_outage
10:21 post identified 10:20
10:41 post resolved 10:40
10:41 over resolved 10:40
10:41 acme-api operational
"""
NO_STEPS = FULL.replace("identified", "investigating")
LEAVES = """
10:01 opened investigating 10:00
10:01 post investigating 10:00
10:01 acme-api major_outage
10:21 post identified 10:20
10:41 over identified
10:41 acme-api operational
"""
ONE_TEXT = """
10:01 opened investigating 10:00
10:01 post investigating 10:00
10:01 acme-api major_outage
10:41 post resolved 10:40
10:41 over resolved 10:40
10:41 acme-api operational
"""
EVENTS = {
    "statuspage": FULL,
    "incidentio": FULL,
    "incidentio-proxy": LEAVES,
    "incidentio-widget": LEAVES.replace("10:41", "10:46"),  # no components confirm it, so that five minutes have to
    "google": NO_STEPS,
    "aws": NO_STEPS,
    "slack": NO_STEPS,
    "instatus": LEAVES,
    "betterstack": NO_STEPS,
    "statusio": LEAVES,
    "cachet-v1": FULL,
    "cachet-v3": FULL,
    "heroku": FULL,
    "salesforce": FULL,
    "cloudflare": FULL,
    "statuspal": FULL,
    "rootly": FULL,
    "openstatus": FULL,
    "uptimekuma": LEAVES.replace("identified", "investigating"),
    "uptimerobot": ONE_TEXT,
    "apple": ONE_TEXT,
    "microsoft": NO_STEPS.replace("major_outage", "degraded"),
    "zendesk": LEAVES.replace("10:41", "10:46"),
    "feed": FULL.replace("major_outage", "degraded"),  # from text alone
}
WORDS = {
    EventKind.INCIDENT_OPENED: "opened",
    EventKind.UPDATE_POSTED: "post",
    EventKind.INCIDENT_RESOLVED: "over",
    EventKind.SURFACE_CHANGED: "acme-api",
}


def written_down(event):
    happened = f"{event.happened_at:%H:%M}" if event.happened_at and event.kind is not EventKind.SURFACE_CHANGED else ""
    what = event.condition or event.stage
    return f"{event.seen_at:%H:%M} {WORDS.get(event.kind, event.kind)} {what} {happened}".strip()


@pytest.mark.parametrize("kind", FORMATS)
async def test_the_story_is_told_as_a_reader_of_the_page_would_write_it_down(kind, tmp_path):
    async with played(kind, tmp_path) as (repository, engine):
        [tracked] = engine.states["acme"].incidents
        events = [e for e in repository.events(tracked.incident.id) if e.kind is not EventKind.VERDICT_CHANGED]
    assert [written_down(e) for e in events] == EVENTS[kind].strip().splitlines()


@pytest.mark.parametrize("kind", FORMATS)
async def test_what_is_kept_of_it_has_the_title_the_impact_the_posts_and_their_times(kind, tmp_path):
    expected = EXPECTED[kind]
    async with played(kind, tmp_path) as (_, engine):
        [tracked] = engine.states["acme"].incidents
    incident = tracked.incident
    assert (incident.name, incident.impact) == (expected.title, expected.impact)
    assert [u.stage for u in incident.updates] == list(expected.stages)
    moments = [TIMES.opened, TIMES.ended] if len(expected.stages) == 2 and "resolved" in expected.stages else TIMES.all
    assert [u.display_at for u in incident.updates] == list(moments)[: len(expected.stages)]
