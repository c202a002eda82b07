"""Paragraphs -> one message, inside every limit of Slack; what does not fit is cut, and the cut is said.

A paragraph is plain text: it is escaped here and nowhere else. ``**`` around a piece makes it bold in Slack and goes
away in plain text; vendor words therefore go into ``quoted`` and never into a paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.model import Message
from bot.voice import blocks, words

_BUDGET = 12_000  # characters in all blocks together; Slack refuses somewhere above 13,000 (slack.md 2.1)
BOLD = re.compile(r"\*\*(.+?)\*\*")
CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph of ours, or with ``is_quote`` somebody else's words."""

    text: str
    is_quote: bool = False


def sheet(title: str, paragraphs: Iterable[Para | str]) -> Message:
    """A headline and its paragraphs. The text is whole, also where the blocks are cut; the door cuts it for Slack."""
    paras = [p if isinstance(p, Para) else Para(p) for p in paragraphs]
    texts = [blocks.quoted(p.text) if p.is_quote else _marked(p.text) for p in paras]
    shown = [blocks.header(title)] if title else []
    if len(texts) < blocks.BLOCKS // 2 and sum(map(len, texts)) <= _BUDGET:
        shown += map(blocks.section, texts)
    else:
        shown += blocks.sections(texts, _BUDGET, "; the command line shows all of it")
    full = "\n".join(filter(None, [title, *map(_plain, paras)]))
    return Message(blocks.escape(full), tuple(shown))


def joined(messages: Iterable[Message]) -> Message:
    """Several answers as one."""
    found = [m for m in messages if m.text]
    return Message("\n".join(m.text for m in found), tuple(block for m in found for block in m.blocks))


def _marked(text: str) -> str:
    """Ours, as Slack's markup: the escape first, the bold after it."""
    return BOLD.sub(r"*\1*", blocks.escape(text))


def _plain(para: Para) -> str:
    text = para.text if para.is_quote else CODE.sub(r"\1", BOLD.sub(r"\1", para.text))
    return "\n".join(f"> {line}" for line in words.cut(text, 3000).splitlines()) if para.is_quote else text
