"""Text -> the few Block Kit shapes that we use, inside Slack's limits (slack.md 2.1) and with no mention that can fire.

Vendor text is hostile (DESIGN.md 4.12): it is escaped and set ``verbatim``, so that ``<!channel>`` and links are shown
as the letters they are. What is too long is cut, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.voice import words

Block = dict[str, Any]

HEADER = 150
SECTION = 3000
TEXT = 4000  # chat.update refuses more, even as a fallback
BLOCKS = 50


def escape(text: str) -> str:
    """The three characters that Slack reads as markup (https://docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def header(text: str) -> Block:
    """A headline; plain text, nothing in it is read as markup."""
    return {"type": "header", "text": {"type": "plain_text", "text": words.cut(text, HEADER), "emoji": False}}


def section(mrkdwn: str) -> Block:
    """A paragraph of our own markup; anything foreign in it must have been escaped."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": fit(mrkdwn, SECTION), "verbatim": True}}


def quote(text: str, limit: int = SECTION) -> Block:
    """Somebody else's words, as they are."""
    return section(quoted(text, limit))


def quoted(text: str, limit: int = SECTION) -> str:
    """Somebody else's words as our markup: escaped, and each line marked as theirs."""
    lines = escape(text.strip() or "(no text)").splitlines()
    return fit("\n".join(f"> {line}" for line in lines), limit)


def sections(lines: Iterable[str], budget: int, elsewhere: str = "") -> list[Block]:
    """Lines of our own markup in as few paragraphs as hold them; past the budget, how many more there are and where."""
    waiting = list(lines)
    shown: list[str] = []
    while waiting and sum(map(len, shown)) + len(waiting[0]) <= budget:
        line = waiting.pop(0)
        if shown and len(shown[-1]) + len(line) < SECTION:
            shown[-1] += f"\n{line}"
        else:
            shown.append(line)
    return [section(text) for text in (*shown, *([f"… and {len(waiting)} more{elsewhere}"] if waiting else []))]


def context(mrkdwn: str) -> Block:
    """Small print."""
    text = {"type": "mrkdwn", "text": fit(mrkdwn, SECTION), "verbatim": True}
    return {"type": "context", "elements": [text]}


def actions(elements: Iterable[Block]) -> Block:
    """A row of buttons and menus."""
    return {"type": "actions", "elements": list(elements)}


def button(action_id: str, label: str, value: str, spoken: str = "") -> Block:
    """A button; ``spoken`` is what a screen reader says in place of the label."""
    told = {"type": "button", "action_id": action_id, "text": plain(label), "value": value}
    return told | ({"accessibility_label": spoken} if spoken else {})


def menu(action_id: str, label: str, options: Iterable[tuple[str, str]]) -> Block:
    """A menu of label and value; ``label`` is shown while nothing is chosen."""
    return {"type": "static_select", "action_id": action_id, "placeholder": plain(label)} | {
        "options": [{"text": plain(text), "value": value} for text, value in options]
    }


def plain(text: str) -> Block:
    """Text in which nothing is read as markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def date(at: datetime, form: str = "{time}") -> str:
    """A time that every reader sees in their own zone; the fallback says UTC."""
    fallback = words.clock(at) if form == "{time}" else words.day(at)
    return f"<!date^{int(at.timestamp())}^{form}|{fallback}>"


def link(url: str, label: str) -> str:
    """A link of our own making; only http(s) addresses without Slack's own signs become one."""
    if not url.startswith(("https://", "http://")) or any(sign in url for sign in "<>| \n"):
        return escape(label)
    return f"<{url}|{escape(label).replace('|', '¦')}>"


def fit(mrkdwn: str, limit: int) -> str:
    """Escaped text, or as much of it as fits; no half of an escape is left behind."""
    if len(mrkdwn) <= limit:
        return mrkdwn
    kept = words.cut(mrkdwn, limit)
    body, mark = kept[: -len("… (cut)")], "… (cut)"
    tail = body.rfind("&", len(body) - 5)
    return (body[:tail] if tail >= 0 and ";" not in body[tail:] else body) + mark
