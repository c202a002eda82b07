"""``brownout timeline``: the answer that Slack gives too, and on the command line a picture of the incident."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import click
from rich.text import Text

from bot.edge.terminal import CHANNEL
from bot.entry.almanac import Almanac
from bot.entry.commands import COMMANDS as VERBS
from bot.entry.console import terminal
from bot.entry.options import config_option, db_option, desk
from bot.entry.question import Ask

_VERB = VERBS["timeline"]


@click.command(help=f"{_VERB.help[0].upper()}{_VERB.help[1:]}.")
@click.argument("words", nargs=-1, metavar=_VERB.usage)
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Draws its surfaces, verdicts and posts into this file."
)
@config_option
@db_option
def timeline(words: tuple[str, ...], picture: Path | None, config: Path | None, db: Path | None) -> None:
    """Answers as Slack does; the help is the verb's own."""
    console = terminal()
    with desk(config, db) as found:
        console.print(Text(unescape(_VERB.answer(found, Ask(words, CHANNEL)).message.text)))
        if picture is not None:
            provider, known, _ = found.incident(" ".join(words))
            drawn = Almanac(found.book.archive, found.now()).picture(known, provider.surfaces)
            picture.write_bytes(drawn.png)
            console.print(Text(f"{picture}: {drawn.alt}"))


COMMANDS = {"timeline": timeline}
