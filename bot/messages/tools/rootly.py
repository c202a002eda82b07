"""Rootly: a generic webhook alert source, whose fields are found by JSON path. It takes no acknowledgement."""

from __future__ import annotations

from bot.messages.announcement import Announcement, Phase
from bot.messages.tools import base

MAX_TITLE, MAX_TEXT = 250, 20_000


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest | None:
    """The alert; ``external_id`` identifies it, and ``state`` says whether it is over. None for an acknowledgement."""
    if announcement.phase is Phase.ACKNOWLEDGED:
        return None
    body = {
        "title": base.title_text(announcement, MAX_TITLE),
        "description": base.plain_body(announcement, MAX_TEXT),
        "external_id": dedup_key,
        "external_url": announcement.url,
        "state": "resolved" if announcement.phase is Phase.RESOLVED else "open",
        "severity": announcement.severity.value,
        "provider": announcement.provider,
        "services": [service.id for service in announcement.services],
    }
    return base.ToolRequest(address.url, body, base.bearer(address))


KIND = base.ToolKind(
    "rootly",
    "Rootly",
    request,
    url="https://webhooks.rootly.com/webhooks/incoming/generic_webhooks",
    needs_key=True,
)
