"""``brownout report``: figures that people can cite, as a table, JSON, CSV or Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot import settings
from bot.edge.store import Store
from bot.entry.almanac import Almanac
from bot.entry.options import config_option, db_option, now
from bot.errors import UsageError
from bot.model import Provider
from bot.voice import figures
from bot.voice.figures import Grid
from bot.years import ICPE25, OURS, Window

_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_NARROW, _IN_A_PIPE = 72, 160  # columns
_DEFINITIONS = click.Choice([OURS.name, ICPE25.name])


@click.command()
@click.option("--definition", type=_DEFINITIONS, default=OURS.name, help="Whose definitions (default: ours).")
@click.option("--provider", "provider_id", help="One provider (default: all).")
@click.option("--from", "start", metavar="DATE", help="From this time on (default: since anything is known).")
@click.option("--to", "end", metavar="DATE", help="Up to and without this time.")
@click.option("--json", "form", flag_value="json", help="For programs.")
@click.option("--csv", "form", flag_value="csv")
@click.option("--markdown", "form", flag_value="markdown")
@config_option
@db_option
def report(
    *,
    definition: str,
    provider_id: str | None,
    start: str | None,
    end: str | None,
    form: str | None,
    config: Path | None,
    db: Path | None,
) -> None:
    """How reliable each surface (ours) or each component of a page (icpe25) has been."""
    found = settings.load(config)
    providers = _providers(found, provider_id)
    with closing(_book(found, db)) as book:
        almanac = Almanac(book.archive, now())
        if definition == ICPE25.name:
            window = _window(almanac, providers, start, end) if start or end else None
            table = almanac.table(providers, window)
            grid = figures.study_grid(table)
            _print(form, figures.study_json(table), (grid,), grid)
            return
        window = _window(almanac, providers, start, end)
        surfaces = [s for p in providers for s in p.surfaces]
        rows = [f for s in surfaces if (f := almanac.figures(s, window)).availability is not None or f.incidents]
        _print(form, figures.as_json(rows, window), figures.grids(rows, window), figures.flat(rows, window))


def _book(found: settings.Settings, db: Path | None) -> Store:
    path = db or Path(found.store_path)
    if not path.exists():
        raise UsageError(f"There is no database {path} yet: `brownout run` or `brownout backfill` makes it.")
    return Store.open(path, read_only=True)


def _providers(found: settings.Settings, typed: str | None) -> tuple[Provider, ...]:
    if typed is None:
        return found.providers
    provider = found.provider(typed)
    if provider is None:
        raise UsageError(f"There is no provider “{typed}”; there are {', '.join(p.id for p in found.providers)}.")
    return (provider,)


def _window(almanac: Almanac, providers: tuple[Provider, ...], start: str | None, end: str | None) -> Window:
    known = Window(almanac.now, almanac.now) if start and end else almanac.known_time(providers)
    window = Window(_moment(start) if start else known.start, _moment(end) if end else known.end)
    if not window.length:
        raise UsageError(f"--from {window.start:%Y-%m-%d} has to come before --to {window.end:%Y-%m-%d}.")
    return window


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"“{text}” is no date; write 2026-03-02, or 2026-03-02T11:49.") from None
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise UsageError(f"“{text}” is no date of a status page: {_FIRST_YEAR} to {_LAST_YEAR}, please.")
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


# --- forms ------------------------------------------------------------------------------------------------------------


def _print(form: str | None, values: dict[str, object], grids: Sequence[Grid], flat: Grid) -> None:
    if form == "json":
        click.echo(json.dumps(values, indent=1, ensure_ascii=False))
    elif form == "csv":
        click.echo(_csv(flat), nl=False)
    elif form == "markdown":
        click.echo("\n".join(map(_markdown, grids)))
    else:
        _draw(grids)


def _csv(grid: Grid) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(grid.head)
    writer.writerows(grid.rows)
    return out.getvalue()


def _markdown(grid: Grid) -> str:
    lines = [f"**{grid.title}**", "", f"| {' | '.join(grid.head)} |", f"|{' --- |' * len(grid.head)}"]
    lines += [f"| {' | '.join(_cell(c).replace('|', '/') for c in row)} |" for row in grid.rows]
    return "\n".join([*lines, "", *filter(None, [grid.note])])


def _draw(grids: Sequence[Grid]) -> None:
    console = Console()
    wide = Console(width=max(console.width, _NARROW) if console.is_terminal else _IN_A_PIPE)
    for grid in grids:
        table = Table(
            title=grid.title,
            title_justify="left",
            box=SIMPLE_HEAD,
            caption=grid.note,
            caption_justify="left",
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        shown = [n for n, _ in enumerate(grid.head) if n < 1 or _says_anything(grid, n)]
        for number in shown:
            table.add_column(
                grid.head[number], justify="right" if number else "left", no_wrap=not number, overflow="fold"
            )
        for row in grid.rows:
            table.add_row(*(Text(_cell(row[number])) for number in shown))
        wide.print(table)


def _says_anything(grid: Grid, column: int) -> bool:
    """False for a column that is empty, or 0, in every row: people can do without it."""
    return any(row[column] not in (None, figures.NONE, 0, "0") for row in grid.rows)


def _cell(value: figures.Cell) -> str:
    if value is None:
        return figures.NONE
    return f"{value:.2f}" if isinstance(value, float) else str(value)


COMMANDS = {"report": report}
