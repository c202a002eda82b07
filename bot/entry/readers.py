"""What somebody typed -> its answer, without holding up the bot: questions go to a thread with a connection of its own.

Some answers go through years of a database; meanwhile Slack waits for acks and pages for looks. What changes something
is answered in the bot's own loop, by its one writer (DESIGN.md section 2).
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from bot.entry import commands
from bot.entry.desk import Desk
from bot.entry.question import Reply

SWITCH_S = 0.0005  # the loop waits no longer than this whenever the thread is at work; Python's own are 5 ms


class Readers:
    """Answers. One question at a time has the thread; none is held up by more than those before it."""

    def __init__(self, desk: Desk) -> None:
        """``desk`` is the loop's own; the thread makes itself one like it, at the first question."""
        self._desk = desk
        self._reading: Desk | None = None
        self._thread = ThreadPoolExecutor(1, "reader")
        sys.setswitchinterval(SWITCH_S)

    async def answer(self, text: str, channel: str, user: str, name: str) -> Reply:
        """As ``commands.answer``; StoreError where the book can't be read."""
        if not commands.only_reads(text):
            return commands.answer(self._desk, text, channel, user, name)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._read, text, channel, user, name)

    async def serve(self) -> None:
        """Keeps the thread until it is cancelled; then its connection is closed, and nothing more is answered."""
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _close(self) -> None:
        if self._reading is not None:
            self._reading.book.close()

    def _read(self, text: str, channel: str, user: str, name: str) -> Reply:
        if self._reading is None:
            self._reading = replace(self._desk, book=self._desk.book.reader())
        return commands.answer(self._reading, text, channel, user, name)
