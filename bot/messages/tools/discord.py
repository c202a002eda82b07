"""Discord: a webhook with one embed. Nobody is mentioned, whatever a text says."""

from __future__ import annotations

import re

from bot.messages import formatting, markup
from bot.messages.announcement import Announcement
from bot.messages.tools import base

MAX_TITLE, MAX_DESCRIPTION, MAX_FOOTER = 256, 4096, 2048  # characters that Discord accepts
_SPECIAL = re.compile(r"([\\`*_\[\]()#>|~<@-])")


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


STYLE = markup.MarkupStyle(
    _escape,
    ("**", "**"),
    link=lambda url, label: f"[{label}]({url})",
    time=lambda at, _: f"<t:{int(at.timestamp())}:t>",  # in the reader's time zone
    emoji=base.symbol,
)


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest:  # noqa: ARG001
    """A message with one embed."""
    quote = [f"> {_escape(line)}" for line in announcement.quote.splitlines()]
    rendered = [markup.render(line, STYLE) for line in (*announcement.lines, *announcement.details)]
    texts = [*rendered[: len(announcement.lines)], *quote, *rendered[len(announcement.lines) :]]
    embed: dict[str, object] = {
        "title": base.title_text(announcement, MAX_TITLE),
        "description": formatting.truncate("\n".join(texts), MAX_DESCRIPTION, "…"),
        "color": int(announcement.headline.colour.lstrip("#"), 16),
        "timestamp": base.iso(announcement.as_of),
    }
    if announcement.url:
        embed["url"] = announcement.url
    body = {"username": "Brownout", "embeds": [embed], "allowed_mentions": {"parse": []}}
    return base.ToolRequest(address.url, body)


KIND = base.ToolKind("discord", "Discord", request)
