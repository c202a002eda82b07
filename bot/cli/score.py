"""``brownout score``: scores the attributions and the verdicts of the current rules on recorded pages."""

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
from bot.cli.options import config_option
from bot.errors import UsageError
from bot.evaluation import attribution, attribution_tables, recording, verdict_tables, verdicts
from bot.formats import reconstruction, recordings
from bot.formats.reconstruction import History
from bot.formats.recordings import RecordedPoll

_FILE_ARGUMENT = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE_ARGUMENT)
@click.option("--scope", "is_scope", is_flag=True, help="Score which services were affected, not the advice.")
@click.option(
    "--truth", type=_FILE_ARGUMENT, help="When each incident was really bad: JSON, {incident: [[start, end], ...]}."
)
@click.option("--provider", "provider_id", help="Whose page it is, if the files do not say.")
@click.option(
    "--compare",
    "other_rules",
    metavar="OTHER_RULES.toml",
    type=_FILE_ARGUMENT,
    help="A verdict.toml; its rules are scored on the same recordings, with the difference.",
)
@click.option(
    "--max-gap",
    type=click.IntRange(min=0),
    default=recording.MAX_UNSEEN_MIN,
    show_default=True,
    help="Minutes between two recorded polls from which on what lies between is left out; 0: nothing is.",
)
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON.")
@config_option
def score(
    *,
    files: tuple[Path, ...],
    truth: Path | None,
    provider_id: str | None,
    other_rules: Path | None,
    max_gap: int,
    config: Path | None,
    is_scope: bool,
    as_json: bool,
) -> None:
    """Scores today's rules on recorded pages: how often the advice was right.

    With --scope it scores which services were said to be affected, against the components that the vendor names.
    --compare FILE scores another verdict.toml on the same recordings, and shows each difference with its 95 %
    interval. So you can tune the rules to your own vendors. See `brownout docs accuracy`.
    """
    if is_scope and truth:
        raise UsageError("--truth is for verdicts; --scope is scored against component labels.")
    if is_scope and other_rules:
        raise UsageError("--compare is for verdicts; --scope has no rules that a file could change.")
    app_settings = settings.load(config)
    other = settings.with_verdict_file(app_settings, other_rules) if other_rules else None
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("scoring", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        figures, tables, notes = (
            _score_attribution(files, app_settings, provider_id, progress)
            if is_scope
            else _score_verdicts(files, (app_settings, other), truth, progress, provider_id, max_gap)
        )
    if as_json:
        click.echo(json.dumps(figures, indent=1))
        return
    for table in tables:
        Console().print(table)
    for note in notes:
        click.echo(note)


ScoreOutput = tuple[dict[str, Any], list[Table], list[str]]


def _score_attribution(
    files: tuple[Path, ...], app_settings: settings.Settings, provider_id: str | None, progress: recording.Progress
) -> ScoreOutput:
    with ExitStack() as stack:
        for file in files:
            _open_recording(file, stack)  # prints what of it cannot be read
    raw = {str(file): file.read_bytes() for file in files}
    result = attribution.evaluate(
        raw, app_settings.providers, provider_id, lambda done, total: progress("scoring", done, total)
    )
    return attribution_tables.as_json(result), list(attribution_tables.tables(result)), attribution_tables.notes(result)


def _score_verdicts(  # noqa: PLR0917 - one call, which passes the options on
    files: tuple[Path, ...],
    both_settings: tuple[settings.Settings, settings.Settings | None],
    truth: Path | None,
    progress: recording.Progress,
    provider_id: str | None,
    max_gap: int,
) -> ScoreOutput:
    app_settings, other = both_settings
    provider = app_settings.provider(provider_id) if provider_id else None
    if provider_id and provider is None:
        raise UsageError(f"There is no provider “{provider_id}”; `brownout list all` names them.")
    windows = verdicts.read_windows(truth.read_bytes()) if truth else {}
    with ExitStack() as stack:
        named_recordings = [(str(file), _open_recording(file, stack)) for file in files]
        result = verdicts.evaluate(
            named_recordings,
            provider or app_settings.providers,
            app_settings.rules_for,
            windows,
            progress,
            other_rules_for=other.rules_for if other else None,
            max_unseen_min=max_gap,
        )
    return verdicts.as_json(result), verdict_tables.tables(result), []


def _open_recording(file: Path, stack: ExitStack) -> History | Iterator[RecordedPoll]:
    """Opens a recording; the file is closed with ``stack``. Prints what of a history cannot be read."""
    with recordings.errors_naming_file(str(file)):
        history_or_polls = recordings.read_recording(stack.enter_context(file.open("rb")))
    if isinstance(history_or_polls, History) and (unread := reconstruction.unread_text(history_or_polls)):
        click.echo(f"{file}: {unread}", err=True)
    return history_or_polls


COMMANDS = {"score": score}
