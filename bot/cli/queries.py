"""The chat's commands in the shell: the same answers as in Slack, read from the bot's database.

One click command is made for each entry of the registry (bot.commands.registry), except ``help`` and ``retry``; the
shell has those that bot.cli.main lists for this module.
"""

from __future__ import annotations

from html import unescape
from pathlib import Path

import click
from rich.text import Text

from bot import settings
from bot.adapters.terminal import CHANNEL
from bot.cli.completion import complete_incidents, complete_targets
from bot.cli.console import create_console
from bot.cli.options import config_option, db_option, open_queries
from bot.cli.shell_text import to_shell_commands
from bot.commands.registry import COMMANDS as VERBS
from bot.commands.types import CommandRequest, CommandResponse
from bot.messages import replies
from bot.storage import Place

_INCIDENT_VERBS = ("summary", "why", "note", "label")  # they take an incident
_WRITE_VERBS = ("subscribe", "unsubscribe", "note", "label")
_CHANNEL_VERBS = ("subscribe", "unsubscribe", "list")


def _make_command(verb: str) -> click.Command:
    command = VERBS[verb]

    def request(words: tuple[str, ...], channel: str, config: Path | None, db: Place | None) -> None:
        if (verb, words) == ("list", ("all",)):  # the list of all surfaces needs no database
            providers = settings.load(config).providers
            off = [p for p in providers if not p.enabled]
            response = CommandResponse(replies.surface_list_message([p for p in providers if p.enabled], off))
        else:
            with open_queries(config, db, writes=verb in _WRITE_VERBS) as queries:
                response = command.answer(queries, CommandRequest(words, channel))
        create_console().print(Text(to_shell_commands(unescape(response.message.text))))

    channel_option = click.option(
        "--channel",
        default=CHANNEL,
        hidden=verb not in _CHANNEL_VERBS,
        help="A Slack channel's id (default: the terminal of `run`).",
    )
    complete = complete_incidents if verb in _INCIDENT_VERBS else complete_targets
    words_argument = click.argument("words", nargs=-1, metavar=command.usage, shell_complete=complete)
    help_text = f"{command.help[0].upper()}{command.help[1:]}."
    return click.command(verb, help=help_text)(words_argument(channel_option(config_option(db_option(request)))))


_OTHER_MODULES = ("help", "retry", "declare", "declared")  # commands with a module of their own, or of Slack alone
COMMANDS = {verb: _make_command(verb) for verb in VERBS if verb not in _OTHER_MODULES}
