"""Serves a recorded status page over HTTP on the loopback interface, as it was at the time that a clock shows.

The demo and tests poll it with the real engine. It serves the Statuspage API: ``summary.json``, ``incidents.json`` and
a page per incident and maintenance, with weak ETags and 304. Bodies are built once for each change of the page, so
playing a day at 120 times its speed costs as much as serving a static page.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.formats.reconstruction import History, change_times, incident_at, incidents_at, summary_at

MAX_INCIDENTS = 50  # in incidents.json, as in Statuspage (bot/docs/status-page-formats.md#statuspage)


class PlaybackServer:
    """The server. It can be started and stopped repeatedly."""

    def __init__(self, history: History, now: Callable[[], datetime]) -> None:
        """``now`` is called at each request and must return aware UTC times; later posts are not served yet."""
        self._history, self._now = history, now
        self._moments = change_times(history)
        self._pages: dict[tuple[int, str], tuple[str, bytes] | None] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listens on a free port of 127.0.0.1, and returns the page's URL without a trailing slash."""
        app = web.Application()
        app.router.add_get("/api/v2/{page:.+}.json", self._handle_request)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stops the server, if it runs."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _handle_request(self, request: web.Request) -> web.Response:
        key = bisect_right(self._moments, self._now()), request.match_info["page"]
        if key not in self._pages:
            self._pages[key] = self._build_page(*key)
        page = self._pages[key]
        if page is None:
            raise web.HTTPNotFound(text="There is no such page.")
        etag, body = page
        headers = {"etag": etag, "cache-control": "max-age=0, private, must-revalidate"}
        if request.headers.get("if-none-match") == etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)

    def _build_page(self, index: int, name: str) -> tuple[str, bytes] | None:
        """The ETag and body of a page after the first ``index`` changes; None where there is no such page."""
        at = self._moments[index - 1] if index else datetime.min.replace(tzinfo=self._now().tzinfo)
        content = self._page_content(name, at)
        if content is None:
            return None
        updated = {"updated_at": at.isoformat()} if index else {}
        body = json.dumps({**content, "page": {**self._history.page, **updated}}).encode()
        return f'W/"{hashlib.sha256(body).hexdigest()[:32]}"', body

    def _page_content(self, name: str, at: datetime) -> dict[str, Any] | None:
        if name == "summary":
            return summary_at(self._history, at)
        if name == "incidents":
            posted = [i for i in incidents_at(self._history, at) if i["impact"] != "maintenance"]
            return {"incidents": posted[:MAX_INCIDENTS]}
        kind, _, identity = name.partition("/")
        incident = incident_at(self._history, identity, at)
        key = "scheduled_maintenance" if incident and incident["impact"] == "maintenance" else "incident"
        return {key: incident} if incident and kind == f"{key}s".replace("_", "-") else None
