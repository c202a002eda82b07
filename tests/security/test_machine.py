"""What may lie on the machine that the bot runs on: its environment, its config, and who looks at its processes."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bot import settings
from bot.adapters.page_fetcher import PageFetcher
from bot.cli.main import COMMAND_MODULES, brownout
from bot.errors import ConfigError, SourceError
from tests.adapters.test_page_fetcher import answer, server  # noqa: F401  (a fixture)

hostile = pytest.mark.hostile
ROOT = Path(__file__).parents[2]

PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")


@hostile(47, "a proxy or a .netrc in the environment, a cookie from a page", "not obeyed, not sent, not kept")
@pytest.mark.anyio
async def test_no_proxy_and_no_password_of_the_environment_is_used(server, tmp_path, monkeypatch):  # noqa: F811
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.plays["/"] = answer()
    async with PageFetcher(timeout_s=5) as fetcher:
        page = await fetcher.get(server.url, "/")
    assert (page.status, server.header("authorization"), server.header("cookie")) == (200, None, None)


@hostile(47)
@pytest.mark.anyio
async def test_a_page_in_a_file_is_no_page(tmp_path):
    (tmp_path / "page.json").write_text("{}")
    async with PageFetcher(timeout_s=5) as fetcher:
        with pytest.raises(SourceError):
            await fetcher.get(f"file://{tmp_path}", "/page.json")


BOMBS = {
    "deep arrays": "x = " + "[" * 40_000 + "]" * 40_000,
    "deep tables": "x = " + "{a=" * 20_000 + "1" + "}" * 20_000,
    "a key of two thousand parts": ".".join("a" * 2_000) + " = 1",
    "a number of fifty thousand figures": "x = " + "9" * 50_000,
    "nine thousand unknown keys": "\n".join(f"x{n} = 1" for n in range(9_000)),
    "a file larger than any catalogue": "#" * 200_000,
    "something that includes": 'include = "/etc/passwd"\n"!include" = "file:///etc/passwd"',
}


@hostile(
    55,
    "a config file that is deep, endless, no text, or wants to include another",
    "named with its file; nothing is included, no traceback",
)
@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_config_is_named(tmp_path, name):
    (tmp_path / "providers").mkdir()
    (tmp_path / "brownout.toml").write_text(BOMBS[name])
    with pytest.raises(ConfigError) as caught:
        settings.load(tmp_path)
    assert "brownout.toml" in caught.value.mistakes[0]
    assert "root:" not in str(caught.value)
    assert len(str(caught.value)) < 200_000


@hostile(58)
@pytest.mark.parametrize("name", COMMAND_MODULES)
def test_no_command_takes_a_secret_as_an_argument(name):
    command = brownout.get_command(click.Context(brownout, **brownout.context_settings), name)
    given = {option for parameter in command.params for option in (parameter.name, *parameter.opts)}
    assert not [option for option in given if any(word in option.lower() for word in ("token", "secret", "password"))]


@hostile(58)
def test_a_process_list_shows_no_secret(tmp_path):
    tokens = {"SLACK_BOT_TOKEN": "xoxb-shh", "SLACK_APP_TOKEN": "xapp-shh"}
    environment = {**os.environ, **tokens, "BROWNOUT_CATALOG_SHIPPED": "false"}  # no provider at all: it ends at once
    command = [sys.executable, "-m", "bot", "run", "--db", str(tmp_path / "b.db"), "--config", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:  # noqa: S603
        shown = Path(f"/proc/{process.pid}/cmdline")
        seen = shown.read_bytes() if shown.exists() else b""
        said = process.communicate()[1]
    assert b"shh" not in seen + said
    assert process.returncode == 1
