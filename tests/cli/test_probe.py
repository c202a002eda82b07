"""``brownout probe``: what it shows here, and how it tells a bot elsewhere."""

import json
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from bot.cli.main import brownout
from bot.cli.probe import MAX_WAITING, ResultQueue
from bot.domain import ProbeResult
from bot.errors import DeliveryError

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PROVIDER = """
id = "acme"
name = "Acme"
[source]
url = "https://status.acme.example"
[[surface]]
id = "acme-api"
name = "Acme API"
[surface.probe]
url = "http://127.0.0.1:9/"
allow_private = true
[[surface]]
id = "acme-web"
name = "Acme web"
"""


@pytest.fixture
def probe(tmp_path):
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers" / "acme.toml").write_text(PROVIDER)

    def run(*words, main="", **environment):
        (tmp_path / "brownout.toml").write_text(main)
        told = ["probe", *words, "--config", str(tmp_path)]
        return CliRunner(env={"COLUMNS": "120", "BROWNOUT_TOKEN": None} | environment).invoke(brownout, told)

    return run


def test_a_surface_that_fails_says_why_and_the_exit_code_is_1(probe):
    told = probe("acme-api")
    assert (told.exit_code, "acme-api: 127.0.0.1 refuses connections" in told.stdout) == (1, True)


def test_every_step_has_a_column(probe):
    head = probe().stdout.splitlines()[0]
    assert [head.split()[0], *head.split()[-2:]] == ["surface", "byte", "whole"]


def test_json_is_one_object_per_surface(probe):
    told = json.loads(probe("--json").stdout)
    assert (told["surface"], told["ok"], told["vantage"]) == ("acme-api", False, "here")


def test_a_surface_without_a_probe_says_how_to_make_one(probe):
    told = probe("acme-web")
    assert (told.exit_code, "Add [probe.acme-web] with a url to brownout.toml." in told.stderr) == (1, True)


def test_a_probe_without_its_key_is_not_tried(probe):
    told = probe("acme-web", main='[probe.acme-web]\nurl = "http://127.0.0.1:9/"\nkey_env = "ACME_KEY"\n')
    assert (told.exit_code, told.stderr) == (1, "acme-web is not tried: ACME_KEY, which holds its key, is not set\n")


TOKEN = {"BROWNOUT_TOKEN": "brownout_x"}


@pytest.mark.parametrize(
    ("words", "environment", "why"),
    [
        (["--report-to", "http://127.0.0.1:9"], {}, "BROWNOUT_TOKEN is not set"),
        (["--report-to", "http://127.0.0.1:9"], {"BROWNOUT_TOKEN": "a b"}, "BROWNOUT_TOKEN is not a token"),
        (["--report-to", "bot.example"], TOKEN, "is not a bot's address"),
        (["--report-to", "http://127.0.0.1:9", "--vantage", "here"], TOKEN, "is not a name for a vantage point"),
        (["--report-to", "http://127.0.0.1:9", "--vantage", "a b"], TOKEN, "is not a name for a vantage point"),
        (["--report-to", "http://127.0.0.1:9", "--every", "600"], TOKEN, "1<=x<=120"),
    ],
)
def test_what_is_missing_elsewhere_is_said(probe, words, environment, why):
    told = probe(*words, **environment)
    assert (told.exit_code != 0, why in told.stderr) == (True, True)


# --- on their way to a bot --------------------------------------------------------------------------------------------


class Bot:
    """A bot elsewhere that answers as a test wants: None takes all, a text is why one was left, an error is raised."""

    def __init__(self, *answers):
        self.answers, self.told, self.minutes = deque(answers), [], 0

    async def send_results(self, results):
        answer = self.answers.popleft() if self.answers else None
        if isinstance(answer, DeliveryError):
            raise answer
        self.told.append([r.why for r in results])
        return (answer,) if answer else ()

    def now(self):
        return NOW + timedelta(minutes=self.minutes)

    def result(self, why="500"):
        return ProbeResult("acme-api", self.now(), ok=False, vantage="paris", why=why, connect_ms=1.0)


AWAY = DeliveryError("it can't be reached", code="away")
UNFIT = DeliveryError("it answered 422: no such surface here", code="http_422", permanent=True)
pytestmark = pytest.mark.anyio


async def test_results_are_told():
    bot = Bot()
    assert await ResultQueue(bot, "it", bot.now).send([bot.result()])
    assert bot.told == [["500"]]


async def test_what_could_not_be_told_is_told_with_the_next():
    bot = Bot(AWAY)
    dispatch = ResultQueue(bot, "it", bot.now)
    assert not await dispatch.send([bot.result("a")])
    assert await dispatch.send([bot.result("b")])
    assert bot.told == [["a", "b"]]


async def test_what_had_no_connection_while_the_bot_had_none_is_not_told(caplog):
    bot = Bot(AWAY)
    dispatch = ResultQueue(bot, "it", bot.now)
    await dispatch.send([replace(bot.result("cut off"), connect_ms=None), bot.result("500")])
    await dispatch.send([])
    assert (bot.told, "the local network may be at fault" in caplog.text) == ([["500"]], True)


async def test_what_had_no_connection_is_told_where_the_bot_refuses_for_another_reason():
    bot = Bot(DeliveryError("it answered 503", code="http_503"))
    dispatch = ResultQueue(bot, "it", bot.now)
    await dispatch.send([replace(bot.result("cut off"), connect_ms=None)])
    await dispatch.send([])
    assert bot.told == [["cut off"]]


async def test_after_ten_minutes_a_result_is_dropped_and_that_is_said(caplog):
    bot = Bot(AWAY)
    dispatch = ResultQueue(bot, "it", bot.now)
    await dispatch.send([bot.result("a")])
    bot.minutes = 10.1
    await dispatch.send([bot.result("b")])
    assert (bot.told, "1 results were dropped: older than 10 min" in caplog.text) == ([["b"]], True)


async def test_what_waits_is_bounded():
    bot = Bot(AWAY)
    dispatch = ResultQueue(bot, "it", bot.now)
    await dispatch.send([bot.result(str(n)) for n in range(MAX_WAITING + 5)])
    assert (len(dispatch.waiting), dispatch.waiting[0].why) == (MAX_WAITING, "5")


async def test_what_will_never_be_taken_is_dropped_and_that_is_said(caplog):
    bot = Bot(UNFIT)
    assert await ResultQueue(bot, "it", bot.now).send([bot.result()])
    assert (bot.told, "rejected 1 results; they are dropped" in caplog.text) == ([], True)


async def test_many_are_told_in_parts():
    bot = Bot()
    await ResultQueue(bot, "it", bot.now).send([bot.result() for _ in range(450)])
    assert [len(batch) for batch in bot.told] == [200, 200, 50]


async def test_the_same_trouble_is_said_once(caplog):
    bot = Bot(AWAY, AWAY, AWAY)
    dispatch = ResultQueue(bot, "it", bot.now)
    for _ in range(3):
        await dispatch.send([bot.result()])
    assert caplog.messages == ["it: it can't be reached; results stay queued for 10 min"]


async def test_what_the_bot_left_is_said(caplog):
    bot = Bot("acme-web: no such surface here")
    await ResultQueue(bot, "it", bot.now).send([bot.result()])
    assert caplog.messages == ["it rejected acme-web: no such surface here"]
