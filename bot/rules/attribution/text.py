"""Reads the title or an update of an incident: which surfaces it names, and what it says about them.

No machine learning. Which phrase names which surface comes from the provider's TOML file
(bot.rules.attribution.lexicon); what a sentence says about it from the general language of status pages
(bot.rules.attribution.clauses). Each text is read by itself, without the rest of its incident.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bot.domain import Provider
from bot.rules.attribution import clauses, phrases
from bot.rules.attribution.clauses import Claim
from bot.rules.attribution.lexicon import Lexicon, Mention, PhraseKind, compile_lexicon, regions_in
from bot.rules.attribution.phrases import Assertion


@dataclass(frozen=True, slots=True)
class SurfaceMention:
    """One surface that a text names.

    ``clause`` is the text of the clause that names it. ``implied``: only a feature or a model points to the surface.
    ``behind``: only the login to it is affected ("login for Claude Code").
    """

    surface: str
    assertion: Assertion
    clause: str
    implied: bool = False
    behind: bool = False


@dataclass(frozen=True, slots=True)
class TextReading:
    """What one text says about the provider's surfaces.

    ``only``: nothing is affected but what it names. ``others_spared``: it says that all other services work.
    ``residual``: it mentions remaining errors. ``facets`` are the models and regions that it names.
    """

    mentions: tuple[SurfaceMention, ...] = ()
    only: bool = False
    others_spared: bool = False
    residual: bool = False
    facets: tuple[str, ...] = ()

    def affected_mentions(self, *, implied: bool = False) -> tuple[SurfaceMention, ...]:
        """Returns the mentions of affected surfaces: by name, or with ``implied`` by features and models."""
        return tuple(m for m in self.mentions if m.assertion.is_affected and m.implied is implied)


_LOGIN_VERB = re.compile(
    r"(?:log|sign)(?:ging|ing|ged|ned)?[\s\-]?(?:in|into|out|up|on|ins|ups)(?:\s+to)?|authenticat(?:e|ing)",
    re.IGNORECASE,
)
_LOGIN_NOUN = re.compile(r"(?:log|sign)-?ins?", re.IGNORECASE)
_USERS_LOGGED_IN = re.compile(r"logged[\s\-]in", re.IGNORECASE)
_LOGIN_FOR_PRODUCT = re.compile(
    r"\s*(?:(?:paths?|flows?|pages?|issues?|errors?|failures?|problems?|requests?|services?|attempts?)\s+)?(?:for|to|on|of|into|via|through|with|in|from)\s+(?:the\s+|our\s+)?|\s*\(?\s*|'s\s*",
    re.IGNORECASE,
)
MAX_TEXT_LENGTH = 8000  # characters of a text that are read; the longest recorded update has 1,018
MAX_MENTIONS = 200  # mentions in one text that are evaluated
_SPACES = re.compile(r"\s+")
_TAG = re.compile(r"<[a-zA-Z/][^<>]{0,200}>")
_API_WORD = re.compile(r"\bAPIs?\b", re.IGNORECASE)


def _collapse_blanks(match: re.Match[str]) -> str:
    return "\n" if "\n" in match[0] else " "


def mentions_residual_errors(text: str) -> bool:
    """True where the text mentions remaining errors."""
    return bool(phrases.RESIDUAL.search(text))


def read_text(text: str, provider: Provider) -> TextReading:
    """Reads one title or one update; HTML tags are line breaks. An empty text says nothing."""
    return read_with_lexicon(text, compile_lexicon(provider))


def read_with_lexicon(text: str, lexicon: Lexicon) -> TextReading:
    """Like ``read_text``, for callers that already have the provider's lexicon; cached by the part that is read."""
    return read_shortened(text[:MAX_TEXT_LENGTH], lexicon)


@lru_cache(maxsize=8192)
def read_shortened(text: str, lexicon: Lexicon) -> TextReading:
    """Reads a text of at most ``MAX_TEXT_LENGTH`` characters; cached."""
    text = _SPACES.sub(_collapse_blanks, _TAG.sub("\n", text))
    mentions = lexicon.find_mentions(text)[:MAX_MENTIONS]
    claims = _drop_login_verbs(list(clauses.extract_claims(text, mentions)), lexicon)
    claims, behind = _separate_login_claims(text, claims, lexicon)
    claims = [c for c in claims if c.assertion is not Assertion.ADVICE]
    named = [c.mention for c in claims if clauses.is_surface_name(c.mention) and c.assertion.is_affected]
    reported = [
        c
        for c in claims
        if c.mention.kind in (PhraseKind.NAME, PhraseKind.HINT, PhraseKind.MODEL, PhraseKind.EVERYTHING)
    ]
    sentences = clauses.sentence_spans(text, mentions)
    reported = [
        c
        for c in reported
        if clauses.is_surface_name(c.mention) or not _is_overridden(text, sentences, c.mention, named)
    ]
    reported = [c for c in _narrow_models(reported) if not _is_resold(c, lexicon)]
    unambiguous = [m for m in mentions if _is_unambiguous(m) and any(_stands_beside(text, m, n) for n in named)]
    return TextReading(
        mentions=tuple(dict.fromkeys((*_to_surface_mentions(reported, unambiguous), *behind))),
        only=any(c.only and clauses.is_surface_name(c.mention) for c in claims),
        others_spared=any(_clears_all_others(c) for c in claims),
        residual=mentions_residual_errors(text),
        facets=tuple(
            dict.fromkeys((*(m.text for m in mentions if m.kind is PhraseKind.MODEL), *regions_in(lexicon, text)))
        ),
    )


def is_resold(text: str, lexicon: Lexicon) -> bool:
    """Whether a text is about another vendor's service that offers this provider's products ("on NAME")."""
    return lexicon.resellers is not None and lexicon.resellers.search(text) is not None


def _is_resold(claim: Claim, lexicon: Lexicon) -> bool:
    """Whether only a model or a feature is named, and that "on NAME" of another vendor."""
    return not clauses.is_surface_name(claim.mention) and is_resold(claim.clause, lexicon)


def _narrow_models(claims: Sequence[Claim]) -> Iterator[Claim]:
    """Yields the claims; a model in a clause with a feature means only the feature's surfaces ("Opus in chats")."""
    for claim in claims:
        features = {
            s
            for c in claims
            if c.mention.kind is PhraseKind.HINT and c.clause == claim.clause and c.assertion.is_affected
            for s in c.mention.surfaces
        }
        if claim.mention.kind is PhraseKind.MODEL and features:
            surfaces = tuple(s for s in claim.mention.surfaces if s in features)
            yield replace(claim, mention=replace(claim.mention, surfaces=surfaces))
        else:
            yield claim


def _to_surface_mentions(claims: Sequence[Claim], unambiguous: Sequence[Mention]) -> Iterator[SurfaceMention]:
    """Yields one mention per surface of each claim; "all services except the API" leaves out the API."""
    spared = {
        s
        for c in claims
        if clauses.is_surface_name(c.mention) and c.assertion is Assertion.SPARED
        for s in c.mention.surfaces
    }
    for claim in claims:
        if claim.mention.kind is PhraseKind.EVERYTHING and not claim.assertion.is_affected:
            continue
        for surface in claim.mention.surfaces:
            if claim.mention.kind is PhraseKind.EVERYTHING and surface in spared:
                continue
            implied = not clauses.is_surface_name(claim.mention) and claim.mention not in unambiguous
            yield SurfaceMention(surface, claim.assertion, claim.clause, implied)


def _clears_all_others(claim: Claim) -> bool:
    other = "other" in claim.mention.text.casefold()
    return claim.mention.kind is PhraseKind.EVERYTHING and other and claim.assertion is Assertion.SPARED


def _is_unambiguous(mention: Mention) -> bool:
    """Whether a mention listed beside a name counts as a name: a feature does, and a model that one surface serves."""
    return mention.kind is PhraseKind.HINT or (mention.kind is PhraseKind.MODEL and len(mention.surfaces) == 1)


def _is_overridden(text: str, sentences: Sequence[tuple[int, int]], hint: Mention, named: Sequence[Mention]) -> bool:
    """Whether a feature or model is ignored: its sentence names a surface, and it is not listed beside that name."""
    start, end = next(s for s in sentences if s[0] <= hint.start < s[1])
    same_sentence = [m for m in named if start <= m.start < end]
    return bool(same_sentence) and not any(_stands_beside(text, hint, m) for m in same_sentence)


def _stands_beside(text: str, hint: Mention, name: Mention) -> bool:
    left, right = sorted((hint, name), key=lambda m: m.start)
    return clauses.are_coordinated(text, left, right)


def _drop_login_verbs(claims: list[Claim], lexicon: Lexicon) -> list[Claim]:
    """Drops "log in" as a verb that does not name the login: "logged in users can use the site"."""
    return [c for c in claims if not (_is_login(c.mention, lexicon) and _is_plain_login_verb(c))]


def _is_plain_login_verb(claim: Claim) -> bool:
    if _USERS_LOGGED_IN.fullmatch(claim.mention.text):
        return True
    is_verb = _LOGIN_VERB.fullmatch(claim.mention.text) and not _LOGIN_NOUN.fullmatch(claim.mention.text)
    return bool(is_verb) and claim.assertion not in (Assertion.BROKEN, Assertion.RECOVERED)


def _is_login(mention: Mention, lexicon: Lexicon) -> bool:
    return mention.kind is PhraseKind.NAME and bool(set(mention.surfaces) & set(lexicon.logins))


def _separate_login_claims(
    text: str, claims: list[Claim], lexicon: Lexicon
) -> tuple[list[Claim], list[SurfaceMention]]:
    """Separates products behind a login ("login for Claude Code"); "API authentication" is not about the login."""
    dropped: set[int] = set()
    behind: list[SurfaceMention] = []
    for i, j in _login_product_pairs(text, claims, lexicon):
        login, product = claims[i], claims[j]
        if _API_WORD.search(product.mention.text) and login.mention.text.casefold().startswith("auth"):
            dropped.add(i)
        else:
            dropped.add(j)
            behind += [SurfaceMention(s, login.assertion, login.clause, behind=True) for s in product.mention.surfaces]
    return [c for n, c in enumerate(claims) if n not in dropped], behind


def _login_product_pairs(text: str, claims: Sequence[Claim], lexicon: Lexicon) -> Iterator[tuple[int, int]]:
    """Yields index pairs (login, product) of claims that are adjacent in one clause."""
    for i, login in enumerate(claims):
        if not _is_login(login.mention, lexicon):
            continue
        for j in (i - 1, i + 1):
            if 0 <= j < len(claims) and _is_product_behind_login(claims[j], login, lexicon):
                left, right = sorted((login.mention, claims[j].mention), key=lambda m: m.start)
                if _LOGIN_FOR_PRODUCT.fullmatch(text[left.end : right.start]) and (
                    j > i or text[left.end : right.start].strip() in ("", "'s")
                ):
                    yield i, j


def _is_product_behind_login(claim: Claim, login: Claim, lexicon: Lexicon) -> bool:
    is_product = claim.clause == login.clause and claim.mention.kind in (PhraseKind.NAME, PhraseKind.HINT)
    return is_product and not _is_login(claim.mention, lexicon)
