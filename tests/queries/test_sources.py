"""``sources`` in the shell and over HTTP: the same, and what only the running bot knows."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from click.testing import CliRunner

from bot.cli.main import brownout
from bot.domain import Component, Condition, PollStatistics, Snapshot, VerdictParameters
from bot.queries.current import StatusQueries
from bot.queries.runtime import Runtime
from bot.web.app import web_app
from tests.support.acme import catalogue
from tests.support.readiness import always_ready
from tests.support.scenario import ACME, GLOBEX, START

pytestmark = pytest.mark.anyio


class FakePollSchedule:
    """Appointments that the test has made."""

    def poll_statistics(self, _):
        return PollStatistics(20, START + timedelta(minutes=3), looks=7, late=1, worst_s=9.5)


def shell(tmp_path, *words):
    catalogue(tmp_path)
    told = CliRunner().invoke(
        brownout, ["sources", *words, "--config", str(tmp_path), "--db", str(tmp_path / "town.db")]
    )
    assert told.exit_code == 0, told.output
    return told.output


def test_the_shell_says_how_often_a_bot_would_look(scenario, tmp_path):
    scenario.poll_page()
    assert "next check every 60 s while a bot runs" in shell(tmp_path)


def test_as_json_it_is_a_list_with_a_null_for_what_only_a_running_bot_knows(scenario, tmp_path):
    scenario.poll_page()
    scenario.stare()
    [found] = json.loads(shell(tmp_path, "--json"))
    assert (found["provider"], found["state"], found["failures"], found["why"]) == ("acme", "blind", 1, "")
    assert (found["next_at"], found["looks"], found["interval_s"]) == (None, None, 60.0)


@pytest.fixture
def get(scenario):
    """What the server of a running bot answers."""
    running = Runtime([ACME, GLOBEX], FakePollSchedule())
    queries = StatusQueries(
        running.providers, scenario.repository, scenario.now, lambda _: VerdictParameters(), running=running
    )

    async def get(path):
        transport = httpx.ASGITransport(app=web_app(queries, always_ready, asyncio.Event(), hosts=["board"]))
        async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
            return await client.get(path)

    return get


async def test_over_http_the_running_bot_says_when_it_looks_next(scenario, get):
    scenario.poll_page()
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


async def test_the_board_has_a_page_of_them_the_worst_first(scenario, get):
    scenario.poll_page()
    scenario.stare("it answered <b>500</b>")
    page = (await get("/sources")).text
    assert "<h1>2 sources: 1 OK, 1 unreadable</h1>" in page
    assert page.index("1 failed check in a row") < page.index("Globex")
    assert "<b>" not in page


# --- components ---------------------------------------------------------------------------------------------------------


def show_components(scenario, *components, polls=6):
    """Polls a complete list of Acme's page with these components, green."""
    for _ in range(polls):
        listed = tuple(Component(c, c.upper(), Condition.OPERATIONAL) for c in components)
        scenario._look(ACME, Snapshot("acme", "Acme", listed, (), (), is_complete=True))
        scenario.minute += 1


def test_a_surface_that_has_lost_its_component_is_named(scenario, tmp_path):
    show_components(scenario, "c-api", "c-web")
    show_components(scenario, "c-web")
    assert "without a component: Acme API (“C-API”, removed from the page by 2026-03-02 11:11 UTC)" in shell(tmp_path)


def test_a_surface_whose_component_was_never_found_is_named(scenario, tmp_path):
    show_components(scenario, "c-api")
    assert "acme.example (the page has no component “c-web”)" in shell(tmp_path)


def test_components_of_no_service_are_named_and_counted(scenario, tmp_path):
    show_components(scenario, "c-api", "c-web", *(f"n{n}" for n in range(9)))
    assert "components of no service: N0, N1, N2, N3, N4, N5 and 3 more" in shell(tmp_path)


def test_programs_get_all_of_them(scenario, tmp_path):
    show_components(scenario, "c-api", *(f"n{n}" for n in range(9)))
    [found] = json.loads(shell(tmp_path, "--json"))
    assert (len(found["missing_components"]), len(found["unmapped_components"])) == (1, 9)


def test_the_check_of_the_config_names_them_too(scenario, tmp_path):
    show_components(scenario, "c-api", "n1")
    catalogue(tmp_path)
    words = ["check", "--offline", "--config", str(tmp_path), "--db", str(tmp_path / "town.db")]
    told = CliRunner().invoke(brownout, words, env={"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": ""})
    assert "warning: acme: components of no service: N1" in told.output


def test_the_check_of_the_config_needs_no_database(tmp_path):
    catalogue(tmp_path)
    told = CliRunner().invoke(
        brownout, ["check", "--offline", "--config", str(tmp_path), "--db", str(tmp_path / "none.db")]
    )
    assert "warning: acme" not in told.output
