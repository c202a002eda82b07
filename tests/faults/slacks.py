"""Slack with a bad day -> what arrived, how often, and when. The real App, Fetcher, Store and SlackEdge, in real time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.courier import Delivery
from bot.edge.fetch import Fetcher
from bot.edge.slack import SlackEdge
from bot.edge.store import Store
from bot.engine import Engine
from bot.entry.app import App
from bot.model import Subscription, VerdictRules
from bot.settings import Poll
from tests.faults.crashes import NEWS
from tests.faults.stage import Page, Slack, acme_at

WANTED = {"inc1:alert", "inc1:update:u1", "inc1:update:u2", "inc2:alert", "inc2:update:u3"}
SLACK_TIMEOUT_S = 1  # the bot's own is 10
PATIENCE_S = 30


@dataclass
class Came:
    """What came of a fault. ``after_s`` is how long after Slack's recovery the last post had come."""

    fault: str
    tries: int = 0
    lost: int = 0
    twice: int = 0
    said: int = 0
    first_s: float = 0
    after_s: float = 0
    waits: list[float] = field(default_factory=list)  # between the tries in the fault

    HEAD = (
        "Slack",
        "tries meanwhile",
        "shortest wait",
        "lost",
        "twice",
        "posts admitted as sent again",
        "first post after",
        "all after",
    )

    def row(self) -> tuple[object, ...]:
        shortest = f"{min(self.waits):.1f} s" if self.waits else "-"
        counts = (self.fault, self.tries, shortest, self.lost, self.twice, self.said)
        return *counts, f"{self.first_s:.1f} s", f"{self.after_s:.1f} s"


async def tried(fault: str, *, lasts_s: float, retry_after: int = 2, may_be_read: bool = False) -> Came:
    """Two incidents open while Slack has this fault for so many seconds; then it is well."""
    with TemporaryDirectory() as folder, closing(Store.open(Path(folder) / "b.db")) as book:
        book.subscribe(Subscription("C1", "acme", created_at=_now()))
        async with Page() as page, Slack(retry_after, may_be_read=may_be_read) as slack, Fetcher(timeout_s=2) as web:
            chat = SlackEdge("xoxb-test", base_url=slack.api, timeout_s=SLACK_TIMEOUT_S)
            chat.heed(frozenset(slack.scopes.split(",")))  # as Slack says at the start
            engine = Engine({"acme": acme_at(page.url)}, web, book, chat, _now, lambda _: VerdictRules())
            await engine.poll("acme")
            page.show(NEWS)
            slack.fault = fault
            done: list[Delivery] = []
            stop = asyncio.Event()
            app = asyncio.create_task(App(engine, Poll(interval_s=1, incident_interval_s=1), (), done.append).run(stop))
            await asyncio.sleep(lasts_s)
            slack.fault, well = "", time.monotonic()
            await _arrived(slack, book)
            stop.set()
            await app
            return _came(f"{fault}, history granted" if may_be_read else fault, slack, done, well)


async def _arrived(slack: Slack, book: Store) -> None:
    """Waits until everything came and nothing is owed."""
    until = time.monotonic() + PATIENCE_S
    while (WANTED - set(slack.keys) or book.owing()) and time.monotonic() < until:  # noqa: ASYNC110 - a file is waited for
        await asyncio.sleep(0.05)


def _came(fault: str, slack: Slack, done: list[Delivery], well: float) -> Came:
    tries = [at for at, wrong in slack.tries if wrong]
    keys = Counter(slack.keys)
    again = sum("again" in d.why for d in done)
    twice = sum(keys.values()) - len(keys)
    times = [p.at for p in slack.posts if p.at > well] or [well]
    waits = [b - a for a, b in pairwise(tries)]
    first_s, after_s = times[0] - well, times[-1] - well
    return Came(fault, len(tries), len(WANTED - keys.keys()), twice, min(twice, again), first_s, after_s, waits)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the fault lasts in real time
