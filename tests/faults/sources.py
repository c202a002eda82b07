"""A page with a bad day -> what the channel was told. Nine faults, on a healthy page and on one in an incident."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.slack_client import SlackClient
from bot.domain import Advice, EventKind, Subscription, VerdictParameters
from bot.engine import Engine
from bot.storage import Repository
from tests.faults.fake_services import FakeSlackApi, FakeStatusPage, acme_at
from tests.support.acme import NOON, Clock
from tests.support.pages import DOWN, page

BAD_LOOKS = 6
TIMEOUT_S = 0.3
_OVER = {EventKind.INCIDENT_RESOLVED, EventKind.INCIDENT_WITHDRAWN, EventKind.TROUBLE_ENDED}


@dataclass(frozen=True)
class SourceResult:
    """What a fault of six looks led to. ``safe`` are looks after which a broken surface was called safe to retry."""

    fault: str
    during: str
    false_incidents: int
    false_resolves: int
    safe: int
    blind: int
    back: int
    other: int

    HEAD = (
        "fault",
        "page",
        "false incidents",
        "false resolves",
        "called safe",
        "blind notices",
        "back notices",
        "other posts",
    )

    @property
    def is_right(self) -> bool:
        wrong = self.false_incidents, self.false_resolves, self.safe, self.other
        return not any(wrong) and self.blind == self.back == 1

    def row(self) -> tuple[object, ...]:
        return (
            *(self.fault, self.during, self.false_incidents, self.false_resolves),
            *(self.safe, self.blind, self.back, self.other),
        )


async def tried(fault: str, *, in_incident: bool) -> SourceResult:
    """Well looks, six bad ones, and two that are well again, a minute apart."""
    with TemporaryDirectory() as folder, closing(Repository.open(Path(folder) / "b.db")) as repository:
        repository.subscribe(Subscription("C1", "acme", created_at=NOON))
        async with FakeStatusPage() as source, FakeSlackApi() as slack, PageFetcher(timeout_s=TIMEOUT_S) as web:
            clock = Clock()
            chat = SlackClient("xoxb-test", base_url=slack.api)
            engine = Engine({"acme": acme_at(source.url)}, web, repository, chat, clock, lambda _: VerdictParameters())
            for body in (page(), DOWN if in_incident else page()):
                source.show(body)
                await _looks(engine, clock)
            slack.forget()
            source.fault = fault
            safe = sum([await _looks(engine, clock) for _ in range(BAD_LOOKS)]) if in_incident else 0
            if not in_incident:
                await _looks(engine, clock, BAD_LOOKS)
            source.fault = ""
            await _looks(engine, clock, 2)
            return _told(fault, slack, repository, in_incident=in_incident, safe=safe)


async def _looks(engine: Engine, clock: Clock, count: int = 1) -> bool:
    """So many looks, a minute apart, and what they owe; whether the API is then called safe to retry."""
    for _ in range(count):
        await engine.poll("acme")
        while engine.pending_channels():
            await engine.publish()
        clock.move(minutes=1)
        engine.advance_time()
    verdict = engine.states["acme"].verdict("acme-api")
    return verdict is not None and verdict.call is Advice.RETRY_NORMALLY


def _told(fault: str, slack: FakeSlackApi, repository: Repository, *, in_incident: bool, safe: int) -> SourceResult:
    kinds = [re.sub(r"^acme:(\w+):.*", r"\1", key) for key in slack.keys]
    alerts = sum(key.endswith(":alert") for key in kinds)
    blind = kinds.count("blind") + kinds.count("moved")
    back = len(
        repository._db.rows("SELECT 1 FROM outbox WHERE key LIKE 'acme:back:%' AND state = 'sent'")
    )  # it is an edit
    ended = sum(e.kind in _OVER for e in repository.events("inc1"))
    during = "in an incident" if in_incident else "healthy"
    return SourceResult(fault, during, alerts, ended, safe, blind, back, len(kinds) - alerts - blind)
