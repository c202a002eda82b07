"""A provider's words -> where a text uses them. One compiled pattern per provider; the longest phrase wins.

"Claude Code" is not "Claude", and a host like ``api.example.com`` is not "API". In ``models`` a trailing ``#`` asks for
a version: "Claude #" is "Claude 3.5" and not the brand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from bot.model import Provider


class Kind(IntEnum):
    """How sure a phrase is of what it names, surest first."""

    NAME = 0  # a surface's own name
    HINT = 1  # a feature: means its surface where no surface is named
    MODEL = 2  # a model: means every surface that serves it, likewise
    EVERYTHING = 3  # "all services": means every surface, likewise
    NOTHING = 4  # looks like a name and is none


@dataclass(frozen=True, slots=True)
class Mention:
    """One use of a known phrase: characters ``start`` to ``end`` of the text, and the surfaces it can mean."""

    start: int
    end: int
    text: str
    kind: Kind
    surfaces: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """A provider's phrases, compiled. ``cased`` are found only where they are written as names."""

    provider: str
    surfaces: tuple[str, ...]
    logins: tuple[str, ...]
    pattern: re.Pattern[str]
    meanings: tuple[tuple[str, Kind, tuple[str, ...]], ...]
    regions: re.Pattern[str]

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Every phrase in the text, in order; they never overlap. Paths name nothing."""
        masked = _ADDRESS.sub(lambda m: " " * len(m[0]), text.replace("\u2019", "'").replace("\u00a0", " "))
        return tuple(self._mention(found, text) for found in self.pattern.finditer(masked))

    def _mention(self, found: re.Match[str], text: str) -> Mention:
        _, kind, surfaces = self.meanings[int(str(found.lastgroup)[1:])]
        return Mention(found.start(), found.end(), text[found.start() : found.end()], kind, surfaces)


# A phrase is not a part of a longer word, of a host name or of a path.
_BEFORE = r"(?<![\w@])(?<![\w][.\-])"
_AFTER = r"(?:'s|(?<=[a-z])s)?(?![\w@])(?!\.\w)(?!-(?!(?:based|related|wide|side|only|hosted|enabled)\b)\w)"
_ADDRESS = re.compile(r"https?://|(?<=\.com)/\S*|(?<=\.ai)/\S*|(?<=\.org)/\S*|(?<!\w)/[\w/]+|\bv\d+/[\w/]+")
_VERSION = r"(?:[\s\-]?v?\d+(?:[.\-]\d+)*[a-z]?(?!\w))"
_VARIANT = r"(?:-[a-z0-9][a-z0-9.]*)*(?:\s(?:turbo|mini|nano|pro|preview|vision|instruct|instant|fast|\d+k|\d{3,8})\b)*"
_EVERYTHING = (
    "(?:all|every) (?:of )?(?:our |the )?(?:other )?(?:%s )?(?:services?|systems?|products?|surfaces?|platforms?)",
    "(?:entire|whole) (?:%s )?(?:service|system|platform|site)",
)
_REGION = r"(?:us|eu|ap|sa|ca|me|af|il)-(?:gov-)?(?:(?:north|south)?(?:east|west)|north|south|central)-?\d(?:\w)?"


@lru_cache(maxsize=4096)  # more than are watched: a second lexicon reads all anew, and old readings keep the first
def lexicon(provider: Provider) -> Lexicon:
    """The provider's phrases, compiled once."""
    phrases = sorted(_phrases(provider), key=lambda p: (-len(p[0]), p[1], p[0]))
    brand = "|".join(_spaced(name) for name in (provider.name, *provider.aliases))
    patterns = [f"(?P<m{i}>{_as_pattern(text, kind, brand)})" for i, (text, kind, _) in enumerate(phrases)]
    return Lexicon(
        provider.id,
        tuple(s.id for s in provider.surfaces),
        tuple(s.id for s in provider.surfaces if s.is_login),
        re.compile(_BEFORE + "(?:" + "|".join(patterns) + ")" + _AFTER),
        tuple(phrases),
        re.compile(r"\b(?i:" + "|".join([_REGION, *(re.escape(r) for r in provider.regions)]) + r")\b"),
    )


def _phrases(provider: Provider) -> Iterator[tuple[str, Kind, tuple[str, ...]]]:
    """Each phrase once, with the surest kind it has and every surface that has it in that kind."""
    found: dict[str, tuple[Kind, dict[str, None]]] = {}
    for text, kind, surface in _entries(provider):
        key = text if kind is Kind.NAME and text.startswith("=") else text.casefold()
        held, surfaces = found.setdefault(key, (kind, {}))
        if kind < held:
            found[key] = (kind, {surface: None})
        elif kind is held:
            surfaces[surface] = None
    yield from ((text, kind, tuple(surfaces)) for text, (kind, surfaces) in found.items() if kind is not Kind.NOTHING)
    yield from ((text.casefold(), Kind.NOTHING, ()) for text in provider.ignore)
    yield from ((text, Kind.EVERYTHING, tuple(s.id for s in provider.surfaces)) for text in _EVERYTHING)


def _entries(provider: Provider) -> Iterator[tuple[str, Kind, str]]:
    for surface in provider.surfaces:
        yield from ((word, Kind.NAME, surface.id) for word in surface.words)
        yield from (("=" + word, Kind.NAME, surface.id) for word in surface.cased)
        yield from ((word, Kind.HINT, surface.id) for word in surface.hints)
        yield from (("~" + word, Kind.MODEL, surface.id) for word in surface.models)
        yield from ((f"~{provider.name}~{word}", Kind.MODEL, surface.id) for word in surface.models)


def _as_pattern(text: str, kind: Kind, brand: str) -> str:
    if kind is Kind.EVERYTHING:
        return "(?i:" + text.replace("%s", f"(?:{brand})").replace(" ", r"\s+") + ")"
    if text.startswith("="):
        return _spaced(text[1:])
    if text.startswith("~"):
        return "(?i:" + _model(text) + ")"
    return "(?i:" + _spaced(text) + ")"


def _model(text: str) -> str:
    """A family, with the brand before it or not, and its version: "Claude 3.5 Sonnet", "gpt-4-0613", "o3 mini"."""
    *brand, family = text[1:].split("~")
    before = "".join(_spaced(b) + r"[\s\-]+(?:v?\d[\d.\-]*[\s\-]+)?" for b in brand)
    version = _VERSION if family.endswith("#") else _VERSION + "?"
    return before + _spaced(family.removesuffix("#").strip()) + version + _VARIANT


def _spaced(phrase: str) -> str:
    """Spaces and hyphens in a phrase stand for each other, and for several of them."""
    return r"[\s\-]+".join(re.escape(part) for part in re.split(r"[\s\-]+", phrase))


def regions(found: Lexicon, text: str) -> Iterable[str]:
    """The places a text names, in its own spelling."""
    return (m[0] for m in found.regions.finditer(text))
