"""``brownout export`` and ``brownout import``: one incident as a document, or the whole database as one JSON file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bot import settings
from bot.cli.completion import complete_incidents
from bot.cli.options import config_option, db_option, open_queries
from bot.errors import UsageError
from bot.messages.export import EXPORTERS
from bot.queries.incident_export import incident_export
from bot.storage import Place, Repository, parse_place

_FORMATS = click.Choice(list(EXPORTERS))


@click.command()
@click.argument("incident", required=False, shell_complete=complete_incidents)
@click.option("--format", "form", type=_FORMATS, default="markdown", help="Of one incident (default: markdown).")
@click.option(
    "--all",
    "everything",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The whole database; - is standard output.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Into this file instead of here.")
@config_option
@db_option
def export(
    *,
    incident: str | None,
    form: str,
    everything: Path | None,
    out: Path | None,
    config: Path | None,
    db: Place | None,
) -> None:
    """Exports an incident as Markdown, JSON, iCalendar or HTML; with --all, everything as JSON."""
    with open_queries(config, db, writes=everything is not None) as queries:
        if everything is not None:
            if str(everything) == "-":
                sys.stdout.writelines(queries.repository.archive.dump())
                return
            with everything.open("w", encoding="utf-8") as file:
                file.writelines(queries.repository.archive.dump())
            click.echo(f"{everything}: {everything.stat().st_size} bytes")
            return
        if incident is None:
            raise UsageError(
                "Name an incident. Examples: brownout export last, or everything: brownout export --all FILE.json"
            )
        text = EXPORTERS[form](incident_export(queries, incident))
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_bytes(text.encode())


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option
@db_option
def import_(file: Path, config: Path | None, db: Place | None) -> None:
    """Imports an export of everything into a new database."""
    path = db or parse_place(settings.load(config).store_path)
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise UsageError(f"{file} can't be read: {error}") from error
    if not isinstance(body, dict):
        raise UsageError(f"{file} is not an export of everything. Make one with: brownout export --all FILE")
    repository = Repository.open(path, alone=True)
    try:
        count = repository.archive.restore(body)
    finally:
        repository.close()
    click.echo(f"{path}: {count} rows")


COMMANDS = {"export": export, "import": import_}
