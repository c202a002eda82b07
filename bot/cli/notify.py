"""``brownout notify``: the tools of ``[[notify]]``: what they got, a test, and a new secret for signatures."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import click

from bot import settings
from bot.adapters.tool_client import MIN_SECRET, SECRET_PREFIX
from bot.app import notify_tools
from bot.cli.groups import SuggestingGroup
from bot.cli.options import config_option, db_option, open_queries, utc_now
from bot.domain import TOOL_PREFIX
from bot.errors import ConfigError, DeliveryError, UsageError
from bot.messages import tool_deliveries
from bot.settings.notify_toml import NotifyTable
from bot.storage import Place


@click.group(cls=SuggestingGroup)
def notify() -> None:
    """Tools that get alerts besides Slack: PagerDuty, Teams, e-mail, webhooks... See `brownout docs notify`."""


@notify.command("list")
@click.option("--json", "as_json", is_flag=True, help="Prints a JSON list, one object per tool.")
@config_option
@db_option
def list_tools(*, as_json: bool, config: Path | None, db: Place | None) -> None:
    """Each tool: what it gets, how much was sent, what waits, and why."""
    tables = settings.load(config).tools
    with open_queries(config, db) as queries:
        outbox, now = queries.repository, queries.now()
        counts, pauses = outbox.tool_counts(), {p.pause.channel: p for p in outbox.paused_channels()}
        newest = {t.name: outbox.tool_deliveries(_channel(t.name), 1) for t in tables}
    facts = [
        tool_deliveries.tool_facts(
            t.name,
            t.kind,
            counts.get(_channel(t.name), {}),
            next(iter(newest[t.name]), None),
            pauses.get(_channel(t.name)),
            is_on=t.enabled,
        )
        for t in tables
    ]
    if as_json:
        click.echo(json.dumps([tool_deliveries.tool_json(f) for f in facts], indent=2))
        return
    for fact in facts:
        click.echo(tool_deliveries.tool_line(fact, now))
    if not facts:
        click.echo("No tool is configured. See `brownout docs notify`.")


@notify.command()
@click.argument("name", required=False)
@click.option("-n", "limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Prints a JSON list, the newest first.")
@config_option
@db_option
def deliveries(*, name: str | None, limit: int, as_json: bool, config: Path | None, db: Place | None) -> None:
    """What was sent to the tools, or to one, and what became of it; the newest first."""
    if name is not None:
        _find(settings.load(config).tools, name)
    with open_queries(config, db) as queries:
        found = queries.repository.tool_deliveries(_channel(name) if name else None, limit)
    if as_json:
        click.echo(json.dumps([tool_deliveries.delivery_json(d) for d in found], indent=2))
        return
    for delivery in found:
        click.echo(tool_deliveries.delivery_line(delivery))
    if not found:
        click.echo("Nothing was sent yet.")


@notify.command()
@click.argument("name")
@click.option("--keep-open", is_flag=True, help="Does not resolve the test incident.")
@config_option
def test(*, name: str, keep_open: bool, config: Path | None) -> None:
    """Sends a test incident to a tool, and its end at once: brownout notify test oncall.

    It is sent directly, once, and not through the outbox. Exit code 1 if the tool does not accept it.
    """
    table = _find(settings.load(config).tools, name)
    asyncio.run(_try(table, os.environ, is_resolved=not keep_open))


@notify.command()
def secret() -> None:
    """Prints a new secret for signatures of webhooks. Keep it where secret_env or secret_file finds it."""
    click.echo(SECRET_PREFIX + base64.b64encode(secrets.token_bytes(MIN_SECRET)).decode())


async def _try(table: NotifyTable, environment: Mapping[str, str], *, is_resolved: bool) -> None:
    now = utc_now()
    if mistakes := list(notify_tools.secret_mistakes([table.model_copy(update={"enabled": True})], environment)):
        raise ConfigError(mistakes)
    async with notify_tools.create_client(table, table.read_secrets(environment), utc_now) as client:
        parent: str | None = None
        for message in notify_tools.trial_announcements(table.name, now, is_resolved=is_resolved):
            try:
                parent = await client.post(_channel(table.name), message, thread_ts=parent, broadcast=True)
            except DeliveryError as error:
                fix = f" Fix: {error.remedy}." if error.remedy else ""
                raise UsageError(f"{table.name}: {message.phase}: {error}.{fix}") from error
            click.echo(f"{table.name} ({table.kind}): {message.phase}: accepted")


def _find(tables: tuple[NotifyTable, ...], name: str) -> NotifyTable:
    table = next((t for t in tables if t.name == name), None)
    if table is None:
        names = ", ".join(t.name for t in tables) or "none; see `brownout docs notify`"
        raise UsageError(f"brownout.toml has no [[notify]] called “{name}”. It has: {names}.")
    return table


def _channel(name: str) -> str:
    return f"{TOOL_PREFIX}{name}"


COMMANDS = {"notify": notify}
