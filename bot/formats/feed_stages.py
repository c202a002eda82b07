"""Reads the stage of a feed's entry, from the places where feeds state one.

A stage word inside a sentence is no stage: it may be negated, hoped for, or of another thing ("the website is
operational"). Only a word in a stage's own place counts (bot/docs/status-page-formats.md#rss-and-atom): after
``Status:``, as a category, at the head or the tail of a title, at the head of a post. Two kinds of sentences say
that something is over without a stage word: a title that ends in "recovered", and a last sentence that says it of the
whole service or incident, while no other sentence says that it is still open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.domain import Stage

STAGES = {
    "investigating": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
    "completed": Stage.RESOLVED,
    "operational": Stage.RESOLVED,
    "mitigated": Stage.RESOLVED,
    "recovered": Stage.RESOLVED,
    "restored": Stage.RESOLVED,
    "fixed": Stage.RESOLVED,
    "closed": Stage.RESOLVED,
    "postmortem": Stage.POSTMORTEM,
    "post-mortem": Stage.POSTMORTEM,
    "rca": Stage.POSTMORTEM,
    "root cause analysis": Stage.POSTMORTEM,
    "ended": Stage.RESOLVED,  # Hund, and what it says in German
    "behoben": Stage.RESOLVED,
    "beendet": Stage.RESOLVED,
    "gelöst": Stage.RESOLVED,
    "已恢复": Stage.RESOLVED,  # "recovered": DeepSeek resolves an incident with an entry of its own
}
PLANNED = {
    "scheduled": Stage.SCHEDULED,
    "scheduled maintenance": Stage.SCHEDULED,
    "planned maintenance": Stage.SCHEDULED,
    "in progress": Stage.IN_PROGRESS,
    "verifying": Stage.VERIFYING,
}
STAGE_OF_WORD = STAGES | PLANNED

_WORDS = "|".join(sorted(map(re.escape, STAGE_OF_WORD), key=len, reverse=True))
_STATUS = re.compile(r"^\W*(?:current )?status\s*[:\uff1a]\s*(?P<word>[^\n.;,()|]{1,40})", re.IGNORECASE | re.MULTILINE)
_STATUS_WORD = re.compile(rf"({_WORDS})(?!\w)", re.IGNORECASE)
_IN_BRACKETS = rf"[\[(【]\s*({_WORDS})\s*[\])】]"
_SEPARATOR = r"(?:\s*[:\uff1a]\s|\s+[-\u2013\u2014|]\s|\s*\|\s*)"
_AT_HEAD = re.compile(rf"^\W{{0,3}}(?:{_IN_BRACKETS}|({_WORDS}){_SEPARATOR}|({_WORDS})[.!]?$)", re.IGNORECASE)
_AT_TAIL = re.compile(rf"(?:{_IN_BRACKETS}|{_SEPARATOR}({_WORDS}))[.!]?$|(已恢复)$", re.IGNORECASE)
_POST_HEAD = re.compile(
    rf"^(?:[^\n]{{0,60}}?\d\d:\d\d[^\n]{{0,20}}?[\s,\u2013\u2014-]+)?(?:{_IN_BRACKETS}|({_WORDS}){_SEPARATOR}|({_WORDS})[.!]?(?:\n|$))",
    re.IGNORECASE,
)
_OPEN_HEADING = re.compile(r"(investigating|identified|monitoring)\b[^\n.]{0,60}(?:\n|$)", re.IGNORECASE)
_RECOVERED_TITLE = re.compile(
    r"^(?P<subject>.*?)\s+(?:(?:(?:has|have|is|are)\s+(?:now\s+)?(?:fully\s+)?(?:been\s+)?(?:up|back)"
    r"|(?:(?:has|have|is|are)\s+)?(?:now\s+)?(?:fully\s+)?(?:been\s+)?"
    r"(?:recovered|restored|back(?: up| online| to normal)|up again|operating normally(?: again)?)))[.!]?$",
    re.IGNORECASE,
)
_DOWN_TITLE = re.compile(
    r"^(?P<subject>.*?)\s+(?:(?:has|have|is|are)\s+)?(?:went |gone )?(?:down|offline|unavailable|unreachable)[.!]?$",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|never|no|cannot|\w+n't|can|could|may|must|will|should|be|being|to|until|once|when|if|partly|partially|some)\b"
    r"|\bfail|\bunable",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_CLOSING_SENTENCE = re.compile(
    r"(?:(?:all|the|this|our|these|affected|impacted|every)\s+)*"
    r"(?:services?|systems?|operations|everything|issues?|incident|problem|outage|event|functionality|performance)"
    r"(?:\s+and\s+(?:the\s+|all\s+)?services?)?"
    r"\s+(?:is|are|has|have)(?:\s+(?:now|again|fully|all|completely|been|back|returned))*"
    r"\s+(?:operating normally|working normally|running normally|operating as expected|operational|resolved|recovered"
    r"|restored|normal|to normal)(?:\s+(?:again|now))?"
    r"(?:\s+and\s+(?:the|all)\s+services?\s+(?:is|are)\s+(?:now\s+)?operating normally)?[.!]?",
    re.IGNORECASE,
)
_CONTINUES = re.compile(
    r"\b(?:(?:is|are|remains?)\s+(?:still\s+|currently\s+)*(?:down|unavailable|failing|degraded|offline|not|unable"
    r"|experiencing)|still|continu\w*|ongoing|looking into|investigating|working on|can(?:not|'t)|do not|does not)\b",
    re.IGNORECASE,
)


def read_stage(title: str, text: str, categories: Iterable[str] = ()) -> Stage:
    """The stage that an entry states in a stage's place; unknown where it states none."""
    if match := _STATUS.search(text):
        word = _STATUS_WORD.match(match["word"].strip())
        return _stage_of(word) if word else Stage.UNKNOWN
    for category in categories:
        if stage := STAGE_OF_WORD.get(category.strip().casefold()):
            return stage
    for pattern, place in ((_AT_HEAD, title), (_AT_TAIL, title), (_POST_HEAD, text)):
        if match := pattern.search(place.strip()):
            return _stage_of(match)
    return Stage.RESOLVED if _is_over(title, text) else Stage.UNKNOWN


def read_post_stage(text: str) -> Stage:
    """The stage of one post among several: in a stage's place, or the first word of a heading ("Investigating outage").

    As a heading's first word only a stage of something that is open counts: "Resolved addresses are wrong" is none.
    """
    if match := _POST_HEAD.search(text.strip()):
        return _stage_of(match)
    match = _OPEN_HEADING.match(text.strip())
    return STAGES[match[1].casefold()] if match else Stage.UNKNOWN


def subject_that_recovered(title: str) -> str:
    """What a title says to have recovered ("API" of "API recovered"), in lower case; empty for any other title."""
    return _subject(_RECOVERED_TITLE, title)


def subject_that_went_down(title: str) -> str:
    """What a title says to be down ("API" of "API went down"), in lower case; empty for any other title."""
    return _subject(_DOWN_TITLE, title)


def _subject(pattern: re.Pattern[str], title: str) -> str:
    match = pattern.match(title.strip())
    return match["subject"].casefold() if match and not _NEGATION.search(match["subject"]) else ""


def _stage_of(match: re.Match[str]) -> Stage:
    return STAGE_OF_WORD[next(word for word in match.groups() if word).casefold()]


def _is_over(title: str, text: str) -> bool:
    if subject_that_recovered(title) and not _CONTINUES.search(text):
        return True
    sentences = [s for s in _SENTENCE.split(text.strip()) if s]
    if not sentences or not _CLOSING_SENTENCE.fullmatch(sentences[-1].strip()):
        return False
    return not any(_CONTINUES.search(sentence) for sentence in (title, *sentences[:-1]))
