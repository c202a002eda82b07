"""The house: its arrows go one way, and what is written about it is what it does."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from click.testing import CliRunner

from bot.cli.main import COMMAND_MODULES, brownout
from bot.commands.registry import COMMANDS

ROOT = Path(__file__).parents[1]


def test_imports_go_one_way():
    # in a process of its own: import-linter configures logging, and silences every logger that is there
    script = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)  # noqa: PLW1510,S603
    assert told.returncode == 0, told.stdout


def test_the_manifest_hints_at_verbs_that_are_there():
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    [command] = manifest["features"]["slash_commands"]
    hinted = re.findall(r"[a-z]+", re.sub(r"<[^>]*>", "", command["usage_hint"]))
    assert set(hinted) <= set(COMMANDS)


def test_every_command_of_the_shell_has_help_of_its_own():
    for name in COMMAND_MODULES:
        told = CliRunner().invoke(brownout, [name, "--help"]).output
        assert len(told.splitlines()) > 3, name


def test_the_map_of_the_packages_names_the_layers_in_their_order():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [layers] = [c["layers"] for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    shown = re.findall(r"^    (\w+) ", (ROOT / "bot" / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    ranks = {name: rank for rank, layer in enumerate(layers) for name in layer.split(" | ")}
    assert sorted(shown) == sorted(ranks)
    assert shown == sorted(shown, key=ranks.__getitem__)


def test_no_machines_path_is_in_the_repository():
    texts = [
        p for room in ("bot", "config", "tests") for p in (ROOT / room).rglob("*.*") if p.suffix in (".py", ".toml")
    ]
    marks = ("/" + "work/", "/" + "home/")
    assert [p.name for p in texts if any(mark in p.read_text(encoding="utf-8") for mark in marks)] == []
