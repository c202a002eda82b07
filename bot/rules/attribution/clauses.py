"""Splits a text into clauses and finds what each says about the surfaces it names: English as status pages write it.

No parser and no model: a cue in a clause (bot.rules.attribution.phrases) applies to the names nearest to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.rules.attribution import phrases
from bot.rules.attribution.lexicon import PLACE_WORD, Mention, PhraseKind
from bot.rules.attribution.phrases import Assertion


@dataclass(frozen=True, slots=True)
class Claim:
    """What one clause says about one mention. ``only``: the clause says that nothing else is affected."""

    mention: Mention
    assertion: Assertion
    clause: str
    only: bool = False


@dataclass(frozen=True, slots=True)
class _FoundPhrase:
    start: int
    end: int
    assertion: Assertion


_MASK = "\u25a0"  # stands for each character of a mention
_GOOD = frozenset({Assertion.SPARED, Assertion.RECOVERED})
_SENTENCE = re.compile(r"[.!?;]+(?=\s|$)|[\n\r\u2022]+|\s[\u2013\u2014-]+\s|:\s")
_CLAUSE = re.compile(
    r",?\s+\b(?:but|however|although|though|albeit|whereas|while"
    r"|(?<!not )(?<!n't )(?<!has )(?<!have )(?<!had )yet)\b,?\s*"
    r"|,\s+(?:and\s+)?(?:we|it|they|this|users|customers|all\s+other)\b",
    re.IGNORECASE,
)
_LIST_CONNECTOR = re.compile(
    r"\s*(?:,|/|&|\+|\band\b|\bn?or\b|\bas\s+well\s+as\b|\bplus\b|\balong\s+with\b|\bincluding\b|\bboth\b|\s)*\s*"
    r"(?:(?:the|our|also|with|on|in|for|via|to|of|both)\b\s*)*\(?",
    re.IGNORECASE,
)
_LIST_CONJUNCTION = re.compile(
    r",|/|&|\+|\band\b|\bn?or\b|\bplus\b|\bas\s+well\b|\balong\s+with\b|\bincluding\b", re.IGNORECASE
)
_ARTICLES = re.compile(r"\s+(?:the|our)\s+$", re.IGNORECASE)
_PARENTHESIS = re.compile(r"\(([^()]{1,200})\)")
_CONTRAST = re.compile(r",?\s+(?:but|however|although|though|albeit|yet)\b", re.IGNORECASE)
_OBJECT_PREPOSITION = re.compile(
    r"\b(?:on|with|for|to|in|of|across|at|from|through|via|within|into|over|against|by|affecting|impacting|accessing|using"
    r"|reach(?:ing)?|access|experiencing)\s+(?:(?:the|our|some|all|certain|both|any)\s+)*$",
    re.IGNORECASE,
)


def extract_claims(text: str, mentions: Sequence[Mention]) -> Iterator[Claim]:
    """Yields what the text says about each mention, clause by clause, in order."""
    masked = _mask_mentions(text, mentions)
    previous: list[Claim] = []
    for start, end, clause in _clauses(masked):
        mentions_inside = [m for m in mentions if start <= m.start < end and clause[m.start] == _MASK]
        if mentions_inside:
            yield from previous
            previous = list(_clause_claims(text, clause, (start, end), mentions_inside))
        elif _takes_back(clause, start, end):
            previous = [replace(c, assertion=Assertion.NAMED) if c.assertion in _GOOD else c for c in previous]
    yield from previous


def _takes_back(masked: str, start: int, end: int) -> bool:
    """Whether a clause that names nothing takes back the one before it: "but it is slow", "errors returned"."""
    clause = masked[start:end]
    if phrases.OTHER_SUBJECT.search(clause):
        return False
    is_contrast = _CONTRAST.match(clause) and phrases.TAKEN_BACK.search(clause)
    return bool(is_contrast or phrases.RELAPSED.search(clause))


def sentence_spans(text: str, mentions: Sequence[Mention]) -> tuple[tuple[int, int], ...]:
    """Returns the start and end of each sentence; a full stop inside a name does not end one."""
    return tuple(_split_spans(_SENTENCE, _mask_mentions(text, mentions), 0, len(text)))


def are_coordinated(text: str, left: Mention, right: Mention) -> bool:
    """True for "A, the B and C": only commas, conjunctions and articles between them, and not articles alone."""
    between = text[left.end : right.start]
    return bool(_LIST_CONNECTOR.fullmatch(between)) and bool(_LIST_CONJUNCTION.search(between))


def _mask_mentions(text: str, mentions: Iterable[Mention]) -> str:
    """Returns the text with each mention masked, so that no cue and no full stop is found inside a name."""
    for mention in mentions:
        text = text[: mention.start] + _MASK * (mention.end - mention.start) + text[mention.end :]
    return phrases.HEADING.sub(lambda m: m[0].replace(":", " ").replace("-", " "), text.replace("\u2019", "'"))


def _clauses(masked: str) -> Iterator[tuple[int, int, str]]:
    """Yields each clause as its start, its end and the text to read it in.

    A parenthesis that says something of its own is a clause, and blank in the one around it: "errors on A (B is fine)".
    """
    for sentence_start, sentence_end in _split_spans(_SENTENCE, masked, 0, len(masked)):
        for start, end in _split_spans(_CLAUSE, masked, sentence_start, sentence_end):
            around = masked
            for match in _PARENTHESIS.finditer(masked, start, end):
                if _MASK in match[1] and phrases.PHRASE_PATTERN.search(match[1]):
                    yield match.start(1), match.end(1), masked
                    around = around[: match.start()] + " " * len(match[0]) + around[match.end() :]
            yield start, end, around


def _split_spans(separator: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in separator.finditer(text, start, end):
        if match.start() > start:
            yield start, match.start()
            start = match.start()
    if start < end:
        yield start, end


def _clause_claims(text: str, masked: str, span: tuple[int, int], mentions: Sequence[Mention]) -> Iterator[Claim]:
    start, end = span
    found_phrases = _found_phrases(masked, span)
    silent_from = min(
        (m.start() for m in (phrases.ADVICE.search(masked, start, end), _footer(masked, span, found_phrases)) if m),
        default=end,
    )
    cause = phrases.CAUSE.search(masked, start, end)
    only = bool(phrases.ONLY_AFFECTS.search(masked, start, end))
    clause = " ".join(text[start:end].strip(" ,;.:\n").split())
    for group in _mention_groups(text, mentions, start):
        is_cause = cause is not None and cause.end() <= group[0].start
        is_aside = (
            is_cause or phrases.IN_PASSING.search(masked, start, group[0].start) or _is_route(text, mentions, group)
        )
        if silent_from < group[0].start or (is_aside and len(mentions) > len(group)):
            assertion = Assertion.ADVICE
        else:
            assertion = _assertion_on(masked, group, span, found_phrases)
        for mention in group:
            about = _limited_to_part(assertion, mention, group, masked, span)
            yield Claim(mention, about, clause, only and about.is_affected)


def _is_route(text: str, mentions: Sequence[Mention], group: Sequence[Mention]) -> bool:
    """Whether a name only says where the surface named before it is used ("Packages in Actions").

    An app or a site is what the surface is used in, and is affected.
    """
    before = [m for m in mentions if m.end <= group[0].start]
    return bool(before) and _leads_to(text, before[-1], group[0])


def _leads_to(text: str, left: Mention, right: Mention) -> bool:
    if not is_surface_name(left) or (PLACE_WORD.search(right.text) and not _is_api(right)):
        return False
    between = _ARTICLES.sub(" ", text[left.end : right.start])
    return bool(phrases.ROUTE.fullmatch(between.rstrip()))


def _is_api(mention: Mention) -> bool:
    return mention.text.casefold().endswith(("api", "apis"))


def _footer(masked: str, span: tuple[int, int], found_phrases: Sequence[_FoundPhrase]) -> re.Match[str] | None:
    """Returns the boilerplate in a clause; what fails there is no boilerplate ("users are unable to subscribe")."""
    footer = phrases.FOOTER.search(masked, *span)
    if footer and any(p.assertion is Assertion.BROKEN and p.start < footer.start() for p in found_phrases):
        return None
    return footer


def _found_phrases(masked: str, span: tuple[int, int]) -> list[_FoundPhrase]:
    """Returns the clause's cues; wishes, conditions and the past are no cues that something works now."""
    start, end = span
    found = [_to_found_phrase(match) for match in phrases.PHRASE_PATTERN.finditer(masked, start, end)]
    return [replace(p, assertion=_in_context(p, masked, span)) for p in found]


def _in_context(phrase: _FoundPhrase, masked: str, span: tuple[int, int]) -> Assertion:
    before, after = masked[span[0] : phrase.start], masked[phrase.end : span[1]]
    cue = masked[phrase.start : phrase.end]
    is_not_now = phrases.NOT_NOW.search(before) or phrases.PAST.search(cue) or phrases.NOT_YET.match(after)
    is_back = phrases.CAME_BACK.fullmatch(cue) and not phrases.TO_NORMAL.match(after)
    is_trouble_back = is_back and phrases.TROUBLE.search(before)
    if phrase.assertion in _GOOD and (is_trouble_back or phrases.RELAPSED.search(after)):
        return Assertion.BROKEN
    if phrase.assertion in _GOOD and (is_not_now or phrases.LIMITED.match(after)):
        return Assertion.NAMED
    if phrase.assertion is Assertion.SPARED and phrases.NEGATED.search(before):
        return Assertion.BROKEN
    if phrase.assertion is Assertion.BROKEN and phrases.DENIED.search(before):
        return Assertion.SPARED
    return phrase.assertion


def _limited_to_part(
    assertion: Assertion, mention: Mention, group: Sequence[Mention], masked: str, span: tuple[int, int]
) -> Assertion:
    """Returns what a word for works means where it is about a part of the surface: one spared part spares no more.

    A part that recovered was broken, so that the surface is still named; one that was never affected says nothing.
    """
    if assertion not in _GOOD or not (mention.is_part or _is_about_part(group, masked, span)):
        return assertion
    return Assertion.NAMED if assertion is Assertion.RECOVERED else Assertion.ADVICE


def _is_about_part(group: Sequence[Mention], masked: str, span: tuple[int, int]) -> bool:
    before, after = masked[span[0] : group[0].start], masked[group[-1].end : span[1]]
    if phrases.NEGATED_SUBJECT.search(before):
        return False
    if phrases.PART_BEFORE.search(before) or phrases.PART_AFTER.search(after) or phrases.PART_NOUN.match(after):
        return True
    if any(phrases.OPERAND.match(masked, m.end, span[1]) for m in group):
        return True
    is_subject = not phrases.PHRASE_PATTERN.search(before)
    return is_subject and bool(phrases.NOUN_BEFORE_NAME.search(before)) and not phrases.WHOLE_HEAD.search(before)


def _to_found_phrase(match: re.Match[str]) -> _FoundPhrase:
    return _FoundPhrase(match.start(), match.end(), phrases.PHRASES[int(str(match.lastgroup)[1:])][0])


def _mention_groups(text: str, mentions: Sequence[Mention], start: int) -> Iterator[list[Mention]]:
    """Groups mentions that share what is said about them: those of "A, the B and C", but not of "A but not B".

    "Unlike A, the B ..." speaks of A and B apart. ``start``: where the clause begins in the text.
    """
    group = [mentions[0]]
    is_contrast = bool(phrases.EXCEPT.match(text[start : group[0].start].lstrip()))
    for mention in mentions[1:]:
        between = text[group[-1].end : mention.start]
        ends_contrast = is_contrast and between.lstrip().startswith(",")
        is_apart = ends_contrast or phrases.EXCEPT.search(between) or _leads_to(text, group[-1], mention)
        if _LIST_CONNECTOR.fullmatch(between) and not is_apart:
            group.append(mention)
        else:
            yield group
            group, is_contrast = [mention], False
    yield group


def _assertion_on(
    masked: str, group: Sequence[Mention], span: tuple[int, int], found_phrases: Sequence[_FoundPhrase]
) -> Assertion:
    before, after = masked[span[0] : group[0].start], masked[group[-1].end : span[1]]
    if phrases.AFFECTED_BY.search(before):
        return Assertion.NAMED
    found_phrases = _without_relative(masked, group, span, found_phrases)
    decisive = [p for p in found_phrases if p.assertion is not Assertion.NAMED]
    if phrases.EXCEPT.search(before) or phrases.NEGATED_PREDICATE.match(after):
        cues = [p.assertion for p in reversed(decisive) if p.end <= group[0].start] or [p.assertion for p in decisive]
        is_negated = bool(phrases.EXCEPT.search(before) and phrases.NONE_BUT.search(before))
        is_good = bool(cues) and cues[0] in _GOOD
        return Assertion.BROKEN if is_good is not is_negated else Assertion.SPARED
    if phrases.NEGATED_AUXILIARY.match(after):
        cues = [p.assertion for p in reversed(decisive) if p.end <= group[0].start] or [Assertion.NAMED]
        return {Assertion.BROKEN: Assertion.SPARED, Assertion.NAMED: Assertion.NAMED}.get(cues[0], Assertion.BROKEN)
    if phrases.NEGATED_SUBJECT.search(before) and decisive:
        cues = [p.assertion for p in decisive if p.start >= group[-1].end] or [p.assertion for p in reversed(decisive)]
        return Assertion.BROKEN if cues and cues[0] in _GOOD else Assertion.SPARED
    if _is_recovery(decisive):
        return Assertion.NAMED if _is_next_goal(group, found_phrases) else Assertion.RECOVERED
    left = [p.assertion for p in decisive if p.end <= group[0].start]
    right = [p.assertion for p in decisive if p.start >= group[-1].end]
    nearest = (left[-1:] or right[:1]) if _OBJECT_PREPOSITION.search(before) else (right[:1] or left[-1:])
    return nearest[0] if nearest else Assertion.NAMED


def _without_relative(
    masked: str, group: Sequence[Mention], span: tuple[int, int], found_phrases: Sequence[_FoundPhrase]
) -> Sequence[_FoundPhrase]:
    """Leaves out the cues of a relative clause between a name and what is said of it now."""
    relative = phrases.RELATIVE.match(masked, group[-1].end, span[1])
    if relative is None or not any(p.start >= relative.end() for p in found_phrases):
        return found_phrases
    return [p for p in found_phrases if not relative.start() <= p.start < relative.end()]


def _is_next_goal(group: Sequence[Mention], found_phrases: Sequence[_FoundPhrase]) -> bool:
    """Whether the surface is what comes next: "A is restored and we are working to restore B"."""
    before = [p for p in found_phrases if p.end <= group[0].start]
    return len(before) > 1 and before[-1].assertion is Assertion.NAMED


def _is_recovery(found_phrases: Sequence[_FoundPhrase]) -> bool:
    """Whether the clause says recovered, as "the issues on A have been resolved" does: its last cue decides."""
    recoveries = [p for p in found_phrases if p.assertion is Assertion.RECOVERED]
    return bool(recoveries) and not any(
        p.assertion is Assertion.BROKEN and p.start > recoveries[-1].end for p in found_phrases
    )


def is_surface_name(mention: Mention) -> bool:
    """True where the phrase is a surface's own name."""
    return mention.kind is PhraseKind.NAME
