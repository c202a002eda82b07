"""``brownout run``: the bot itself, in Slack where there are tokens, else in the terminal."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from slack_sdk.web.async_client import AsyncWebClient

from bot import settings
from bot.courier import Chat
from bot.edge.discover import evidence
from bot.edge.fetch import Fetcher
from bot.edge.probe import Prober
from bot.edge.replica import Replica, tool
from bot.edge.slack import SLACK_API_URL, SlackEdge
from bot.edge.store import Store
from bot.engine import Engine
from bot.entry import app, interactions, logs, probing, reception, redact, socketmode, sweep, tokens
from bot.entry.db import fetched, replica
from bot.entry.desk import Desk
from bot.entry.digests import Digests
from bot.entry.groups import Groups, groups
from bot.entry.hearing import Hearing
from bot.entry.homes import Homes
from bot.entry.link import Link
from bot.entry.once import Once, events_once
from bot.entry.options import config_option, db_option, now
from bot.entry.pace import Pace
from bot.entry.readers import Readers
from bot.entry.running import Running
from bot.entry.slash import slack_app
from bot.entry.upkeep import Upkeep
from bot.entry.vigil import Vigil
from bot.entry.watch import Watch
from bot.entry.webs import Webs
from bot.errors import ConfigError
from bot.model import Provider, Subscription

if TYPE_CHECKING:
    from fastapi import FastAPI  # half a second, and only some bots have a door for it

log = logging.getLogger("brownout")

Mouth = tuple[Chat, list[app.Door], "Callable[[FastAPI], None] | None"]  # where to say, what serves, what the web adds

LAST_RESORT_S = 4.5  # after a SIGTERM: something that can't be cancelled, such as a look-up of a name, holds nobody up


@click.command()
@config_option
@db_option
def run(config: Path | None, db: Path | None) -> None:
    """Watches the catalogue and alerts: in Slack, or in the terminal where there are no tokens. Ctrl-C ends it."""
    logs.begin()
    for chatty in ("apscheduler", "slack_bolt", "slack_sdk", "httpx"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)  # what they would say, we say once and in one line
    found, secrets = settings.load(config), tokens.read(os.environ)
    redact.install((*secrets.tokens.secrets, *probing.keys(found.probes, os.environ)))
    if wrong := tokens.mistakes(secrets, is_web_on=found.web.enabled):
        raise ConfigError(wrong)
    for line in secrets.unwise:
        log.warning("%s", line)
    path = db or Path(found.store_path)
    copy = replica(found.replica, path, os.environ)
    if copy:
        _prepare(copy)
    with closing(Store.open(path, alone=True)) as book:
        upkeep = Upkeep(path, found.store, now, copy)
        asyncio.run(_run(found, book, upkeep, secrets.tokens, config or settings.config_dir()))


def _prepare(copy: Replica) -> None:
    """On a machine without the database, goes on from its replica; never anew where there may be one."""
    tool()
    if not copy.path.exists():
        done = fetched(copy, now())
        log.info("%s is not there; %s", copy.path, f"fetched from {copy.url}" if done else f"nor is it at {copy.url}")


async def _run(found: settings.Settings, book: Store, upkeep: Upkeep, secrets: tokens.Tokens, folder: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, stop)
    providers = [p for p in found.providers if p.enabled]
    link = Link()
    running = Running(providers, link=link, backed_up_at=upkeep.backed_up_at)
    running.watch = Watch(folder, lambda: Fetcher(strict=True), running.take_on)
    is_slack = secrets.mode is not None
    chat, doors, slack = _slack(found, book, running, secrets, link) if is_slack else _terminal(book, providers)
    limits: dict[str, Any] = {"timeout_s": found.poll.timeout_s, "max_bytes": found.poll.max_bytes}
    async with Fetcher(**limits) as plain, Fetcher(**limits, strict=True) as strict:
        web = Webs(plain, strict, providers)
        engine = Engine(
            {p.id: p for p in providers},
            web,
            book,
            chat,
            now,
            found.rules_for,
            blind_after=found.poll.blind_after,
            alarm_after=found.poll.alarm_after,
            owners=lambda: running.people(found.owners) if is_slack else (),
            scout=lambda source: evidence(web.reader(source), source, now()),
        )
        if found.web.enabled:
            doors.append(_web(found, book, running, link, stop, slack=slack, witness=engine))
        doors += upkeep.doors()
        log.info("watching %d providers", len(providers))
        if not any(engine.worlds[p.id].seen_at for p in providers):
            log.info("this book is new; `brownout backfill PROVIDER` reads in the years before it")
        chores = (Hearing(engine, book), Vigil(engine, book))
        digests = Digests(Desk(running.providers, book, now, found.rules_for), upkeep.path)
        rounds = probing.Probing(Prober(), engine, providers, os.environ, now, lambda: _newest(engine))
        errands = (*upkeep.errands(), *rounds.errands(), digests.errand(), sweep.errand())
        bot = app.App(engine, found.poll, doors, app.say, chores=chores, errands=errands)
        running.rounds = bot
        sweep.begin()
        await bot.run(stop)
    log.info("ended cleanly")


def _newest(engine: Engine) -> datetime | None:
    """When any page was last read."""
    return max(filter(None, (world.seen_at for world in engine.worlds.values())), default=None)


def _end(stop: asyncio.Event) -> None:
    """Ends the bot, and the process even if something in it hangs: what was recorded is safe at any moment."""
    stop.set()
    last_resort = threading.Timer(LAST_RESORT_S, os._exit, [0])
    last_resort.daemon = True
    last_resort.start()


def _slack(
    found: settings.Settings,
    book: Store,
    running: Running,
    secrets: tokens.Tokens,
    link: Link,
) -> Mouth:
    """Slack, by Socket Mode or by HTTP."""
    link.is_wanted = True
    url = secrets.url or SLACK_API_URL
    edge = SlackEdge(secrets.bot, base_url=url, look_up=found.looks_up, rooms=book.rounds)
    admins = Groups(groups(found.admins), edge, now)
    desk = Desk(running.providers, book, now, found.rules_for, frozenset(found.admins), running, admins.members)
    readers = Readers(desk)
    bolt = slack_app(
        AsyncWebClient(token=secrets.bot, base_url=url, timeout=10, retry_handlers=[]),
        readers.answer,
    )
    running.groups = admins.members
    homes = Homes(desk, edge)
    interactions.listen(bolt, desk, homes.touch)
    reception.listen(bolt, desk, homes, edge)
    events_once(bolt, Once(book.heard, now))
    more = [homes.serve, readers.serve, *([admins.serve] if admins.ids else [])]
    if secrets.mode == "socket":
        patience_s = socketmode.patience_s(found.give_up_after_min, os.environ)
        terms = socketmode.Terms(give_up_s=patience_s, on_badge=edge.meet)
        line = partial(socketmode.serve, bolt, secrets.app, secrets.bot, url, link=link, terms=terms)
        return edge, [line, *more], None
    from bot.entry import slack_http  # noqa: PLC0415  (likewise)

    door = slack_http.HttpDoor(bolt, secrets.signing, now)
    proof = partial(slack_http.prove, secrets.bot, url, link, on_badge=edge.meet)
    return edge, [door.work, proof, *more], door.add


def _web(
    found: settings.Settings,
    book: Store,
    running: Running,
    link: Link,
    stop: asyncio.Event,
    *,
    slack: Callable[[FastAPI], None] | None,
    witness: Engine,
) -> app.Door:
    """The board, the gate, and the doors by which programs tell what they see.

    Half a second of imports, in a thread, so that the first looks don't wait for them.
    """
    desk = Desk(running.providers, book, now, found.rules_for, running=running)

    async def door() -> None:
        for room in ("bot.entry.serve", "bot.entry.write"):
            await asyncio.to_thread(importlib.import_module, room)
        sweep.begin()
        from bot.entry.serve import serve  # noqa: PLC0415  (imported by now)
        from bot.entry.write import Writing  # noqa: PLC0415  (likewise)

        writing = Writing(witness, Pace(time.monotonic))
        await serve(desk, found.web, link, found.poll.interval_s, stop, writing=writing, slack=slack)

    return door


def _terminal(book: Store, providers: Iterable[Provider]) -> Mouth:
    """The terminal, which listens to everything."""
    from rich.console import Console  # noqa: PLC0415  (3 MB that a bot in Slack has no use for)

    from bot.edge.terminal import CHANNEL, Terminal  # noqa: PLC0415  (likewise)

    log.warning("no Slack tokens are set: alerts are drawn here. README, 'In your Slack', says how to get them.")
    for provider in providers:
        book.subscribe(Subscription(CHANNEL, provider.id, created_at=now()))
    return Terminal(Console(), now), [], None


COMMANDS = {"run": run}
