"""``brownout notify`` and ``brownout tracker`` from a shell: what they print, and how they end."""

import asyncio
import json

import pytest
from aiohttp import web
from click.testing import CliRunner

from bot.adapters.tool_client import decode_secret
from bot.cli.main import brownout
from bot.storage import Repository
from tests.support.acme import catalogue
from tests.support.loopback import serving_app

HOOK = '[[notify]]\nname = "hook"\nkind = "webhook"\nurl = "{url}/hook"\n'
TRACKER = '[tracker.dd]\nsurface = "acme-api"\nurl = "{url}/n"\nvalue = "n"\nover = 100\n'


@pytest.fixture
def run(tmp_path):
    """A command with a configuration of this text, against a server that answers so; its result, and the bodies it got."""

    def command(*words, text, status=200, answer=None):
        folder = catalogue(tmp_path / "config")
        bodies = []

        async def handler(request):
            bodies.append(await request.read())
            return web.json_response(answer, status=status)

        async def served():
            async with serving_app(web.route("*", "/{path:.*}", handler)) as url:
                (folder / "brownout.toml").write_text(text.format(url=url), encoding="utf-8")
                words_ = [*words, "--config", str(folder)]
                return await asyncio.to_thread(CliRunner().invoke, brownout, words_)

        return asyncio.run(served()), bodies

    return command


def test_a_test_sends_an_incident_and_its_end(run):
    result, bodies = run("notify", "test", "hook", text=HOOK)
    assert (result.exit_code, [json.loads(b)["type"] for b in bodies]) == (
        0,
        ["incident.triggered", "incident.resolved"],
    )
    assert result.output.splitlines() == ["hook (webhook): triggered: accepted", "hook (webhook): resolved: accepted"]


def test_a_test_can_leave_it_open(run):
    _, bodies = run("notify", "test", "hook", "--keep-open", text=HOOK)
    assert len(bodies) == 1


def test_a_test_that_is_refused_ends_with_an_error(run):
    result, _ = run("notify", "test", "hook", text=HOOK, status=404)
    assert (result.exit_code != 0, "404" in result.stderr) == (True, True)


def test_a_tool_that_is_not_there_is_named_with_those_that_are(run):
    result, bodies = run("notify", "test", "hok", text=HOOK)
    assert ("It has: hook" in result.stderr, bodies) == (True, [])


def test_a_new_secret_is_one_that_is_accepted():
    secret = CliRunner().invoke(brownout, ["notify", "secret"]).output.strip()
    assert len(decode_secret(secret)) == 24


@pytest.mark.parametrize(
    ("words", "said"), [(("list",), "hook (webhook): 0 sent"), (("deliveries",), "Nothing was sent")]
)
def test_an_empty_database_has_no_deliveries(run, tmp_path, words, said):
    Repository.open(tmp_path / "b.db").close()
    result, _ = run("notify", *words, "--db", str(tmp_path / "b.db"), text=HOOK)
    assert said in result.output


@pytest.mark.parametrize(
    ("answer", "said", "code"),
    [
        ({"n": 850}, "dd (acme-api): trouble: 850 reports (limit 100)", 0),
        ({"n": 5}, "dd (acme-api): no trouble: 5 reports (limit 100)", 0),
        ({"n": "x"}, "dd (acme-api): unknown: the value is no number", 1),
    ],
)
def test_a_tracker_is_read_once(run, answer, said, code):
    result, _ = run("tracker", "dd", text=TRACKER, answer=answer)
    assert (result.output.strip(), result.exit_code) == (said, code)
