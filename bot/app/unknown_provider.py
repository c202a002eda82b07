"""Builds a provider from the components of a recorded page that is not in the catalogue, to replay it. No I/O.

Each component is a surface, and its name is the only word by which texts are matched to it. To watch a page, use
``brownout add``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.app.provider_draft import slug
from bot.domain import Provider, Source, Surface
from bot.formats import json_fields


@dataclass(frozen=True, slots=True)
class PageComponent:
    """A component as a page lists it. ``group`` is the name of its group, empty if it has none."""

    id: str
    name: str
    group: str = ""


def build_provider(ident: str, name: str, parts: Iterable[PageComponent], kind: str = "statuspage") -> Provider:
    """A provider with this id and a surface for each component; a page without components becomes one surface."""
    newest = {part.id or part.name: part for part in parts}
    name_counts = Counter(part.name for part in newest.values())
    surfaces: dict[str, Surface] = {}
    for key, part in newest.items():
        full = part.name if name_counts[part.name] == 1 or not part.group else f"{part.group}: {part.name}"
        surface = _unused_id(f"{ident}-{(slug(full) or slug(key) or 'part').removeprefix(f'{ident}-')}", surfaces)
        component_keys = (part.id, part.name) if name_counts[part.name] == 1 else (part.id,)
        words = (part.name,) if name_counts[part.name] == 1 and part.name else ()
        surfaces[surface] = Surface(
            surface, ident, full or key, components=tuple(filter(None, component_keys)), words=words
        )
    page_surface = Surface(f"{ident}-service", ident, name, words=(name,))
    return Provider(ident, name, tuple(surfaces.values()) or (page_surface,), Source(ident, ident, kind, ""))


def page_components(body: object) -> Iterator[PageComponent]:
    """The components that a page lists, without groups themselves; none if it lists none."""
    listed = body.get("components") if isinstance(body, Mapping) else None
    components = [c for c in listed if isinstance(c, Mapping)] if isinstance(listed, list) else []
    groups = {
        json_fields.to_text(c.get("id")): json_fields.to_text(c.get("name"))
        for c in components
        if c.get("group") is True
    }
    for c in components:
        part = PageComponent(
            json_fields.to_text(c.get("id")),
            json_fields.to_text(c.get("name")),
            groups.get(json_fields.to_text(c.get("group_id")), ""),
        )
        if c.get("group") is not True and (part.id or part.name):
            yield part


def _unused_id(ident: str, used: Mapping[str, object]) -> str:
    """The id, with a number appended if it is used already."""
    number, candidate = 1, ident
    while candidate in used:
        number += 1
        candidate = f"{ident}-{number}"
    return candidate
