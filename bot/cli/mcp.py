"""``brownout mcp``: runs the MCP server for coding agents (bot.mcp_server.server) on standard input and output."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

import click

from bot import settings
from bot.cli.options import config_option, db_option, utc_now
from bot.errors import UsageError
from bot.storage import Place


@click.command()
@config_option
@db_option
def mcp(config: Path | None, db: Place | None) -> None:
    """An MCP server over standard input and output, for coding agents. A running bot serves it over HTTP too, at /mcp.

    An agent's host starts it by itself; `brownout docs agents MCP` has the lines of its
    configuration. It reads the database of a bot that runs (`brownout run`), writes nothing, and opens no port.
    """
    if importlib.util.find_spec("mcp") is None:
        raise UsageError("`brownout mcp` needs the MCP SDK: pip install 'mcp>=2.3,<3'")
    from bot.mcp_server import server  # noqa: PLC0415  (the SDK is an optional dependency)

    logging.getLogger("mcp").setLevel(logging.WARNING)
    loaded = settings.load(config)
    server.create_server(server.AgentTools(lambda: loaded, db, utc_now)).run("stdio")


COMMANDS = {"mcp": mcp}
