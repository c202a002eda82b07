"""Alertmanager: API v2. It has no acknowledgement; silences are its own matter."""

from __future__ import annotations

from datetime import timedelta

from bot.messages import formatting, markup
from bot.messages.announcement import Announcement, Phase
from bot.messages.tools import base

PATH = "/api/v2/alerts"
FIRES_FOR = timedelta(days=7)  # until then it fires without another word; without an end, five minutes would be it
MAX_TEXT = 10_000


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest | None:
    """One alert per incident; its labels never change, so that the end finds it. None for an acknowledgement."""
    if announcement.phase is Phase.ACKNOWLEDGED:
        return None
    ends_at = announcement.ended_at if announcement.phase is Phase.RESOLVED else announcement.as_of + FIRES_FOR
    name = "DeclaredIncident" if announcement.declared else "VendorIncident"
    alert = {
        "labels": {"alertname": name, "provider": announcement.provider, "incident": dedup_key},
        "annotations": {
            "summary": announcement.headline.text,
            "description": formatting.truncate(base.plain_body(announcement, MAX_TEXT), MAX_TEXT, "…"),
            "severity": announcement.severity.value,
            "services": ", ".join(service.id for service in announcement.services),
            "title": markup.clean(announcement.title),
        },
        "startsAt": base.iso(announcement.began_at),
        "endsAt": base.iso(ends_at or announcement.as_of),
    }
    if announcement.url:
        alert["generatorURL"] = announcement.url
    url = address.url.rstrip("/")
    return base.ToolRequest(url if url.endswith(PATH) else url + PATH, [alert], base.bearer(address))


KIND = base.ToolKind("alertmanager", "Alertmanager", request)
