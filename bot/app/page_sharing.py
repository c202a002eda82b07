"""Several bots share the pages of one PostgreSQL database: each polls and records those of its shards.

Twice a second a bot says that it is alive, and looks which others are: it gives back the shards that are too many, and
takes free ones up to its part (``bot.rules.sharing``). The states of other bots' pages are those of the database. One
bot leads, as without sharing: it alone posts, and does what exists once (digests, reminders, retention). Another one
leads when that has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Protocol

from bot.domain import Provider
from bot.engine import Engine
from bot.errors import StoreError
from bot.rules.sharing import ShardMoves, part_of, plan_moves, shard_of
from bot.settings import PollSettings
from bot.storage import Repository
from bot.storage.connection import PageShares, SharingView

log = logging.getLogger("brownout")

ROUND_S = 0.5
REFRESH_EVERY = 2  # rounds: so old the states of other bots' pages may be
LONGEST_WAIT_S = 3.0  # for polls that are under way when their page is given back

OTHER_PAGES = "the bots that share these pages do not watch the same ones; give each the same configuration"
UNSHARED = "the bot that leads polls all pages itself; set [store] share_pages for it too. This one polls none"


class Polls(Protocol):
    """The scheduler's polls."""

    def set_intervals(self, poll: PollSettings) -> None: ...  # noqa: D102
    def start_polls(self, providers: Collection[str]) -> None: ...  # noqa: D102
    async def stop_polls(self, providers: Collection[str], wait_s: float) -> None: ...  # noqa: D102


@dataclass(slots=True)
class PageSharing:
    """A service of each bot that shares pages.

    Attributes:
        engine: That of this bot.
        repository: The database, after ``share_pages``.
        polls: The scheduler's.
        begin_to_lead: Called when this bot leads, before it posts anything.
        leads: Whether it does.
        bots: How many bots share the pages, by the last look.
    """

    engine: Engine
    repository: Repository
    polls: Polls
    begin_to_lead: Callable[[], Awaitable[None]]
    leads: bool = False
    bots: int = 0
    _polled: set[str] = field(default_factory=set)
    _saved: dict[str, str] = field(default_factory=dict)  # by provider: when the state was saved that the engine has
    _problem: str = ""
    _rounds: int = 0
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)  # the configuration is reloaded between two rounds

    @property
    def shares(self) -> PageShares:
        """The shards of this bot."""
        shares = self.repository.shares
        if shares is None:
            raise StoreError(f"{self.repository.path}: this bot does not share pages")
        return shares

    @property
    def shards(self) -> int:
        """How many shards this bot holds."""
        return len(self.shares.held)

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            async with self._changing:
                await self.look()
            await asyncio.sleep(ROUND_S)

    async def look(self) -> None:
        """One round; a failure is in the log once, and the pages of lost shards are polled no more."""
        try:
            view = await self.engine.units.run_next(self._renew)
            await self._lead_if_free()
            await self._follow(view)
            self._rounds += 1
            if self._rounds % REFRESH_EVERY == 0:
                await self.engine.units.run(self.refresh)
        except StoreError as error:
            self._report(f"the pages can't be shared: {error}")
            await self._leave_lost()

    # --- the round ----------------------------------------------------------------------------------------------------

    def _renew(self) -> SharingView:
        """A unit of work."""
        return self.shares.renew(_digest(self.engine.providers), leads=self.leads)

    async def _lead_if_free(self) -> None:
        if not self.leads and await self.engine.units.run_next(self._take_turn):
            self.leads = True
            await self.begin_to_lead()

    def _take_turn(self) -> bool:
        """A unit of work."""
        if not self.repository.try_turn():
            return False
        self.repository.lead()
        return True

    async def _follow(self, view: SharingView) -> None:
        """Moves what the view calls for."""
        self.bots = len(view.bots)
        await self._leave_lost()
        moves = self._moves(view)
        if moves.give_back:
            await self._give_back(moves.give_back)
        if moves.take:
            await self.engine.units.run_next(self.shares.take, moves.take)
        await self._poll_new()
        self._report(self._warning(view))

    def _moves(self, view: SharingView) -> ShardMoves:
        position = next((n for n, bot in enumerate(view.bots) if bot.is_me), None)
        if position is None or not (view.leader_shares or self.leads):
            return ShardMoves(give_back=tuple(self.shares.held))
        part = part_of(position, len(view.bots))
        return plan_moves(self.shares.holder, part, self.shares.held, view.free)

    def _warning(self, view: SharingView) -> str:
        if not (view.leader_shares or self.leads):
            return UNSHARED
        return OTHER_PAGES if len({bot.pages for bot in view.bots}) > 1 else ""

    def _report(self, problem: str) -> None:
        if problem != self._problem and problem:
            log.warning("%s", problem)
        elif problem != self._problem:
            log.info("the pages are shared again, by %d bots", self.bots)
        self._problem = problem

    async def _leave_lost(self) -> None:
        """Leaves the pages of shards that were lost with the connection."""
        lost = {provider for provider in self._polled if not self.repository.has_page(provider)}
        if lost:
            log.warning("the connection was lost, and %d pages with it; other bots poll them", len(lost))
            await self._stop(lost, wait_s=0.0)
            self.repository.forget_kept_polls(lost)

    async def _give_back(self, shards: Iterable[int]) -> None:
        given = frozenset(shards)
        leaving = {provider for provider in self._polled if shard_of(provider) in given}
        await self._stop(leaving, wait_s=LONGEST_WAIT_S)
        await self.engine.units.run_next(self._flush_and_give_back, given)
        log.info("%d pages left to other bots; this one polls %d", len(leaving), len(self._polled))

    def _flush_and_give_back(self, shards: Iterable[int]) -> None:
        """A unit of work: what was recorded is committed before another bot can take the shards."""
        self.repository.flush()
        self.shares.give_back(shards)

    async def _stop(self, providers: Collection[str], wait_s: float) -> None:
        await self.polls.stop_polls(providers, wait_s)
        await self.engine.units.run_next(self._leave, providers)

    def _leave(self, providers: Collection[str]) -> None:
        """A unit of work."""
        for provider in providers:
            self.engine.leave_page(provider)
            self._saved.pop(provider, None)
        self._polled.difference_update(providers)

    async def _poll_new(self) -> None:
        """Begins to poll the pages of shards that are held since this round, with the states of their last bot."""
        if new := await self.engine.units.run_next(self._take_over):
            self.polls.start_polls(new)
            log.info("%d pages taken over; this bot polls %d, of %d bots", len(new), len(self._polled), self.bots)

    def _take_over(self) -> list[str]:
        """A unit of work."""
        new = [name for name in self.engine.providers if name not in self._polled and self.repository.has_page(name)]
        if new:
            self.refresh()  # after the locks: no other bot changes these states from now on
            self.engine.elsewhere.difference_update(new)
            self._polled.update(new)
        return new

    # --- the states of other bots' pages ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """A unit of work: reads the states that other bots have saved."""
        states, saved = self.engine.states, {}
        for provider, saved_at, seen_at in self.repository.state_times():
            if provider not in self.engine.elsewhere or provider not in states:
                continue
            if self._saved.get(provider) != saved_at:
                saved[provider] = saved_at
            elif seen_at is not None and (states[provider].seen_at or seen_at) <= seen_at != states[provider].seen_at:
                states[provider] = replace(states[provider], seen_at=seen_at)
        if saved:
            states.update(self.repository.provider_states(saved))
            self._saved.update(saved)

    # --- the configuration --------------------------------------------------------------------------------------------

    def set_intervals(self, poll: PollSettings) -> None:
        """See ``PollControl`` of the reload."""
        self.polls.set_intervals(poll)

    async def add_provider(self, provider: Provider) -> None:
        """Watches one more provider, or another form of one; this bot polls it if it holds its shard."""
        async with self._changing:
            await self.engine.units.run(self._add, provider)
            await self._poll_new()

    def _add(self, provider: Provider) -> None:
        self.engine.add_provider(provider)
        self.engine.elsewhere.add(provider.id)

    async def remove_provider(self, provider_id: str) -> None:
        """Watches a provider no more. What was recorded stays."""
        async with self._changing:
            await self.polls.stop_polls([provider_id], LONGEST_WAIT_S)
            await self.engine.units.run(self._remove, provider_id)

    def _remove(self, provider_id: str) -> None:
        self.engine.remove_provider(provider_id)
        self._polled.discard(provider_id)
        self._saved.pop(provider_id, None)


def _digest(providers: Iterable[str]) -> str:
    """A short hash of which pages are watched."""
    return sha256("\n".join(sorted(providers)).encode()).hexdigest()[:16]
