"""Answers questions in a thread with a database connection of its own, so that they do not block the event loop.

Some answers read years of history; meanwhile the loop acknowledges Slack's requests and polls. Commands that change
something are units of work (bot/docs/decisions.md#4-one-event-loop-one-writer).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from bot.commands import registry
from bot.commands.types import CommandResponse, TypedText
from bot.queries.current import StatusQueries

T = TypeVar("T")
SWITCH_INTERVAL_S = 0.0005  # how long the loop waits while the thread runs; Python's default is 5 ms


class ReaderThread:
    """Answers commands. Questions run one at a time, in the order of arrival."""

    def __init__(self, queries: StatusQueries) -> None:
        """``queries`` belongs to the loop; the thread opens a read-only copy at its first question."""
        self._queries = queries
        self._thread_queries: StatusQueries | None = None
        self._thread = ThreadPoolExecutor(1, "reader")
        sys.setswitchinterval(SWITCH_INTERVAL_S)

    async def answer(self, text: str, channel: str, user: str, name: str) -> CommandResponse:
        """Like ``registry.answer_command``. StoreError if the database can't be read."""
        if not registry.is_read_only(text):
            return await self._queries.units.run_next(registry.answer_command, self._queries, text, channel, user, name)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._answer_in_thread, text, channel, user, name)

    async def answer_typed(self, typed: TypedText) -> CommandResponse:
        """Like ``registry.answer_typed``. StoreError if the database can't be read."""
        if not registry.is_read_only(typed.text):
            return await self._queries.units.run_next(registry.answer_typed, self._queries, typed)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._answer_typed_in_thread, typed)

    def _answer_typed_in_thread(self, typed: TypedText) -> CommandResponse:
        return registry.answer_typed(self._open_queries(), typed)

    async def ask(self, question: Callable[[StatusQueries], T]) -> T:
        """The answer to a question that only reads, in the thread. What it raises is raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: question(self._open_queries()))

    async def run(self) -> None:
        """Waits until it is cancelled; then closes the thread's connection and drops the questions in the queue."""
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _close(self) -> None:
        if self._thread_queries is not None:
            self._thread_queries.repository.close()

    def _answer_in_thread(self, text: str, channel: str, user: str, name: str) -> CommandResponse:
        return registry.answer_command(self._open_queries(), text, channel, user, name)

    def _open_queries(self) -> StatusQueries:
        """The thread's own queries, on a read-only connection."""
        if self._thread_queries is None:
            self._thread_queries = replace(self._queries, repository=self._queries.repository.open_reader())
        return self._thread_queries
