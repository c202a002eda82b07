"""incident.io: HTTP alert source (alert events). It has no acknowledgement from outside."""

from __future__ import annotations

from bot.messages.announcement import Announcement, Phase
from bot.messages.tools import base

MAX_TITLE, MAX_TEXT = 200, 20_000


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest | None:
    """The alert event; None for an acknowledgement."""
    if announcement.phase is Phase.ACKNOWLEDGED:
        return None
    body = {
        "title": base.title_text(announcement, MAX_TITLE),
        "status": "resolved" if announcement.phase is Phase.RESOLVED else "firing",
        "deduplication_key": dedup_key,
        "description": base.plain_body(announcement, MAX_TEXT),
        "source_url": announcement.url or None,
        "metadata": {
            "provider": announcement.provider,
            "severity": announcement.severity.value,
            "services": base.service_facts(announcement),
        },
    }
    return base.ToolRequest(address.url, {k: v for k, v in body.items() if v is not None}, base.bearer(address))


KIND = base.ToolKind("incidentio", "incident.io", request, needs_key=True)
