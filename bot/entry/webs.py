"""Two readers of pages as one: a source that somebody typed in a chat is read by the strict one at every single look.

That an address was public when it was typed says nothing about where its name leads tomorrow (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.edge.fetch import Fetcher, Page
from bot.model import Provider, Source


@dataclass(slots=True)
class Webs:
    """Reads pages. ``providers`` is the catalogue of the running bot, which only grows, at its end."""

    plain: Fetcher
    strict: Fetcher
    providers: Sequence[Provider]
    _typed: set[str] = field(default_factory=set)
    _known: int = 0  # so many of them have been sorted

    async def get(
        self, source_url: str, path: str, *, fallback: str | None = None, etag: str | None = None, accept: str = "*/*"
    ) -> Page:
        """As ``Fetcher.get``."""
        new = self.providers[self._known :]
        self._typed.update(p.source.url for p in new if p.source.public)
        self._known += len(new)
        reader = self.strict if source_url in self._typed else self.plain
        return await reader.get(source_url, path, fallback=fallback, etag=etag, accept=accept)

    def reader(self, source: Source) -> Fetcher:
        """The one for whatever else is asked for a source's sake, on other addresses too."""
        return self.strict if source.public else self.plain
