"""The examples of gate-client.md: they are whole, their names exist, and the shown version is the one that is served."""

import ast
import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.web import clients
from tests.support.live_bot import LiveBot

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "bot" / "docs" / "gate-client.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
[TYPESCRIPT] = re.findall(r"```ts\n(.*?)```", PAGE, re.DOTALL)
MODULES = Path(os.environ.get("BROWNOUT_NODE_MODULES", ROOT / "node_modules"))


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_what_an_example_imports_of_ours_exists(number):
    for node in ast.walk(ast.parse(PYTHON[number])):
        if isinstance(node, ast.ImportFrom) and node.module == "brownout_gate":
            module = importlib.import_module(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.parametrize("page", ["README.md", "bot/docs/gate-client.md", "bot/docs/http-api.md"])
def test_the_wheels_name_is_that_of_the_wheel(page):
    found = set(re.findall(r"brownout_gate-[\w.-]+\.whl", (ROOT / page).read_text(encoding="utf-8")))
    assert found == {clients.wheel_name()}


def test_the_first_example_runs(tmp_path, capsys, monkeypatch):
    with LiveBot(tmp_path / "b.db") as bot:
        monkeypatch.setenv("BROWNOUT_URL", bot.url)
        exec(compile(PYTHON[0].replace("claude-api", "acme-api"), "gate-client.md", "exec"), {})  # noqa: S102  (ours)
    assert capsys.readouterr().out == "send\n"


def test_the_typescript_example_is_typescript(tmp_path):
    tsc = MODULES / ".bin" / "tsc"
    if not (shutil.which("node") and tsc.exists()):
        pytest.skip(f"no node, or no typescript in {MODULES}")
    shutil.copy(ROOT / "bot" / "clients" / "gate.ts", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "example.ts").write_text(TYPESCRIPT)
    flags = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    run = subprocess.run(  # noqa: S603 - tsc
        [str(tsc), *flags, "example.ts"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.stdout + run.stderr == ""
