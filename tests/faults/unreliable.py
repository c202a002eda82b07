"""A web, a chat and a disk with random bad days, on a clock that is set by hand; and a death that nothing catches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from bot.domain import Message
from bot.errors import DeliveryError, SourceError, StoreError
from tests.faults.fake_services import HTML
from tests.faults.random_vendor import RandomVendor
from tests.support.fake_fetcher import FakeResponse
from tests.support.pages import SUMMARY

BODIES = {"empty list": b"[]", "{}": b"{}", "html as json": HTML, "truncated": b'{"page": {"id": "acmep'}
CODES = ("http_500", "http_429", "timeout", "reset", "html", "empty")
REFUSALS = ("ratelimited", "http_500", "unreachable", "unknown_outcome", "internal_error")


class SimulatedKill(BaseException):
    """kill -9."""


@dataclass
class Luck:
    """What goes wrong, and whether anything may."""

    draw: Random
    is_on: bool = True

    def strikes(self, one_in: float) -> bool:
        return self.is_on and self.draw.random() < 1 / one_in

    def may_kill(self, one_in: float) -> None:
        if self.strikes(one_in):
            raise SimulatedKill


@dataclass
class UnreliableFetcher:
    """The vendor's page. ``fault`` is a code or one of BODIES, for every path; own pages fail by themselves too."""

    vendor: RandomVendor
    luck: Luck
    true_time: Callable[[], datetime]
    fault: str = ""

    async def get(self, source_url: str, path: str, **_: Any) -> FakeResponse:  # noqa: ARG002
        self.luck.may_kill(4000)
        if self.fault in BODIES:
            return FakeResponse(BODIES[self.fault])
        if self.fault or (path != SUMMARY and self.luck.strikes(10)):
            raise SourceError("a bad day", code=self.fault or "http_500")
        body = self.vendor.answer(path, self.true_time())
        if body is None:
            raise SourceError("not there", code="http_404")
        return FakeResponse(body)


@dataclass
class ChannelMessage:
    """A message in a channel: its key and thread stay, its text is the last that was drawn."""

    key: str
    channel: str
    thread_ts: str | None
    text: str
    ts: str
    at: datetime


@dataclass
class UnreliableChat:
    """A channel that remembers. ``fault`` is one of REFUSALS; ``doubts`` are the copies that the bot can't know of.

    With ``can_search_history`` its history may be read; ``unfound`` are the keys for which that failed.
    """

    luck: Luck
    true_time: Callable[[], datetime]
    can_search_history: bool = False
    burst: int = 20
    fault: str = ""
    unfound: set[tuple[str, str]] = field(default_factory=set)
    said: list[ChannelMessage] = field(default_factory=list)
    doubts: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def post(self, channel: str, message: Message, *, thread_ts: str | None, broadcast: bool) -> str:  # noqa: ARG002
        self._may_refuse(taken=False)
        ts = f"ts{len(self.said) + 1}"
        self.said.append(ChannelMessage(message.key, channel, thread_ts, message.text, ts, self.true_time()))
        try:
            self._may_refuse(taken=True)
        except DeliveryError:
            self.doubt(channel, message.key)
            raise
        return ts

    def doubt(self, channel: str, key: str) -> None:
        """The bot can't know of this post that it was taken, so far."""
        self.doubts[channel, key] = sum((m.channel, m.key) == (channel, key) for m in self.said)

    async def find_message(self, channel: str, key: str, since: datetime, *, thread_ts: str | None) -> str | None:
        try:
            self._may_refuse(taken=False)
        except DeliveryError:
            self.unfound.add((channel, key))
            raise
        there = (m for m in self.said if (m.channel, m.key, m.thread_ts) == (channel, key, thread_ts) and m.at >= since)
        return next((m.ts for m in reversed([*there])), None)

    async def is_token_accepted(self) -> bool | None:
        return None if self.fault else True

    def permalink(self, channel: str, ts: str) -> str:  # noqa: ARG002
        return ""

    async def edit(self, channel: str, ts: str, message: Message) -> None:  # noqa: ARG002
        self._may_refuse(taken=False)
        for said in self.said:
            if said.ts == ts:
                said.text = message.text
        self._may_refuse(taken=True)

    def _may_refuse(self, *, taken: bool) -> None:
        self.luck.may_kill(300)
        fault = self.fault or ("unknown_outcome" if self.luck.strikes(60) else "")
        if fault and taken == (fault == "unknown_outcome" and self.luck.strikes(2)):
            raise DeliveryError("a bad day", code=fault, retry_after=self.luck.draw.choice([None, 5, 60]))


class UnreliableDatabase:
    """The database, on a disk that is full at times; death comes before a write or after it."""

    WRITES = frozenset({"record_transition", "mark_sending", "mark_sent", "mark_deferred", "mark_dead_lettered"})

    def __init__(self, repository: Any, luck: Luck) -> None:
        self._repository, self._luck = repository, luck

    def __getattr__(self, name: str) -> Any:
        kept = getattr(self._repository, name)
        return self._risky(kept) if name in self.WRITES else kept

    def _risky(self, write: Callable[..., None]) -> Callable[..., None]:
        def written(*args: Any, **more: Any) -> None:
            self._luck.may_kill(600)
            if self._luck.strikes(300):
                raise StoreError("disk full")
            write(*args, **more)
            self._luck.may_kill(600)

        return written
