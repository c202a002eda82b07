"""What no file shows alone: ids that stand for two things, and names of what nobody has. Each mistake with its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from bot.model import Provider
from bot.settings.main import Main
from bot.settings.mistake import place
from bot.settings.numbers import VerdictTable

Filed = tuple[Path, Provider]  # a provider, and the file that it stands in


def twice(filed: Sequence[Filed]) -> Iterator[str]:
    """Ids that are used for two things."""
    owners: dict[str, Path] = {}
    for file, provider in filed:
        places = [("id",), *(("surface", number, "id") for number in range(len(provider.surfaces)))]
        for name, loc in zip((provider.id, *(s.id for s in provider.surfaces)), places, strict=True):
            if name in owners:
                used = f"is already used in {owners[name].name}; ids are unique over the catalogue"
                yield f"{place(file, loc)}: the id {name!r} {used}"
            owners[name] = file


def strangers(filed: Sequence[Filed]) -> Iterator[str]:
    """Surfaces that are named and that nobody has."""
    known = _surfaces(filed)
    for file, provider in filed:
        for number, surface in enumerate(provider.surfaces):
            for key, named in (("needs", surface.needs), ("instead", surface.instead)):
                for other in (n for n in named if n not in known):
                    where = place(file, ("surface", number, key))
                    yield f"{where}: {key} names the surface {other!r}, which no provider file has"


def profiles(filed: Sequence[Filed], verdict: VerdictTable) -> Iterator[str]:
    """Providers that ask for numbers which verdict.toml does not have."""
    known = {"default", *verdict.profile}
    for file, provider in filed:
        if provider.profile not in known:
            has = ", ".join(sorted(known))
            yield f"{place(file, ('profile',))}: no profile {provider.profile!r} in verdict.toml; it has {has}"


def strays(file: Path, main: Main, filed: Sequence[Filed]) -> Iterator[str]:
    """Probes in brownout.toml of surfaces that nobody has."""
    known = _surfaces(filed)
    for surface in (s for s in main.probe if s not in known):
        near = get_close_matches(surface, known, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        yield f"{place(file, ('probe', surface))}: no provider file has the surface {surface!r}{meant}"


def _surfaces(filed: Sequence[Filed]) -> set[str]:
    """The ids of all surfaces."""
    return {s.id for _, p in filed for s in p.surfaces}
