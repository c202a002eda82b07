"""``brownout uptime``: the answer that Slack gives too, and on the command line a picture of it."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import click
from rich.text import Text

from bot.core import catalogue
from bot.edge.terminal import CHANNEL
from bot.entry.almanac import Almanac, split
from bot.entry.commands import COMMANDS as VERBS
from bot.entry.console import terminal
from bot.entry.desk import Desk
from bot.entry.options import config_option, db_option, desk
from bot.entry.pasts import UPTIME_DAYS
from bot.entry.question import Ask
from bot.errors import UsageError
from bot.voice import chart, figures

_VERB = VERBS["uptime"]


@click.command(help=f"{_VERB.help[0].upper()}{_VERB.help[1:]}.")
@click.argument("words", nargs=-1, metavar=_VERB.usage)
@click.option("--picture", type=click.Path(path_type=Path), help="Draws one surface's days into this PNG file.")
@config_option
@db_option
def uptime(words: tuple[str, ...], picture: Path | None, config: Path | None, db: Path | None) -> None:
    """Answers as Slack does; the help is the verb's own."""
    console = terminal()
    with desk(config, db) as found:
        console.print(Text(unescape(_VERB.answer(found, Ask(words, CHANNEL)).message.text)))
        if picture is not None:
            console.print(Text(f"{picture}: {_draw(found, words, picture)}"))


def _draw(found: Desk, typed: tuple[str, ...], picture: Path) -> str:
    """Draws one surface's strip; the sentence that says the same."""
    words, days = split(typed, UPTIME_DAYS)
    if not words:
        raise UsageError("A picture is of one surface: `brownout uptime claude-api 90d --picture uptime.png`")
    _, surface = catalogue.surface(found.providers, " ".join(words))
    almanac = Almanac(found.book.archive, found.now())
    page = almanac.page(surface, almanac.last(days))
    drawn = chart.uptime(surface.name, page.days, f"{figures.percent(page.figures.availability)} available")
    picture.write_bytes(drawn.png)
    return drawn.alt


COMMANDS = {"uptime": uptime}
