"""``brownout check`` tries the tokens at a Slack that accepts, refuses, or does not answer them."""

import pytest
from aiohttp import web
from click.testing import CliRunner

from bot.cli.check import try_tokens
from bot.cli.main import brownout
from bot.slack.credentials import SlackTokens
from bot.slack.scopes import SCOPE_USES
from tests.support.acme import catalogue
from tests.support.loopback import serving_app

pytestmark = pytest.mark.anyio

ACCEPTED = {"ok": True, "team": "Acme", "user": "brownout", "url": "https://acme.slack.com/"}
ALL_SCOPES = ",".join(SCOPE_USES)
OPENED = {"ok": True, "url": "wss://slack.example/link"}


async def tried(auth, connect=OPENED, scopes=ALL_SCOPES):
    async def handle(request):
        answer = auth if request.match_info["method"] == "auth.test" else connect
        return web.json_response(answer, headers={"x-oauth-scopes": scopes})

    async with serving_app(web.route("*", "/api/{method}", handle)) as url:
        return await try_tokens(SlackTokens("xoxb-1", "xapp-1", url=f"{url}/api/"))


async def test_accepted_tokens_say_who_the_bot_is():
    trial = await tried(ACCEPTED)
    assert (trial.who, trial.errors, trial.warnings) == ("Acme, bot @brownout", (), ())


async def test_a_missing_scope_is_a_warning():
    trial = await tried(ACCEPTED, scopes=",".join(s for s in SCOPE_USES if s != "files:write"))
    assert ["files:write: exported summaries will not work" in text for text in trial.warnings] == [True]


@pytest.mark.parametrize(
    ("auth", "connect", "name"),
    [
        ({"ok": False, "error": "invalid_auth"}, OPENED, "SLACK_BOT_TOKEN"),
        (ACCEPTED, {"ok": False, "error": "not_allowed_token_type"}, "SLACK_APP_TOKEN"),
    ],
)
async def test_a_refused_token_is_an_error_that_names_it(auth, connect, name):
    [text] = (await tried(auth, connect)).errors
    assert name in text


async def test_a_slack_that_is_down_is_a_warning():
    trial = await tried({"ok": False, "error": "internal_error"})
    assert (trial.errors, len(trial.warnings)) == ((), 1)


async def test_where_nothing_answers_the_tokens_count_as_not_tried():
    trial = await try_tokens(SlackTokens("xoxb-1", "xapp-1", url="http://127.0.0.1:9/api/"))
    assert (trial.errors, ["not tried" in text for text in trial.warnings]) == ((), [True, True])


async def test_what_the_bot_token_said_is_kept_where_the_app_token_is_not_tried():
    trial = await tried(ACCEPTED, {"ok": True, "url": 5})
    assert (trial.who, ["SLACK_APP_TOKEN was not tried" in text for text in trial.warnings]) == (
        "Acme, bot @brownout",
        [True],
    )


async def test_a_name_with_a_line_break_is_one_line():
    assert (await tried(ACCEPTED | {"team": "Acme\nERR: x"})).who == "Acme ERR: x, bot @brownout"


# --- without Slack ----------------------------------------------------------------------------------------------------


def checked(tmp_path, **environment):
    """The command, offline, with Acme as the only provider."""
    if not (tmp_path / "providers").exists():
        catalogue(tmp_path)
    no_tokens = dict.fromkeys(("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"))
    runner = CliRunner(env={**no_tokens, **environment})
    return runner.invoke(brownout, ["check", "--offline", "--config", str(tmp_path), "--db", str(tmp_path / "no.db")])


def test_without_any_token_it_warns_and_is_content(tmp_path):
    told = checked(tmp_path)
    assert (told.exit_code, "warning: no Slack tokens" in told.stderr) == (0, True)
    assert told.stdout.splitlines()[-1] == "OK: 1 of 1 providers on, without Slack, 1 warning"


def test_with_one_token_the_missing_one_is_an_error(tmp_path):
    told = checked(tmp_path, SLACK_BOT_TOKEN="xoxb-1-2-3")  # noqa: S106
    assert (told.exit_code, "SLACK_APP_TOKEN is not set" in told.stderr) == (1, True)
