"""English as status pages write it: a text and the phrases found in it -> clauses, and what each says of its phrases.

No parser and no model: cues are listed in the order in which they are to be believed, so that "not working" is read
before "working", and "working on" before both. Counted on 1,721 real updates (safe-to-retry.md A.1): a loose pattern for
"is working" finds 85 of them, of which 70 % are "are working on".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.core.lexicon import Kind, Mention


class Say(StrEnum):
    """What a clause says of something it names."""

    BROKEN = "broken"
    RECOVERED = "recovered"  # works again: it was broken
    SPARED = "spared"  # works, or was never touched
    NAMED = "named"  # only named
    ADVICE = "advice"  # named in a piece of advice, a cause or a promise: says nothing


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


_ADVERB = r"(?:\w+ly\s+|now\s+|still\s+|also\s+|all\s+|currently\s+|been\s+|be\s+)*"
_WORKS = (
    r"(?:work\w*|available|respond\w*|load\w*|function\w*|operational|accessible|able|complet\w*|process\w*|reach\w*"
    r"|connect\w*|access\w*|return\w*|appear\w*|display\w*|show\w*|resolv\w*|start\w*|send\w*|receiv\w*|healthy|sav\w*"
    r"|open\w*|log\w*|sign\w*|us(?:e|ing)|view\w*|creat\w*|generat\w*|render\w*|authenticat\w*|fully\s+\w+)"
)
_FINE = r"(?:normally|as\s+(?:intended|expected|normal|usual|designed)|correctly|properly|well|fine|smoothly)"
_UP = r"(?:operational|available|functional|healthy|stable|online|functioning|accessible|unaffected|unimpacted|up)\b"
_TOLD = (
    # not a cue at all: work in progress, promises, and half a recovery
    (Say.NAMED, r"\bwork(?:s|ed|ing)?\s+(?:\w+ly\s+)?(?:on|to|with|towards?|around|closely|hard|through|quickly|and)\b"),
    (Say.NAMED, r"\bnot\s+only\b|\bissues?\s+(?:is|has|have|are|was)?\s*(?:been\s+)?identified"),
    (Say.NAMED, r"\b(?:should|will|may|might|expect\w*|anticipat\w*)\s+(?:to\s+)?(?:\w+\s+){0,2}?(?:recover\w*|restored|resolved|return\w*|back\b|normal)"),
    (Say.NAMED, r"\b(?:begin\w*|began|start\w*|partial\w*|gradual\w*|slow(?:ly)?|sign\w*|some)\s+(?:\w+\s+)?(?:of\s+|to\s+)?(?:see\w*\s+)?(?:be\s+)?(?:recover\w*|restor\w*|improv\w*)"),
    (Say.NAMED, r"\bto\s+(?:\w+ly\s+)?(?:be\s+)?(?:restor\w+|recover|resolv\w+|fix|mitigate|remediate|investigate)\b"),
    # said to be fine
    (Say.RECOVERED, rf"\b(?:no\s+longer|not\s+any\s*more)\s+(?:\w+ly\s+)?(?:see\w*|experienc\w*|show\w*|observ\w*|report\w*|affect\w*|impact\w*|having|degraded|down|fail\w*)"),
    (Say.BROKEN, rf"(?:\bnot|n't|\bcannot|\bcan\s+not|\bnever|\bno\s+longer|\bunable\s+to|\bfail(?:s|ed|ing|ures?)?\s+to)\s+{_ADVERB}{_WORKS}"),
    (Say.SPARED, r"(?:\bnot|n't|\bnever)\s+(?:\w+\s+){0,3}?(?:affect\w*|impact\w*|involv\w*|part\s+of|experienc\w*|see(?:ing)?\s+(?:any\s+)?(?:errors?|issues?|impact))"),
    (Say.SPARED, r"(?:\bnot|n't|\bnever)\s+(?:\w+\s+){0,2}?(?:any\s+)(?:errors?|issues?|problems?|impact)"),
    (Say.SPARED, r"\bun(?:affected|impacted|impaired)\b|\bwithout\s+(?:any\s+)?(?:impact|issues?|errors?|interruption)|\bspared\b"),
    (Say.SPARED, r"\bno\s+(?:\w+\s+){0,2}?(?:impact|issues?|errors?|effect|disruption|degradation|problems?|interruption)\b"),
    (Say.SPARED, rf"\b(?:should|can|will|could)\s+{_ADVERB}(?:still\s+)?(?:be\s+)?(?:work\w*|usable|access\w*|available|us(?:e|ed)|function\w*)(?:\s+{_FINE})?"),
    (Say.RECOVERED, r"\b(?:ha(?:s|ve|d)|is|are|was|were|been|now|fully|also)\s+(?:\w+ly\s+|now\s+|been\s+|also\s+|all\s+|since\s+)*(?:recovered|restored|resolved|fixed|mitigated|remediated|stabili[sz]ed)\b"),
    (Say.RECOVERED, r"\bback\s+(?:to\s+(?:normal|working|full|pre)|up\b|online|in\s+service)|\b(?:is|are|now|fully)\s+back\b|\b(?:available|working|operational|online|healthy|accessible)\s+(?:properly\s+)?again\b"),
    (Say.RECOVERED, r"\breturned\s+to\s+(?:\w+\s+)?(?:normal|service|baseline|healthy)|\b(?:ha(?:s|ve))\s+(?:\w+ly\s+)?returned\b|\bresumed\b|\brecovered\b"),
    (Say.NAMED, r"\breturn(?:ing)?\s+to\s+(?:\w+\s+)?(?:normal|service|baseline|healthy)|\brecovering\b|\b(?:is|are)\s+(?:\w+ly\s+)?(?:improving|stabili[sz]ing)"),
    (Say.SPARED, rf"\b(?:work\w*|operat\w+|function\w*|perform\w*|proceed\w*|run\w*|process\w*|continu\w*|behav\w*|respond\w*)\s+(?:to\s+)?(?:\w+\s+)?{_FINE}"),
    (Say.SPARED, rf"\b(?:remains?|remained|are|is|be|was|were|stays?|appears?\s+to\s+be)\s+{_ADVERB}{_UP}|\b(?:still|remains?)\s+{_UP}|\bcontinu\w*\s+to\s+(?:work|operate|function)\b"),
    (Say.SPARED, r"\b(?:is|are|was|were)\s+(?:still\s+|all\s+)?(?:working|fine|ok|okay|unaffected)\b(?!\s+(?:on|to|with|towards?|around|through|closely))"),
    # said to be broken
    (Say.BROKEN, r"\berror\w*|\boutages?\b|\bdegrad\w*|\bdegred\w*|\bdown(?!grad|load|stream|time\s+window|\s+to\b)\w*|\bunavailab\w*|\binaccessib\w*|\bunable\b|\bfail\w*|\blatenc\w*"),
    (Say.BROKEN, r"\bissues?\b|\bproblems?\b|\bimpact\w*|\baffect\w*|\belevated\b|\bincreas\w*|\bslow\w*|\bdisrupt\w*|\binterrupt\w*|\bmissing\b|\bintermittent\w*|\btim(?:e|ing)[\s-]*outs?\b"),
    (Say.BROKEN, r"\btrouble\b|\bdifficult\w*|\bincorrect\w*|\bdelay\w*|\bstuck\b|\bunexpected\w*|\bcannot\b|can't\b|\bcould\s*n[o']t\b|\bbroken\b|\bunresponsive\b|\bincident\b|\b[45](?:\d\d|xx)s?\b"),
    (Say.BROKEN, r"\bloss\s+of\b|\blost\b|\bprevent\w*|\bcrash\w*|\bblock\w*|\bhang\w*|\bhung\b|\babnormal\w*|\breduc\w*|\bhigh\s+(?:error|latency|failure)|\bnot\s+available\b|\bdrop\w*|\bgarbled\b|\binstabilit\w*|\bunstable\b"),
)  # fmt: skip
_CUE = re.compile("|".join(f"(?P<c{i}>{pattern})" for i, (_, pattern) in enumerate(_TOLD)), re.IGNORECASE)
_ONLY = re.compile(
    r"(?<!not )\bonly\s+(?:seems?\s+to\s+|appears?\s+to\s+|be\s+)?(?:affects?|affecting|impacts?|impacting|applies|relates?)\b"
    r"|\b(?:affect\w*|impact\w*)\s+(?:only|solely|exclusively)\b"
    r"|(?<!not )\b(?:limited|isolated|confined|restricted|scoped)\s+(?:only\s+)?to\b|\b(?:solely|exclusively)\b"
    r"|(?<!not )\bonly\s+(?=[^.]{0,60}\b(?:is|are|was|were)\s+(?:affected|impacted|down|unavailable)\b)",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"\b(?:please|we\s+recommend|recommended|workaround|work\s+around|as\s+an?\s+alternative|in\s+the\s+meantime|instead\s+use|you\s+(?:can|may)\s+(?:also\s+)?(?:use|try|access|bypass)"
    r"|(?:should|need\s+to|may\s+have\s+to|must|try|by)\s+(?:\w+ly\s+)?(?:log|sign|refresh|retry|restart|clear|us|reconnect|switch)\w*)\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:due\s+to|caused\s+by|because\s+of|as\s+a\s+result\s+of|stem(?:s|ming)\s+from|triggered\s+by)\b",
    re.IGNORECASE,
)
_EXCEPT = re.compile(
    r"(?:\bexcept(?:\s+for)?|\bexcluding|\bother\s+than|\bapart\s+from|\baside\s+from|\bwith\s+the\s+exception\s+of|\brather\s+than|\binstead\s+of"
    r"|(?:,|\band|\bbut)\s*not)\s+(?:(?:the|our|on|for|in|to)\s+)*$",
    re.IGNORECASE,
)  # fmt: skip
_SENTENCE = re.compile(r"[.!?;]+(?=\s|$)|[\n\r\u2022]+|\s[\u2013\u2014-]+\s|:\s")
_CLAUSE = re.compile(
    r",?\s+\b(?:but|however|although|though|whereas|while|yet)\b,?\s*|,\s+(?:and\s+)?(?:we|it|they|this|users|customers|all\s+other)\b",
    re.IGNORECASE,
)
_TOGETHER = re.compile(
    r"\s*(?:,|/|&|\+|\band\b|\bor\b|\bas\s+well\s+as\b|\bplus\b|\balong\s+with\b|\bincluding\b|\bboth\b|\s)*\s*"
    r"(?:(?:the|our|also|with|on|in|for|via|to|of|both)\b\s*)*\(?",
    re.IGNORECASE,
)
_JOINED = re.compile(r",|/|&|\+|\band\b|\bor\b|\bplus\b|\bas\s+well\b|\balong\s+with\b|\bincluding\b", re.IGNORECASE)
_AS_OBJECT = re.compile(
    r"\b(?:on|with|for|to|in|of|affecting|impacting|across|at|from|accessing|using|through|via|within|reach(?:ing)?|access|into|over|against|by|experiencing)\s+"
    r"(?:(?:the|our|some|all|certain|both|any)\s+)*$",
    re.IGNORECASE,
)
_NOT_EITHER = re.compile(r"^\s*(?:is|are|was|were)\s*(?:not|n't)\s*[.,;]?\s*$", re.IGNORECASE)


def claims(text: str, mentions: Sequence[Mention]) -> Iterator[Claim]:
    """What the text says of each mention, clause by clause, in order."""
    covered = _covered(text, mentions)
    for start, end in _spans(covered):
        inside = [m for m in mentions if start <= m.start < end]
        if inside:
            yield from _clause(text, covered, (start, end), inside)


def sentence_of(text: str, mentions: Sequence[Mention], mention: Mention) -> tuple[int, int]:
    """Where the sentence that holds the mention begins and ends."""
    return next(s for s in _cut(_SENTENCE, _covered(text, mentions), 0, len(text)) if s[0] <= mention.start < s[1])


def joined(text: str, left: Mention, right: Mention) -> bool:
    """True for "A, the B and C": nothing but commas, conjunctions and articles stands between, and one of the former."""
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
    cues = [_cue(found) for found in _CUE.finditer(covered, start, end)]
    advice, cause = _ADVICE.search(covered, start, end), _CAUSE.search(covered, start, end)
    only = bool(_ONLY.search(covered, start, end))
    words = " ".join(text[start:end].strip(" ,;.:\n").split())
    for group in _groups(text, inside):
        say = _said(covered, group, span, cues)
        if advice and advice.start() < group[0].start:
            say = Say.ADVICE
        elif cause and cause.end() <= group[0].start and len(inside) > len(group):
            say = Say.ADVICE
        yield from (Claim(m, say, words, only and say in (Say.BROKEN, Say.NAMED)) for m in group)


def _cue(found: re.Match[str]) -> _Cue:
    return _Cue(found.start(), found.end(), _TOLD[int(str(found.lastgroup)[1:])][0])


def _groups(text: str, mentions: Sequence[Mention]) -> Iterator[list[Mention]]:
    """Mentions that stand together ("A, the B and C") share what is said of them; "A but not B" does not."""
    group = [mentions[0]]
    for mention in mentions[1:]:
        between = text[group[-1].end : mention.start]
        if _TOGETHER.fullmatch(between) and not _EXCEPT.search(text[: mention.start]):
            group.append(mention)
        else:
            yield group
            group = [mention]
    yield group


def _said(covered: str, group: Sequence[Mention], span: tuple[int, int], cues: Sequence[_Cue]) -> Say:
    first, last = group[0], group[-1]
    if _EXCEPT.search(covered[span[0] : first.start]) or _NOT_EITHER.match(covered[last.end : span[1]]):
        spared = not any(c.say is Say.SPARED for c in cues if c.end <= first.start)
        return Say.SPARED if spared else Say.BROKEN
    told = [c for c in cues if c.say is not Say.NAMED]
    if not told:
        return Say.NAMED
    fixed = [c for c in told if c.say is Say.RECOVERED]
    if fixed and not any(c.say is Say.BROKEN and c.start > fixed[-1].end for c in told):
        return Say.RECOVERED
    before = [c for c in told if c.end <= first.start]
    after = [c for c in told if c.start >= last.end]
    as_object = bool(_AS_OBJECT.search(covered[span[0] : first.start]))
    near = (before[-1:] or after[:1]) if as_object else (after[:1] or before[-1:])
    return near[0].say if near else Say.NAMED


def is_named(mention: Mention) -> bool:
    """True where the phrase is a surface's own name."""
    return mention.kind is Kind.NAME
