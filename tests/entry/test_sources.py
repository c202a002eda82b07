"""``sources`` in the shell and over HTTP: the same, and what only the running bot knows."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from click.testing import CliRunner

from bot.entry.cli import brownout
from bot.entry.desk import Desk
from bot.entry.running import Running
from bot.entry.web import web_app
from bot.model import Pulse, VerdictRules
from tests.acme import catalogue
from tests.entry.acme import ACME, GLOBEX, START

pytestmark = pytest.mark.anyio


class Rounds:
    """Appointments that the test has made."""

    def pulse(self, _):
        return Pulse(20, START + timedelta(minutes=3), looks=7, late=1, worst_s=9.5)


def shell(tmp_path, *words):
    catalogue(tmp_path)
    told = CliRunner().invoke(
        brownout, ["sources", *words, "--config", str(tmp_path), "--db", str(tmp_path / "town.db")]
    )
    assert told.exit_code == 0, told.output
    return told.output


def test_the_shell_says_how_often_a_bot_would_look(town, tmp_path):
    town.look()
    assert "next look every 60 s while a bot runs" in shell(tmp_path)


def test_as_json_it_is_a_list_with_a_null_for_what_only_a_running_bot_knows(town, tmp_path):
    town.look()
    town.stare()
    [found] = json.loads(shell(tmp_path, "--json"))
    assert (found["provider"], found["state"], found["failures"], found["why"]) == ("acme", "blind", 1, "")
    assert (found["next_at"], found["looks"], found["interval_s"]) == (None, None, 60.0)


@pytest.fixture
def get(town):
    """What the door of a running bot answers."""
    running = Running([ACME, GLOBEX], Rounds())
    desk = Desk(running.providers, town.book, town.now, lambda _: VerdictRules(), running=running)

    async def ready():
        return {}

    async def get(path):
        transport = httpx.ASGITransport(app=web_app(desk, ready, asyncio.Event(), hosts=["board"]))
        async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
            return await client.get(path)

    return get


async def test_over_http_the_running_bot_says_when_it_looks_next(town, get):
    town.look()
    answer = (await get("/v1/sources")).json()
    assert [item["provider"] for item in answer["items"]] == ["acme", "globex"]
    first = answer["items"][0]
    assert (first["next_at"], first["interval_s"], first["looks"], first["late_looks"], first["latest_by_s"]) == (
        "2026-03-02T11:03:00Z",
        20,
        7,
        1,
        9.5,
    )


async def test_the_board_has_a_page_of_them_the_worst_first(town, get):
    town.look()
    town.stare("it answered <b>500</b>")
    page = (await get("/sources")).text
    assert "<h1>Sources: 1 blind and 1 readable</h1>" in page
    assert page.index("<strong>acme</strong> blind for 1 look in a row") < page.index("<strong>globex</strong>")
    assert "<b>" not in page
