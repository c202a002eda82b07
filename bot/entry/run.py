"""``brownout run``: the bot itself, in Slack where there are tokens, else in the terminal."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from slack_sdk.web.async_client import AsyncWebClient

from bot import settings
from bot.courier import Chat
from bot.edge.discover import evidence
from bot.edge.fetch import Fetcher
from bot.edge.slack import SLACK_API_URL, SlackEdge
from bot.edge.store import Store
from bot.edge.terminal import CHANNEL, Terminal
from bot.engine import Engine
from bot.entry import app, commands, interactions, socketmode
from bot.entry.desk import Desk
from bot.entry.link import Link
from bot.entry.options import config_option, db_option, now
from bot.entry.slash import slack_app
from bot.entry.upkeep import Upkeep
from bot.entry.vigil import Vigil
from bot.errors import ConfigError
from bot.model import Provider, Subscription

log = logging.getLogger("brownout")

LAST_RESORT_S = 4.5  # after a SIGTERM: something that can't be cancelled, such as a look-up of a name, holds nobody up


@click.command()
@config_option
@db_option
def run(config: Path | None, db: Path | None) -> None:
    """Watches the catalogue and alerts: in Slack, or in the terminal where there are no tokens. Ctrl-C ends it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("apscheduler", "slack_bolt", "slack_sdk", "httpx"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)  # what they would say, we say once and in one line
    found = settings.load(config)
    path = db or Path(found.store_path)
    with closing(Store.open(path, alone=True)) as book:
        asyncio.run(_run(found, book, Upkeep(path, found.store, now), os.environ))


async def _run(found: settings.Settings, book: Store, upkeep: Upkeep, environment: Mapping[str, str]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, stop)
    providers = tuple(p for p in found.providers if p.enabled)
    link = Link()
    chat, doors = _slack(found, book, providers, environment, link) or _terminal(book, providers)
    if found.web.enabled:
        doors.append(_web(found, book, providers, link, stop))
    async with Fetcher(timeout_s=found.poll.timeout_s, max_bytes=found.poll.max_bytes) as web:
        engine = Engine(
            {p.id: p for p in providers},
            web,
            book,
            chat,
            now,
            found.rules_for,
            blind_after=found.poll.blind_after,
            scout=lambda source: evidence(web, source, now()),
        )
        log.info("watching %d providers", len(providers))
        if not any(engine.worlds[p.id].seen_at for p in providers):
            log.info("this book is new; `brownout backfill PROVIDER` reads in the years before it")
        gc.collect()
        gc.freeze()  # what is loaded by now stays: collecting it again and again made one answer in twenty late
        chores = (Vigil(engine, book),)
        await app.App(engine, found.poll, doors, app.say, chores=chores, errands=upkeep.errands()).run(stop)
    log.info("ended cleanly")


def _end(stop: asyncio.Event) -> None:
    """Ends the bot, and the process even if something in it hangs: what was recorded is safe at any moment."""
    stop.set()
    last_resort = threading.Timer(LAST_RESORT_S, os._exit, [0])
    last_resort.daemon = True
    last_resort.start()


def _slack(
    found: settings.Settings,
    book: Store,
    providers: tuple[Provider, ...],
    environment: Mapping[str, str],
    link: Link,
) -> tuple[Chat, list[app.Door]] | None:
    """Slack, where both tokens are set; None where neither is; ConfigError where they are wrong."""
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
    if not any(environment.get(name) for name in names):
        return None
    if wrong := settings.missing_tokens(environment):
        raise ConfigError(wrong)
    url = environment.get("SLACK_API_URL", SLACK_API_URL)
    bot_token, app_token = (environment[name] for name in names)
    link.is_wanted = True
    desk = Desk(providers, book, now, found.rules_for, frozenset(found.admins))
    bolt = slack_app(
        AsyncWebClient(token=bot_token, base_url=url, timeout=10, retry_handlers=[]),
        lambda text, channel, user, name: commands.answer(desk, text, channel, user, name),
    )
    interactions.listen(bolt, desk)
    return SlackEdge(bot_token, base_url=url), [lambda: socketmode.serve(bolt, app_token, bot_token, url, link=link)]


def _web(
    found: settings.Settings, book: Store, providers: tuple[Provider, ...], link: Link, stop: asyncio.Event
) -> app.Door:
    """The board and the gate."""
    from bot.entry.serve import serve  # noqa: PLC0415  (0.8 s of imports, only where they are wanted)

    desk = Desk(providers, book, now, found.rules_for)
    return lambda: serve(desk, found.web, link, found.poll.interval_s, stop)


def _terminal(book: Store, providers: tuple[Provider, ...]) -> tuple[Chat, list[app.Door]]:
    """The terminal, which listens to everything."""
    log.warning("no Slack tokens are set: alerts are drawn here. README, 'In your Slack', says how to get them.")
    for provider in providers:
        book.subscribe(Subscription(CHANNEL, provider.id, created_at=now()))
    return Terminal(Console(), now), []


COMMANDS = {"run": run}
