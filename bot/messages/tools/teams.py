"""Microsoft Teams: an Adaptive Card to a workflow ("When a Teams webhook request is received")."""

from __future__ import annotations

import re

from bot.messages import formatting, markup
from bot.messages.announcement import Announcement
from bot.messages.tools import base
from bot.messages.words import Status

MAX_TITLE, MAX_LINE = 200, 2000  # characters; a card has 28 KB at most
MAX_LINES = 8
_SPECIAL = re.compile(r"([\\`*_\[\]()#>|~!])")
_COLOURS = {
    Status.OUTAGE: "attention",
    Status.PARTIAL_OUTAGE: "attention",
    Status.DEGRADED: "warning",
    Status.MAINTENANCE: "accent",
    Status.RECOVERING: "accent",
    Status.OPERATIONAL: "good",
}


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


STYLE = markup.MarkupStyle(_escape, ("**", "**"), link=lambda url, label: f"[{label}]({url})", emoji=base.symbol)


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest:  # noqa: ARG001
    """A message with one card."""
    status = announcement.headline.status
    blocks: list[dict[str, object]] = [
        {
            "type": "TextBlock",
            "text": _escape(base.title_text(announcement, MAX_TITLE)),
            "size": "Large",
            "weight": "Bolder",
            "wrap": True,
            "color": _COLOURS.get(status, "default") if status else "default",
        }
    ]
    blocks += [_text_block(markup.render(line, STYLE)) for line in announcement.lines[:MAX_LINES]]
    if announcement.quote:
        blocks.append({"type": "Container", "style": "emphasis", "items": [_text_block(_escape(announcement.quote))]})
    blocks += [_text_block(markup.render(line, STYLE), is_small=True) for line in announcement.details]
    card: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": formatting.truncate(announcement.sentence, MAX_LINE, "…"),
        "body": blocks,
        "msteams": {"width": "Full"},
    }
    if announcement.url:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Status page", "url": announcement.url}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return base.ToolRequest(address.url, {"type": "message", "attachments": [attachment]})


def _text_block(text: str, *, is_small: bool = False) -> dict[str, object]:
    block: dict[str, object] = {"type": "TextBlock", "text": formatting.truncate(text, MAX_LINE, "…"), "wrap": True}
    return block | {"size": "Small", "isSubtle": True} if is_small else block


KIND = base.ToolKind("teams", "Microsoft Teams", request)
