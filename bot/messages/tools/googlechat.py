"""Google Chat: a space's webhook with one card; all messages of an incident are in one thread."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bot.messages import formatting, markup
from bot.messages.announcement import Announcement
from bot.messages.tools import base

MAX_TITLE, MAX_TEXT, MAX_KEY = 200, 4000, 4000
_REPLY = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"

STYLE = markup.MarkupStyle(
    escape, ("<b>", "</b>"), link=lambda url, label: f'<a href="{escape(url)}">{label}</a>', emoji=base.symbol
)


def request(announcement: Announcement, address: base.ToolAddress, dedup_key: str) -> base.ToolRequest:
    """A message with one card."""
    quote = [f"<i>{escape(announcement.quote)}</i>"] if announcement.quote else []
    texts = [
        *(markup.render(line, STYLE) for line in announcement.lines),
        *quote,
        *(markup.render(line, STYLE) for line in announcement.details),
    ]
    paragraphs = [{"textParagraph": {"text": formatting.truncate(text, MAX_TEXT, "…")}} for text in texts]
    card: dict[str, object] = {
        "header": {
            "title": base.title_text(announcement, MAX_TITLE),
            "subtitle": announcement.provider_name,
        },
        "sections": [{"widgets": paragraphs or [{"textParagraph": {"text": escape(announcement.headline.text)}}]}],
    }
    body = {
        "cardsV2": [{"cardId": "incident", "card": card}],
        "fallbackText": formatting.truncate(announcement.headline.text, MAX_TITLE, "…"),
        "thread": {"threadKey": dedup_key[:MAX_KEY]},
    }
    return base.ToolRequest(_with_thread_option(address.url), body)


def _with_thread_option(url: str) -> str:
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), "messageReplyOption": _REPLY}
    return urlunsplit(parts._replace(query=urlencode(query)))


KIND = base.ToolKind("googlechat", "Google Chat", request)
