"""Two versions of a text -> what an edit changed, in one line: ``[-gone-] {+new+}`` with a few words around. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

AROUND = 4  # words of what stayed, before and after a change
_WORDS = re.compile(r"\S+\s*")


def changes(before: str, after: str) -> str:
    """The changed words, marked; ``…`` stands for words that stayed. Empty where nothing changed."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    steps = SequenceMatcher(None, [w.strip() for w in old], [w.strip() for w in new], autojunk=False).get_opcodes()
    if all(tag == "equal" for tag, *_ in steps):
        return ""
    last = len(steps) - 1
    said = (
        _step(old[a:b], new[c:d], is_first=number == 0, is_last=number == last)
        for number, (_, a, b, c, d) in enumerate(steps)
    )
    return " ".join(said)


def _step(old: Sequence[str], new: Sequence[str], *, is_first: bool, is_last: bool) -> str:
    gone, came = _said(old), _said(new)
    if gone == came:
        return _kept(old, is_first=is_first, is_last=is_last)
    return " ".join(filter(None, [f"[-{gone}-]" if gone else "", f"{{+{came}+}}" if came else ""]))


def _kept(kept: Sequence[str], *, is_first: bool, is_last: bool) -> str:
    if len(kept) <= AROUND * (2 - is_first - is_last):
        return _said(kept)
    start = "" if is_first else _said(kept[:AROUND])
    end = "" if is_last else _said(kept[-AROUND:])
    return f"{start} … {end}" if start and end else f"{start} …" if start else f"… {end}"


def _said(pieces: Sequence[str]) -> str:
    return "".join(pieces).strip()
