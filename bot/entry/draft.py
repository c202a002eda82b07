"""A page that was found -> a provider file for the catalogue, as TOML text for people to go on with. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.model import Component, Snapshot, Source
from bot.sources import KINDS

MAX_SURFACES = 6
# what people and programs stand on comes first; regions, products nobody knows and groups of groups come later
_FIRST = ("api", "login", "auth", "sso", "web", "site", "app", "console", "dashboard", "registry", "builds", "deploy")
_LOGIN = re.compile(r"\b(?:log ?in|sign ?in|sso|auth(?:entication)?|saml)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed: an address, and what it does not say by itself."""

    url: str
    ident: str = ""
    name: str = ""
    page: str = ""
    regions: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


def slug(name: str) -> str:
    """A name as an id: ``Build & Deploy`` is ``build-deploy``; empty where nothing of it can stand in one."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40].strip("-")


def surfaces(provider: str, components: Sequence[Component]) -> tuple[tuple[str, Component], ...]:
    """The components to begin with, at most six, each with the id of its surface; ids are unique."""
    named = [c for c in components if slug(c.name)]
    ranked = sorted(named, key=lambda c: (_rank(c.name), named.index(c)))[:MAX_SURFACES]
    chosen: dict[str, Component] = {}
    for component in sorted(ranked, key=named.index):
        chosen.setdefault(f"{provider}-{slug(component.name).removeprefix(f'{provider}-')}", component)
    return tuple(chosen.items())


def _rank(name: str) -> int:
    words = slug(name).split("-")
    return next((number for number, first in enumerate(_FIRST) if first in words), len(_FIRST))


def caveats(source: Source) -> tuple[str, ...]:
    """What its owner should know of this format before they rely on it."""
    if KINDS[source.kind].seen:
        return ()
    return ("This format's reader follows descriptions of it, not recorded pages: watch its first incidents.",)


def provider_file(provider: str, name: str, source: Source, snapshot: Snapshot) -> str:
    """The whole file. What the page does not say is left for its owner, with a word on what belongs there."""
    return "\n".join(_lines(provider, name, source, snapshot)) + "\n"


def _lines(provider: str, name: str, source: Source, snapshot: Snapshot) -> Iterator[str]:
    yield f"# {_inline(name)}, as `brownout add` found it. A surface is what people stand on: rename, join, add them."
    yield f"id = {_text(provider)}"
    yield f"name = {_text(name)}"
    if snapshot.page_id and not snapshot.page_id.startswith("http"):
        yield f"page_ids = {_list([snapshot.page_id])}"
    yield ""
    yield "[source]"
    yield f"kind = {_text(source.kind)}"
    yield f"url = {_text(source.url)}"
    for key in ("home", "path", "page"):
        if value := getattr(source, key):
            yield f"{key} = {_text(value)}"
    for key in ("regions", "products"):
        if values := getattr(source, key):
            yield f"{key} = {_list(values)}"
    yield "public = true # somebody typed this address: it is never followed into a private network"
    found = surfaces(provider, snapshot.components or ())
    for ident, component in found:
        yield from _surface(ident, component.name, (component.id, component.name), provider)
    if not found:
        yield from _surface(f"{provider}-service", name, (), provider)


def _surface(ident: str, name: str, components: Iterable[str], provider: str) -> Iterator[str]:
    yield ""
    yield "[[surface]]"
    yield f"id = {_text(ident)}"
    yield f"name = {_text(name)}"
    if listed := list(dict.fromkeys(components)):
        yield f"components = {_list(listed)}"
    yield f"words = {_list([name])}"
    if _LOGIN.search(name):
        yield "is_login = true"
    yield f"fault_domain = {_text(provider)}"


def _text(value: str) -> str:
    """A TOML string: JSON's are, once the one control that JSON leaves alone is gone."""
    return json.dumps(value.replace("\x7f", ""), ensure_ascii=False)


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(_text(v) for v in values)}]"


def _inline(value: str) -> str:
    return " ".join(value.split())
