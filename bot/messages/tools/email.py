"""E-mail: plain text, and the same as HTML. The messages of an incident are one conversation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from html import escape

from bot.messages import formatting, markup
from bot.messages.announcement import Announcement
from bot.messages.tools import base

NAME, LABEL = "email", "E-mail"
MAX_SUBJECT, MAX_TEXT = 150, 20_000

STYLE = markup.MarkupStyle(
    escape, ("<b>", "</b>"), link=lambda url, label: f'<a href="{escape(url)}">{label}</a>', emoji=base.symbol
)


@dataclass(frozen=True, slots=True)
class MailContent:
    """A mail without its sender and recipients. ``thread_id`` is the id of the conversation's first mail."""

    subject: str
    text: str
    html: str
    message_id: str
    thread_id: str


def content(announcement: Announcement, dedup_key: str) -> MailContent:
    """The mail; its id is the same at every attempt."""
    quote = f"<blockquote>{escape(announcement.quote)}</blockquote>" if announcement.quote else ""
    paragraphs = [f"<p>{markup.render(line, STYLE)}</p>" for line in announcement.lines]
    small = [f'<p style="color:#5A606B">{markup.render(line, STYLE)}</p>' for line in announcement.details]
    title = escape(base.title_text(announcement, MAX_SUBJECT))
    url = f"\n{announcement.url}" if announcement.url else ""
    return MailContent(
        subject=formatting.truncate(announcement.headline.text, MAX_SUBJECT, "…"),
        text=f"{announcement.headline.text}\n\n{base.plain_body(announcement, MAX_TEXT)}\n{url}\n",
        html=f"<html><body><h2>{title}</h2>{''.join(paragraphs)}{quote}{''.join(small)}</body></html>",
        message_id=_mail_id(announcement.key, dedup_key),
        thread_id=_mail_id("", dedup_key),
    )


def _mail_id(key: str, dedup_key: str) -> str:
    digest = hashlib.sha256(f"{dedup_key}\x00{key}".encode("utf-8", "replace")).hexdigest()[:32]
    return f"<{digest}@brownout.invalid>"
