"""Finds the service or provider that a person typed (bot/docs/commands.md#how-to-name-a-service).

A sure match is an id, a name, whole words of a name, or a phrase of the catalogue's ``words``. Everything else, also a
part of a word or a slip, is a question with the near names: no caller may act on it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache

from bot import spelling
from bot.domain import IN_REGION, Provider, Surface
from bot.errors import NotWatchedError, UsageError

MAX_CHOICES = 100  # that a menu can show
MAX_CLOSEST = 5  # near names that an answer offers
_MAX_LISTED = 12  # ids in the text of a question
_MAX_ECHOED = 60  # characters of what was typed that an answer repeats
_MIN_PREFIX = 3  # letters
_AROUND = ",;.!? `"  # what may stand beside a region in a sentence
_WORD = re.compile(r"[^\W_]+")
_HYPHENS = re.compile("[\u2010-\u2015\u2212]")
# of no use to tell names apart: what stands only of these names nothing
_STOP_WORDS = frozenset(
    {"a", "an", "and", "are", "at", "by", "for", "from", "i", "in", "is", "it", "my", "not", "of", "on", "or", "over"}
    | {"the", "this", "to", "with", "all"}
)


class Strength(IntEnum):
    """How surely typed words name a target."""

    NOTHING = 0
    WORDS = 1  # whole words of its name, or a phrase of the catalogue's ``words``
    NAME = 2  # its name, an alias, or its short name
    ID = 3


@dataclass(frozen=True, slots=True)
class Target:
    """One surface, or a provider with all of its surfaces; in one region or in all.

    ``id`` is what a subscription stores.
    """

    id: str
    name: str
    provider: Provider
    surfaces: tuple[Surface, ...]

    @property
    def is_provider(self) -> bool:
        """Whether this is a provider with all of its services."""
        return self.id == self.provider.id

    def in_region(self, region: str) -> Target:
        """The same in one region only. UsageError where incidents of the provider can't be told apart by it."""
        if region not in self.provider.facets:
            known = ", ".join(self.provider.facets)
            which = f"Its regions here: {known}." if known else "Its page does not say which regions an incident is in."
            raise UsageError(f"{self.name} can't be narrowed to “{region[:_MAX_ECHOED]}”. {which}")
        return replace(self, id=f"{self.id}{IN_REGION}{region}", name=f"{self.name} in {region}")


@dataclass(frozen=True, slots=True)
class _NamedTarget:
    """A target with its names: exact ones and catalogue phrases without spaces, and the single words of its names."""

    target: Target
    names: frozenset[str]
    phrases: frozenset[str]
    words: frozenset[str]
    own_words: frozenset[str]


def resolve_target(providers: Sequence[Provider], typed: str, available: Sequence[Provider] = ()) -> Target:
    """The one target that is surely meant.

    Args:
        providers: The providers that are watched.
        typed: The words as the person typed them.
        available: Providers of the catalogue that are off.

    Raises:
        NotWatchedError: What is meant is off.
        UsageError: Several targets fit, or none does; with the choices.
    """
    if not _words(typed):
        raise UsageError("Name a service. `list all` shows all services.", actions=(("All services", "list all"),))
    strength, matches = find_targets(providers, typed)
    if len(matches) == 1:
        return matches[0]
    strength_if_on, off = find_targets(available, typed)
    if len(off) == 1 and strength_if_on > strength:
        raise NotWatchedError(f"{off[0].name} is available but not watched.", provider=off[0].provider.id)
    raise _question(providers, typed, matches)


def resolve_surface(
    providers: Sequence[Provider], typed: str, available: Sequence[Provider] = ()
) -> tuple[Provider, Surface]:
    """The one service that is surely meant; a provider's name fits where it has only one.

    Raises:
        NotWatchedError: What is meant is off.
        UsageError: Several services fit, or none does; with the choices.
    """
    target = resolve_target(providers, typed, available)
    if len(target.surfaces) != 1:
        choices = [Target(s.id, s.name, target.provider, (s,)) for s in target.surfaces]
        raise _which_one(typed[:_MAX_ECHOED], f"{target.name} has {len(choices)} services", choices)
    return target.provider, target.surfaces[0]


def surface_by_id(providers: Sequence[Provider], surface_id: str) -> tuple[Provider, Surface]:
    """The service with exactly this id, for programs. UsageError, with the closest ids, if there is none."""
    for provider in providers:
        for surface in provider.surfaces:
            if surface.id == surface_id:
                return provider, surface
    ids = [s.id for p in providers for s in p.surfaces]
    _, named = find_targets(providers, surface_id)
    near = dict.fromkeys(
        (*(s.id for t in named[:MAX_CLOSEST] for s in t.surfaces), *spelling.nearest(surface_id, ids, 3))
    )
    closest = f" Closest: {', '.join(list(near)[:MAX_CLOSEST])}." if near else ""
    raise UsageError(f"No service with id “{surface_id[:_MAX_ECHOED]}”.{closest}", typed=surface_id[:_MAX_ECHOED])


def find_targets(providers: Sequence[Provider], typed: str) -> tuple[Strength, tuple[Target, ...]]:
    """The targets that these words name, all with the same strength; several of them are a choice for the person."""
    identifier, words = _normalize(typed), _words(typed)
    if not words:
        return Strength.NOTHING, ()
    named, joined = [n for p in providers for n in _named_targets(p)], "".join(words)
    if by_id := [n.target for n in named if n.target.id.casefold() == identifier]:
        return Strength.ID, tuple(by_id)
    if by_name := [n.target for n in named if joined in n.names]:
        return Strength.NAME, _without_parts(by_name)
    useful = frozenset(w for w in words if len(w) > 1) - _STOP_WORDS
    by_words = [n.target for n in named if joined in n.phrases or (useful and _has_words(n, words, useful))]
    return (Strength.WORDS, _without_parts(by_words)) if by_words else (Strength.NOTHING, ())


def suggest_targets(providers: Sequence[Provider], typed: str) -> tuple[Target, ...]:
    """The targets that are spelled like these words, the nearest first. They are a question, never an answer."""
    words = tuple(w for w in _words(typed) if w not in _STOP_WORDS) or _words(typed)
    joined = "".join(words)
    ranked = [
        (rank, position, named.target)
        for position, named in enumerate(n for p in providers for n in _named_targets(p))
        if (rank := _nearness(named, words, joined)) is not None
    ]
    return tuple(target for *_, target in sorted(ranked, key=lambda r: r[:2]))


def target_from_id(providers: Sequence[Provider], target_id: str) -> Target | None:
    """The target with exactly this id, as a subscription stores it; None if no watched provider has it."""
    subject, _, region = target_id.partition(IN_REGION)
    found = next((n.target for p in providers for n in _named_targets(p) if n.target.id == subject), None)
    if found is None or not region:
        return found
    return found.in_region(region) if region in found.provider.facets else None


def split_off_regions(providers: Iterable[Provider], words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words without regions by which subscriptions can be narrowed, and these regions, in lower case.

    ``in eu-west-1`` and ``eu-west-1`` name one. Words that only look like a region stay.
    """
    known = frozenset(region for p in providers for region in p.facets)
    rest: list[str] = []
    regions: dict[str, None] = {}
    for word in words:
        region = word.strip(_AROUND).casefold()
        if region not in known:
            rest.append(word)
            continue
        regions[region] = None
        rest = rest[:-1] if rest and rest[-1].casefold() == "in" else rest
        rest += [","] if word.endswith(",") else []
    return tuple(rest), tuple(regions)


def narrowed(targets: Sequence[Target], regions: Sequence[str]) -> tuple[Target, ...]:
    """The targets in these regions only, each in those of its provider.

    A target of a provider without regions stays as it is beside one that has them. UsageError where none has, or where
    a provider has regions and none of these.
    """
    has_any = any(t.provider.facets for t in targets)
    found: list[Target] = []
    for target in targets:
        own = [r for r in regions if r in target.provider.facets]
        found += [target.in_region(r) for r in own]
        if not own and regions and (target.provider.facets or not has_any):
            target.in_region(regions[0])  # says why it can't be
        found += [] if own else [target]
    return tuple(found)


def _question(providers: Sequence[Provider], typed: str, matches: Sequence[Target]) -> UsageError:
    """The error for words that fit several targets, or none."""
    echo = typed[:_MAX_ECHOED]
    starting = () if matches else _starting_with(providers, typed)
    choices = _with_services(matches or starting)
    if len(choices) > 1:
        services = {s.id for t in choices for s in t.surfaces}
        return _which_one(echo, f"“{echo}” matches {len(services)} services", choices)
    if closest := choices or suggest_targets(providers, typed)[:MAX_CLOSEST]:
        listed = ", ".join(f"`{t.id}`" for t in closest)
        return UsageError(
            f"No service called “{echo}”. Closest: {listed}.",
            typed=echo,
            choices=tuple(t.id for t in closest),
            labels=tuple(t.name for t in closest),
            question=f"No service called “{echo}”. Closest:",
        )
    why = f"No service called “{echo}”."
    return UsageError(
        f"{why} `list all` shows all services.", typed=echo, question=why, actions=(("All services", "list all"),)
    )


def _which_one(echo: str, what: str, choices: Sequence[Target]) -> UsageError:
    listed = ", ".join(f"`{t.id}`" for t in choices[:_MAX_LISTED])
    more = f" and {len(choices) - _MAX_LISTED} more" if len(choices) > _MAX_LISTED else ""
    return UsageError(
        f"{what}: {listed}{more}. Which one?",
        typed=echo,
        choices=tuple(t.id for t in choices[:MAX_CHOICES]),
        labels=tuple(f"All of {t.name}" if t.is_provider and len(t.surfaces) > 1 else t.name for t in choices),
        question=f"{what}. Which one?",
    )


def _with_services(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets; a provider that stands alone is followed by its services."""
    if len(targets) != 1 or len(targets[0].surfaces) == 1:
        return tuple(targets)
    provider = targets[0].provider
    return (targets[0], *(Target(s.id, s.name, provider, (s,)) for s in provider.surfaces))


def _starting_with(providers: Sequence[Provider], typed: str) -> tuple[Target, ...]:
    """The targets whose words begin with the typed ones, as in ``claud`` or ``github act``; the nearest first."""
    words = tuple(w for w in _words(typed) if w not in _STOP_WORDS)
    joined = "".join(words)
    if len(joined) < _MIN_PREFIX:
        return ()
    named = [n for p in providers for n in _named_targets(p)]
    starting = [
        n
        for n in named
        if all(any(own.startswith(word) for own in n.words) for word in words)
        and any(own.startswith(word) for own in n.own_words for word in words)
    ] or [n for n in named if n.target.is_provider and any(name.startswith(joined) for name in n.names)]
    starting.sort(key=lambda n: not any(name.startswith(joined) for name in n.names))
    return _without_parts([n.target for n in starting])


def _nearness(named: _NamedTarget, words: Sequence[str], joined: str) -> int | None:
    """How many letters differ between the words and the nearest name of the target; None if it is not near."""
    whole = [spelling.distance(joined, name) for name in named.names if spelling.is_near(joined, name)]
    by_word = [
        min((spelling.distance(w, own) for own in named.words if spelling.is_near(w, own)), default=None) for w in words
    ]
    each = [d for d in by_word if d is not None]
    is_each_near = bool(words) and len(each) == len(words)
    return min([*whole, *([sum(each) + 1] if is_each_near else [])], default=None)


def _has_words(named: _NamedTarget, words: Sequence[str], useful: frozenset[str]) -> bool:
    """Whether all words are whole words of the target's names, and one of them is not just the provider's."""
    return named.words.issuperset(words) and not useful.isdisjoint(named.own_words)


def _without_parts(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets; only the provider where the others are its own services (as where a provider has one namesake)."""
    providers = [t for t in targets if t.is_provider]
    if len(providers) == 1 and all(t.provider.id == providers[0].id for t in targets):
        return (providers[0],)
    return tuple(targets)


def _normalize(typed: str) -> str:
    """The text in one normal form: chat clients replace hyphens and spaces, and paste invisible characters."""
    text = "".join(c for c in unicodedata.normalize("NFKC", typed) if unicodedata.category(c) != "Cf")
    return " ".join(_HYPHENS.sub("-", text).strip(" `").casefold().split())


def _words(typed: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(_normalize(typed)))


def _joined(text: str) -> str:
    return "".join(_words(text))


@lru_cache(maxsize=1024)
def _named_targets(provider: Provider) -> tuple[_NamedTarget, ...]:
    """The provider and its services with their names."""
    provider_names = [n for n in (provider.id, provider.name, provider.vendor, *provider.aliases) if n]
    provider_words = frozenset(w for name in provider_names for w in _words(name))
    provider_target = Target(provider.id, provider.name, provider, provider.surfaces)
    whole = frozenset(map(_joined, provider_names))
    return (
        _NamedTarget(provider_target, whole, frozenset(), provider_words, provider_words - _STOP_WORDS),
        *(_named_surface(provider, s, provider_names, provider_words) for s in provider.surfaces),
    )


def _named_surface(
    provider: Provider, surface: Surface, provider_names: Sequence[str], provider_words: frozenset[str]
) -> _NamedTarget:
    shorts = [surface.short] if surface.short else []
    names = [surface.id, surface.name, *_with_prefixes(shorts, provider_names)]
    words = frozenset(w for name in (*names, *shorts) for w in _words(name))
    cased = [w for w in surface.words if w != w.lower()]  # such as “ChatGPT”: a name, not a word of prose
    other = [*(w for w in surface.words if w == w.lower()), *surface.cased]
    return _NamedTarget(
        Target(surface.id, surface.name, provider, (surface,)),
        frozenset(map(_joined, (*names, *cased, *_with_prefixes(cased, provider_names)))),
        frozenset(map(_joined, (*shorts, *other, *_with_prefixes(other, provider_names)))),
        words | provider_words,
        words - provider_words - _STOP_WORDS,
    )


def _with_prefixes(phrases: Iterable[str], prefixes: Sequence[str]) -> Iterator[str]:
    return (f"{prefix} {phrase}" for phrase in phrases for prefix in prefixes)
