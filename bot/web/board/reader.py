"""Runs the board's queries and drawing in threads, so that the event loop answers other requests meanwhile.

Each piece of work has a read-only connection for itself (bot/docs/decisions.md#4-one-event-loop-one-writer).
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from bot.errors import StoreError
from bot.queries.board import BoardQueries, UptimeCache
from bot.queries.current import StatusQueries
from bot.storage import Repository

AT_ONCE = 2  # pieces of work; others wait for their turn
T = TypeVar("T")


class BoardReader:
    """Reads for the board and the API. One object per server: it keeps the days of services, and idle connections."""

    def __init__(self, queries: StatusQueries) -> None:
        """``queries`` belongs to the event loop; the threads open read-only copies."""
        self._queries = queries
        self._free = asyncio.Semaphore(AT_ONCE)
        self._kept = UptimeCache()
        self._filling: asyncio.Task[None] | None = None
        self._idle: list[Repository] = []
        weakref.finalize(self, _close_all, self._idle)

    async def read(self, work: Callable[[BoardQueries], T]) -> T:
        """The result of the work, which runs in a thread. StoreError if the database can't be read."""
        async with self._free:
            result = await asyncio.to_thread(self._run, work)
        if self._kept.missing and (self._filling is None or self._filling.done()):
            self._filling = asyncio.create_task(self._fill())
        return result

    async def ask(self, work: Callable[[StatusQueries], T]) -> T:
        """As ``read``, for what needs no days of services."""
        return await self.read(lambda board: work(board.queries))

    def _run(self, work: Callable[[BoardQueries], T]) -> T:
        repository = self._idle.pop() if self._idle else self._queries.repository.open_reader()
        try:
            result = work(BoardQueries(replace(self._queries, repository=repository), self._kept))
        except StoreError:  # the next one connects again
            repository.close()
            raise
        except BaseException:
            self._idle.append(repository)
            raise
        self._idle.append(repository)
        return result

    async def _fill(self) -> None:
        """Works out the days that a page had no time for, for the next one."""
        while self._kept.missing:
            async with self._free:
                await asyncio.to_thread(self._run, BoardQueries.work_out_missing)


def _close_all(repositories: list[Repository]) -> None:
    for repository in repositories:
        repository.close()
