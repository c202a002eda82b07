"""``brownout mcp``: an MCP server on standard input and output, for coding agents (bot.entry.tools)."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

import click

from bot import settings
from bot.entry.options import config_option, db_option, now
from bot.errors import UsageError


@click.command()
@config_option
@db_option
def mcp(config: Path | None, db: Path | None) -> None:
    """An MCP server over standard input and output: status, retry_verdict and incident_summary, for coding agents.

    An agent's host starts it by itself; README, 'For coding agents', has the lines of its configuration. It reads the
    database of a bot that runs (`brownout run`), writes nothing, and opens no port.
    """
    if importlib.util.find_spec("mcp") is None:
        raise UsageError("`brownout mcp` needs the MCP SDK, which is not installed: pip install 'brownout[mcp]'")
    from bot.entry import tools  # noqa: PLC0415  (the SDK is there only where somebody wants it)

    logging.getLogger("mcp").setLevel(logging.WARNING)
    tools.server(tools.Tools(settings.load(config), db, now)).run("stdio")


COMMANDS = {"mcp": mcp}
