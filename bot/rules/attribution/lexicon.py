"""Finds where a text names a provider's surfaces: one compiled pattern per provider, the longest phrase wins.

"Claude Code" is not "Claude", and a host like ``api.example.com`` is not "API". In ``models`` a trailing ``#`` asks for
a version: "Claude #" is "Claude 3.5" and not the brand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from bot.domain import Provider


class PhraseKind(IntEnum):
    """How sure a phrase is of what it names, surest first."""

    NAME = 0  # a surface's own name
    HINT = 1  # a feature: means its surface where no surface is named
    MODEL = 2  # a model: means every surface that serves it, likewise
    EVERYTHING = 3  # "all services": means every surface, likewise
    NOTHING = 4  # looks like a name and is none


@dataclass(frozen=True, slots=True)
class Mention:
    """One occurrence of a phrase: characters ``start`` to ``end`` of the text, and the surfaces it can mean.

    ``is_part``: it names a part of its surface ("self-hosted runners"), so that it works says nothing about the rest.
    """

    start: int
    end: int
    text: str
    kind: PhraseKind
    surfaces: tuple[str, ...]
    is_part: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """A provider's phrases, compiled. Its surfaces' ``cased`` phrases match only in the same letter case."""

    provider: str
    surfaces: tuple[str, ...]
    logins: tuple[str, ...]
    pattern: re.Pattern[str]
    meanings: tuple[tuple[str, PhraseKind, tuple[str, ...]], ...]
    regions: re.Pattern[str]
    resellers: re.Pattern[str] | None  # "on NAME" of another vendor's service; None where there is none
    parts: frozenset[str]  # names, in lower case, that mean a part of their surface
    brands: frozenset[str]

    def find_mentions(self, text: str) -> tuple[Mention, ...]:
        """Returns every phrase in the text, in order and without overlaps. URLs and paths are ignored."""
        masked = _URL_OR_PATH.sub(lambda m: " " * len(m[0]), text.replace("\u2019", "'").replace("\u00a0", " "))
        mentions: list[Mention] = []
        for match in self.pattern.finditer(masked):
            mention = self._to_mention(match, text)
            if self._is_no_name(mention, match, text) or (
                mentions and self._is_call_by_users(mentions[-1], mention, text)
            ):
                continue
            if mentions and (owned := self._with_owner(mentions[-1], mention, text)) is not None:
                mentions[-1] = owned
            else:
                mentions.append(mention)
        return tuple(mentions)

    def _to_mention(self, match: re.Match[str], text: str) -> Mention:
        phrase, kind, surfaces = self.meanings[int(str(match.lastgroup)[1:])]
        is_part = kind is PhraseKind.NAME and phrase.removeprefix("=").casefold() in self.parts
        return Mention(match.start(), match.end(), text[match.start() : match.end()], kind, surfaces, is_part)

    def _is_no_name(self, mention: Mention, match: re.Match[str], text: str) -> bool:
        """Whether a match is an ordinary word ("Issues loading the site") or is another's ("a third-party API")."""
        if _BARE_API.fullmatch(mention.text):
            owner = _FOREIGN_OWNER.search(text, max(0, mention.start - 60), mention.start)
            is_foreign = owner is not None and owner[1].casefold() not in self.brands
            return is_foreign or bool(_NO_API.match(text, mention.end))
        is_cased = self.meanings[int(str(match.lastgroup)[1:])][0].startswith("=")
        is_first = is_cased and _SENTENCE_START.search(text, max(0, mention.start - 4), mention.start)
        if not is_first:
            return False
        after = _AFTER_TROUBLE if _TROUBLE_NAME.fullmatch(mention.text) else _AFTER_NOUN
        return bool(after.match(text, mention.end))

    def _is_call_by_users(self, left: Mention, right: Mention, text: str) -> bool:
        """Whether the API is that of the product whose users are spoken of: "Copilot users get errors on API calls"."""
        if left.kind is not PhraseKind.NAME or _BARE_API.fullmatch(left.text) or self._is_brand(left):
            return False
        return bool(_BARE_API.fullmatch(right.text) and _USERS_CALL.fullmatch(text, left.end, right.start))

    def _is_brand(self, mention: Mention) -> bool:
        return mention.text.casefold().removesuffix("'s") in self.brands

    def _with_owner(self, left: Mention, right: Mention, text: str) -> Mention | None:
        """Joins "the webhooks API" and "the API for webhooks" into one mention of what the API is of; None if separate.

        It is a part of that surface. An API of the vendor itself ("the ACME API") and of a model stays the vendor's.
        """
        between = text[left.end : right.start]
        if (_BARE_API.fullmatch(right.text) and _API_OF_NAME.fullmatch(between)) or (
            _BARE_PLACE.fullmatch(right.text) and between.isspace()
        ):
            owner = left
        elif _BARE_API.fullmatch(left.text) and _API_FOR_NAME.fullmatch(between):
            owner = right
        elif between.isspace() and self._is_feature_of(left, right):
            owner = left
        else:
            return None
        is_feature = owner.kind is PhraseKind.HINT and _FOR.match(between)
        is_other = (owner.kind is PhraseKind.NAME or is_feature) and not self._is_brand(owner)
        if not is_other or _BARE_API.fullmatch(owner.text):
            return None
        return Mention(left.start, right.end, text[left.start : right.end], owner.kind, owner.surfaces, is_part=True)

    def _is_feature_of(self, left: Mention, right: Mention) -> bool:
        """Whether two names in a row are one thing of the left surface ("Copilot pull request summaries").

        An app, a site or a login of a product has a surface of its own.
        """
        is_apart = right.kind is not PhraseKind.NAME or bool(set(right.surfaces) & {*left.surfaces, *self.logins})
        return not is_apart and not set(left.surfaces) & set(self.logins) and not PLACE_WORD.search(right.text)


# A phrase is not a part of a longer word, of a host name or of a path.
_WORD_START = r"(?<![\w@])(?<![\w][.\-])"
_WORD_END = r"(?:'s|(?<=[a-z])s)?(?![\w@])(?!\.\w)(?!-(?!(?:based|related|wide|side|only|hosted|enabled)\b)\w)"
_BARE_API = re.compile(
    r"(?:(?:REST|GraphQL|public|web)[\s\-]+)?APIs?(?:\s+(?:requests?|endpoints?|calls?|methods?|traffic))?",
    re.IGNORECASE,
)
_BARE_PLACE = re.compile(r"(?:the\s+)?(?:web\s*)?(?:interface|UI|site|website|app|dashboard|pages?)", re.IGNORECASE)
# "API keys" are not the API: what follows is what the sentence is about.
_NO_API = re.compile(
    r"\s+(?:keys?|billing|docs|documentation|dashboard|reference|pricing|invoices?|plans?|tokens?|shield|gateway|explorer)\b",
    re.IGNORECASE,
)
_NO_LINK = (
    r"(?!(?:and|or|nor|with|on|in|for|to|of|the|via|from|is|are|was|has|by|at|as|than|plus|both|not|over|using)\b)"
)
_API_OF_NAME = re.compile(rf"\s+(?:{_NO_LINK}[A-Za-z\-]+\s+){{0,2}}")
_API_FOR_NAME = re.compile(
    r"(?:\s+(?:requests?|endpoints?|calls?|methods?|traffic))?\s+(?:(?:for|of|to|on|in|from)|(?:that|which)\s+(?:\w+\s+)?(?:lists?|returns?|reads?|creates?|serves?|shows?|manages?))"
    r"\s+(?:the\s+)?",
    re.IGNORECASE,
)
_USERS_CALL = re.compile(
    r"\s+(?:users|customers|subscribers|clients)\s+(?:(?!and\b|or\b|but\b|the\b)\w+\s+){1,7}", re.IGNORECASE
)
_FOR = re.compile(r"\s+(?:for|of)\s", re.IGNORECASE)
# "A third-party API", "the provider's API": not the vendor's own, unless the vendor has that name.
_FOREIGN_OWNER = re.compile(
    r"\b(upstream|third[\s\-]party|internal|provider|vendor|partner|supplier|Kubernetes|Azure|AWS|Amazon|Google|GCP|Microsoft|Stripe"
    r"|Twilio|Auth0|Okta)(?:'s|s')?\s+(?:\w+\s+)?(?:REST\s+|GraphQL\s+)?$",
    re.IGNORECASE,
)
# An ordinary word is capitalised at the start of a sentence: "Issues viewing pull requests", "Access to the dashboard".
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|\n\s*|\s[\u2013\u2014-]\s+)$")
_TROUBLE_NAME = re.compile(r"(?:issues?|problems?|incidents?|errors?|events?)", re.IGNORECASE)
_AFTER_NOUN = re.compile(r"\s+(?:to|of|was\s+denied|is\s+denied)\b", re.IGNORECASE)
_AFTER_TROUBLE = re.compile(
    r"\s+(?:\w{2,}ing\b|with|in|on|at|for|from|to|when|while|across|during|after|that|where|between)\b", re.IGNORECASE
)
PLACE_WORD = re.compile(
    r"\b(?:apps?|mobile|desktop|iOS|Android|web|console|platform|site|dashboard|CLI|API)\b", re.IGNORECASE
)
_URL_OR_PATH = re.compile(r"https?://|(?<=\.com)/\S*|(?<=\.ai)/\S*|(?<=\.org)/\S*|(?<!\w)/[\w/]+|\bv\d+/[\w/]+")
_VERSION = r"(?:[\s\-]?v?\d+(?:[.\-]\d+)*[a-z]?(?!\w))"
_VARIANT = r"(?:-[a-z0-9][a-z0-9.]*)*(?:\s(?:turbo|mini|nano|pro|preview|vision|instruct|instant|fast|\d+k|\d{3,8})\b)*"
_ALL_SERVICES = (
    "(?:all|every) (?:of )?(?:our |the )?(?:other )?(?:%s )?(?:services?|systems?|products?|surfaces?|platforms?)",
    "(?:entire|whole) (?:%s )?(?:service|system|platform|site)",
)
_GENERAL_WORDS = frozenset(
    {"the", "service", "request", "operation", "traffic", "customer", "user", "endpoint", "app", "application", "site"}
    | {"website", "web", "interface", "ui", "call", "usage", "server", "system", "browser", "page", "product"}
    | {"delivery", "deliverie", "in", "on", "for", "of", "and"}
)
_LOGIN_WORD = re.compile(r"(?:log|sign|auth)(?!0)", re.IGNORECASE)
_CLOUD_NAMES = r"(?:(?:AWS|Amazon|Google(?:\s+Cloud)?(?:'s)?|GCP|Microsoft|Azure)\s+)?"
_REGION = r"(?:us|eu|ap|sa|ca|me|af|il)-(?:gov-)?(?:(?:north|south)?(?:east|west)|north|south|central)-?\d(?:\w)?"


@lru_cache(maxsize=4096)  # more than the providers that are monitored: read_with_lexicon caches by lexicon identity
def compile_lexicon(provider: Provider) -> Lexicon:
    """Compiles the provider's phrases; cached."""
    phrases = sorted(_phrases(provider), key=lambda p: (-len(p[0]), p[1], p[0]))
    brand = "|".join(_spacing_tolerant(name) for name in (provider.name, *provider.aliases))
    patterns = [f"(?P<m{i}>{_as_pattern(text, kind, brand)})" for i, (text, kind, _) in enumerate(phrases)]
    return Lexicon(
        provider.id,
        tuple(s.id for s in provider.surfaces),
        tuple(s.id for s in provider.surfaces if s.is_login),
        re.compile(_WORD_START + "(?:" + "|".join(patterns) + ")" + _WORD_END),
        tuple(phrases),
        re.compile(r"\b(?i:" + "|".join([_REGION, *(re.escape(r) for r in provider.regions)]) + r")\b"),
        _reseller_pattern(provider),
        frozenset(_part_names(provider)),
        frozenset(n.casefold() for n in (provider.name, provider.vendor, *provider.aliases) if n),
    )


def _reseller_pattern(provider: Provider) -> re.Pattern[str] | None:
    """Matches "on NAME", "via NAME"; without NAME's first-party sense, since its own surfaces have other names."""
    if not provider.resellers:
        return None
    names = "|".join(map(_spacing_tolerant, sorted(provider.resellers, key=len, reverse=True)))
    return re.compile(
        rf"\b(?:on|via|through|in|from|using|with)\s+(?:the\s+)?(?:{_CLOUD_NAMES})?(?:{names})\b", re.IGNORECASE
    )


def _part_names(provider: Provider) -> Iterator[str]:
    """Yields the names that mean a part of a surface: neither its own nor a component's, apart from general words."""
    brand = {w for name in (provider.name, *provider.aliases) for w in _key_words(name)}
    for surface in provider.surfaces:
        own = (surface.name, surface.short_name, *surface.components)
        names = [_key_words(n) - brand for n in own]
        wholes = [n for n in names if n] + [_key_words(n) for n in own]
        run_on = {_run_on(n) for n in (*own, provider.name, *provider.aliases)}
        for word in surface.words:
            is_host = "." in word
            key = _key_words(word)
            is_whole = is_host or not key - brand or key in wholes or (key - brand) in wholes or _run_on(word) in run_on
            if not is_whole and not (surface.is_login and _LOGIN_WORD.match(word)):
                yield word.casefold()


def _run_on(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _key_words(name: str) -> frozenset[str]:
    words = re.findall(r"[a-z0-9]+", name.casefold())
    return frozenset(w.removesuffix("s") for w in words) - _GENERAL_WORDS


def _phrases(provider: Provider) -> Iterator[tuple[str, PhraseKind, tuple[str, ...]]]:
    """Yields each phrase once, with its surest kind and every surface that has it in that kind."""
    phrases: dict[str, tuple[PhraseKind, dict[str, None]]] = {}
    for text, kind, surface in _phrase_entries(provider):
        key = text if kind is PhraseKind.NAME and text.startswith("=") else text.casefold()
        known_kind, surfaces = phrases.setdefault(key, (kind, {}))
        if kind < known_kind:
            phrases[key] = (kind, {surface: None})
        elif kind is known_kind:
            surfaces[surface] = None
    yield from (
        (text, kind, tuple(surfaces)) for text, (kind, surfaces) in phrases.items() if kind is not PhraseKind.NOTHING
    )
    yield from ((text.casefold(), PhraseKind.NOTHING, ()) for text in provider.ignore)
    yield from ((text, PhraseKind.EVERYTHING, tuple(s.id for s in provider.surfaces)) for text in _ALL_SERVICES)


def _phrase_entries(provider: Provider) -> Iterator[tuple[str, PhraseKind, str]]:
    for surface in provider.surfaces:
        yield from ((word, PhraseKind.NAME, surface.id) for word in surface.words)
        yield from (("=" + word, PhraseKind.NAME, surface.id) for word in surface.cased)
        yield from ((word, PhraseKind.HINT, surface.id) for word in surface.hints)
        yield from (("~" + word, PhraseKind.MODEL, surface.id) for word in surface.models)
        yield from ((f"~{provider.name}~{word}", PhraseKind.MODEL, surface.id) for word in surface.models)


def _as_pattern(text: str, kind: PhraseKind, brand: str) -> str:
    if kind is PhraseKind.EVERYTHING:
        return "(?i:" + text.replace("%s", f"(?:{brand})").replace(" ", r"\s+") + ")"
    if text.startswith("="):
        return _spacing_tolerant(text[1:])
    if text.startswith("~"):
        return "(?i:" + _model_pattern(text) + ")"
    return "(?i:" + _spacing_tolerant(text) + ")"


def _model_pattern(text: str) -> str:
    """Matches a model family with its version and an optional brand: "Claude 3.5 Sonnet", "gpt-4-0613", "o3 mini"."""
    *brand, family = text[1:].split("~")
    before = "".join(_spacing_tolerant(b) + r"[\s\-]+(?:v?\d[\d.\-]*[\s\-]+)?" for b in brand)
    version = _VERSION if family.endswith("#") else _VERSION + "?"
    return before + _spacing_tolerant(family.removesuffix("#").strip()) + version + _VARIANT


def _spacing_tolerant(phrase: str) -> str:
    """Matches the phrase with any run of spaces and hyphens where it has a space or a hyphen."""
    return r"[\s\-]+".join(re.escape(part) for part in re.split(r"[\s\-]+", phrase))


def regions_in(lexicon: Lexicon, text: str) -> Iterable[str]:
    """Yields the regions that a text names, as it spells them."""
    return (m[0] for m in lexicon.regions.finditer(text))
