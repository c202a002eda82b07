"""``brownout export`` and ``brownout import``: one incident as a document, or the whole book as one JSON file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bot import settings
from bot.edge.store import Store
from bot.entry.desk import Desk
from bot.entry.options import config_option, db_option, desk
from bot.errors import UsageError
from bot.voice import export as forms

_FORMATS = click.Choice(list(forms.FORMS))


@click.command()
@click.argument("incident", required=False)
@click.option("--format", "form", type=_FORMATS, default="markdown", help="Of one incident (default: markdown).")
@click.option(
    "--all",
    "everything",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The whole book; - is here.",
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
    db: Path | None,
) -> None:
    """An incident as Markdown, JSON, iCalendar or HTML; or with --all everything there is, as JSON."""
    with desk(config, db, writes=everything is not None) as found:
        if everything is not None:
            if str(everything) == "-":
                sys.stdout.writelines(found.book.archive.dump())
                return
            with everything.open("w", encoding="utf-8") as file:
                file.writelines(found.book.archive.dump())
            click.echo(f"{everything}: {everything.stat().st_size} bytes")
            return
        if incident is None:
            raise UsageError("Which incident? `brownout export last`, or everything: `brownout export --all FILE.json`")
        text = forms.FORMS[form](dossier(found, incident))
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_bytes(text.encode())


def dossier(found: Desk, typed: str, channel: str | None = None) -> forms.Dossier:
    """All that is known of an incident; of what people and we have said, with a channel only what it may read."""
    provider, known, events = found.incident(typed, channel)
    archive, number = found.book.archive, known.incident.id
    sent = tuple(d for d in archive.deliveries(number) if channel in (None, d.channel))
    return forms.Dossier(provider, known, events, archive.labels(number), sent, found.surfaces(), found.now())


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option
@db_option
def import_(file: Path, config: Path | None, db: Path | None) -> None:
    """Reads an export of everything into an empty database; it then answers as the old one did."""
    path = db or Path(settings.load(config).store_path)
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise UsageError(f"{file} can't be read: {error}") from error
    if not isinstance(body, dict):
        raise UsageError(f"{file} is no export of everything")
    book = Store.open(path, alone=True)
    try:
        count = book.archive.restore(body)
    finally:
        book.close()
    click.echo(f"{path}: {count} rows")


COMMANDS = {"export": export, "import": import_}
