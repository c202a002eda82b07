"""A page's component -> the surface it stands for: by its id first, then by its name, old names included.

Names inside an update are frozen at its time and may be old; ids are stable (status-sources.md 2.6, 12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.model import Provider


@dataclass(frozen=True, slots=True)
class Link:
    """Which surface a component stands for; ``part`` where it is one feature of it."""

    surface: str
    part: bool


Links = Mapping[str, Link]


def surface_of(component_id: str, name: str, provider: Provider) -> Link | None:
    """The surface that a component stands for; None where the catalogue has none."""
    return find(links_of(provider), component_id, name)


def find(links: Links, component_id: str, name: str) -> Link | None:
    """The same with the provider's links at hand, for those who ask often."""
    return links.get(component_id) or links.get(name.casefold())


@lru_cache(maxsize=4096)  # more than are watched, each of which asks at every stroke of an open incident
def links_of(provider: Provider) -> Links:
    """Ids, and names in lower case; where two surfaces claim one, the whole surface goes before the feature."""
    parts = {k: Link(s.id, part=True) for s in provider.surfaces for c in s.parts for k in (c, c.casefold())}
    return parts | {
        k: Link(s.id, part=False) for s in provider.surfaces for c in s.components for k in (c, c.casefold())
    }
