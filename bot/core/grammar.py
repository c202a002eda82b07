"""A text and the phrases found in it -> clauses, and what each says of its phrases: English as status pages write it.

No parser and no model: a clause's cues (bot.core.cues) belong to the names that stand nearest to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.core import cues
from bot.core.cues import Say
from bot.core.lexicon import Kind, Mention


@dataclass(frozen=True, slots=True)
class Claim:
    """One clause's word on one mention. ``only`` where the clause says that nothing else is hit."""

    mention: Mention
    say: Say
    words: str
    only: bool = False


@dataclass(frozen=True, slots=True)
class _Cue:
    start: int
    end: int
    say: Say


_SENTENCE = re.compile(r"[.!?;]+(?=\s|$)|[\n\r\u2022]+|\s[\u2013\u2014-]+\s|:\s")
_CLAUSE = re.compile(
    r",?\s+\b(?:but|however|although|though|whereas|while|yet)\b,?\s*"
    r"|,\s+(?:and\s+)?(?:we|it|they|this|users|customers|all\s+other)\b",
    re.IGNORECASE,
)
_TOGETHER = re.compile(
    r"\s*(?:,|/|&|\+|\band\b|\bor\b|\bas\s+well\s+as\b|\bplus\b|\balong\s+with\b|\bincluding\b|\bboth\b|\s)*\s*"
    r"(?:(?:the|our|also|with|on|in|for|via|to|of|both)\b\s*)*\(?",
    re.IGNORECASE,
)
_JOINED = re.compile(r",|/|&|\+|\band\b|\bor\b|\bplus\b|\bas\s+well\b|\balong\s+with\b|\bincluding\b", re.IGNORECASE)
_AS_OBJECT = re.compile(
    r"\b(?:on|with|for|to|in|of|across|at|from|through|via|within|into|over|against|by|affecting|impacting|accessing|using"
    r"|reach(?:ing)?|access|experiencing)\s+(?:(?:the|our|some|all|certain|both|any)\s+)*$",
    re.IGNORECASE,
)


def claims(text: str, mentions: Sequence[Mention]) -> Iterator[Claim]:
    """What the text says of each mention, clause by clause, in order."""
    covered = _covered(text, mentions)
    for start, end in _spans(covered):
        inside = [m for m in mentions if start <= m.start < end]
        if inside:
            yield from _clause(text, covered, (start, end), inside)


def sentences(text: str, mentions: Sequence[Mention]) -> tuple[tuple[int, int], ...]:
    """Where each sentence begins and ends; a full stop inside a name ends none."""
    return tuple(_cut(_SENTENCE, _covered(text, mentions), 0, len(text)))


def joined(text: str, left: Mention, right: Mention) -> bool:
    """True for "A, the B and C": between them stand commas, conjunctions and articles alone, and not only articles."""
    between = text[left.end : right.start]
    return bool(_TOGETHER.fullmatch(between)) and bool(_JOINED.search(between))


def _covered(text: str, mentions: Iterable[Mention]) -> str:
    """The text with each phrase blanked out, so that no cue and no full stop is found inside a name."""
    for mention in mentions:
        text = text[: mention.start] + "\u25a0" * (mention.end - mention.start) + text[mention.end :]
    return text.replace("\u2019", "'")


def _spans(covered: str) -> Iterator[tuple[int, int]]:
    for start, end in _cut(_SENTENCE, covered, 0, len(covered)):
        yield from _cut(_CLAUSE, covered, start, end)


def _cut(at: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for found in at.finditer(text, start, end):
        if found.start() > start:
            yield start, found.start()
            start = found.start()
    if start < end:
        yield start, end


def _clause(text: str, covered: str, span: tuple[int, int], inside: Sequence[Mention]) -> Iterator[Claim]:
    start, end = span
    told = [_cue(found) for found in cues.CUE.finditer(covered, start, end)]
    advice, cause = cues.ADVICE.search(covered, start, end), cues.CAUSE.search(covered, start, end)
    only = bool(cues.ONLY.search(covered, start, end))
    words = " ".join(text[start:end].strip(" ,;.:\n").split())
    for group in _groups(text, inside):
        advised = advice is not None and advice.start() < group[0].start
        blamed = cause is not None and cause.end() <= group[0].start and len(inside) > len(group)
        say = Say.ADVICE if advised or blamed else _said(covered, group, span, told)
        yield from (Claim(m, say, words, only and say in (Say.BROKEN, Say.NAMED)) for m in group)


def _cue(found: re.Match[str]) -> _Cue:
    return _Cue(found.start(), found.end(), cues.TOLD[int(str(found.lastgroup)[1:])][0])


def _groups(text: str, mentions: Sequence[Mention]) -> Iterator[list[Mention]]:
    """Mentions that stand together ("A, the B and C") share what is said of them; "A but not B" does not."""
    group = [mentions[0]]
    for mention in mentions[1:]:
        between = text[group[-1].end : mention.start]
        if _TOGETHER.fullmatch(between) and not cues.EXCEPT.search(between):
            group.append(mention)
        else:
            yield group
            group = [mention]
    yield group


def _said(covered: str, group: Sequence[Mention], span: tuple[int, int], told: Sequence[_Cue]) -> Say:
    before, after = covered[span[0] : group[0].start], covered[group[-1].end : span[1]]
    sure = [c for c in told if c.say is not Say.NAMED]
    if cues.EXCEPT.search(before) or cues.NEITHER.match(after):
        spared = any(c.say is Say.SPARED for c in sure if c.end <= group[0].start)
        return Say.BROKEN if spared else Say.SPARED
    if _is_mended(sure):
        return Say.RECOVERED
    left = [c.say for c in sure if c.end <= group[0].start]
    right = [c.say for c in sure if c.start >= group[-1].end]
    near = (left[-1:] or right[:1]) if _AS_OBJECT.search(before) else (right[:1] or left[-1:])
    return near[0] if near else Say.NAMED


def _is_mended(told: Sequence[_Cue]) -> bool:
    """As in "the issues on A have been resolved": the last word counts for all of the clause."""
    mended = [c for c in told if c.say is Say.RECOVERED]
    return bool(mended) and not any(c.say is Say.BROKEN and c.start > mended[-1].end for c in told)


def is_named(mention: Mention) -> bool:
    """True where the phrase is a surface's own name."""
    return mention.kind is Kind.NAME
