"""Slack with a bad day -> what arrived, how often, and when. The real App, Fetcher, Store and SlackEdge, in real time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.slack_client import SlackClient
from bot.adapters.tool_client import message_id
from bot.app.scheduler import BotApp
from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from bot.notifier import DeliveryAttempt
from bot.settings import PollSettings
from bot.storage import Repository
from tests.faults import one_pass
from tests.faults.crashes import NEWS
from tests.faults.fake_services import FakeSlackApi, FakeStatusPage, acme_at

WANTED = {"inc1:alert", "inc1:update:u1", "inc1:update:u2", "inc2:alert", "inc2:update:u3"}
SLACK_TIMEOUT_S = 1  # the bot's own is 10
PATIENCE_S = 30
UNKNOWN_WORDS = ("gave no answer", "may have the message", "may have been sent", "without a reason")


@dataclass
class SlackResult:
    """What came of a fault. ``after_s`` is how long after Slack's recovery the last post had come.

    ``said``: of what came twice, how often an attempt followed one whose outcome is unknown. Also in a fault that takes
    nothing (500), an answer after the recovery can be later than SLACK_TIMEOUT_S on a busy machine.
    """

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
        "of these after an unknown outcome",
        "first post after",
        "all after",
    )

    def row(self) -> tuple[object, ...]:
        shortest = f"{min(self.waits):.1f} s" if self.waits else "-"
        counts = (self.fault, self.tries, shortest, self.lost, self.twice, self.said)
        return *counts, f"{self.first_s:.1f} s", f"{self.after_s:.1f} s"


async def tried(
    fault: str, *, lasts_s: float, retry_after: int = 2, may_be_read: bool = False, is_tool: bool = False
) -> SlackResult:
    """Two incidents open while Slack, or a tool in its place, has this fault for so many seconds; then it is well."""
    with TemporaryDirectory() as folder, closing(Repository.open(Path(folder) / "b.db")) as repository:
        if not is_tool:
            repository.subscribe(Subscription("C1", "acme", created_at=_now()))
        async with (
            FakeStatusPage() as page,
            FakeSlackApi(retry_after, may_be_read=may_be_read) as slack,
            PageFetcher(timeout_s=2) as web,
            AsyncExitStack() as stack,
        ):
            chat = SlackClient("xoxb-test", base_url=slack.api, timeout_s=SLACK_TIMEOUT_S)
            chat.set_scopes(frozenset(slack.scopes.split(",")))  # as Slack says at the start
            client = await stack.enter_async_context(one_pass.tool_client(slack.api, _now, SLACK_TIMEOUT_S))
            tools = (one_pass.make_tool(client, repository, _now),) if is_tool else ()
            wanted = {message_id(one_pass.TOOL.channel, key) for key in WANTED} if is_tool else WANTED
            engine = Engine(
                *({"acme": acme_at(page.url)}, web, repository, chat, _now, lambda _: VerdictParameters()), tools=tools
            )
            while engine.states["acme"].seen_at is None:  # on a busy machine the first poll may be too late
                await engine.poll("acme")
            page.show(NEWS)
            slack.fault = fault
            done: list[DeliveryAttempt] = []
            stop = asyncio.Event()
            app = asyncio.create_task(
                BotApp(engine, PollSettings(interval_s=1, incident_interval_s=1), (), done.append).run(stop)
            )
            await asyncio.sleep(lasts_s)
            slack.fault, well = "", time.monotonic()
            await _arrived(slack, repository, wanted)
            stop.set()
            await app
            return _came(f"{fault}, history granted" if may_be_read else fault, slack, done, well, wanted)


async def _arrived(slack: FakeSlackApi, repository: Repository, wanted: set[str]) -> None:
    """Waits until everything came and nothing is owed."""
    until = time.monotonic() + PATIENCE_S
    while (wanted - set(slack.keys) or repository.pending_channels()) and time.monotonic() < until:  # noqa: ASYNC110 - a file is waited for
        await asyncio.sleep(0.05)


def _came(fault: str, slack: FakeSlackApi, done: list[DeliveryAttempt], well: float, wanted: set[str]) -> SlackResult:
    tries = [at for at, wrong in slack.tries if wrong]
    keys = Counter(slack.keys)
    again = _after_unknown_outcomes(done)
    twice = sum(keys.values()) - len(keys)
    times = [p.at for p in slack.posts if p.at > well] or [well]
    waits = [b - a for a, b in pairwise(tries)]
    first_s, after_s = times[0] - well, times[-1] - well
    return SlackResult(fault, len(tries), len(wanted - keys.keys()), twice, min(twice, again), first_s, after_s, waits)


def _after_unknown_outcomes(done: list[DeliveryAttempt]) -> int:
    """How many attempts followed one of the same post to which no answer came, or none that says what happened."""
    unknown: Counter[str] = Counter()
    count = 0
    for attempt in done:
        count += bool(unknown[attempt.post.key])
        unknown[attempt.post.key] += attempt.outcome != "sent" and any(words in attempt.why for words in UNKNOWN_WORDS)
    return count


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the fault lasts in real time
