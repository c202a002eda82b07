"""A page's whole history over HTTP, kept while it is fetched -> one recorded history (status-sources.md 2.1).

The 50 newest come in one answer; older ones are named by the page's history, three months at a time, and are asked for
one by one. Each answer is kept at once, so that a walk that was broken off goes on where it was. Nothing is retried
here: a page that refuses is left alone, and the next run asks again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from bot.edge.fetch import Fetcher
from bot.edge.store.archive import Archive
from bot.errors import SourceError
from bot.model import Source
from bot.sources import statuspage, walk

JSON = "application/json"
MAX_PAGES = 120  # thirty years
QUIET_PAGES = 4  # a year without any incident: older ones may be there, but hardly

Advance = Callable[[str], None]


class Walk:
    """One walk through one page's history."""

    def __init__(self, web: Fetcher, archive: Archive, source: Source, pause_s: float, advance: Advance) -> None:
        self._web, self._archive, self._source = web, archive, source
        self._pause_s, self._advance = pause_s, advance
        self._kept = archive.fetched(source.provider)

    async def whole(self) -> bytes:
        """Everything, as a recorded history. SourceError where the page refuses, ParseError where it is none."""
        page, listed = walk.newest(await self._get(walk.INCIDENTS, JSON))
        for incident in listed:
            self._keep(str(incident.get("id")), incident)
        wanted = [code async for code in self._codes()]
        missing = [code for code in dict.fromkeys(wanted) if not self._kept.get(code, (False, b""))[0]]
        for number, code in enumerate(missing, 1):
            self._advance(f"fetching incident {number} of {len(missing)}")
            await self._incident(code)
        bodies = (json.loads(body) for _, body in self._kept.values() if body is not None)
        return walk.whole(page, bodies)

    async def _codes(self) -> AsyncIterator[str]:
        """The ids of all incidents that the page's history names."""
        quiet = 0
        path, form = walk.PAGES
        for number in range(1, MAX_PAGES + 1):
            self._advance(f"reading page {number} of the history")
            try:
                raw = await self._get(path.format(number=number), walk.ACCEPT)
            except SourceError as error:
                if path == form or error.code not in ("http_404", "http_406", "html"):
                    raise
                path = form
                raw = await self._get(path.format(number=number), walk.ACCEPT)
            codes = walk.codes(raw)
            quiet = 0 if codes else quiet + 1
            if codes is None or quiet >= QUIET_PAGES:
                return
            for code in codes:
                yield code

    async def _incident(self, code: str) -> None:
        try:
            raw = await self._get(statuspage.INCIDENT.format(id=code), JSON)
            self._keep(code, walk.own_page(raw))
        except SourceError as error:
            if error.code != "http_404":
                raise
            self._keep(code, None)

    def _keep(self, code: str, incident: dict[str, Any] | None) -> None:
        body = json.dumps(incident).encode() if incident is not None else None
        is_closed = incident is None or walk.is_closed(incident)
        if self._kept.get(code) != (is_closed, body):
            self._archive.keep_fetched(self._source.provider, code, body, is_closed=is_closed)
            self._kept[code] = (is_closed, body)

    async def _get(self, path: str, accept: str) -> bytes:
        page = await self._web.get(self._source.url, path, fallback=self._source.fallback, accept=accept)
        await asyncio.sleep(self._pause_s)
        return page.body
