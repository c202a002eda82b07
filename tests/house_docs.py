"""The parts of README.md that are made from the code: ``python -m tests.house_docs --write`` writes them anew.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- end: NAME -->``; a test compares.
"""

from __future__ import annotations

import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from bot.edge.store import Store
from bot.entry.cli import DOORS
from bot.entry.commands import COMMANDS
from bot.entry.metrics import HELP

README = Path(__file__).parents[1] / "README.md"
NAMESAKES = {"report"}  # in the shell this is the reliability report, in Slack what somebody sees


def commands() -> str:
    """A row per verb, for Slack and the shell, and after them the rows of the shell alone."""
    rows = [(f"{verb} {c.usage}".strip(), c.help, _where(verb)) for verb, c in COMMANDS.items()]
    shell = {n: line for n, (_, line) in DOORS.items() if n not in COMMANDS or n in NAMESAKES}
    rows += [(name, help_line, "shell") for name, help_line in shell.items()]
    lines = [f"| `{_cell(usage)}` | {_cell(what)} | {where} |" for usage, what, where in rows]
    return "\n".join(["| command | what it does | where |", "|---|---|---|", *lines])


def schema() -> str:
    """The tables and indexes of a database that was just made, with their comments."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fresh.db"
        Store.open(path).close()
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name NOT LIKE '\\_%' ESCAPE '\\'"
            ).fetchall()
    return "\n".join(["```sql", *(f"{sql.strip()};" for (sql,) in rows), "```"])


def metrics() -> str:
    """What Prometheus is told."""
    rows = [f"| `{name}` | {_cell(what)} |" for name, what in HELP.items()]
    return "\n".join(["| metric | what it says |", "|---|---|", *rows])


PARTS: Mapping[str, Callable[[], str]] = {"commands": commands, "schema": schema, "metrics": metrics}


def part(text: str, name: str) -> str | None:
    """What stands in a part; None where the text has no such part."""
    found = re.search(_pattern(name), text, re.DOTALL)
    return found[2].strip("\n") if found else None


def written(text: str) -> str:
    """The text with every part made anew."""
    for name, make in PARTS.items():
        made = make()
        text = re.sub(_pattern(name), lambda m, made=made: f"{m[1]}\n{made}\n{m[3]}", text, flags=re.DOTALL)
    return text


def _pattern(name: str) -> str:
    return rf"(<!-- generated: {name} -->)(.*?)(<!-- end: {name} -->)"


def _where(verb: str) -> str:
    return "Slack, shell" if verb in DOORS and verb not in NAMESAKES else "Slack"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    found = README.read_text(encoding="utf-8")
    if "--write" in sys.argv[1:]:
        README.write_text(written(found), encoding="utf-8")
    else:
        sys.stdout.write(written(found))
