"""Builds a message from paragraphs, within all limits of Slack; what does not fit is cut and marked as cut. No I/O.

A paragraph is plain text: it is escaped here and nowhere else. ``**bold**`` and `` `code` `` in our own paragraphs are
markup in Slack and removed from plain text; vendor words therefore go only into paragraphs with ``is_quote``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain import Message
from bot.messages import block_kit, formatting

# characters in all blocks; Slack rejects messages of more than about 13,000 (bot/docs/slack-limits.md#message-limits)
_MAX_LENGTH = 12_000
BOLD = re.compile(r"\*\*(.+?)\*\*")
CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph in our own words, or with ``is_quote`` in the vendor's or a person's."""

    text: str
    is_quote: bool = False


def build_message(title: str, paragraphs: Iterable[Paragraph | str]) -> Message:
    """A message of a headline and paragraphs.

    Its text is complete even if the blocks are cut; whoever sends it to Slack cuts the text.
    """
    items = [p if isinstance(p, Paragraph) else Paragraph(p) for p in paragraphs]
    texts = [block_kit.quote_mrkdwn(p.text) if p.is_quote else _to_mrkdwn(p.text) for p in items]
    blocks = [block_kit.header(title)] if title else []
    if len(texts) < block_kit.MAX_BLOCKS // 2 and sum(map(len, texts)) <= _MAX_LENGTH:
        blocks += map(block_kit.section, texts)
    else:
        blocks += block_kit.sections(texts, _MAX_LENGTH, "; the command line shows all of it")
    text = "\n".join(filter(None, [title, *map(_to_plain_text, items)]))
    return Message(block_kit.escape(text), tuple(blocks))


def join_messages(messages: Iterable[Message]) -> Message:
    """Several answers as one message; those without text are left out."""
    shown = [m for m in messages if m.text]
    return Message("\n".join(m.text for m in shown), tuple(block for m in shown for block in m.blocks))


def _to_mrkdwn(text: str) -> str:
    """Our own text as Slack's markup: escaped first, then bold."""
    return BOLD.sub(r"*\1*", block_kit.escape(text))


def _to_plain_text(para: Paragraph) -> str:
    text = para.text if para.is_quote else CODE.sub(r"\1", BOLD.sub(r"\1", para.text))
    return "\n".join(f"> {line}" for line in formatting.truncate(text, 3000).splitlines()) if para.is_quote else text
