"""Pages of several paths, of which one fails: what can be read is read, and the rest is named."""

import json
from datetime import timedelta

import pytest

from bot.domain import Component, Condition, PollFailure, Provider, ProviderState, Source
from bot.errors import SourceError
from bot.poller import Poller
from tests.support.acme import NOON, Clock
from tests.support.fake_fetcher import FakeFetcher

pytestmark = pytest.mark.anyio

SUMMARY, COMPONENTS = "/summary.json", "/v2/components.json"
INCIDENT = {
    "id": "i1",
    "name": "Errors",
    "started": "2026-03-02T12:00:00Z",
    "status": "INVESTIGATING",
    "impact": "MAJOROUTAGE",
}
PAGE = json.dumps({"page": {"name": "Acme", "status": "HASISSUES"}, "activeIncidents": [INCIDENT]}).encode()
QUIET = json.dumps({"page": {"name": "Acme", "status": "UP"}}).encode()
KNOWN = (
    Component("c-api", "API", Condition.MAJOR_OUTAGE),
    Component("c-web", "Website", Condition.OPERATIONAL),
)
FAILED = SourceError("HTTP 500", code="http_500")


def acme(kind="instatus", **options):
    return Provider("acme", "Acme", (), Source("acme", "acme", kind, "https://status.acme.example", **options))


@pytest.fixture
def clock():
    return Clock(NOON)


@pytest.fixture
def web():
    return FakeFetcher(**{SUMMARY: QUIET, COMPONENTS: FAILED})


@pytest.fixture
def poll(clock, web):
    poller = Poller(web, clock)

    async def poll(provider=None):
        state = ProviderState("acme", components=KNOWN, seen_at=NOON)
        return (await poller.poll(provider or acme(), state))[0]

    return poll


def conditions(result):
    return {c.id: c.condition for c in result.saw.components or ()}


async def test_a_page_whose_components_fail_still_shows_its_incidents(poll, web):
    web.show(PAGE, SUMMARY)
    assert [i.id for i in (await poll()).saw.incidents] == ["i1"]


async def test_the_path_that_fails_is_named(poll):
    assert (await poll()).saw.problems == ("/v2/components.json can't be read: HTTP 500",)


async def test_a_page_whose_first_path_fails_can_not_be_read(poll, web):
    web.show(FAILED, SUMMARY)
    assert isinstance((await poll()).saw, PollFailure)


async def test_components_stand_for_five_minutes_as_they_were(poll, clock):
    await poll()
    clock.move(minutes=4)
    assert (await poll()).saw.components is None


async def test_then_what_was_operational_is_unknown_and_what_was_red_stays_red(poll, clock):
    await poll()
    clock.move(minutes=5)
    assert conditions(await poll()) == {"c-api": Condition.MAJOR_OUTAGE, "c-web": Condition.UNKNOWN}


async def test_a_poll_without_components_is_never_the_same_as_before(poll, clock):
    await poll()
    clock.move(minutes=1)
    assert not (await poll()).is_same


async def test_components_that_can_be_read_again_are_as_the_page_shows_them(poll, web, clock):
    await poll()
    clock.move(minutes=9)
    web.show(
        json.dumps({"components": [{"id": "c-web", "name": "Website", "status": "OPERATIONAL"}]}).encode(), COMPONENTS
    )
    result = await poll()
    assert (conditions(result), result.saw.problems) == ({"c-web": Condition.OPERATIONAL}, ())


async def test_a_failure_hours_later_starts_to_count_anew(poll, web, clock):
    await poll()
    clock.move(minutes=9)
    web.show(json.dumps({"components": []}).encode(), COMPONENTS)
    await poll()
    web.show(FAILED, COMPONENTS)
    clock.at += timedelta(hours=3)
    assert (await poll()).saw.components is None


async def test_uptime_kuma_without_heartbeats_still_shows_what_is_pinned(poll, web):
    pinned = {"id": 7, "title": "Errors", "content": "Calls fail.", "createdDate": "2026-03-02 12:00:00"}
    body = {"config": {"title": "Acme"}, "publicGroupList": [], "incident": pinned}
    web.show(json.dumps(body).encode(), "/api/status-page/acme")
    result = await poll(acme("uptimekuma", page="acme"))
    assert ([i.name for i in result.saw.incidents], result.saw.components) == (["Errors"], None)


async def test_a_list_of_incidents_that_fails_beside_its_page_makes_the_page_unreadable(poll, web):
    page = {"page": {"id": "p", "name": "Acme"}, "status": {"indicator": "none"}, "components": []}
    web.show(json.dumps(page).encode(), "/api/v1/status.json")
    assert isinstance((await poll(acme("rootly"))).saw, PollFailure)
