"""``brownout score``: how right the attributions and the verdicts were on recorded histories."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from bot import settings
from bot.entry.options import config_option
from bot.score import attribution, tables


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--scope", is_flag=True, help="Score which surfaces were said to be hit, against the component labels.")
@click.option("--provider", "provider_id", help="Whose page it is, if the files do not say.")
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON.")
@config_option
def score(files: tuple[Path, ...], provider_id: str | None, config: Path | None, *, scope: bool, as_json: bool) -> None:
    """Scores today's rules on recorded histories and prints how right they were."""
    found = settings.load(config)
    raw = {file.name: file.read_bytes() for file in files}
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("scoring", total=None)
        result = attribution.evaluate(
            raw, found.providers, provider_id, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if as_json:
        click.echo(json.dumps(tables.as_json(result), indent=1))
        return
    for table in tables.tables(result):
        Console().print(table)
    for note in tables.notes(result):
        click.echo(note)


COMMANDS = {"score": score}
