"""``brownout check``: validates config and tokens; prints every mistake at once, or a summary."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bot import settings
from bot.adapters.litestream import find_litestream
from bot.adapters.slack_client import SLACK_API_URL, request_socket_url, verify_bot_token
from bot.app import configured_subscriptions, notify_tools, trackers
from bot.app import probes as app_probes
from bot.cli.options import config_option, db_option, open_queries
from bot.domain import Probe, Provider
from bot.errors import ConfigError, DeliveryError, StoreError, UsageError
from bot.messages import formatting
from bot.messages.source_health import component_texts
from bot.queries.sources import list_sources
from bot.slack import credentials
from bot.slack.scopes import missing_scope_texts
from bot.slack.user_groups import select_user_groups
from bot.storage import DatabaseUrl, Place, parse_place
from bot.storage.connection import ONLY_ON_SERVER
from bot.storage.engines import ServerReport, describe_server

_SLACK_TIMEOUT_S = 5

NO_SLACK_TEXT = "no Slack tokens: alerts are shown in the terminal. How to get tokens: brownout docs slack"
SOCKET_MODE_TEXT = "Slack: Socket Mode (SLACK_APP_TOKEN is set); no public address is needed"
HTTP_MODE_TEXT = (
    "Slack: HTTP mode (SLACK_SIGNING_SECRET is set, SLACK_APP_TOKEN is not): /slack/events on {host}:{port};"
    " Slack wants an https address in front of it"
)


@click.command()
@click.option("--catalog", is_flag=True, help="Check the provider files alone, and list them: format, page, verified.")
@click.option("--diff", is_flag=True, help="Shows what `[[subscribe]]` would change in the database, and nothing else.")
@click.option("--offline", is_flag=True, help="Does not try the tokens at Slack.")
@config_option
@db_option
def check(config: Path | None, db: Place | None, *, catalog: bool, diff: bool, offline: bool) -> None:
    """Lists all errors in configuration and tokens, with file and line. Exit code 1 if there are any.

    The tokens are tried at Slack: who the bot is there, and which scopes it lacks. Where Slack does not answer, that is
    a warning. With a database, it also warns of services and components that a provider file and its status page do
    not share.
    """
    if catalog:
        click.echo(catalog_table(settings.load(config).providers))
        return
    if diff:
        click.echo("\n".join(_subscription_changes(config, db)) or "No difference.")
        return
    secrets = credentials.read_tokens(os.environ)
    app_settings, mistakes, warnings = _check_config(config, db)
    mistakes += credentials.startup_mistakes(secrets, is_web_on=app_settings.web.enabled)
    warnings += secrets.warnings if credentials.is_slack_wanted(secrets) else [NO_SLACK_TEXT]
    trial = TokenTrial()
    if not (offline or secrets.errors):
        has_groups = bool(select_user_groups(app_settings.admins))
        trial = asyncio.run(try_tokens(secrets.tokens, has_admin_groups=has_groups))
        mistakes += trial.errors
        warnings += trial.warnings
    warnings += _off_targets(app_settings)
    for line in mistakes:
        click.echo(f"error: {line}", err=True)
    for line in warnings:
        click.echo(f"warning: {line}", err=True)
    if mistakes:
        if any("`brownout docs " not in line for line in mistakes):
            click.echo("See `brownout docs troubleshooting#configuration`.", err=True)
        click.echo(_counts_text(len(mistakes), len(warnings)), err=True)
        raise SystemExit(1)
    on = sum(p.enabled for p in app_settings.providers)
    counted = f", {_counts_text(0, len(warnings))}" if warnings else ""
    slack = _describe_slack(secrets.tokens.mode, trial.who, app_settings.web)
    click.echo(f"OK: {on} of {len(app_settings.providers)} providers on, {slack}{counted}")


def _describe_slack(mode: str | None, who: str, web: settings.WebSettings) -> str:
    """How Slack is reached and as whom, for the last line; prints what the mode needs."""
    if mode is None:
        return "without Slack"
    is_socket = mode == "socket"
    click.echo(SOCKET_MODE_TEXT if is_socket else HTTP_MODE_TEXT.format(host=web.host, port=web.port))
    return f"Slack: {who or 'both tokens set'} ({'Socket Mode' if is_socket else 'HTTP mode'})"


def _subscription_changes(config: Path | None, db: Place | None) -> list[str]:
    """One line for each subscription that the next start would add, change or end."""
    wanted = settings.load(config).subscriptions
    try:
        with open_queries(config, db) as queries:
            stored = queries.repository.subscriptions()
    except UsageError:  # no database yet
        stored = ()
    return configured_subscriptions.compare(wanted, stored).lines()


def _off_targets(app_settings: settings.Settings) -> list[str]:
    """A warning for each target of ``[[subscribe]]`` whose provider is off."""
    on = {i for p in app_settings.providers if p.enabled for i in (p.id, *(s.id for s in p.surfaces))}
    return [
        f"[[subscribe]] {s.channel}: {s.target} is off and gets no alerts; set enabled = true in its file"
        for s in app_settings.subscriptions
        if s.subject not in on
    ]


def _check_config(config: Path | None, db: Place | None) -> tuple[settings.Settings, list[str], list[str]]:
    """The settings (the default ones where they have errors), and the errors and warnings; prints a summary."""
    try:
        app_settings = settings.load(config)
    except ConfigError as error:
        return settings.Settings(), list(error.mistakes), []
    enabled = [p for p in app_settings.providers if p.enabled]
    surface_count = sum(len(p.surfaces) for p in enabled)
    mistakes = [
        f"the probe of {p.surface}: {why}"
        for p in app_settings.probes
        if (why := app_probes.key_problem(p, os.environ))
    ]
    click.echo(f"config: {len(enabled)} of {len(app_settings.providers)} providers on, with {surface_count} services")
    click.echo(f"probes: {_describe_probes(app_settings.probes, {s.id for p in enabled for s in p.surfaces})}")
    mistakes += notify_tools.secret_mistakes(app_settings.tools, os.environ)
    mistakes += trackers.path_mistakes(app_settings.trackers)
    mistakes += filter(None, (trackers.key_problem(n, t, os.environ) for n, t in app_settings.trackers.items()))
    if app_settings.tools:
        click.echo(f"notify: {', '.join(f'{t.name} ({t.kind})' for t in app_settings.tools if t.enabled) or 'none on'}")
    server = _check_server(db or parse_place(app_settings.store_path), share_pages=app_settings.store.share_pages)
    mistakes += server.mistakes
    return (
        app_settings,
        [*mistakes, *_missing_tools(app_settings)],
        [*server.warnings, *_component_warnings(config, db)],
    )


def _check_server(place: Place, *, share_pages: bool) -> ServerReport:
    """What the PostgreSQL server of the database says, and prints its version; nothing for a file."""
    if not isinstance(place, DatabaseUrl):
        return ServerReport(mistakes=(ONLY_ON_SERVER.format(place),) if share_pages else ())
    try:
        report = describe_server(place)
    except StoreError as error:
        return ServerReport(mistakes=(str(error),))
    click.echo(f"database: {place}: {report.summary}")
    return report


@dataclass(frozen=True, slots=True)
class TokenTrial:
    """What trying the tokens at Slack gave: who the bot is (empty where that is not known), errors and warnings."""

    who: str = ""
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


async def try_tokens(tokens: credentials.SlackTokens, *, has_admin_groups: bool = False) -> TokenTrial:
    """Tries the bot token by auth.test, and the app token, if there is one, by apps.connections.open."""
    url = tokens.url or SLACK_API_URL
    errors: list[str] = []
    warnings: list[str] = []
    who = ""
    try:
        info = await verify_bot_token(tokens.bot, base_url=url, timeout_s=_SLACK_TIMEOUT_S)
    except DeliveryError as error:
        (errors if error.permanent else warnings).append(_refusal_text("SLACK_BOT_TOKEN", error))
    else:
        names = [" ".join(name.split()) for name in (info.team, info.bot)]  # one printable line
        who = f"{names[0]}, bot @{names[1]}" if all(names) else "both tokens accepted"
        warnings += missing_scope_texts(info.scopes, has_admin_groups=has_admin_groups)
    if tokens.app:
        try:
            await request_socket_url(tokens.app, base_url=url, timeout_s=_SLACK_TIMEOUT_S)
        except DeliveryError as error:
            (errors if error.permanent else warnings).append(_refusal_text("SLACK_APP_TOKEN", error))
    return TokenTrial(who, tuple(errors), tuple(warnings))


def _refusal_text(name: str, error: DeliveryError) -> str:
    if error.permanent:
        return f"{error}. See `brownout docs slack#refused-tokens`."
    return f"{name} was not tried: {error}"


def catalog_table(providers: Sequence[Provider]) -> str:
    """The providers as a table: id, format, services, page, and when and how it was verified; the sums below it."""
    rows = [("provider", "on", "format", "services", "page", "verified")]
    for p in sorted(providers, key=lambda p: p.id):
        page = p.source.home or p.source.url + p.source.path
        verified = p.verification or ("yes" if p.verified else "no")
        rows.append((p.id, "on" if p.enabled else "", p.source.kind, str(len(p.surfaces)), page, verified))
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    verified_count, services = sum(p.verified for p in providers), sum(len(p.surfaces) for p in providers)
    return "\n".join([*lines, f"{len(providers)} providers, {services} services, {verified_count} verified"])


def _counts_text(errors: int, warnings: int) -> str:
    """How many there are of each, without those that are none: ``2 errors, 1 warning``."""
    counts = ((errors, "error"), (warnings, "warning"))
    return ", ".join(formatting.pluralize(n, noun) for n, noun in counts if n)


def _describe_probes(probes: Sequence[Probe], watched_surfaces: set[str]) -> str:
    """Lists the probed surfaces and their intervals; ``watched_surfaces`` are ids of surfaces of enabled providers."""
    descriptions = [
        f"{p.surface} every {p.every_s:g} s" + ("" if p.surface in watched_surfaces else " (not: its provider is off)")
        for p in probes
    ]
    return ", ".join(descriptions) or "none"


def _component_warnings(config: Path | None, db: Place | None) -> list[str]:
    """Returns what the sources miss on their pages, by the database; nothing where no bot has run yet."""
    try:
        with open_queries(config, db) as queries:
            health = list_sources(queries)
    except (StoreError, UsageError):
        return []
    return [f"{source.provider}: {text}" for source in health for text in component_texts(source)]


def _missing_tools(app_settings: settings.Settings) -> list[str]:
    """Returns what the settings need and this machine lacks: today, Litestream for a replica."""
    try:
        if app_settings.replica.url:
            find_litestream()
    except StoreError as error:
        return [str(error)]
    return []


COMMANDS = {"check": check}
