"""Finds the surface that a page's component belongs to: by the component's id first, then by its name or an old name.

Names inside an update stay as they were when it was posted; ids are stable (bot/docs/status-page-formats.md#identity).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.domain import Provider, Surface


@dataclass(frozen=True, slots=True)
class ComponentLink:
    """The surface that a component belongs to; ``part`` where the component is only one feature of it."""

    surface: str
    part: bool


ComponentLinks = Mapping[str, ComponentLink | None]


def find_component_link(component_id: str, name: str, provider: Provider) -> ComponentLink | None:
    """Returns the surface that a component belongs to; None where the provider's file names none."""
    return find_link(component_links(provider), component_id, name)


def find_link(links: ComponentLinks, component_id: str, name: str) -> ComponentLink | None:
    """Like ``find_component_link``, for callers that already have the provider's links."""
    return links[component_id] if component_id in links else links.get(name.casefold())


@lru_cache(maxsize=4096)  # more than the providers that are monitored; called for every open incident in every poll
def component_links(provider: Provider) -> ComponentLinks:
    """Returns the links by component id and by lower-case name; a whole surface takes precedence over a feature.

    A detached component has None, so that its name is not looked up.
    """
    part_links = {k: link for s in provider.surfaces for k, link in surface_links(s).items() if link and link.part}
    whole_links = {k: link for s in provider.surfaces for k, link in surface_links(s).items() if link and not link.part}
    return dict.fromkeys(provider.detached) | part_links | whole_links


@lru_cache(maxsize=4096)
def surface_links(surface: Surface) -> ComponentLinks:
    """Returns the links of one surface, by component id and by lower-case name."""
    part_links = {k: ComponentLink(surface.id, part=True) for c in surface.parts for k in (c, c.casefold())}
    whole_links = {k: ComponentLink(surface.id, part=False) for c in surface.components for k in (c, c.casefold())}
    return part_links | whole_links
