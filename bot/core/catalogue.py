"""What a person typed -> the surfaces that are meant. Pure; ambiguity is answered with a choice, not with a guess."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.errors import UsageError
from bot.model import Provider, Surface

_ALIKE = 0.65  # of difflib's ratio: “nope” is no misspelt “openai” (0.6)
_ECHOED = 60  # characters of what was typed that an answer repeats
_HYPHENS = re.compile("[\u2010-\u2015\u2212]")


@dataclass(frozen=True, slots=True)
class Target:
    """What was meant: one surface, or a provider with all of its surfaces. ``id`` is what a subscription keeps."""

    id: str
    name: str
    provider: Provider
    surfaces: tuple[Surface, ...]


def resolve(providers: Sequence[Provider], typed: str, what: str = "surface") -> Target:
    """One target by id, name, alias or part of a name. UsageError with the choice, or with the nearest match.

    ``what`` else was looked for, in words, stands in the answer where there is none.
    """
    targets = tuple(_targets(providers))
    wanted, typed = _plain(typed), typed[:_ECHOED]
    for fits in (_is_exactly, _is_part):
        found = [t for t in targets if fits(t, wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            choice = ", ".join(f"`{t.id}`" for t in found[:12])
            why = f"“{typed}” could be any of {choice}. Which one?"
            raise UsageError(why, typed=typed, choices=tuple(t.id for t in found[:12]))
    raise UsageError(f"There is no {what} “{typed}”.{_nearest(targets, wanted)} `list all` names every surface.")


def surface(providers: Sequence[Provider], typed: str) -> tuple[Provider, Surface]:
    """One surface; a provider's name is ambiguous here unless it has only one."""
    target = resolve(providers, typed)
    if len(target.surfaces) > 1:
        choice = ", ".join(f"`{s.id}`" for s in target.surfaces)
        why = f"{target.name} has several surfaces: {choice}. Which one?"
        raise UsageError(why, typed=typed, choices=tuple(s.id for s in target.surfaces))
    return target.provider, target.surfaces[0]


def _plain(typed: str) -> str:
    """As a keyboard would have made it: chats replace hyphens and spaces, and paste marks that nobody sees."""
    text = "".join(c for c in unicodedata.normalize("NFKC", typed) if unicodedata.category(c) != "Cf")
    return " ".join(_HYPHENS.sub("-", text).strip(" `").casefold().split())


def _targets(providers: Iterable[Provider]) -> Iterable[Target]:
    for p in providers:
        yield Target(p.id, p.name, p, p.surfaces)
        for s in p.surfaces:
            yield Target(s.id, s.name, p, (s,))


def _is_exactly(target: Target, wanted: str) -> bool:
    aliases = target.provider.aliases if target.id == target.provider.id else ()
    return wanted in {target.id.casefold(), target.name.casefold(), *(a.casefold() for a in aliases)}


def _is_part(target: Target, wanted: str) -> bool:
    is_surface = target.id != target.provider.id
    return len(wanted) > 1 and is_surface and (wanted in target.id.casefold() or wanted in target.name.casefold())


def _nearest(targets: Iterable[Target], wanted: str) -> str:
    by_name = {name.casefold(): t.id for t in targets for name in (t.id, t.name)}
    near = difflib.get_close_matches(wanted, by_name, n=1, cutoff=_ALIKE)
    return f" Did you mean `{by_name[near[0]]}`?" if near else ""


def elsewhere(provider: Provider) -> frozenset[str]:
    """The ids of other providers' surfaces that its own need, or name as where else to go."""
    named = {name for surface in provider.surfaces for name in (*surface.needs, *surface.instead)}
    return frozenset(named - {surface.id for surface in provider.surfaces})
