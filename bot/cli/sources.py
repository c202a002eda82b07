"""``brownout sources``: the health of the sources, as in Slack, or as JSON for programs."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import click
from rich.text import Text

from bot import settings
from bot.cli.console import create_console
from bot.cli.options import config_option, db_option, open_queries
from bot.messages import source_health
from bot.queries import schemas
from bot.queries.delivery import delivery_lines
from bot.queries.sources import list_sources
from bot.storage import Place


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Prints a JSON list, one object per source, the worst first.")
@config_option
@db_option
def sources(*, as_json: bool, config: Path | None, db: Place | None) -> None:
    """Each status page: last good check, next check, failures, and how late its posts arrive."""
    interval_s = settings.load(config).poll.interval_s
    with open_queries(config, db) as queries:
        health, now, problems = list_sources(queries, interval_s), queries.now(), delivery_lines(queries)
    if as_json:
        click.echo(
            schemas.SOURCE_LIST_ADAPTER.dump_json([schemas.source_now(s, now) for s in health], indent=2).decode()
        )
    else:
        create_console().print(Text(unescape(source_health.sources_message(health, now, problems).text)))


COMMANDS = {"sources": sources}
