"""Opsgenie, and Jira Service Management, whose integration events have the same form: alerts by alias."""

from __future__ import annotations

from urllib.parse import quote

from bot.messages import formatting
from bot.messages.announcement import Announcement, Phase, Severity
from bot.messages.tools import base

MAX_MESSAGE, MAX_TEXT, MAX_ALIAS, MAX_NOTE = 130, 15_000, 512, 25_000  # characters that Opsgenie accepts
_PRIORITIES = {Severity.CRITICAL: "P1", Severity.ERROR: "P2", Severity.WARNING: "P3", Severity.INFO: "P5"}
_STEPS = {Phase.ACKNOWLEDGED: "acknowledge", Phase.RESOLVED: "close", Phase.UPDATED: "notes"}


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest:
    """A new alert, or a step of the one with the incident's alias."""
    headers, url = {"authorization": f"GenieKey {address.key}"}, address.url.rstrip("/")
    alias = dedup_key[:MAX_ALIAS]
    if announcement.phase is not Phase.TRIGGERED:
        step = f"{url}/{quote(alias, safe='')}/{_STEPS[announcement.phase]}?identifierType=alias"
        note = f"{announcement.headline.text}\n{base.plain_body(announcement, MAX_TEXT)}"[:MAX_NOTE]
        return base.ToolRequest(
            step, {"source": "Brownout", "user": announcement.by or "Brownout", "note": note}, headers
        )
    body = {
        "message": formatting.truncate(announcement.headline.text, MAX_MESSAGE, "…"),
        "alias": alias,
        "description": base.plain_body(announcement, MAX_TEXT),
        "entity": announcement.provider,
        "source": "Brownout",
        "priority": _PRIORITIES[announcement.severity],
        "tags": ["brownout", announcement.provider, *(service.id for service in announcement.services)][:20],
        "details": {
            "incident": announcement.incident,
            "url": announcement.url,
            **{service.id: f"{service.status}: {service.advice_text}" for service in announcement.services[:20]},
        },
    }
    return base.ToolRequest(url, body, headers)


KIND = base.ToolKind("opsgenie", "Opsgenie", request, url="https://api.opsgenie.com/v2/alerts", needs_key=True)
JSM_KIND = base.ToolKind(
    "jsm",
    "Jira Service Management",
    request,
    url="https://api.atlassian.com/jsm/ops/integration/v2/alerts",
    needs_key=True,
)
