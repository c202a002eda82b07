"""``ThreadTextReader``: reads long texts of vendors in a thread, so that they do not block the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from bot.domain import Provider
from bot.rules.attribution.text import read_text


class ThreadTextReader:
    """Reads one text at a time: a stop of the bot waits for no more than one, and the loop competes with one thread."""

    def __init__(self) -> None:
        """The thread starts with the first text."""
        self._thread = ThreadPoolExecutor(1, "texts")

    async def read(self, texts: Iterable[str], provider: Provider) -> None:
        """Reads the texts; the rules keep the readings in their cache (bot.rules.attribution.text)."""
        loop = asyncio.get_running_loop()
        for text in texts:
            await loop.run_in_executor(self._thread, read_text, text, provider)
