"""``brownout token``: tokens for programs that send evidence over HTTP, and for readers of a board that is not public.

A secret is printed once and not stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bot import settings
from bot.cli.groups import SuggestingGroup
from bot.cli.options import config_option, db_option, open_writer, utc_now
from bot.domain import LOCAL_VANTAGE
from bot.errors import UsageError
from bot.messages import formatting
from bot.storage import ApiToken, Place, Repository, parse_place

TOKEN_KINDS = ("alerts", "outcomes", "probes", "read", "reports")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@click.group(cls=SuggestingGroup)
def token() -> None:
    """Who may send evidence by HTTP (reports, outcomes, probe results, alerts), or read a closed board."""


@token.command()
@click.argument("name")
@click.option(
    "--for", "kinds", metavar="KINDS", default="reports", show_default=True, help="Of " + ",".join(TOKEN_KINDS)
)
@click.option(
    "--vantage",
    "vantages",
    metavar="NAME",
    multiple=True,
    help="The place whose probes it sends, which then counts as known at once; may be given several times.",
)
@click.option(
    "--people",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How many different people count at most of all whom its reports name.",
)
@config_option
@db_option
def create(
    *, name: str, kinds: str, vantages: tuple[str, ...], people: int, config: Path | None, db: Place | None
) -> None:
    """Makes a token and prints its secret on stdout, this once: brownout token create shop --for outcomes,reports.

    All that one token sends is one voice: its clients, its vantage points and the people whom it names count together
    as one. --vantage and --people say that you trust it to tell several apart.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"“{name}” is not a token name. Use up to 64 letters, digits, dots and hyphens.")
    allowed = tuple(sorted({kind.strip() for kind in kinds.split(",")}))
    if unknown_kinds := [kind for kind in allowed if kind not in TOKEN_KINDS]:
        raise UsageError(f"A token is for {formatting.join_names(TOKEN_KINDS)}, not for “{unknown_kinds[0]}”.")
    if invalid := [v for v in vantages if not _NAME.fullmatch(v) or v == LOCAL_VANTAGE]:
        raise UsageError(
            f"“{invalid[0]}” is not a place name. Use letters, digits, dots and hyphens; not {LOCAL_VANTAGE}."
        )
    with _open_repository(config, db) as repository:
        secret = repository.api_tokens.create(name, allowed, utc_now(), vantages=vantages, people=people)
    if secret is None:
        raise UsageError(
            f"Token {name} already exists. Revoke it with `brownout token revoke {name}`, or use another name."
        )
    click.echo(
        f"{name} is for {formatting.join_names(allowed)}. This is shown once; send it as `Authorization: Bearer`:",
        err=True,
    )
    click.echo(secret)


@token.command(name="list")
@config_option
@db_option
def list_tokens(config: Path | None, db: Place | None) -> None:
    """Every token: what it is for, and when it was last used."""
    with _open_repository(config, db) as repository:
        tokens = repository.api_tokens.tokens()
    if not tokens:
        click.echo("No tokens yet. Create one: brownout token create NAME --for reports")
        return
    table = Table("name", "for", "trusted as", "made", "last used", box=None, pad_edge=False)
    for api_token in tokens:
        table.add_row(*_token_row(api_token))
    Console().print(table)


@token.command()
@click.argument("name")
@config_option
@db_option
def revoke(name: str, config: Path | None, db: Place | None) -> None:
    """Ends a token; from the next request on it is refused."""
    with _open_repository(config, db) as repository:
        if not repository.api_tokens.revoke(name):
            raise UsageError(f"Token {name} not found. List all: brownout token list")
    click.echo(f"Token {name} revoked.")


@contextmanager
def _open_repository(config: Path | None, db: Place | None) -> Iterator[Repository]:
    """Opens the database for writing; a bot may be running on it at the same time."""
    path = db or parse_place(settings.load(config).store_path)
    with closing(open_writer(path)) as repository:
        yield repository


def _token_row(api_token: ApiToken) -> tuple[str, ...]:
    last_used = formatting.format_datetime(api_token.used_at) if api_token.used_at else "never"
    trusted = [*api_token.vantages, *([f"{api_token.people} people"] if api_token.people > 1 else [])]
    created = formatting.format_datetime(api_token.created_at)
    return api_token.name, ", ".join(api_token.allowed), ", ".join(trusted), created, last_used


COMMANDS = {"token": token}
