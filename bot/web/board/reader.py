"""Runs the board's queries and drawing in threads, so that the event loop answers other requests meanwhile.

Each piece of work gets a read-only connection of its own (bot/docs/decisions.md#4-one-event-loop-one-writer).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TypeVar

from bot.queries.board import BoardQueries, UptimeCache
from bot.queries.current import StatusQueries

AT_ONCE = 2  # pieces of work; others wait for their turn
T = TypeVar("T")


class BoardReader:
    """Reads for the board. One object per server, since it keeps the days of services."""

    def __init__(self, queries: StatusQueries) -> None:
        """``queries`` belongs to the event loop; the threads open read-only copies."""
        self._queries = queries
        self._free = asyncio.Semaphore(AT_ONCE)
        self._kept = UptimeCache()
        self._filling: asyncio.Task[None] | None = None

    async def read(self, work: Callable[[BoardQueries], T]) -> T:
        """The result of the work, which runs in a thread. StoreError if the database can't be read."""
        async with self._free:
            result = await asyncio.to_thread(self._run, work)
        if self._kept.missing and (self._filling is None or self._filling.done()):
            self._filling = asyncio.create_task(self._fill())
        return result

    def _run(self, work: Callable[[BoardQueries], T]) -> T:
        with closing(self._queries.repository.open_reader()) as repository:
            return work(BoardQueries(replace(self._queries, repository=repository), self._kept))

    async def _fill(self) -> None:
        """Works out the days that a page had no time for, for the next one."""
        while self._kept.missing:
            async with self._free:
                await asyncio.to_thread(self._run, BoardQueries.work_out_missing)
