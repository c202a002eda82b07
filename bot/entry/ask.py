"""The questions, on the command line: the same answers as in Slack, from the database of a bot that runs or ran."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import click
from rich.text import Text

from bot import settings
from bot.edge.terminal import CHANNEL
from bot.entry.commands import COMMANDS as VERBS
from bot.entry.console import terminal
from bot.entry.options import config_option, db_option, desk
from bot.entry.question import Ask, Reply
from bot.entry.shell import in_a_shell
from bot.voice import replies

_WRITES = ("subscribe", "unsubscribe", "note", "label")
_OF_A_CHANNEL = ("subscribe", "unsubscribe", "list")


def _question(verb: str) -> click.Command:
    command = VERBS[verb]

    def ask(words: tuple[str, ...], channel: str, config: Path | None, db: Path | None) -> None:
        if (verb, words) == ("list", ("all",)):  # the catalogue needs no database
            reply = Reply(replies.catalogue([p for p in settings.load(config).providers if p.enabled]))
        else:
            with desk(config, db, writes=verb in _WRITES) as found:
                reply = command.answer(found, Ask(words, channel))
        terminal().print(Text(in_a_shell(unescape(reply.message.text))))

    where = click.option(
        "--channel",
        default=CHANNEL,
        hidden=verb not in _OF_A_CHANNEL,
        help="A Slack channel's id (default: the terminal that `run` draws in).",
    )
    what = click.argument("words", nargs=-1, metavar=command.usage)
    text = f"{command.help[0].upper()}{command.help[1:]}."
    return click.command(verb, help=text)(what(where(config_option(db_option(ask)))))


COMMANDS = {verb: _question(verb) for verb in VERBS if verb not in ("help", "retry")}  # retry: bot.entry.gate
