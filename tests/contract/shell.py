"""The command line: the help of every command, and exit codes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from bot.cli.main import brownout
from bot.domain import Advice
from bot.queries.retry_gate import GateAnswer
from bot.storage import Repository
from tests.support.acme import catalogue

WIDTH = 100


def help_text() -> str:
    """``--help`` of the root, of every command and of every subcommand."""
    pages = (f"## brownout {' '.join(words)}".rstrip() + f"\n\n{_help(words)}" for words in _commands(brownout))
    return "\n".join(pages)


def _commands(command: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command, **brownout.context_settings)
        for name in sorted(command.list_commands(context)):
            found = command.get_command(context, name)
            assert found is not None
            yield from _commands(found, *words, name)


def _help(words: tuple[str, ...]) -> str:
    told = CliRunner().invoke(brownout, [*words, "--help"], prog_name="brownout", terminal_width=WIDTH)
    assert told.exit_code == 0, told.output
    return told.output


def exit_codes() -> str:
    """What a few runs end with."""
    return "".join(f"{line}\n" for line in (*_of_the_gate(), *_of_runs()))


def _of_the_gate() -> Iterator[str]:
    for call in sorted(Advice):
        for gently in (False, True):
            code = GateAnswer({"verdict": str(call), "retry_after_s": 1}, "").exit_code(gently=gently)
            yield f"retry{' --gently' if gently else ''}, verdict {call}: {code}"
    late = GateAnswer({"verdict": str(Advice.RETRY_GENTLY), "retry_after_s": 60}, "").exit_code(gently=True)
    yield f"retry --gently, before the client's slot: {late}"


def _of_runs() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = ["--config", str(catalogue(folder / "config"))]
        sound, damaged, absent = (folder / f"{n}.db" for n in ("sound", "damaged", "absent"))
        Repository.open(sound).close()
        damaged.write_bytes(b"no database at all " * 100)
        broken = catalogue(folder / "broken")
        (broken / "brownout.toml").write_text("nonsense = 1\n")
        runs = {
            "no such command": ["nonsense"],
            "no such option": ["status", "--nonsense"],
            "retry without a surface": ["retry", *config],
            "retry of a surface that is not there": ["retry", "nonsense", *config],
            "retry without a database": ["retry", "acme-api", *config, "--db", str(absent)],
            "status without a database": ["status", *config, "--db", str(absent)],
            "status": ["status", *config, "--db", str(sound)],
            "status of a surface that is not there": ["status", "nonsense", *config, "--db", str(sound)],
            "db verify, sound": ["db", "verify", str(sound)],
            "db verify, damaged": ["db", "verify", str(damaged)],
            "db verify, absent": ["db", "verify", str(absent)],
            "check, a mistake in the config": ["check", "--config", str(broken)],
        }
        for what, words in runs.items():
            yield f"{what}: {CliRunner().invoke(brownout, words).exit_code}"
