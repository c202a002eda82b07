"""PagerDuty: Events API v2. An alert triggers, an acknowledgement acknowledges, *safe to retry* resolves."""

from __future__ import annotations

from bot.messages import formatting
from bot.messages.announcement import Announcement, Phase
from bot.messages.tools import base

MAX_SUMMARY, MAX_KEY = 1024, 255  # characters that PagerDuty accepts
MAX_DETAIL = 5000
_ACTIONS = {
    Phase.TRIGGERED: "trigger",
    Phase.UPDATED: "trigger",  # of the same key: it is added to the incident's log
    Phase.ACKNOWLEDGED: "acknowledge",
    Phase.RESOLVED: "resolve",
}


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest:
    """The event; all of an incident have its dedup_key."""
    action = _ACTIONS[announcement.phase]
    body: dict[str, object] = {"routing_key": address.key, "event_action": action, "dedup_key": dedup_key[:MAX_KEY]}
    if action == "trigger":
        whose = "the vendor" if announcement.declared else announcement.provider_name
        link = {"href": announcement.url, "text": f"{whose}: the incident's page"}
        body |= {
            "client": "Brownout",
            "payload": {
                "summary": formatting.truncate(announcement.headline.text, MAX_SUMMARY, "…"),
                "source": announcement.provider,
                "severity": announcement.severity.value,
                "timestamp": base.iso(announcement.began_at),
                "component": ", ".join(service.id for service in announcement.services)[:MAX_KEY] or None,
                "group": announcement.provider,
                "class": base.class_text(announcement),
                "custom_details": {
                    "advice": base.plain_body(announcement, MAX_DETAIL),
                    "services": base.service_facts(announcement),
                },
            },
            "links": [link] if announcement.url else [],
        }
    return base.ToolRequest(address.url, body)


KIND = base.ToolKind("pagerduty", "PagerDuty", request, url="https://events.pagerduty.com/v2/enqueue", needs_key=True)
