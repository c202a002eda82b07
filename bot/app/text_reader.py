"""``ThreadTextReader``: reads long texts of vendors in a thread, so that they do not block the event loop.

The patterns of the providers' phrases are compiled there too, soon after the start: those of OpenAI take 68 ms, and its
first incident must not wait for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from bot.app.jobs import PeriodicJob
from bot.domain import Provider
from bot.rules.attribution.lexicon import compile_lexicon
from bot.rules.attribution.text import read_text

FIRST_COMPILED_AFTER_S = 5.0  # the first polls come before that
COMPILED_EVERY_S = 60.0  # providers that were added or changed meanwhile


class ThreadTextReader:
    """Reads one text at a time: a stop of the bot waits for no more than one, and the loop competes with one thread."""

    def __init__(self) -> None:
        """The thread starts with the first text."""
        self._thread = ThreadPoolExecutor(1, "texts")
        self._compiled: dict[str, Provider] = {}

    async def read(self, texts: Iterable[str], provider: Provider) -> None:
        """Reads the texts; the rules keep the readings in their cache (bot.rules.attribution.text)."""
        loop = asyncio.get_running_loop()
        for text in texts:
            await loop.run_in_executor(self._thread, read_text, text, provider)

    async def compile_phrases(self, providers: Iterable[Provider]) -> None:
        """Compiles the phrases of providers that are new or have changed; the rules keep them in their cache."""
        loop = asyncio.get_running_loop()
        for provider in tuple(providers):
            if self._compiled.get(provider.id) is not provider:
                await loop.run_in_executor(self._thread, compile_lexicon, provider)
                self._compiled[provider.id] = provider

    def compile_job(self, providers: Iterable[Provider]) -> PeriodicJob:
        """The job that compiles the phrases of these providers, which may become more or change."""
        return PeriodicJob(
            "phrases",
            COMPILED_EVERY_S,
            lambda: self.compile_phrases(providers),
            "they are compiled at the first incident",
            first_s=FIRST_COMPILED_AFTER_S,
            is_for_each=True,
        )
