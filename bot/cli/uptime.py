"""``brownout uptime``: the daily uptime of a surface, as in Slack, and with ``--picture`` a chart of it."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import click
from rich.text import Text

from bot.adapters.terminal import CHANNEL
from bot.cli.completion import complete_targets
from bot.cli.console import create_console
from bot.cli.options import config_option, db_option, open_queries
from bot.commands.history import UPTIME_DAYS
from bot.commands.parsing import HISTORY_LIMITS, find_by_words, split_off_days
from bot.commands.registry import COMMANDS as VERBS
from bot.commands.types import CommandRequest
from bot.errors import UsageError
from bot.messages import charts, reliability
from bot.queries.current import StatusQueries
from bot.queries.history import HistoryQueries
from bot.storage import Place

_COMMAND = VERBS["uptime"]


@click.command(help=f"{_COMMAND.help[0].upper()}{_COMMAND.help[1:]}.")
@click.argument("words", nargs=-1, metavar=_COMMAND.usage, shell_complete=complete_targets)
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Write a picture of one service's days to this PNG file."
)
@config_option
@db_option
def uptime(words: tuple[str, ...], picture: Path | None, config: Path | None, db: Place | None) -> None:
    """Prints the answer of the chat command; its help text is used here too."""
    console = create_console()
    with open_queries(config, db) as queries:
        console.print(Text(unescape(_COMMAND.answer(queries, CommandRequest(words, CHANNEL)).message.text)))
        if picture is not None:
            console.print(Text(f"{picture}: {_draw_chart(queries, words, picture)}"))


def _draw_chart(queries: StatusQueries, arguments: tuple[str, ...], picture: Path) -> str:
    """Draws the days of one surface into a PNG file and returns the text alternative."""
    words, days = split_off_days(arguments, UPTIME_DAYS)
    if not words:
        raise UsageError("A picture shows one service. Example: brownout uptime claude-api 90d --picture uptime.png")
    _, surface = find_by_words(queries.resolve_surface, words, HISTORY_LIMITS)
    history = HistoryQueries(queries.repository.archive, queries.now())
    uptime_page = history.surface_uptime(surface, history.last_days(days))
    chart = charts.draw_uptime(surface.name, uptime_page.days, reliability.operational_text(uptime_page.figures))
    picture.write_bytes(chart.png)
    return chart.alt


COMMANDS = {"uptime": uptime}
