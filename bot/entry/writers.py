"""``brownout token``: who may tell the bot by HTTP what they see. A secret is shown once and kept nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bot import settings
from bot.edge.store import Store, Token
from bot.entry.options import config_option, db_option, now
from bot.errors import UsageError
from bot.voice import words

KINDS = ("outcomes", "probes", "reports")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@click.group()
def token() -> None:
    """Who may tell the bot by HTTP what they see: reports, outcomes of their own requests, results of probes."""


@token.command()
@click.argument("name")
@click.option("--for", "kinds", metavar="KINDS", default="reports", show_default=True, help="Of " + ",".join(KINDS))
@config_option
@db_option
def create(name: str, kinds: str, config: Path | None, db: Path | None) -> None:
    """Makes a token and prints its secret on stdout, this once: brownout token create shop --for outcomes,reports."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"“{name}” is no name for a token: letters, digits, dots, hyphens, 64 at most.")
    may = tuple(sorted({kind.strip() for kind in kinds.split(",")}))
    if strange := [kind for kind in may if kind not in KINDS]:
        raise UsageError(f"A token is for {words.listing(KINDS)}; “{strange[0]}” is none of them.")
    with _book(config, db) as book:
        secret = book.keys.create(name, may, now())
    if secret is None:
        raise UsageError(
            f"There is a token {name} already: `brownout token revoke {name}` ends it, or take another name."
        )
    click.echo(
        f"{name} may write {words.listing(may)}. This is shown once; send it as `Authorization: Bearer`:", err=True
    )
    click.echo(secret)


@token.command(name="list")
@config_option
@db_option
def list_tokens(config: Path | None, db: Path | None) -> None:
    """Every token: what it may write, and when it was last used."""
    with _book(config, db) as book:
        found = book.keys.tokens()
    if not found:
        click.echo("Nobody may write by HTTP yet: `brownout token create NAME --for reports`.")
        return
    table = Table("name", "may write", "made", "last used", box=None, pad_edge=False)
    for one in found:
        table.add_row(*_row(one))
    Console().print(table)


@token.command()
@click.argument("name")
@config_option
@db_option
def revoke(name: str, config: Path | None, db: Path | None) -> None:
    """Ends a token; from the next request on it is refused."""
    with _book(config, db) as book:
        if not book.keys.revoke(name):
            raise UsageError(f"There is no token {name}; `brownout token list` shows those there are.")
    click.echo(f"{name} may write nothing any more.")


@contextmanager
def _book(config: Path | None, db: Path | None) -> Iterator[Store]:
    """The database, beside the bot that may run on it."""
    path = db or Path(settings.load(config).store_path)
    with closing(Store.open(path)) as book:
        yield book


def _row(one: Token) -> tuple[str, str, str, str]:
    used = words.day(one.used_at) if one.used_at else "never"
    return one.name, ", ".join(one.may), words.day(one.created_at), used


COMMANDS = {"token": token}
