"""Two readers of pages as one: a source that somebody typed in a chat is read by the strict one at every single look.

That an address was public when it was typed says nothing about where its name leads tomorrow (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.edge.fetch import Fetcher, Page
from bot.model import Provider, Source


@dataclass(frozen=True, slots=True)
class Webs:
    """Reads pages. ``providers`` is the catalogue of the running bot, as it grows."""

    plain: Fetcher
    strict: Fetcher
    providers: Iterable[Provider]

    async def get(
        self, source_url: str, path: str, *, fallback: str | None = None, etag: str | None = None, accept: str = "*/*"
    ) -> Page:
        """As ``Fetcher.get``."""
        typed = any(p.source.public and p.source.url == source_url for p in self.providers)
        reader = self.strict if typed else self.plain
        return await reader.get(source_url, path, fallback=fallback, etag=etag, accept=accept)

    def reader(self, source: Source) -> Fetcher:
        """The one for whatever else is asked for a source's sake, on other addresses too."""
        return self.strict if source.public else self.plain
