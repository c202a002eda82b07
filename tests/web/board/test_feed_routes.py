"""Feeds, badges and the page for frames over HTTP."""

import asyncio

import feedparser
import httpx
import pytest

from bot.web.app import web_app
from tests.support.readiness import always_ready

pytestmark = pytest.mark.anyio


async def get(scenario, path, headers=None, origins=()):
    app = web_app(scenario.queries(), always_ready, asyncio.Event(), hosts=["board"], embed_origins=origins)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://board") as client:
        return await client.get(path, headers=headers or {})


@pytest.mark.parametrize(
    ("name", "count"), [("all", 1), ("acme", 1), ("acme-api", 1), ("acme-web", 0), ("globex", 0), ("globex-api", 0)]
)
async def test_a_feed_has_the_incidents_of_its_target(scenario, name, count):
    answer = await get(scenario.breaks(), f"/feeds/{name}.atom")
    assert len(feedparser.parse(answer.text).entries) == count


async def test_a_feed_s_links_are_addresses_of_this_board(scenario):
    [entry] = feedparser.parse((await get(scenario.breaks(), "/feeds/all.atom")).text).entries
    assert entry.link == "http://board/incidents/i-1"


async def test_a_json_feed_has_its_media_type(scenario):
    assert (await get(scenario.breaks(), "/feeds/all.json")).headers["content-type"].startswith("application/feed+json")


@pytest.mark.parametrize(
    "path", ["/feeds/nope.atom", "/feeds/all.rss", "/feeds/all", "/badges/nope.svg", "/embed/nope"]
)
async def test_what_does_not_exist_is_not_found(scenario, path):
    assert (await get(scenario, path)).status_code == 404


@pytest.mark.parametrize("path", ["/feeds/all.atom", "/badges/acme-api.svg", "/maintenance.ics", "/icons/outage.svg"])
async def test_what_a_client_has_already_is_not_sent_again(scenario, path):
    tag = (await get(scenario.breaks(), path)).headers["etag"]
    answer = await get(scenario, path, {"if-none-match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_a_badge_has_the_status_of_its_service(scenario):
    assert "Acme API: partial outage" in (await get(scenario.breaks(), "/badges/acme-api.svg")).text


async def test_a_provider_s_badge_has_its_worst_status(scenario):
    assert "Acme: partial outage" in (await get(scenario.breaks(), "/badges/acme.svg")).text


async def test_a_planned_maintenance_is_in_the_calendar(scenario):
    assert "SUMMARY:Acme: Database upgrade" in (await get(scenario.plans_maintenance(), "/maintenance.ics")).text


async def test_no_page_may_frame_the_board_by_default(scenario):
    assert "frame-ancestors 'none'" in (await get(scenario, "/embed/acme")).headers["content-security-policy"]


async def test_an_allowed_origin_may_frame_the_embedded_page_alone(scenario):
    origins = ["https://wiki.example.com"]
    policies = [
        (await get(scenario, path, origins=origins)).headers["content-security-policy"] for path in ("/embed/acme", "/")
    ]
    assert ["https://wiki.example.com" in policy for policy in policies] == [True, False]


async def test_the_embedded_page_has_each_service_with_its_advice(scenario):
    page = (await get(scenario.breaks(), "/embed/acme")).text
    assert ("Acme API" in page, "Acme on the web" in page, "Don&#39;t retry" in page) == (True, True, True)
