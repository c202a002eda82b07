"""``brownout declared``: the incidents that a team declared: a list, one of them, or a document of one."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import click
from rich.text import Text

from bot.adapters.terminal import CHANNEL
from bot.cli.console import create_console
from bot.cli.options import config_option, db_option, open_queries
from bot.cli.shell_text import to_shell_commands
from bot.commands.registry import COMMANDS as VERBS
from bot.commands.types import CommandRequest
from bot.errors import UsageError
from bot.messages.declared_export import EXPORTERS
from bot.queries import declared as declared_queries
from bot.storage import Place

_COMMAND = VERBS["declared"]


@click.command()
@click.argument("words", nargs=-1, metavar=_COMMAND.usage)
@click.option("--format", "form", type=click.Choice(list(EXPORTERS)), help="Prints one incident as a document.")
@click.option("--out", type=click.Path(path_type=Path), help="Into this file instead of here.")
@config_option
@db_option
def declared(words: tuple[str, ...], form: str | None, out: Path | None, config: Path | None, db: Place | None) -> None:
    """The incidents that your teams declared in Slack, the newest first, or one by its number.

    What is changed here is posted by the running bot within 15 seconds.
    """
    with open_queries(config, db, writes=len(words) > 1) as queries:
        if form is None:
            response = _COMMAND.answer(queries, CommandRequest(words, CHANNEL))
            create_console().print(Text(to_shell_commands(unescape(response.message.text))))
            return
        if len(words) != 1 or not words[0].isdecimal():
            raise UsageError(f"Name one incident by its number: brownout declared 7 --format {form}")
        found = declared_queries.find(queries, int(words[0]))
        text = EXPORTERS[form](declared_queries.view(queries, found))
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_bytes(text.encode())


COMMANDS = {"declared": declared}
