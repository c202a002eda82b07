"""Checks that span several configuration files: duplicate ids, and references to what does not exist.

Each check yields its mistakes as messages with file and line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from bot import spelling
from bot.domain import IN_REGION, Provider
from bot.settings.brownout_toml import MainSettings
from bot.settings.notify_toml import duplicate_names
from bot.settings.toml_errors import locate
from bot.settings.verdict_toml import VerdictTable

ProviderFile = tuple[Path, Provider]  # a provider, and the file that defines it


def duplicate_ids(provider_files: Sequence[ProviderFile]) -> Iterator[str]:
    """Mistakes for ids that are used twice, by providers or surfaces."""
    owners: dict[str, Path] = {}
    for file, provider in provider_files:
        places = [("id",), *(("surface", number, "id") for number in range(len(provider.surfaces)))]
        for identifier, loc in zip((provider.id, *(s.id for s in provider.surfaces)), places, strict=True):
            if identifier in owners:
                used = f"is already used in {owners[identifier].name}; ids are unique over the catalogue"
                yield f"{locate(file, loc)}: the id {identifier!r} {used}"
            owners[identifier] = file


def duplicate_short_names(provider_files: Sequence[ProviderFile], given: AbstractSet[str]) -> Iterator[str]:
    """Mistakes for a given short name that is another surface's too: an alert could not tell them apart.

    Case does not count. Two names that come out alike where no short name is given are no mistake, so that files of
    earlier versions load. ``given`` are the ids of the surfaces whose file has a short name for them.
    """
    for file, provider in provider_files:
        owners: dict[str, str] = {}
        for number, surface in enumerate(provider.surfaces):
            short = surface.short_name
            owner = owners.get(short.casefold())
            if owner and given & {surface.id, owner}:
                where = locate(file, ("surface", number, "short"))
                yield (
                    f"{where}: the short name {short!r} of {surface.id!r} is that of {owner!r} too;"
                    " give each its own with short"
                )
            owners.setdefault(short.casefold(), surface.id)


def unknown_surfaces(provider_files: Sequence[ProviderFile]) -> Iterator[str]:
    """Mistakes for ``needs`` and ``instead`` that reference a surface which does not exist."""
    surface_ids = _surface_ids(provider_files)
    for file, provider in provider_files:
        for number, surface in enumerate(provider.surfaces):
            for key, references in (("needs", surface.needs), ("instead", surface.instead)):
                for unknown in (n for n in references if n not in surface_ids):
                    where = locate(file, ("surface", number, key))
                    yield f"{where}: {key} names the surface {unknown!r}, which no provider file has"


def unknown_profiles(provider_files: Sequence[ProviderFile], verdict: VerdictTable) -> Iterator[str]:
    """Mistakes for providers whose profile is not in verdict.toml."""
    profiles = {"default", *verdict.profile}
    for file, provider in provider_files:
        if provider.profile not in profiles:
            names = ", ".join(sorted(profiles))
            yield f"{locate(file, ('profile',))}: no profile {provider.profile!r} in verdict.toml; it has {names}"


def unknown_probe_surfaces(file: Path, main: MainSettings, provider_files: Sequence[ProviderFile]) -> Iterator[str]:
    """Mistakes for probes in brownout.toml of surfaces that do not exist."""
    surface_ids = _surface_ids(provider_files)
    for surface in (s for s in main.probe if s not in surface_ids):
        hint = _suggestion(surface, surface_ids)
        yield f"{locate(file, ('probe', surface))}: no provider file has the surface {surface!r}{hint}"


def unknown_tracker_surfaces(file: Path, main: MainSettings, provider_files: Sequence[ProviderFile]) -> Iterator[str]:
    """Mistakes for ``[tracker.NAME] surface`` naming a surface that does not exist."""
    surface_ids = _surface_ids(provider_files)
    for name, table in main.tracker.items():
        for surface in (s for s in table.surface if s not in surface_ids):
            hint = _suggestion(surface, surface_ids)
            where = locate(file, ("tracker", name, "surface"))
            yield f"{where}: no provider file has the surface {surface!r}{hint}"


def unknown_providers(file: Path, main: MainSettings, provider_files: Sequence[ProviderFile]) -> Iterator[str]:
    """Mistakes for ``[catalog] enabled`` naming a provider that does not exist."""
    ids = {p.id for _, p in provider_files}
    for name in (n for n in main.catalog.enabled or () if n not in ids):
        hint = _suggestion(name, ids)
        where = locate(file, ("catalog", "enabled")) if file.exists() else "BROWNOUT_CATALOG_ENABLED"
        yield f"{where}: no provider {name!r}{hint}"


def unknown_targets(file: Path, main: MainSettings, provider_files: Sequence[ProviderFile]) -> Iterator[str]:
    """Mistakes for ``[[subscribe]] to`` naming no provider and no service, and for two tables about one target."""
    ids = {p.id for _, p in provider_files} | _surface_ids(provider_files)
    for _, provider in provider_files:
        subjects = (provider.id, *(s.id for s in provider.surfaces))
        ids |= {f"{subject}{IN_REGION}{region}" for subject in subjects for region in provider.facets}
    seen: set[tuple[str, str]] = set()
    for number, table in enumerate(main.subscribe):
        where = locate(file, ("subscribe", number, "to"))
        for name in table.to:
            if name not in ids:
                hint = _suggestion(name, ids)
                yield f"{where}: no provider or service {name!r}{hint}"
            elif (table.channel, name) in seen:
                yield f"{where}: {table.channel} has {name!r} twice"
            seen.add((table.channel, name))


def wrong_tools(file: Path, main: MainSettings, provider_files: Sequence[ProviderFile]) -> Iterator[str]:
    """Mistakes for ``[[notify]] to`` naming no provider and no service, and for two tools with one name."""
    ids = {p.id for _, p in provider_files} | _surface_ids(provider_files)
    for number, name in duplicate_names(main.notify):
        yield f"{locate(file, ('notify', number, 'name'))}: another tool is called {name!r} too; each has its own name"
    for number, table in enumerate(main.notify):
        for name in (n for n in table.to if n not in ids):
            hint = _suggestion(name, ids)
            yield f"{locate(file, ('notify', number, 'to'))}: no provider or service {name!r}{hint}"


def unknown_needs(file: Path, main: MainSettings, provider_files: Sequence[ProviderFile]) -> Iterator[str]:
    """Mistakes for ``[service.ID]`` whose id is that of a watched one, or whose ``needs`` names no service."""
    surface_ids = _surface_ids(provider_files)
    taken = surface_ids | {p.id for _, p in provider_files}
    for ident, table in main.service.items():
        if ident in taken:
            yield f"{locate(file, ('service', ident))}: the id {ident!r} is that of a watched service or provider"
        for name in (n for n in table.needs if n not in surface_ids):
            hint = _suggestion(name, surface_ids)
            yield f"{locate(file, ('service', ident, 'needs'))}: no service {name!r}{hint}"


def _suggestion(name: str, known: AbstractSet[str]) -> str:
    """The end of a mistake's message: the id that is meant by an unknown one; empty if none is near."""
    matches = spelling.nearest(name, sorted(known))
    return f"; did you mean {matches[0]!r}?" if matches else ""


def _surface_ids(provider_files: Sequence[ProviderFile]) -> set[str]:
    """The ids of all surfaces of these providers."""
    return {s.id for _, p in provider_files for s in p.surfaces}
