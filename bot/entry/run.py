"""``brownout run``: the bot itself, in Slack where there are tokens, else in the terminal."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot import settings
from bot.edge.fetch import Fetcher
from bot.edge.slack import SLACK_API_URL, SlackEdge, knock
from bot.edge.store import Store
from bot.edge.terminal import CHANNEL, Terminal
from bot.engine import Chat, Engine
from bot.entry import app, commands
from bot.entry.desk import Desk
from bot.entry.options import config_option, db_option, now
from bot.entry.slash import slack_app
from bot.errors import ConfigError, DeliveryError
from bot.model import Provider, Subscription

log = logging.getLogger("brownout")

RECONNECT_S = (1.0, 60.0)  # between attempts to reach Slack: the first wait, and the longest
PING_S = 5  # a broken socket is noticed within two of these (slack.md 1.5)


@click.command()
@config_option
@db_option
def run(config: Path | None, db: Path | None) -> None:
    """Watches the catalogue and alerts: in Slack, or in the terminal where there are no tokens. Ctrl-C ends it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("apscheduler", "httpx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    for chatty in ("slack_bolt", "slack_sdk"):  # a socket that breaks is told by _watch, not in tracebacks
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    found = settings.load(config)
    book = Store.open(db or Path(found.store_path), alone=True)
    asyncio.run(_run(found, book, os.environ))


async def _run(found: settings.Settings, book: Store, environment: Mapping[str, str]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    providers = tuple(p for p in found.providers if p.enabled)
    chat, doors = _slack(found, book, providers, environment) or _terminal(book, providers)
    async with Fetcher(timeout_s=found.poll.timeout_s, max_bytes=found.poll.max_bytes) as web:
        engine = Engine(
            {p.id: p for p in providers}, web, book, chat, now, found.rules_for, blind_after=found.poll.blind_after
        )
        log.info("watching %d providers", len(providers))
        await app.App(engine, book, found.poll, doors, app.say).run(stop)
    log.info("ended cleanly")


def _slack(
    found: settings.Settings, book: Store, providers: tuple[Provider, ...], environment: Mapping[str, str]
) -> tuple[Chat, list[app.Door]] | None:
    """Slack, where both tokens are set; None where neither is; ConfigError where they are wrong."""
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
    if not any(environment.get(name) for name in names):
        return None
    if wrong := settings.missing_tokens(environment):
        raise ConfigError(wrong)
    url = environment.get("SLACK_API_URL", SLACK_API_URL)
    bot_token, app_token = (environment[name] for name in names)
    desk = Desk(providers, book, now, found.rules_for)
    bolt = slack_app(
        AsyncWebClient(token=bot_token, base_url=url),
        lambda text, channel, user: commands.answer(desk, text, channel, user),
    )

    async def door() -> None:
        await _knock(app_token, url)
        client = AsyncWebClient(token=app_token, base_url=url)
        handler = AsyncSocketModeHandler(bolt, app_token, web_client=client, ping_interval=PING_S)
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call]
            await _watch(handler.client)
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]

    return SlackEdge(bot_token, base_url=url), [door]


async def _knock(app_token: str, url: str) -> None:
    """Returns when Slack would let us in; DeliveryError where it never will."""
    wait, longest = RECONNECT_S
    while True:
        try:
            return await knock(app_token, base_url=url)
        except DeliveryError as error:
            if error.permanent:
                raise
            wait = min(max(wait, error.retry_after or 0), longest)
            log.warning("not connected: %s; the next try is in %.0f s", error, wait)
        await asyncio.sleep(wait)
        wait *= 2


async def _watch(client: Any) -> None:
    """Says when the socket breaks and when slack_sdk has opened it again; its own words about that are tracebacks."""
    was = False
    while True:
        if (is_now := await client.is_connected()) != was:
            log.log(*((logging.INFO, "connected to Slack") if is_now else (logging.WARNING, "not connected to Slack")))
            was = is_now
        await asyncio.sleep(PING_S)


def _terminal(book: Store, providers: tuple[Provider, ...]) -> tuple[Chat, list[app.Door]]:
    """The terminal, which listens to everything."""
    log.warning("no Slack tokens are set: alerts are drawn here. README, 'In your Slack', says how to get them.")
    for provider in providers:
        book.subscribe(Subscription(CHANNEL, provider.id, created_at=now()))
    return Terminal(Console(), now), []


COMMANDS = {"run": run}
