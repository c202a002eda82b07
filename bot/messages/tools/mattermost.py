"""Mattermost: an incoming webhook with one attachment. A mention in a vendor's text mentions nobody."""

from __future__ import annotations

import re

from bot.messages import formatting, markup
from bot.messages.announcement import Announcement
from bot.messages.tools import base

MAX_TITLE, MAX_TEXT = 200, 7600  # characters; Mattermost splits longer texts
_SPECIAL = re.compile(r"([\\`*_\[\]()#>|~<!-])")
_NO_MENTION = "\u200b"  # after an @, so that it mentions nobody


def _quiet(text: str) -> str:
    return text.replace("@", f"@{_NO_MENTION}")


def _escape(text: str) -> str:
    return _quiet(_SPECIAL.sub(r"\\\1", text))


STYLE = markup.MarkupStyle(_escape, ("**", "**"), link=lambda url, label: f"[{label}]({url})", emoji=base.symbol)


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest:  # noqa: ARG001
    """A message with one attachment."""
    quote = [f"> {_escape(line)}" for line in announcement.quote.splitlines()]
    texts = [*(markup.render(line, STYLE) for line in announcement.lines), *quote]
    attachment: dict[str, object] = {
        "fallback": formatting.truncate(_quiet(announcement.sentence), MAX_TEXT, "…"),
        "color": announcement.headline.colour,
        "title": _quiet(base.title_text(announcement, MAX_TITLE)),
        "text": formatting.truncate("\n".join(texts), MAX_TEXT, "…"),
        "footer": _quiet(formatting.truncate(" · ".join(map(markup.to_plain, announcement.details)), 500, "…")),
    }
    if announcement.url:
        attachment["title_link"] = announcement.url
    return base.ToolRequest(address.url, {"username": "Brownout", "attachments": [attachment]})


KIND = base.ToolKind("mattermost", "Mattermost", request)
