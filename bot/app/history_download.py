"""Downloads the whole incident history of a Statuspage page over HTTP, as one recorded history for a backfill.

See bot/docs/status-page-formats.md#history-pages.

The 50 newest incidents come in one response; older ones are listed by the page's history, three months at a time, and
are fetched one by one. Each response is stored at once, so that an interrupted download continues where it stopped.
Nothing is retried here: if the page refuses, the download ends, and the next run continues it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from bot.adapters.page_fetcher import PageFetcher
from bot.domain import Source
from bot.errors import SourceError
from bot.formats import statuspage, statuspage_index
from bot.storage.archive import Archive

JSON_TYPE = "application/json"
MAX_PAGES = 120  # of three months each: thirty years
MAX_EMPTY_PAGES = 4  # after a year without any incident, older ones are unlikely

ProgressCallback = Callable[[str], None]


class HistoryDownload:
    """One download of one page's history. ``advance`` gets progress texts; ``pause_s`` is waited after each request."""

    def __init__(
        self, web: PageFetcher, archive: Archive, source: Source, pause_s: float, advance: ProgressCallback
    ) -> None:
        self._web, self._archive, self._source = web, archive, source
        self._pause_s, self._advance = pause_s, advance
        self._fetched = archive.fetched_pages(source.provider)

    async def download(self) -> bytes:
        """The whole history, as recorded. SourceError if the page refuses; ParseError if it is no Statuspage page."""
        page, listed = statuspage_index.read_incident_list(await self._get(statuspage_index.INCIDENTS, JSON_TYPE))
        for incident in listed:
            self._save_page(str(incident.get("id")), incident)
        codes = [code async for code in self._incident_ids()]
        missing = [code for code in dict.fromkeys(codes) if not self._fetched.get(code, (False, b""))[0]]
        for number, code in enumerate(missing, 1):
            self._advance(f"fetching incident {number} of {len(missing)}")
            await self._fetch_incident(code)
        bodies = (json.loads(body) for _, body in self._fetched.values() if body is not None)
        return statuspage_index.build_history(page, bodies)

    async def _incident_ids(self) -> AsyncIterator[str]:
        """The ids of all incidents that the page's history lists."""
        empty_pages = 0
        path, form = statuspage_index.HISTORY_PATHS
        for number in range(1, MAX_PAGES + 1):
            self._advance(f"reading page {number} of the history")
            try:
                raw = await self._get(path.format(number=number), statuspage_index.ACCEPT)
            except SourceError as error:
                if path == form or error.code not in ("http_404", "http_406", "html"):
                    raise
                path = form
                raw = await self._get(path.format(number=number), statuspage_index.ACCEPT)
            codes = statuspage_index.incident_codes(raw)
            empty_pages = 0 if codes else empty_pages + 1
            if codes is None or empty_pages >= MAX_EMPTY_PAGES:
                return
            for code in codes:
                yield code

    async def _fetch_incident(self, code: str) -> None:
        try:
            raw = await self._get(statuspage.INCIDENT.format(id=code), JSON_TYPE)
            self._save_page(code, statuspage_index.read_incident_page(raw))
        except SourceError as error:
            if error.code != "http_404":
                raise
            self._save_page(code, None)

    def _save_page(self, code: str, incident: dict[str, Any] | None) -> None:
        body = json.dumps(incident).encode() if incident is not None else None
        is_closed = incident is None or statuspage_index.is_closed(incident)
        if self._fetched.get(code) != (is_closed, body):
            self._archive.save_fetched_page(self._source.provider, code, body, is_closed=is_closed)
            self._fetched[code] = (is_closed, body)

    async def _get(self, path: str, accept: str) -> bytes:
        page = await self._web.get(self._source.url, path, fallback=self._source.fallback, accept=accept)
        await asyncio.sleep(self._pause_s)
        return page.body
