"""``brownout tracker``: reads the trackers of ``[tracker.NAME]`` once, and says what they mean."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import click

from bot import settings
from bot.adapters.tracker_client import TrackerClient
from bot.app.trackers import TrackerScheduler, key_problem, path_mistakes
from bot.cli.options import config_option, utc_now
from bot.errors import ConfigError, UsageError
from bot.settings.tracker_toml import TrackerTable


@click.command()
@click.argument("name", required=False)
@config_option
def tracker(name: str | None, config: Path | None) -> None:
    """Reads each tracker once, or one, and prints what it shows. Exit code 1 if one can't be read."""
    tables = settings.load(config).trackers
    if name is not None and name not in tables:
        raise UsageError(f"brownout.toml has no [tracker.{name}]. It has: {', '.join(tables) or 'none'}.")
    chosen = {key: table for key, table in tables.items() if name in (None, key)}
    if mistakes := [*path_mistakes(chosen), *filter(None, (key_problem(n, t, os.environ) for n, t in chosen.items()))]:
        raise ConfigError(mistakes)
    if not chosen:
        click.echo("No tracker is configured. See `brownout docs evidence#outage-trackers-and-metrics`.")
        return
    if not asyncio.run(_read_all(chosen)):
        raise SystemExit(1)


async def _read_all(tables: Mapping[str, TrackerTable]) -> bool:
    """Prints a line for each; False if one could not be read."""
    is_readable = True
    async with TrackerClient() as client:
        scheduler = TrackerScheduler(client, None, tables, (), os.environ, utc_now)
        for name, table in tables.items():
            finding = await scheduler.read(name)
            says = {True: "trouble", False: "no trouble", None: "unknown"}[finding.is_trouble]
            is_readable = is_readable and finding.is_trouble is not None
            click.echo(f"{name} ({', '.join(table.surface)}): {says}: {finding.text or finding.why}")
    return is_readable


COMMANDS = {"tracker": tracker}
