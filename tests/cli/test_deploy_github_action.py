"""The GitHub action: its steps run in a shell as a runner would, against a real bot."""

import os
import re
import shutil
import subprocess

import pytest
import yaml
from click.testing import CliRunner

from bot.cli.main import brownout
from tests.support.live_bot import LiveBot

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="no bash")

GITHUB = {"github.repository": "acme/shop", "github.workflow": "nightly", "github.job": "run"}


def action():
    result = CliRunner().invoke(brownout, ["deploy", "github-action"])
    assert result.exit_code == 0, result.output
    return yaml.safe_load(result.output)


def run(tmp_path, **inputs):
    """Runs the steps with these inputs; returns the exit code, the outputs and what was printed."""
    spec = action()
    inputs = {name.replace("_", "-"): value for name, value in inputs.items()}
    values = {
        f"inputs.{name}": inputs.get(name, one.get("default", "")) for name, one in spec["inputs"].items()
    } | GITHUB

    def filled(text):
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: values[found[1]], text)

    output = tmp_path / "output"
    output.touch()
    for step in spec["runs"]["steps"]:
        script = tmp_path / "step.sh"
        script.write_text(step["run"])
        done = subprocess.run(  # noqa: S603 - bash
            [shutil.which("bash"), "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={name: filled(value) for name, value in step["env"].items()}
            | {"GITHUB_OUTPUT": str(output), "PATH": os.environ["PATH"]},
        )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return done.returncode, outputs, done.stdout + done.stderr


@pytest.fixture
def live_bot(tmp_path):
    bots = []

    def start(story, **options):
        bots.append(LiveBot(tmp_path / f"{len(bots)}.db", story, **options).__enter__())
        return bots[-1]

    yield start
    for bot in bots:
        bot.__exit__()


def test_no_input_stands_in_the_script_itself():
    """An input could hold shell code: it comes by the environment alone."""
    assert all("${{" not in step["run"] for step in action()["runs"]["steps"])


def test_a_service_that_works_goes(tmp_path, live_bot):
    code, outputs, _ = run(tmp_path, service="acme-api", url=live_bot("well").url)
    assert (code, outputs["go"], outputs["advice"]) == (0, "true", "retry_normally")


def test_a_service_that_is_held_fails_the_job(tmp_path, live_bot):
    code, outputs, printed = run(tmp_path, service="acme-api", url=live_bot("breaks").url)
    assert (code, outputs["go"], outputs["instead"]) == (1, "false", "globex-api")
    assert "::error::Brownout: Use globex-api instead" in printed


def test_a_service_that_is_held_may_skip_the_job(tmp_path, live_bot):
    code, outputs, _ = run(tmp_path, service="acme-api", url=live_bot("breaks").url, when_held="skip")
    assert (code, outputs["go"]) == (0, "false")


def test_it_waits_no_longer_than_it_may(tmp_path, live_bot):
    code, _, printed = run(tmp_path, service="acme-api", url=live_bot("breaks").url, timeout="1")
    assert (code, "waiting: Use globex-api instead" in printed) == (1, True)


@pytest.mark.parametrize(("choice", "code", "go"), [("go", 0, "true"), ("hold", 1, "false")])
def test_without_a_bot_the_choice_decides(tmp_path, choice, code, go):
    found = run(tmp_path, service="acme-api", url="http://127.0.0.1:9", on_unknown=choice)
    assert (found[0], found[1]["go"], found[1]["advice"]) == (code, go, "unknown")


def test_a_wrong_service_fails_with_the_closest(tmp_path, live_bot):
    code, outputs, printed = run(tmp_path, service="acme-ipa", url=live_bot("well").url, when_held="skip")
    assert (code, outputs, "acme-api" in printed) == (1, {}, True)


def test_a_token_is_sent(tmp_path, live_bot):
    bot = live_bot("well", public=False)
    assert run(tmp_path, service="acme-api", url=bot.url)[1]["advice"] == "unknown"
    (tmp_path / "output").unlink()
    assert run(tmp_path, service="acme-api", url=bot.url, token=bot.token)[1]["advice"] == "retry_normally"


def test_an_input_is_no_shell_code(tmp_path, live_bot):
    evil = f"$(touch {tmp_path}/owned); `touch {tmp_path}/owned`"
    run(tmp_path, service=evil, url=live_bot("well").url)
    assert not (tmp_path / "owned").exists()
