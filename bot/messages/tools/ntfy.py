"""ntfy: a topic of ntfy.sh or of a server of your own; the address is that of the topic."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from bot.messages import formatting
from bot.messages.announcement import Announcement, Phase, Severity
from bot.messages.tools import base

MAX_TITLE, MAX_MESSAGE = 200, 1200  # characters; a message has 4,096 bytes at most
_PRIORITIES = {Severity.CRITICAL: 5, Severity.ERROR: 4, Severity.WARNING: 3, Severity.INFO: 2}
_TAGS = {
    Phase.TRIGGERED: "rotating_light",
    Phase.UPDATED: "arrows_counterclockwise",
    Phase.ACKNOWLEDGED: "wave",
    Phase.RESOLVED: "white_check_mark",
}


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest:  # noqa: ARG001
    """A message, published as JSON."""
    parts = urlsplit(address.url)
    root, _, topic = parts.path.rstrip("/").rpartition("/")
    body: dict[str, object] = {
        "topic": topic,
        "title": formatting.truncate(announcement.headline.text, MAX_TITLE, "…"),
        "message": base.plain_body(announcement, MAX_MESSAGE) or announcement.headline.text,
        "priority": _PRIORITIES[announcement.severity],
        "tags": [_TAGS[announcement.phase]],
    }
    if announcement.url:
        body["click"] = announcement.url
    return base.ToolRequest(urlunsplit(parts._replace(path=f"{root}/")), body, base.bearer(address))


KIND = base.ToolKind("ntfy", "ntfy", request)
