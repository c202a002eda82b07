"""``python -m tests.faults.one_pass``: one poll and what it owes, with the real edges, then the end; again and again.

It is what the crash points are counted in. Two designs are controls: ``save-first`` marks a post as sent before it
leaves, ``send-first`` sends before it records.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.slack_client import SlackClient
from bot.adapters.tool_client import HttpToolClient
from bot.domain import NotificationKind, Subscription, ToolTarget, ToolUpdates, VerdictParameters
from bot.engine import Engine, Tool
from bot.errors import BrownoutError, DeliveryError
from bot.messages import alerts
from bot.messages.announcement import announce
from bot.messages.tools import HTTP_KINDS
from bot.messages.tools.base import ToolAddress
from bot.notifier import RESENT_UNSEARCHABLE, DeliveryAttempt, DeliveryPolicy, Notifier
from bot.storage import Repository
from tests.faults.fake_services import TOOL_PATH, acme_at

PATIENCE_S = 4.0
LATER = timedelta(seconds=15)  # a restart's clock: what had to wait is due
DESIGNS = ("outbox", "save-first", "send-first", "tool")  # the last one: a tool of [[notify]] in place of Slack
TOOL = ToolTarget("t", updates=ToolUpdates.ALL)


class SaveFirst:
    """A control: a database that calls a post sent as it leaves."""

    def __init__(self, repository: Any) -> None:
        self._repository = repository

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    def mark_sending(self, number: int, at: datetime) -> None:
        self._repository.mark_sending(number, at)
        self._repository.mark_sent(number, "ts", datetime.now(UTC), is_parent=True)  # noqa: TID251


@dataclass
class SendFirst:
    """A control: a database that records a transition only after what it owes was sent."""

    repository: Any
    chat: Any
    held: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.repository, name)

    def record_transition(self, observation: Any, change: Any, posts: Any) -> None:
        self.held = (observation, change, posts)

    async def settle(self) -> None:
        for post in (p for p in self.held[2] if p.kind != NotificationKind.EDIT):
            with suppress(DeliveryError):
                await self.chat.post(post.channel, alerts.render_notification(post), thread_ts=None, broadcast=False)
        self.repository.record_transition(self.held[0], self.held[1], ())


async def one_pass(
    db: Path, page: str, slack: str, *, design: str = "outbox", ahead: timedelta = timedelta()
) -> list[DeliveryAttempt]:
    """Opens the database, looks once, and sends until nothing is owed or the patience ends; the deliveries."""

    def now() -> datetime:
        return datetime.now(UTC) + ahead  # noqa: TID251 - a pass has a clock

    with closing(Repository.open(db, alone=True)) as store:
        if design != "tool" and not store.subscriptions():
            store.subscribe(Subscription("C1", "acme", created_at=now()))
        chat = SlackClient("xoxb-test", base_url=slack, timeout_s=2)
        repository = {"outbox": lambda: store, "save-first": lambda: SaveFirst(store)}.get(
            design, lambda: SendFirst(store, chat) if design == "send-first" else store
        )()
        async with PageFetcher(timeout_s=2) as web, tool_client(slack, now) as client:
            tools = (make_tool(client, repository, now),) if design == "tool" else ()
            engine = Engine(
                {"acme": acme_at(page)}, web, repository, chat, now, lambda _: VerdictParameters(), tools=tools
            )
            await engine.poll("acme")
            if design == "send-first":
                await repository.settle()
            return await send_all(engine)


def tool_client(url: str, now: Callable[[], datetime], timeout_s: float = 2) -> HttpToolClient:
    """The client of a webhook at the place of Slack."""
    address = ToolAddress(url.rstrip("/") + TOOL_PATH)
    return HttpToolClient(HTTP_KINDS["webhook"], address, now, timeout_s=timeout_s)


def make_tool(client: HttpToolClient, repository: Any, now: Callable[[], datetime]) -> Tool:
    """The tool of this client, with a policy like that of the bot."""
    policy = DeliveryPolicy(
        serves=lambda channel: channel == TOOL.channel, asks_first=False, has_threads=False, name=TOOL.name
    )
    return Tool(TOOL, Notifier(repository, client, now, announce, policy=policy))


async def send_all(engine: Engine) -> list[DeliveryAttempt]:
    """Publishes until nothing is owed any more; the deliveries."""
    done: list[DeliveryAttempt] = []
    until = engine.now() + timedelta(seconds=PATIENCE_S)
    while engine.pending_channels() and engine.now() < until:
        sent = await engine.publish()
        done += sent
        if not sent:
            await asyncio.sleep(0.05)
    return done


def repeats(done: Iterable[DeliveryAttempt]) -> int:
    """How many of them the log calls sent again."""
    return sum(delivery.why.startswith(RESENT_UNSEARCHABLE) for delivery in done)


def nursery() -> None:
    """Makes a process for every line of standard input that does the pass of that line once it gets SIGUSR1.

    So the imports are paid for once. Says each child's pid, and that it has ended.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.sigwait({signal.SIGUSR1})
            _born(*json.loads(line))
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)


def _born(db: str, page: str, slack: str, design: str) -> None:
    code = 1
    try:
        done = asyncio.run(one_pass(Path(db), page, slack, design=design))
        Path(f"{db}-admitted").write_text(str(repeats(done)), encoding="ascii")
        code = 0
    except BrownoutError:
        code = 2  # what the bot may say of a broken disk
    finally:
        os._exit(code)


if __name__ == "__main__":
    nursery()
