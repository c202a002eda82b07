"""``brownout reliability``: reliability figures that can be cited, as a table, JSON, CSV or Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot import settings
from bot.cli.options import config_option, db_option, utc_now
from bot.domain import Provider
from bot.domain.reliability import ICPE25, OWN_DEFINITION, MonthlyReport, TimeWindow
from bot.errors import UsageError
from bot.messages import month as month_text
from bot.messages import reliability as messages_reliability
from bot.messages.reliability import FigureTable, ProviderReport
from bot.queries.history import HistoryQueries
from bot.queries.month import monthly_report, parse_month
from bot.storage import Place, Repository, may_exist, parse_place

_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_MIN_WIDTH, _PIPE_WIDTH = 72, 160  # characters
_DEFINITIONS = click.Choice([OWN_DEFINITION.name, ICPE25.name])


@click.command()
@click.option(
    "--definition",
    type=_DEFINITIONS,
    default=OWN_DEFINITION.name,
    help="How to count: ours (default), or as a study of 2025 did.",
)
@click.option("--provider", "provider_id", help="One provider (default: all).")
@click.option("--from", "start", metavar="DATE", help="From this time on (default: since anything is known).")
@click.option("--to", "end", metavar="DATE", help="Up to and without this time.")
@click.option("--month", metavar="MONTH", help="A calendar month (UTC) as people read it, such as 2026-11.")
@click.option("--html", "page", type=click.Path(path_type=Path), help="Write the month as one page to this file.")
@click.option("--json", "form", flag_value="json", help="JSON, for programs.")
@click.option("--csv", "form", flag_value="csv", help="CSV, one row for each service.")
@click.option("--markdown", "form", flag_value="markdown", help="Tables in Markdown.")
@config_option
@db_option
def reliability(
    *,
    definition: str,
    provider_id: str | None,
    page: Path | None,
    form: str | None,
    config: Path | None,
    db: Place | None,
    **span: str | None,
) -> None:
    """How reliable each service has been: availability, outages, time to repair.

    --definition icpe25 counts as the ICPE 2025 study of AI services did, for each component of a page. See
    `brownout docs reliability-figures`.
    """
    start, end, month = span["start"], span["end"], span["month"]
    if page is not None and month is None:
        raise UsageError("Name the month of the page. Example: brownout reliability --month 2026-11 --html report.html")
    if month is not None and (start or end or definition == ICPE25.name):
        raise UsageError("--month goes without --from, --to and --definition.")
    app_settings = settings.load(config)
    providers = _select_providers(app_settings, provider_id)
    with closing(_open_repository(app_settings, db)) as repository:
        history = HistoryQueries(repository.archive, utc_now())
        if month is not None and (page is not None or form is None):
            _print_month(monthly_report(history, providers, parse_month(month)), page)
            return
        if definition == ICPE25.name:
            window = _report_window(history, providers, start, end) if start or end else None
            table = history.study_table(providers, window)
            grid = messages_reliability.study_table_for_people(table)
            _print_report(form, messages_reliability.study_json(table), (grid,), grid)
            return
        window = parse_month(month) if month else _report_window(history, providers, start, end)
        reports = [r for p in providers if (r := _provider_report(history, p, window)) is not None]
        rows = [f for report in reports for f in report.services]
        _print_report(
            form,
            messages_reliability.as_json(rows, window, [report.whole for report in reports]),
            messages_reliability.report_tables(reports, window),
            messages_reliability.flat_table(rows, window, [report.whole for report in reports]),
        )


def _provider_report(history: HistoryQueries, provider: Provider, window: TimeWindow) -> ProviderReport | None:
    """The figures of a provider and of those of its services of which anything is known; None where nothing is."""
    whole, *rows = history.provider_reports(provider, window)
    services = tuple(f for f in rows if f.known_time or f.incidents)
    return ProviderReport(whole, services) if services else None


def _open_repository(app_settings: settings.Settings, db: Place | None) -> Repository:
    path = db or parse_place(app_settings.store_path)
    if not may_exist(path):
        raise UsageError(
            f"Database {path} not found. Start `brownout run` or `brownout backfill` first, or pass --db FILE."
        )
    return Repository.open(path, read_only=True)


def _select_providers(app_settings: settings.Settings, provider_id: str | None) -> tuple[Provider, ...]:
    """Returns the named provider, or all of them; UsageError where there is none of that name."""
    if provider_id is None:
        return app_settings.providers
    provider = app_settings.provider(provider_id)
    if provider is None:
        raise UsageError(f"No provider “{provider_id}”. Providers: {', '.join(p.id for p in app_settings.providers)}.")
    return (provider,)


def _report_window(
    history: HistoryQueries, providers: tuple[Provider, ...], start: str | None, end: str | None
) -> TimeWindow:
    """Returns the window from ``start`` to ``end``; a missing bound is that of the recorded period."""
    period = TimeWindow(history.now, history.now) if start and end else history.known_period(providers)
    window = TimeWindow(_parse_date(start) if start else period.start, _parse_date(end) if end else period.end)
    if not window.length:
        raise UsageError(f"--from {window.start:%Y-%m-%d} must be before --to {window.end:%Y-%m-%d}.")
    return window


def _parse_date(text: str) -> datetime:
    """Parses an ISO date or date-time, UTC where it has no offset; UsageError otherwise."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"“{text}” is not a date. Examples: 2026-03-02, 2026-03-02T11:49") from None
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise UsageError(f"“{text}” is out of range. Years: {_FIRST_YEAR} to {_LAST_YEAR}")
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


# --- output -----------------------------------------------------------------------------------------------------------


def _print_month(report: MonthlyReport, page: Path | None) -> None:
    if page is None:
        click.echo(unescape(month_text.month_message(report).text))
        return
    page.write_text(month_text.month_page(report, utc_now()), encoding="utf-8")
    click.echo(f"{page}: {page.stat().st_size} bytes. A browser prints it, or saves it as PDF.")


def _print_report(form: str | None, values: dict[str, object], grids: Sequence[FigureTable], flat: FigureTable) -> None:
    if form == "json":
        click.echo(json.dumps(values, indent=1, ensure_ascii=False))
    elif form == "csv":
        click.echo(_to_csv(flat), nl=False)
    elif form == "markdown":
        click.echo("\n".join(map(_to_markdown, grids)))
    else:
        _print_tables(grids)


def _to_csv(grid: FigureTable) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(grid.head)
    writer.writerows(grid.rows)
    return out.getvalue()


def _to_markdown(grid: FigureTable) -> str:
    lines = [f"**{grid.title}**", "", f"| {' | '.join(grid.head)} |", f"|{' --- |' * len(grid.head)}"]
    lines += [f"| {' | '.join(_format_cell(c).replace('|', '/') for c in row)} |" for row in grid.rows]
    return "\n".join([*lines, "", *filter(None, [grid.note])])


def _print_tables(grids: Sequence[FigureTable]) -> None:
    console = Console()
    wide_console = Console(width=max(console.width, _MIN_WIDTH) if console.is_terminal else _PIPE_WIDTH)
    for grid in grids:
        table = Table(
            title=grid.title,
            title_justify="left",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        columns = [n for n, _ in enumerate(grid.head) if n < 1 or _has_values(grid, n)]
        if len(columns) == 1 and not grid.note:
            continue
        for number in columns:
            table.add_column(
                grid.head[number], justify="right" if number else "left", no_wrap=not number, overflow="fold"
            )
        for row in grid.rows:
            table.add_row(*(Text(_format_cell(row[number])) for number in columns))
        wide_console.print(table)
        if grid.note:
            wide_console.print(Text(grid.note))


def _has_values(grid: FigureTable, column: int) -> bool:
    """Whether any row has a value other than 0 in this column. Tables for people leave the other columns out."""
    return any(row[column] not in (None, messages_reliability.NO_VALUE, 0, "0") for row in grid.rows)


def _format_cell(value: messages_reliability.Cell) -> str:
    if value is None:
        return messages_reliability.NO_VALUE
    return f"{value:.2f}" if isinstance(value, float) else str(value)


COMMANDS = {"reliability": reliability}
