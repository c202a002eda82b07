"""The few kinds of Block Kit elements that the bot uses, within Slack's limits and without working mentions. No I/O.

See bot/docs/slack-limits.md#message-limits.

Vendor text is hostile (bot/docs/decisions.md#rule-12-vendor-text-is-hostile): it is escaped and set ``verbatim``, so
that ``<!channel>`` and links are shown literally. What is too long is cut and marked as cut.

``mrkdwn`` is Slack's markup, already escaped; ``text`` is plain text.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.messages import formatting

Block = dict[str, Any]

MAX_HEADER = 150  # characters
MAX_SECTION = 3000  # characters
MAX_TEXT = 4000  # characters; chat.update rejects more, even as a fallback
MAX_BLOCKS = 50  # in a message
MAX_LABEL = 75  # characters of a button or an option
MAX_OPTION_VALUE = 150  # characters
MAX_OPTIONS = 100  # in a menu


def escape(text: str) -> str:
    """The text with Slack's three control characters escaped.

    See https://docs.slack.dev/messaging/formatting-message-text.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def header(text: str, *, emoji: bool = False) -> Block:
    """A headline, as plain text; with ``emoji``, codes such as ``:warning:`` are shown as emoji."""
    return {
        "type": "header",
        "text": {"type": "plain_text", "text": formatting.truncate(text, MAX_HEADER), "emoji": emoji},
    }


def section(mrkdwn: str) -> Block:
    """A paragraph of Slack's markup; the caller has escaped all foreign text in it."""
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": truncate_mrkdwn(mrkdwn, MAX_SECTION), "verbatim": True},
    }


def quote_block(text: str, limit: int = MAX_SECTION) -> Block:
    """A paragraph that quotes the vendor's or a person's words."""
    return section(quote_mrkdwn(text, limit))


def quote_mrkdwn(text: str, limit: int = MAX_SECTION) -> str:
    """The vendor's or a person's words as Slack's markup: escaped, each line as a quote."""
    lines = escape(text.strip() or "(no text)").splitlines()
    return truncate_mrkdwn("\n".join(f"> {line}" for line in lines), limit)


def sections(lines: Iterable[str], max_length: int, elsewhere: str = "") -> list[Block]:
    """Lines of markup in as few paragraphs as possible.

    Lines beyond ``max_length`` characters in total are counted in a last line, which ends with ``elsewhere``.
    """
    remaining = list(lines)
    paragraphs: list[str] = []
    while remaining and sum(map(len, paragraphs)) + len(remaining[0]) <= max_length:
        line = remaining.pop(0)
        if paragraphs and len(paragraphs[-1]) + len(line) < MAX_SECTION:
            paragraphs[-1] += f"\n{line}"
        else:
            paragraphs.append(line)
    return [
        section(text) for text in (*paragraphs, *([f"… and {len(remaining)} more{elsewhere}"] if remaining else []))
    ]


def context(mrkdwn: str) -> Block:
    """A paragraph in small print."""
    text = {"type": "mrkdwn", "text": truncate_mrkdwn(mrkdwn, MAX_SECTION), "verbatim": True}
    return {"type": "context", "elements": [text]}


def context_elements(texts: Iterable[str]) -> Block:
    """Paragraphs of markup in small print, one below the other."""
    return {"type": "context", "elements": [context(text)["elements"][0] for text in texts]}


def overflow(action_id: str, options: Iterable[tuple[str, str]]) -> Block:
    """A menu behind three dots, of pairs of label and value."""
    shown = [{"text": plain_text(text), "value": value} for text, value in options]
    return {"type": "overflow", "action_id": action_id, "options": shown}


def actions(elements: Iterable[Block]) -> Block:
    """A row of buttons and menus."""
    return {"type": "actions", "elements": list(elements)}


def button(action_id: str, label: str, value: str, accessibility_label: str = "") -> Block:
    """A button; a screen reader says ``accessibility_label`` instead of the label, if there is one."""
    element = {"type": "button", "action_id": action_id, "text": plain_text(label), "value": value}
    return element | ({"accessibility_label": accessibility_label} if accessibility_label else {})


def menu(action_id: str, label: str, options: Iterable[tuple[str, str]]) -> Block:
    """A menu of pairs of label and value; ``label`` is shown while nothing is selected."""
    return {"type": "static_select", "action_id": action_id, "placeholder": plain_text(label)} | {
        "options": [{"text": plain_text(text), "value": value} for text, value in options]
    }


def plain_text(text: str) -> Block:
    """A text object in which Slack reads no markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def local_date(at: datetime, date_format: str = "{time}") -> str:
    """A time that Slack shows in the reader's time zone; the fallback is in UTC.

    ``date_format`` has Slack's date tokens, such as ``{date_short_pretty} {time}``.
    """
    fallback = formatting.format_time(at) if date_format == "{time}" else formatting.format_datetime(at)
    return f"<!date^{int(at.timestamp())}^{date_format}|{fallback}>"


def safe_link(url: str, label: str) -> str:
    """A link; only the label if the URL is not http(s) or contains one of Slack's control characters."""
    if not url.startswith(("https://", "http://")) or any(character in url for character in "<>| \n"):
        return escape(label)
    return f"<{url}|{escape(label).replace('|', '¦')}>"


def truncate_mrkdwn(mrkdwn: str, limit: int) -> str:
    """Escaped text, cut to ``limit`` characters if it is longer; never inside an escape sequence, a link or a time."""
    if len(mrkdwn) <= limit:
        return mrkdwn
    marker = "… (cut)"
    body = formatting.truncate(mrkdwn, limit)[: -len(marker)]
    token_start = body.rfind("<")  # a raw one begins a token: text has &lt;
    if token_start > body.rfind(">"):
        body = body[:token_start]
    escape_start = body.rfind("&", len(body) - 5)
    return (body[:escape_start] if escape_start >= 0 and ";" not in body[escape_start:] else body) + marker
