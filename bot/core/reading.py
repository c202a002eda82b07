"""A title or an update's text, and a provider -> which of its surfaces the words name, and how. No machine learning.

What a word names comes from the provider's TOML file (bot.core.lexicon); what a sentence says of it from the general
language of status pages (bot.core.grammar). Nothing here knows an incident.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.core import cues, grammar
from bot.core.cues import Say
from bot.core.grammar import Claim
from bot.core.lexicon import Kind, Lexicon, Mention, lexicon, regions
from bot.model import Provider


@dataclass(frozen=True, slots=True)
class Word:
    """One surface that a text names. ``words``: the clause. ``implied``: only a feature or a model points to it.

    ``behind``: only the way in to it is named ("login for Claude Code").
    """

    surface: str
    say: Say
    words: str
    implied: bool = False
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text says. ``only``: it says that nothing but what it names is hit. ``facets`` are models and places.

    ``others_spared``: "all other services work". ``residual``: it speaks of errors that remain.
    """

    words: tuple[Word, ...] = ()
    only: bool = False
    others_spared: bool = False
    residual: bool = False
    facets: tuple[str, ...] = ()

    def hit(self, *, implied: bool = False) -> tuple[Word, ...]:
        """The words that name a surface as hit: by its name, or by features and models."""
        return tuple(w for w in self.words if w.say in (Say.BROKEN, Say.NAMED) and w.implied is implied)

    def of(self, surface: str, *says: Say) -> tuple[Word, ...]:
        """The words on this surface that say one of these things."""
        return tuple(w for w in self.words if w.surface == surface and w.say in says)


_VERB = re.compile(
    r"(?:log|sign)(?:ging|ing|ged|ned)?[\s\-]?(?:in|into|out|up|on|ins|ups)(?:\s+to)?|authenticat(?:e|ing)",
    re.IGNORECASE,
)
_USERS_LOGGED_IN = re.compile(r"logged[\s\-]in", re.IGNORECASE)
_WAY_IN = re.compile(
    r"\s*(?:(?:paths?|flows?|pages?|issues?|errors?|failures?|problems?|requests?|services?|attempts?)\s+)?(?:for|to|on|of|into|via|through|with|in|from)\s+(?:the\s+|our\s+)?|\s*\(?\s*|'s\s*",
    re.IGNORECASE,
)
LONGEST = 8000  # characters of a text that are read; the longest live post of our recordings has 1,018
MOST = 200  # names in one text that are looked at
_SPACES = re.compile(r"\s+")
_TAG = re.compile(r"<[a-zA-Z/][^<>]{0,200}>")
_BY_KEY = re.compile(r"\bAPIs?\b", re.IGNORECASE)


def _one_space(found: re.Match[str]) -> str:
    return "\n" if "\n" in found[0] else " "


def is_residual(text: str) -> bool:
    """True where the text speaks of errors that remain."""
    return bool(cues.RESIDUAL.search(text))


def read(text: str, provider: Provider) -> Reading:
    """Reads one title or one update; HTML tags are line breaks. An empty text says nothing."""
    return read_by(text, lexicon(provider))


@lru_cache(maxsize=8192)
def read_by(text: str, words: Lexicon) -> Reading:
    """The same with the provider's words at hand, for those who ask often."""
    text = _SPACES.sub(_one_space, _TAG.sub("\n", text[:LONGEST]))
    found = words.mentions(text)[:MOST]
    told = _without_verbs(list(grammar.claims(text, found)), words)
    told, behind = _through_login(text, told, words)
    told = [c for c in told if c.say is not Say.ADVICE]
    named = [c.mention for c in told if grammar.is_named(c.mention) and c.say in (Say.BROKEN, Say.NAMED)]
    kept = [c for c in told if c.mention.kind in (Kind.NAME, Kind.HINT, Kind.MODEL, Kind.EVERYTHING)]
    sentences = grammar.sentences(text, found)
    kept = [c for c in kept if grammar.is_named(c.mention) or not _overruled(text, sentences, c.mention, named)]
    sure = [m for m in found if _is_sure(m) and any(_beside(text, m, n) for n in named)]
    return Reading(
        words=tuple(dict.fromkeys((*_said(kept, sure), *behind))),
        only=any(c.only and grammar.is_named(c.mention) for c in told),
        others_spared=any(_spares_others(c) for c in told),
        residual=is_residual(text),
        facets=tuple(dict.fromkeys((*(m.text for m in found if m.kind is Kind.MODEL), *regions(words, text)))),
    )


def _said(told: Sequence[Claim], sure: Sequence[Mention]) -> Iterator[Word]:
    """Claims as words; of "all services except the API" the API is taken out."""
    spared = {s for c in told if grammar.is_named(c.mention) and c.say is Say.SPARED for s in c.mention.surfaces}
    for claim in told:
        if claim.mention.kind is Kind.EVERYTHING and claim.say not in (Say.BROKEN, Say.NAMED):
            continue
        for surface in claim.mention.surfaces:
            if claim.mention.kind is Kind.EVERYTHING and surface in spared:
                continue
            implied = not grammar.is_named(claim.mention) and claim.mention not in sure
            yield Word(surface, claim.say, claim.words, implied)


def _spares_others(claim: Claim) -> bool:
    other = "other" in claim.mention.text.casefold()
    return claim.mention.kind is Kind.EVERYTHING and other and claim.say is Say.SPARED


def _is_sure(mention: Mention) -> bool:
    """Beside a name ("Claude and the console") a feature counts as one, and so does a model that one surface serves."""
    return mention.kind is Kind.HINT or (mention.kind is Kind.MODEL and len(mention.surfaces) == 1)


def _overruled(text: str, sentences: Sequence[tuple[int, int]], hint: Mention, named: Sequence[Mention]) -> bool:
    """A feature or a model means nothing more in a sentence that names a surface, unless it stands beside it."""
    start, end = next(s for s in sentences if s[0] <= hint.start < s[1])
    beside = [m for m in named if start <= m.start < end]
    return bool(beside) and not any(_beside(text, hint, m) for m in beside)


def _beside(text: str, hint: Mention, name: Mention) -> bool:
    left, right = sorted((hint, name), key=lambda m: m.start)
    return grammar.joined(text, left, right)


def _without_verbs(told: list[Claim], words: Lexicon) -> list[Claim]:
    """To "log in" names the login only where it fails: "logged in users can use the site" does not."""
    return [c for c in told if not (_is_login(c.mention, words) and _is_idle(c))]


def _is_idle(claim: Claim) -> bool:
    if _USERS_LOGGED_IN.fullmatch(claim.mention.text):
        return True
    return bool(_VERB.fullmatch(claim.mention.text)) and claim.say not in (Say.BROKEN, Say.RECOVERED)


def _is_login(mention: Mention, words: Lexicon) -> bool:
    return mention.kind is Kind.NAME and bool(set(mention.surfaces) & set(words.logins))


def _through_login(text: str, told: list[Claim], words: Lexicon) -> tuple[list[Claim], list[Word]]:
    """In "login for Claude Code" the login is hit and Claude Code is behind it; "API authentication" is by key."""
    gone: set[int] = set()
    behind: list[Word] = []
    for i, j in _neighbours(text, told, words):
        login, other = told[i], told[j]
        if _BY_KEY.search(other.mention.text) and login.mention.text.casefold().startswith("auth"):
            gone.add(i)
        else:
            gone.add(j)
            behind += [Word(s, login.say, login.words, behind=True) for s in other.mention.surfaces]
    return [c for n, c in enumerate(told) if n not in gone], behind


def _neighbours(text: str, told: Sequence[Claim], words: Lexicon) -> Iterator[tuple[int, int]]:
    """Pairs (login, product) that stand side by side in one clause."""
    for i, login in enumerate(told):
        if not _is_login(login.mention, words):
            continue
        for j in (i - 1, i + 1):
            if 0 <= j < len(told) and _is_product(told[j], login, words):
                left, right = sorted((login.mention, told[j].mention), key=lambda m: m.start)
                if _WAY_IN.fullmatch(text[left.end : right.start]) and (
                    j > i or text[left.end : right.start].strip() in ("", "'s")
                ):
                    yield i, j


def _is_product(claim: Claim, login: Claim, words: Lexicon) -> bool:
    same = claim.words == login.words and claim.mention.kind in (Kind.NAME, Kind.HINT)
    return same and not _is_login(claim.mention, words)
