"""``brownout mcp`` as an agent's host runs it: a process of its own, spoken to by the SDK's client over stdio."""

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from bot.storage import Repository
from tests.support.acme import catalogue
from tests.support.scenario import Scenario

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scenario(tmp_path):
    """The real clock: the last poll of a story of 47 minutes is a moment ago."""
    catalogue(tmp_path)
    scenario = Scenario(tmp_path / "town.db", start=datetime.now(UTC))  # noqa: TID251  (the server asks the real clock)
    yield scenario
    scenario.repository.close()


def ago(scenario, minutes):
    scenario.start -= timedelta(minutes=minutes)
    return scenario


@asynccontextmanager
async def agent(scenario, *words):
    args = words or ("mcp", "--config", str(scenario.path.parent), "--db", str(scenario.path))
    server = StdioServerParameters(command=sys.executable, args=["-m", "bot", *args], cwd=ROOT)
    async with Client(stdio_client(server)) as client:
        yield client


async def call(scenario, tool, **arguments):
    async with agent(scenario) as client:
        answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content


async def refused(scenario, tool, **arguments):
    async with agent(scenario) as client:
        answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return answer.content[0].text


async def test_there_are_four_tools_that_read_and_say_what_comes_out_of_them(scenario):
    async with agent(scenario) as client:
        tools = {t.name: t for t in (await client.list_tools()).tools}
    assert sorted(tools) == ["explain_failure", "incident_summary", "retry_verdict", "status"]
    assert all(t.annotations.read_only_hint and t.output_schema and len(t.description) > 200 for t in tools.values())


async def test_a_broken_surface_is_held(scenario):
    found = await call(ago(scenario, 15).breaks(), "retry_verdict", surface="acme-api")
    assert (found["schema"], found["verdict"], found["max_attempts"]) == ("retry-verdict/1", "hold_off", 0)


async def test_a_surface_that_is_well_may_be_retried(scenario):
    ago(scenario, 20).poll_page(until=20)
    assert (await call(scenario, "retry_verdict", surface="acme-web", client="agent-1"))["verdict"] == "retry_normally"


async def test_what_is_too_old_to_go_by_is_never_normal(scenario):
    ago(scenario, 26).poll_page(until=20)
    found = await call(scenario, "retry_verdict", surface="acme-web")
    assert found["verdict"] == "unknown"
    assert "Is `brownout run` running on it?" in found["reason"]


async def test_what_is_too_old_to_go_by_is_not_called_well(scenario):
    ago(scenario, 60).poll_page(until=20)
    assert await call(scenario, "status") | {"as_of": 0} == {
        "headline": "1 provider unknown",
        "as_of": 0,
        "surfaces": [],
        "well": [],
        "unknown": ["acme-api", "acme-web"],
    }


async def test_the_status_is_what_is_in_trouble_and_the_names_of_the_rest(scenario):
    found = await call(ago(scenario, 15).breaks(), "status")
    assert [(s["id"], s["condition"]) for s in found["surfaces"]] == [("acme-api", "partial_outage")]
    assert (found["headline"], found["well"], found["unknown"]) == ("1 down", ["acme-web"], [])


async def test_a_surface_that_is_asked_for_is_told_well_or_not(scenario):
    found = await call(ago(scenario, 15).breaks(), "status", surface="acme-web")
    assert [(s["id"], s["verdict"]) for s in found["surfaces"]] == [("acme-web", "retry_normally")]


async def test_an_incident_is_told_in_words_and_facts(scenario):
    found = await call(ago(scenario, 47).is_over(), "incident_summary")
    assert (found["id"], found["is_open"], found["surfaces"]) == ("i-1", False, ["acme-api"])
    assert "Errors on the API" in found["text"]


async def test_a_surface_that_is_not_there_is_told_with_the_nearest(scenario):
    assert "No service called “acme-ipa”" in await refused(scenario, "retry_verdict", surface="acme-ipa")


async def test_without_an_incident_it_says_so(scenario):
    assert "No incidents recorded yet." in await refused(scenario, "incident_summary")


async def test_it_reads_beside_a_bot_and_writes_nothing(scenario):
    ago(scenario, 15).breaks()
    version = "PRAGMA data_version"  # another number once anybody else has written
    with closing(Repository.open(scenario.path, alone=True)), closing(sqlite3.connect(scenario.path)) as watcher:
        before = watcher.execute(version).fetchone()
        await call(scenario, "status")
        await call(scenario, "retry_verdict", surface="acme-api")
        assert watcher.execute(version).fetchone() == before


async def test_the_manuals_lines_for_an_agents_host_start_it(scenario):
    text = (ROOT / "bot" / "docs" / "agents.md").read_text(encoding="utf-8")
    [block] = [b for b in re.findall(r"```json\n(.*?)```", text, re.DOTALL) if '"args"' in b]
    entry = json.loads(block)["mcpServers"]["brownout"]
    assert entry["command"] == "brownout"
    words = [str(scenario.path) if word.endswith(".db") else word for word in entry["args"]]
    async with agent(scenario, *words) as client:
        assert len((await client.list_tools()).tools) == 4


def test_without_the_sdk_it_says_what_to_install():
    script = (
        "import sys; sys.modules['mcp'] = None; from bot.cli.main import main; sys.argv = ['brownout', 'mcp']; main()"
    )
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert (told.returncode, told.stdout) == (1, "")
    assert "pip install 'mcp>=2.3,<3'" in told.stderr
