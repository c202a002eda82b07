"""``brownout score``: how right the attributions and the verdicts were on recorded pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot import settings
from bot.entry.options import config_option
from bot.errors import UsageError
from bot.score import attribution, tables, verdict_tables, verdicts
from bot.score.stories import Progress as Told
from bot.sources import history, recorded
from bot.sources.history import History
from bot.sources.recorded import Poll

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--scope", "is_scope", is_flag=True, help="Score the surfaces said, against the component labels.")
@click.option("--truth", type=_FILE, help="Truth C: JSON, incident id -> [[start, end], ...] or null.")
@click.option("--provider", "provider_id", help="With --scope: whose page it is, if the files do not say.")
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON.")
@config_option
def score(
    files: tuple[Path, ...],
    truth: Path | None,
    provider_id: str | None,
    config: Path | None,
    *,
    is_scope: bool,
    as_json: bool,
) -> None:
    """Scores today's rules on recorded pages: how right the verdicts were, or with --scope the attributions."""
    if is_scope and truth:
        raise UsageError("--truth is for the verdicts; --scope is scored against the component labels.")
    found = settings.load(config)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("scoring", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        figures, shown, notes = (
            _scope(files, found, provider_id, progress) if is_scope else _verdicts(files, found, truth, progress)
        )
    if as_json:
        click.echo(json.dumps(figures, indent=1))
        return
    for table in shown:
        Console().print(table)
    for note in notes:
        click.echo(note)


Scored = tuple[dict[str, Any], list[Table], list[str]]


def _scope(files: tuple[Path, ...], found: settings.Settings, provider_id: str | None, progress: Told) -> Scored:
    with ExitStack() as opened:
        for file in files:
            _recording(file, opened)  # says what of it can't be read
    raw = {str(file): file.read_bytes() for file in files}
    result = attribution.evaluate(
        raw, found.providers, provider_id, lambda done, total: progress("scoring", done, total)
    )
    return tables.as_json(result), list(tables.tables(result)), tables.notes(result)


def _verdicts(files: tuple[Path, ...], found: settings.Settings, truth: Path | None, progress: Told) -> Scored:
    windows = verdicts.read_windows(truth.read_bytes()) if truth else {}
    with ExitStack() as opened:
        recordings = [(str(file), _recording(file, opened)) for file in files]
        result = verdicts.evaluate(recordings, found.providers, found.rules_for, windows, progress)
    return verdicts.as_json(result), verdict_tables.tables(result), []


def _recording(file: Path, opened: ExitStack) -> History | Iterator[Poll]:
    with recorded.named(str(file)):
        found = recorded.read(opened.enter_context(file.open("rb")))
    if isinstance(found, History) and (said := history.unread(found)):
        click.echo(f"{file}: {said}", err=True)
    return found


COMMANDS = {"score": score}
