"""``brownout check``: config and tokens -> every mistake at once, or one line that says that all is well."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot import settings
from bot.entry.options import config_option
from bot.errors import ConfigError


@click.command()
@config_option
def check(config: Path | None) -> None:
    """Names every mistake in config and tokens at once, with file and line. Exit code 1 where there is any."""
    wrong: list[str] = []
    try:
        found = settings.load(config)
    except ConfigError as error:
        wrong += error.mistakes
    else:
        on = [p for p in found.providers if p.enabled]
        surfaces = sum(len(p.surfaces) for p in on)
        click.echo(f"config: {len(on)} of {len(found.providers)} providers on, with {surfaces} surfaces")
    wrong += settings.missing_tokens(os.environ)
    for line in wrong:
        click.echo(line, err=True)
    if wrong:
        raise SystemExit(1)
    click.echo("tokens: both are set")


COMMANDS = {"check": check}
