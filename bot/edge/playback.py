"""A history and a clock -> a status page on loopback that shows, over real HTTP, what the page showed at that moment.

The demo polls it with the real engine, and tests do. It speaks Statuspage: ``summary.json``, ``incidents.json`` and an
own page for each incident and maintenance, with weak ETags and 304. Bodies are made once for each moment at which the
page changed, so a day at 120 times its speed costs as much as a still page.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.sources.history import History, incident_at, incidents_at, moments, summary_at

MAX_INCIDENTS = 50  # on incidents.json, as Statuspage has it (status-sources.md 2.1)


class Playback:
    """The page. ``start`` gives its address, ``stop`` takes it down; both may happen more than once, in turn."""

    def __init__(self, history: History, now: Callable[[], datetime]) -> None:
        """``now`` is asked at each request; what the history posted later is not there yet."""
        self._history, self._now = history, now
        self._moments = moments(history)
        self._made: dict[tuple[int, str], tuple[str, bytes] | None] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Serves on a free port of 127.0.0.1. Gives the page's root, without a trailing slash."""
        app = web.Application()
        app.router.add_get("/api/v2/{page:.+}.json", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Takes the page down."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        key = bisect_right(self._moments, self._now()), request.match_info["page"]
        if key not in self._made:
            self._made[key] = self._make(*key)
        made = self._made[key]
        if made is None:
            raise web.HTTPNotFound(text="There is no such page.")
        etag, body = made
        headers = {"etag": etag, "cache-control": "max-age=0, private, must-revalidate"}
        if request.headers.get("if-none-match") == etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)

    def _make(self, index: int, name: str) -> tuple[str, bytes] | None:
        """A page's ETag and bytes as of the ``index``-th change; None where there is no such page."""
        at = self._moments[index - 1] if index else datetime.min.replace(tzinfo=self._now().tzinfo)
        content = self._content(name, at)
        if content is None:
            return None
        updated = {"updated_at": at.isoformat()} if index else {}
        body = json.dumps({**content, "page": {**self._history.page, **updated}}).encode()
        return f'W/"{hashlib.sha256(body).hexdigest()[:32]}"', body

    def _content(self, name: str, at: datetime) -> dict[str, Any] | None:
        if name == "summary":
            return summary_at(self._history, at)
        if name == "incidents":
            posted = [i for i in incidents_at(self._history, at) if i["impact"] != "maintenance"]
            return {"incidents": posted[:MAX_INCIDENTS]}
        kind, _, identity = name.partition("/")
        incident = incident_at(self._history, identity, at)
        key = "scheduled_maintenance" if incident and incident["impact"] == "maintenance" else "incident"
        return {key: incident} if incident and kind == f"{key}s".replace("_", "-") else None
