"""What the poller needs of an HTTP client."""

from __future__ import annotations

from typing import Protocol


class PageResponse(Protocol):
    """An HTTP response. ``took_s`` is in seconds."""

    @property
    def url(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102
    @property
    def etag(self) -> str | None: ...  # noqa: D102
    @property
    def not_modified(self) -> bool: ...  # noqa: D102
    @property
    def took_s(self) -> float: ...  # noqa: D102
    @property
    def fallback_because(self) -> str | None: ...  # noqa: D102


class PageClient(Protocol):
    """Fetches pages; every failure is a SourceError."""

    async def get(  # noqa: D102
        self, source_url: str, path: str, *, fallback: str | None, etag: str | None, accept: str
    ) -> PageResponse: ...
