"""``brownout check``: config and tokens -> every mistake at once, or what they come to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from bot import settings
from bot.edge.replica import tool
from bot.entry import probing, tokens
from bot.entry.options import config_option
from bot.errors import ConfigError, StoreError
from bot.model import Probe

SOCKET = "Slack: Socket Mode (SLACK_APP_TOKEN is set); no public address is needed"
HTTP = (
    "Slack: HTTP mode (SLACK_SIGNING_SECRET is set, SLACK_APP_TOKEN is not): /slack/events on {host}:{port};"
    " Slack wants an https address in front of it"
)


@click.command()
@config_option
def check(config: Path | None) -> None:
    """Names every mistake in config and tokens at once, with file and line. Exit code 1 where there is any."""
    secrets = tokens.read(os.environ)
    wrong: list[str] = []
    found = settings.Settings()
    try:
        found = settings.load(config)
    except ConfigError as error:
        wrong += error.mistakes
    else:
        on = [p for p in found.providers if p.enabled]
        surfaces = sum(len(p.surfaces) for p in on)
        wrong += [f"the probe of {p.surface}: {why}" for p in found.probes if (why := probing.keyless(p, os.environ))]
        wrong += _missing_tools(found)
        click.echo(f"config: {len(on)} of {len(found.providers)} providers on, with {surfaces} surfaces")
        click.echo(f"probes: {_probes(found.probes, {s.id for p in on for s in p.surfaces})}")
    wrong += [*secrets.wrong, *tokens.unheard(secrets.tokens, is_web_on=found.web.enabled)]
    for line in wrong:
        click.echo(line, err=True)
    for line in secrets.unwise:
        click.echo(f"careful: {line}", err=True)
    if wrong:
        raise SystemExit(1)
    click.echo("tokens: both are set")
    click.echo(SOCKET if secrets.tokens.mode == "socket" else HTTP.format(host=found.web.host, port=found.web.port))


def _probes(probes: Sequence[Probe], watched: set[str]) -> str:
    """Which surfaces are tried, and how often."""
    told = [
        f"{p.surface} every {p.every_s:g} s" + ("" if p.surface in watched else " (not: its provider is off)")
        for p in probes
    ]
    return ", ".join(told) or "none"


def _missing_tools(found: settings.Settings) -> list[str]:
    try:
        if found.replica.url:
            tool()
    except StoreError as error:
        return [str(error)]
    return []


COMMANDS = {"check": check}
