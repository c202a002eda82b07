"""The questions, on the command line: the same answers as in Slack, from the database of a bot that runs or ran."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from bot.edge.terminal import CHANNEL
from bot.entry.commands import COMMANDS as VERBS
from bot.entry.commands import Ask, Reply
from bot.entry.options import config_option, db_option, desk
from bot.model import Call

_WRITES = ("subscribe", "unsubscribe")
_OF_A_CHANNEL = (*_WRITES, "list")
_GO, _UNAVAILABLE, _TEMPFAIL = 0, 69, 75  # sysexits.h: a script may try again later after 75


def _question(verb: str) -> click.Command:
    def ask(words: tuple[str, ...], channel: str, config: Path | None, db: Path | None) -> None:
        _answer(verb, words, channel, config, db)

    where = click.option(
        "--channel",
        default=CHANNEL,
        hidden=verb not in _OF_A_CHANNEL,
        help="A Slack channel's id (default: the terminal that `run` draws in).",
    )
    return _command(verb)(where(ask))


def _gate() -> click.Command:
    def ask(words: tuple[str, ...], config: Path | None, db: Path | None, *, gently: bool) -> None:
        call = _answer("retry", words, CHANNEL, config, db).call
        go = (Call.RETRY_NORMALLY, Call.RETRY_GENTLY) if gently else (Call.RETRY_NORMALLY,)
        raise SystemExit(_GO if call in go else _UNAVAILABLE if call is Call.UNKNOWN else _TEMPFAIL)

    option = click.option("--gently", is_flag=True, help="A gentle retry is a go too.")
    return _command("retry", " Exit code 0 is a go, 75 not yet, 69 unknown.")(option(ask))


def _command(verb: str, more: str = "") -> Callable[[Callable[..., None]], click.Command]:
    command = VERBS[verb]
    what = click.argument("words", nargs=-1, metavar=command.usage)
    text = f"{command.help[0].upper()}{command.help[1:]}.{more}"
    return lambda ask: click.command(verb, help=text)(what(config_option(db_option(ask))))


def _answer(verb: str, words: tuple[str, ...], channel: str, config: Path | None, db: Path | None) -> Reply:
    with desk(config, db, writes=verb in _WRITES) as found:
        reply = VERBS[verb].answer(found, Ask(words, channel))
    Console(soft_wrap=True).print(Text(unescape(reply.message.text)))
    return reply


COMMANDS = {verb: _question(verb) for verb in VERBS if verb not in ("help", "retry")} | {"retry": _gate()}
