"""``SourceFetcher``: fetches sources that were added from a chat strictly, and all others plainly.

The strict fetcher checks the address at every poll: that it was public when it was typed says nothing about where its
name leads tomorrow (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.adapters.page_fetcher import FetchedPage, PageFetcher
from bot.domain import Provider, Source


@dataclass(slots=True)
class SourceFetcher:
    """Fetches pages. ``providers`` is the catalogue of the running bot.

    Providers may be appended to it; after any other change ``forget_providers`` has to be called.
    """

    plain: PageFetcher
    strict: PageFetcher
    providers: Sequence[Provider]
    _strict_urls: set[str] = field(default_factory=set)
    _checked: int = 0  # the number of providers whose URL is in ``_strict_urls`` if it is public

    async def get(
        self, source_url: str, path: str, *, fallback: str | None = None, etag: str | None = None, accept: str = "*/*"
    ) -> FetchedPage:
        """As ``PageFetcher.get``."""
        new = self.providers[self._checked :]
        self._strict_urls.update(p.source.url for p in new if p.source.public)
        self._checked += len(new)
        fetcher = self.strict if source_url in self._strict_urls else self.plain
        return await fetcher.get(source_url, path, fallback=fallback, etag=etag, accept=accept)

    def forget_providers(self) -> None:
        """Looks at the whole catalogue again at the next poll."""
        self._strict_urls.clear()
        self._checked = 0

    def fetcher_for(self, source: Source) -> PageFetcher:
        """The fetcher for other requests on behalf of a source, also to other addresses."""
        return self.strict if source.public else self.plain
