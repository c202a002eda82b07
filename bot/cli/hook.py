"""``brownout hook``: settings by which a coding agent asks the bot about each failed step."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from bot import settings
from bot.cli.options import config_option

AGENTS = ("claude-code",)
MATCHER = "Bash|WebFetch|WebSearch|mcp__.*"  # tools whose failure may be a service's
TIMEOUT_S = 5
_CURL = "curl -fsS --max-time 3 -H 'Content-Type: application/json'"


@click.command()
@click.argument("agent", type=click.Choice(AGENTS))
@config_option
@click.option("--url", help="The bot's address (default: this machine, the port of your configuration).")
@click.option("--auth", "has_auth", is_flag=True, help="Sends $BROWNOUT_TOKEN, for a bot that is not public.")
def hook(agent: str, config: Path | None, url: str | None, *, has_auth: bool) -> None:
    """Prints settings for Claude Code: a failed step gets one sentence of the bot's advice.

    Put them into .claude/settings.json of a project, or ~/.claude/settings.json. They need curl. A bot that does not
    answer within 3 seconds adds nothing.
    """
    address = url or f"http://127.0.0.1:{settings.load(config).web.port}"
    target = shlex.quote(f"{address.rstrip('/')}/v1/hooks/{agent}")
    token = ' -H "Authorization: Bearer $BROWNOUT_TOKEN"' if has_auth else ""
    command = {"type": "command", "command": f"{_CURL}{token} --data-binary @- {target} || true", "timeout": TIMEOUT_S}
    hooks = {"PostToolUseFailure": [{"matcher": MATCHER, "hooks": [command]}], "StopFailure": [{"hooks": [command]}]}
    click.echo(json.dumps({"hooks": hooks}, indent=2))


COMMANDS = {"hook": hook}
