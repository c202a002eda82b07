"""The parts of bot/docs/*.md that are made from the code: ``python -m tests.support.generated_docs --write``.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- end: NAME -->``. Without ``--write`` the command lists the
pages that are out of date and exits with 1 if there are any. ``tests/docs/test_docs.py`` compares, too.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import click

from bot.cli.main import COMMAND_MODULES, brownout
from bot.commands.registry import COMMANDS
from bot.commands.types import Command
from bot.queries.schemas import RETRY_EXAMPLE
from bot.rules.failures.kinds import KINDS
from bot.storage import Repository
from bot.web.metrics import HELP
from tests.support import slack_refusal_table

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "bot" / "docs"
SHARED = ("--config", "--db", "--help")  # options that commands.md explains once


def commands() -> str:
    """One row per Slack command, then the rows of the commands that only the shell has."""
    rows = [(f"{verb} {c.usage}".strip(), c.help, _where(verb)) for verb, c in COMMANDS.items()]
    shell = {n: line for n, (_, line) in COMMAND_MODULES.items() if n not in COMMANDS}
    rows += [(name, help_line, "shell") for name, help_line in shell.items()]
    lines = [f"| `{_cell(usage)}` | {_cell(what)} | {where} |" for usage, what, where in rows]
    return "\n".join(["| command | what it does | where |", "|---|---|---|", *lines])


def slack_commands() -> str:
    """A section per Slack command."""
    return "\n\n".join(_slack_command(verb, command) for verb, command in COMMANDS.items())


def shell_commands() -> str:
    """A section per command of the shell, with its arguments and its own options."""
    return "\n\n".join(_shell_command(f"brownout {name}", command) for name, command in _shell())


def schema() -> str:
    """The tables and indexes of a new database, with the comments on their columns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fresh.db"
        Repository.open(path).close()
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name NOT LIKE '\\_%' ESCAPE '\\'"
            ).fetchall()
    return "\n".join(["```sql", *(f"{sql.strip()};" for (sql,) in rows), "```"])


def retry_answer() -> str:
    """The example of the retry answer that OpenAPI shows."""
    return f"```json\n{json.dumps(RETRY_EXAMPLE, indent=2, ensure_ascii=False)}\n```"


def metrics() -> str:
    """The names that ``GET /metrics`` exports."""
    rows = [f"| `{name}` | {_cell(what)} |" for name, what in HELP.items()]
    return "\n".join(["| metric | what it says |", "|---|---|", *rows])


def refusals() -> str:
    """What each of Slack's error codes applies to, and what follows from it."""
    heads = ("codes", "methods", "applies to", "the channel shows", "who is notified", "tried again")
    rows = [
        f"| {' | '.join([_code_list(row[0]), _code_list(row[1]), *row[2:]])} |" for row in slack_refusal_table.table()
    ]
    return "\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *rows])


def _code_list(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


def failure_kinds() -> str:
    """One row per kind of failure."""
    rows = [f"| `{k.id}` | {k.side} | {', '.join(map(str, sorted(k.statuses)))} | {_cell(k.meaning)} |" for k in KINDS]
    return "\n".join(["| kind | side | statuses | meaning |", "|---|---|---|---|", *rows])


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "slack commands": slack_commands,
    "shell commands": shell_commands,
    "schema": schema,
    "retry answer": retry_answer,
    "metrics": metrics,
    "refusals": refusals,
    "kinds of failures": failure_kinds,
}


def part(text: str, name: str) -> str | None:
    """The content of a part; None if the text has no part of this name."""
    match = re.search(_pattern(name), text, re.DOTALL)
    return match[2].strip("\n") if match else None


def filled(text: str) -> str:
    """The text with every part that it has generated again."""
    for name, make in PARTS.items():
        if part(text, name) is not None:
            made = make()
            text = re.sub(_pattern(name), lambda m, made=made: f"{m[1]}\n{made}\n{m[3]}", text, flags=re.DOTALL)
    return text


def main(*, write: bool) -> int:
    """Writes the pages that are out of date, or lists them; returns the exit code."""
    texts = {page: page.read_text(encoding="utf-8") for page in sorted(PAGES.glob("*.md"))}
    stale = {page: new for page, text in texts.items() if (new := filled(text)) != text}
    for page, text in stale.items():
        if write:
            page.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{page.relative_to(ROOT)}: {'written' if write else 'out of date'}\n")
    return 0 if write or not stale else 1


def _pattern(name: str) -> str:
    return rf"(<!-- generated: {name} -->)(.*?)(<!-- end: {name} -->)"


def _where(verb: str) -> str:
    return "Slack, shell" if verb in COMMAND_MODULES else "Slack"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _slack_command(verb: str, command: Command) -> str:
    usage = f"/brownout {verb} {command.usage}".strip()
    notes = [f"{command.help[0].upper()}{command.help[1:]}."]
    notes += [command.more] if command.more else []
    notes += ["If `[slack] admins` is set, only admins may use it in a channel."] if command.is_guarded else []
    return "\n\n".join([f"### /brownout {verb}", f"```text\n{usage}\n```", *notes])


def _shell() -> Iterator[tuple[str, click.Command]]:
    """Every command, in the order of the help, and after a group its own commands."""
    for name, (module, _) in COMMAND_MODULES.items():
        command: click.Command = importlib.import_module(f"bot.cli.{module}").COMMANDS[name]
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", one) for below, one in command.commands.items())


def _shell_command(path: str, command: click.Command) -> str:
    with click.Context(brownout, **brownout.context_settings) as context:
        arguments = [p.make_metavar(context) for p in command.params if isinstance(p, click.Argument)]
        options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    own = [o for o in options if o.opts[0] not in SHARED]
    words = [path, *(["COMMAND"] if isinstance(command, click.Group) else []), *(["[OPTIONS]"] if options else [])]
    lines = [f"### {path}", f"```text\n{' '.join([*words, *arguments])}\n```", _sentences(command.help or "")]
    table = [f"| {_option(o)} | {_cell(o.help or '')} |" for o in own]
    return "\n\n".join([*lines, *(["\n".join(["| option | effect |", "|---|---|", *table])] if table else [])])


def _option(option: click.Option) -> str:
    if option.is_flag:
        return f"`{option.opts[0]}`"
    choices = "|".join(option.type.choices) if isinstance(option.type, click.Choice) else ""
    return f"`{_cell(f'{option.opts[0]} {option.metavar or choices or option.type.name.upper().split()[0]}')}`"


def _sentences(text: str) -> str:
    """A docstring as paragraphs of Markdown."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


if __name__ == "__main__":
    raise SystemExit(main(write="--write" in sys.argv[1:]))
