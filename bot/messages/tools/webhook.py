"""A signed webhook: our own JSON (``notify/1``), for programs. The envelope is that of Standard Webhooks."""

from __future__ import annotations

from bot.messages import markup
from bot.messages.announcement import Announcement
from bot.messages.tools import base

SCHEMA = "notify/1"


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest:
    """Every phase is one event: ``incident.triggered``, ``.updated``, ``.acknowledged``, ``.resolved``.

    Of an incident that a team declared, ``declared.triggered`` and so on.
    """
    data: dict[str, object] = {
        "schema": SCHEMA,
        "dedup_key": dedup_key,
        "incident": announcement.incident,
        "provider": announcement.provider,
        "provider_name": announcement.provider_name,
        "phase": announcement.phase.value,
        "severity": announcement.severity.value,
        "headline": announcement.headline.text,
        "status": announcement.headline.status.value if announcement.headline.status else None,
        "text": [markup.to_plain(line) for line in announcement.lines],
        "details": [markup.to_plain(line) for line in announcement.details],
        "quote": announcement.quote,
        "services": base.service_facts(announcement),
        "title": announcement.title,
        "url": announcement.url or None,
        "began_at": base.iso(announcement.began_at),
        "next_update": base.iso(announcement.next_update),
        "ended_at": base.iso(announcement.ended_at),
        "by": announcement.by or None,
        "maintenance": announcement.is_maintenance,
        "suspected": announcement.is_suspected,
    }
    if incident := announcement.declared:
        data["declared"] = {
            "number": incident.number,
            "severity": incident.severity.value,
            "declared_by": incident.declared.by.name,
            "declared_at": base.iso(incident.declared.at),
            "incidents": [*incident.incidents],
            "safe_since": base.iso(incident.safe_since),
        }
    kind = f"{'declared' if announcement.declared else 'incident'}.{announcement.phase}"
    body = {"type": kind, "timestamp": base.iso(announcement.as_of), "data": data}
    return base.ToolRequest(address.url, body)


KIND = base.ToolKind("webhook", "Webhook", request, is_signed=True)
