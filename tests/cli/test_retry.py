"""``brownout retry``: exit codes, output and the options that are refused."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from bot import durations
from bot.cli.main import COMMAND_MODULES, brownout
from bot.cli.options import utc_now
from bot.cli.queries import COMMANDS as QUESTIONS
from bot.cli.retry import TIMEOUT_LIMITS
from tests.support.acme import catalogue
from tests.support.scenario import Scenario


@pytest.fixture
def config(tmp_path):
    return catalogue(tmp_path / "config")


@pytest.fixture
def today(tmp_path):
    """A scenario whose twentieth minute is now, by this machine's clock."""
    scenario = Scenario(tmp_path / "today.db", start=utc_now() - timedelta(minutes=20))
    yield scenario
    scenario.repository.close()


def run(config, db, *words):
    return CliRunner().invoke(brownout, ["retry", "--config", str(config), "--db", str(db), *words])


def test_the_command_goes_when_all_is_well(config, today):
    today.poll_page(until=20)
    assert run(config, today.path, "acme-api").exit_code == 0


def test_the_command_prints_the_advice_and_on_a_second_line_the_reason(config, today):
    today.poll_page(until=20)
    printed = run(config, today.path, "acme-api").stdout
    assert (printed.startswith("safe to retry  acme-api\n"), printed.count("\n")) == (True, 2)


def test_the_command_prints_the_machine_form(config, today):
    today.poll_page(until=20)
    assert json.loads(run(config, today.path, "acme-api", "--json").stdout)["schema"] == "retry-verdict/1"


def test_the_command_holds_while_it_is_broken(config, today):
    today.breaks().poll_page(until=20)
    assert run(config, today.path, "acme-api", "--gently").exit_code == 75


def test_the_command_waits_no_longer_than_it_is_told(config, today):
    today.breaks().poll_page(until=20)
    assert run(config, today.path, "acme-api", "--wait", "--timeout", "0s").exit_code == 75


def test_a_timeout_that_is_none_is_wrong_usage(config, tmp_path):
    result = run(config, tmp_path / "x.db", "acme-api", "--wait", "--timeout", "soon")
    assert (result.exit_code, "“soon” is not a duration. Examples: 90s, 30m or 2h." in result.output) == (2, True)


@pytest.mark.parametrize("timeout", ["0", "0s", "0m", "0 hours", "0h0m"])
def test_a_timeout_may_be_written_in_any_unit_or_none(config, today, timeout):
    today.breaks().poll_page(until=20)
    assert run(config, today.path, "acme-api", "--wait", "--timeout", timeout).exit_code == 75


@pytest.mark.parametrize(
    ("text", "seconds"), [("45", 45), ("1.5", 1.5), (" 2 H ", 7200), ("30m1h", 5400), ("2w", 1209600)]
)
def test_a_timeout_without_a_unit_is_in_seconds(text, seconds):
    assert durations.parse(text, TIMEOUT_LIMITS) == timedelta(seconds=seconds)


def test_a_timeout_that_no_clock_can_count_is_wrong_usage(config, tmp_path):
    result = run(config, tmp_path / "x.db", "acme-api", "--wait", "--timeout", "9" * 400 + "d")
    assert (result.exit_code, "out of range" in result.output) == (2, True)


def test_a_client_whose_name_is_no_text_gets_an_answer(config, today):
    today.poll_page(until=20)
    assert run(config, today.path, "acme-api", "--client", "caf\udce9").exit_code == 0


def test_the_gate_is_the_command_line_s_only_retry():
    assert (COMMAND_MODULES["retry"][0], "retry" in QUESTIONS) == ("retry", False)
