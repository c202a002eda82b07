"""The house: its arrows go one way, and what is written about it is what it does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from bot.entry.cli import DOORS, brownout
from bot.entry.commands import COMMANDS
from tests import house_docs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_imports_go_one_way():
    # in a process of its own: import-linter configures logging, and silences every logger that is there
    script = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)  # noqa: PLW1510,S603
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("name", house_docs.PARTS)
def test_the_readme_has_what_the_code_says(name):
    made = house_docs.part(house_docs.written(README), name)
    assert house_docs.part(README, name) == made, "python -m tests.house_docs --write"


def test_what_the_readme_links_to_in_the_repository_is_there():
    titles = re.findall(r"(?m)^##+ (.+)$", README)
    here = {"#" + re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-") for title in titles}
    targets = re.findall(r"\]\(((?!https?:)[^)]+)\)", README)
    assert [t for t in targets if t not in here and not (ROOT / t).is_file()] == []


def test_what_the_readme_folds_away_can_be_opened():
    folds = re.findall(r"</?details>", README)
    assert folds == ["<details>", "</details>"] * (len(folds) // 2)
    assert len(re.findall(r"<details><summary>.+</summary>\n\n", README)) == len(folds) // 2


def test_every_verb_is_in_the_readme():
    table = house_docs.part(README, "commands") or ""
    assert [verb for verb in COMMANDS if f"| `{verb}" not in table] == []


def test_every_table_of_the_database_is_in_the_readme():
    text = house_docs.part(README, "schema") or ""
    assert re.findall(r"CREATE TABLE (\w+)", text) == re.findall(r"CREATE TABLE (\w+)", house_docs.schema())


def test_the_manifest_hints_at_verbs_that_are_there():
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    [command] = manifest["features"]["slash_commands"]
    hinted = re.findall(r"[a-z]+", re.sub(r"<[^>]*>", "", command["usage_hint"]))
    assert set(hinted) <= set(COMMANDS)


def test_every_command_of_the_shell_has_help_of_its_own():
    for name in DOORS:
        told = CliRunner().invoke(brownout, [name, "--help"]).output
        assert len(told.splitlines()) > 3, name


def test_the_rooms_are_on_the_map():
    rooms = {p.name for p in (ROOT / "bot").iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    shown = (ROOT / "bot" / "__init__.py").read_text(encoding="utf-8")
    assert [room for room in sorted(rooms) if room not in shown] == []


def test_no_machines_path_is_in_the_repository():
    texts = [
        p for room in ("bot", "config", "tests") for p in (ROOT / room).rglob("*.*") if p.suffix in (".py", ".toml")
    ]
    marks = ("/" + "work/", "/" + "home/")
    assert [p.name for p in texts if any(mark in p.read_text(encoding="utf-8") for mark in marks)] == []
