"""A recorded page that the catalogue does not know -> a provider made of the page's own components. Pure.

Good enough to replay a recording: each component is a surface, and its name is all that the text can be searched for.
``brownout add`` is for a page that is to be watched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.entry.draft import slug
from bot.model import Provider, Source, Surface
from bot.sources import wire


@dataclass(frozen=True, slots=True)
class Part:
    """A component as a page lists it. ``group`` is the name of the group that it stands in, empty where in none."""

    id: str
    name: str
    group: str = ""


def provider(ident: str, name: str, parts: Iterable[Part]) -> Provider:
    """A provider of this id, with a surface for each component. A page without components is one surface."""
    newest = {part.id or part.name: part for part in parts}
    called = Counter(part.name for part in newest.values())
    surfaces: dict[str, Surface] = {}
    for key, part in newest.items():
        full = part.name if called[part.name] == 1 or not part.group else f"{part.group}: {part.name}"
        surface = _free(f"{ident}-{(slug(full) or slug(key) or 'part').removeprefix(f'{ident}-')}", surfaces)
        known = (part.id, part.name) if called[part.name] == 1 else (part.id,)
        words = (part.name,) if called[part.name] == 1 and part.name else ()
        surfaces[surface] = Surface(surface, ident, full or key, components=tuple(filter(None, known)), words=words)
    whole = Surface(f"{ident}-service", ident, name, words=(name,))
    return Provider(ident, name, tuple(surfaces.values()) or (whole,), Source(ident, ident, "statuspage", ""))


def parts(body: object) -> Iterator[Part]:
    """The components that a page lists, without the heads of groups; none where it lists none."""
    listed = body.get("components") if isinstance(body, Mapping) else None
    found = [c for c in listed if isinstance(c, Mapping)] if isinstance(listed, list) else []
    groups = {wire.text(c.get("id")): wire.text(c.get("name")) for c in found if c.get("group") is True}
    for c in found:
        part = Part(wire.text(c.get("id")), wire.text(c.get("name")), groups.get(wire.text(c.get("group_id")), ""))
        if c.get("group") is not True and (part.id or part.name):
            yield part


def _free(wanted: str, taken: Mapping[str, object]) -> str:
    """The id, with a number where another surface has it."""
    number, found = 1, wanted
    while found in taken:
        number += 1
        found = f"{wanted}-{number}"
    return found
