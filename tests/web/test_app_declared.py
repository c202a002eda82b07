"""A board says that a team declared an incident only where that was asked, and never by whom or under which title."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from bot.web.app import Readiness, web_app
from tests.support.declared import Team

pytestmark = pytest.mark.anyio


@pytest.fixture
def team(scenario):
    team = Team(scenario.breaks())
    team.declares("Checkout fails")
    return team


async def get(team, path, *, shows):
    async def readiness():
        return Readiness({}, {})

    app = web_app(replace(team.scenario.queries(), shows_declared=shows), readiness, asyncio.Event(), hosts=["board"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://board") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", ["/v1/incidents/i-1", "/incidents/i-1"])
async def test_by_default_nothing_of_it_is_shown(team, path):
    text = (await get(team, path, shows=False)).text
    assert [words in text for words in ("Declared by a team", "sev2", "ada", "Checkout")] == [False] * 4


async def test_the_page_says_so_where_that_was_asked(team):
    text = (await get(team, "/incidents/i-1", shows=True)).text
    assert "Declared by a team as its own incident (SEV2)" in text
    assert [words in text for words in ("Checkout", ">ada<", "C1")] == [False] * 3


async def test_the_json_has_severity_and_times_and_no_name(team):
    body = (await get(team, "/v1/incidents/i-1", shows=True)).json()
    [declared] = body["declared"]
    assert declared == {
        "severity": "sev2",
        "declared_at": "2026-03-02T11:15:00Z",
        "closed_at": None,
        "safe_since": None,
    }
