"""``brownout timeline``: the timeline of an incident, as in Slack, and with ``--picture`` a chart of it."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import click
from rich.text import Text

from bot.adapters.terminal import CHANNEL
from bot.cli.completion import complete_incidents
from bot.cli.console import create_console
from bot.cli.options import config_option, db_option, open_queries
from bot.commands.registry import COMMANDS as VERBS
from bot.commands.types import CommandRequest
from bot.queries.history import HistoryQueries
from bot.storage import Place

_COMMAND = VERBS["timeline"]


@click.command()
@click.argument("words", nargs=-1, metavar=_COMMAND.usage, shell_complete=complete_incidents)
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Write a picture of it to this file (*.png; needs matplotlib)."
)
@config_option
@db_option
def timeline(words: tuple[str, ...], picture: Path | None, config: Path | None, db: Place | None) -> None:
    """Every step of an incident, the oldest first.

    The incident is an id, a service (its newest incident) or `last`. Add `deliveries` to list what was sent too.
    """
    console = create_console()
    with open_queries(config, db) as queries:
        console.print(Text(unescape(_COMMAND.answer(queries, CommandRequest(words, CHANNEL)).message.text)))
        if picture is not None:
            provider, incident, _ = queries.find_incident(" ".join(words))
            chart = HistoryQueries(queries.repository.archive, queries.now()).incident_chart(
                incident, provider.surfaces
            )
            picture.write_bytes(chart.png)
            console.print(Text(f"{picture}: {chart.alt}"))


COMMANDS = {"timeline": timeline}
