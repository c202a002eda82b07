"""What an edit changed in a text, in one line: ``[-removed-] {+added+}`` with a few words of context. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

CONTEXT_WORDS = 4  # unchanged words that are shown before and after a change
_WORDS = re.compile(r"\S+\s*")


def mark_changes(before: str, after: str) -> str:
    """The changed words, marked; ``…`` stands for unchanged words. Empty if no word changed."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    steps = SequenceMatcher(None, [w.strip() for w in old], [w.strip() for w in new], autojunk=False).get_opcodes()
    if all(tag == "equal" for tag, *_ in steps):
        return ""
    last = len(steps) - 1
    pieces = (
        _mark_step(old[a:b], new[c:d], is_first=number == 0, is_last=number == last)
        for number, (_, a, b, c, d) in enumerate(steps)
    )
    return " ".join(pieces)


def _mark_step(old: Sequence[str], new: Sequence[str], *, is_first: bool, is_last: bool) -> str:
    removed, added = _join_pieces(old), _join_pieces(new)
    if removed == added:
        return _unchanged_words(old, is_first=is_first, is_last=is_last)
    return " ".join(filter(None, [f"[-{removed}-]" if removed else "", f"{{+{added}+}}" if added else ""]))


def _unchanged_words(words: Sequence[str], *, is_first: bool, is_last: bool) -> str:
    if len(words) <= CONTEXT_WORDS * (2 - is_first - is_last):
        return _join_pieces(words)
    start = "" if is_first else _join_pieces(words[:CONTEXT_WORDS])
    end = "" if is_last else _join_pieces(words[-CONTEXT_WORDS:])
    return f"{start} … {end}" if start and end else f"{start} …" if start else f"… {end}"


def _join_pieces(pieces: Sequence[str]) -> str:
    return "".join(pieces).strip()
