"""``brownout sources``: the answer that Slack gives too, and with ``--json`` the same for programs."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import click
from rich.text import Text

from bot import settings
from bot.entry import health, shapes
from bot.entry.console import terminal
from bot.entry.options import config_option, db_option, desk
from bot.voice import health as voice


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Prints a JSON list, one object per source, the worst first.")
@config_option
@db_option
def sources(*, as_json: bool, config: Path | None, db: Path | None) -> None:
    """How each page is doing: the last usable look, the next one, failures, and how late its posts reach us."""
    interval_s = settings.load(config).poll.interval_s
    with desk(config, db) as opened:
        found, now = health.found(opened, interval_s), opened.now()
    if as_json:
        click.echo(shapes.SOURCES.dump_json([shapes.source_now(s, now) for s in found], indent=2).decode())
    else:
        terminal().print(Text(unescape(voice.sources(found, now).text)))


COMMANDS = {"sources": sources}
