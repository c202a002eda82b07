"""Completion in a shell: commands, services, incidents and pages, and scripts that the shells take."""

import shutil
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from bot.cli.main import COMMAND_MODULES, brownout

SCRIPT = "from bot.cli.main import main; main()"


def completed(*words, incomplete=""):
    return [i.value for i in ShellComplete(brownout, {}, "brownout", "X").get_completions(list(words), incomplete)]


def test_every_command_is_completed():
    assert completed() == list(COMMAND_MODULES)


def test_a_command_s_completion_has_its_line_of_the_help():
    [item] = ShellComplete(brownout, {}, "brownout", "X").get_completions([], "retr")
    assert (item.value, item.help) == ("retry", COMMAND_MODULES["retry"][1])


@pytest.mark.parametrize("command", ["status", "retry", "uptime", "subscribe", "history"])
def test_services_and_providers_are_completed(command):
    assert completed(command, incomplete="claude-ap") == ["claude-api"]


@pytest.mark.parametrize("command", ["summary", "timeline", "export", "why"])
def test_the_newest_incident_is_completed_without_a_database(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert completed(command, incomplete="la") == ["last"]


def test_incidents_of_the_database_are_completed(scenario, tmp_path):
    scenario.breaks()
    scenario.repository.close()
    assert "i-1" in completed("summary", "--db", str(tmp_path / "town.db"), incomplete="i-")


def test_pages_of_the_manual_are_completed():
    assert completed("docs", incomplete="sl") == ["slack", "slack-limits"]


def test_settings_with_errors_complete_nothing(tmp_path):
    (tmp_path / "brownout.toml").write_text("[poll]\nintervall_s = 1\n")
    assert completed("status", "--config", str(tmp_path), incomplete="claude") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_takes(shell):
    script = subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, "-c", SCRIPT, "completion", shell], capture_output=True, text=True, check=True
    ).stdout
    assert "_BROWNOUT_COMPLETE" in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True, capture_output=True)  # noqa: S603  (it only reads)
