"""Renders a first provider file (TOML) from a status page, for people to edit. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bot.domain import Component, Snapshot, Source
from bot.formats import FORMATS, builders

MAX_SURFACES = 6
# components with these words are proposed first, before regions, lesser products and groups
_SURFACE_PRIORITY = (
    "api",
    "login",
    "auth",
    "sso",
    "web",
    "site",
    "app",
    "console",
    "dashboard",
    "registry",
    "builds",
    "deploy",
)
_FEED_CAVEAT = (
    "A feed lists no components: which service an entry is about is read from its text. An entry that states no stage"
    " counts as open for a day, and one that states no severity has none."
)
_LOGIN_NAME = re.compile(r"\b(?:log ?in|sign ?in|sso|auth(?:entication)?|saml)\b", re.IGNORECASE)


def slug(name: str) -> str:
    """A name as an id: ``Build & Deploy`` is ``build-deploy``; empty if it has no letter or digit of ASCII."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40].strip("-")


def propose_surfaces(provider: str, components: Sequence[Component]) -> tuple[tuple[str, Component], ...]:
    """The components to propose as surfaces, at most six, each with a unique surface id."""
    own_names = {c.id: c.name for c in components if not c.is_group}
    groups = {c.id: own.name for c in components for own in components if own.is_group and own.id == c.parent}
    names = builders.distinct_names(own_names, groups)
    named = [replace(c, name=names.get(c.id, c.name)) for c in components if slug(c.name)]
    ranked = sorted(named, key=lambda c: (_surface_rank(c.name), named.index(c)))[:MAX_SURFACES]
    chosen: dict[str, Component] = {}
    for component in sorted(ranked, key=named.index):
        chosen.setdefault(f"{provider}-{slug(component.name).removeprefix(f'{provider}-')}", component)
    return tuple(chosen.items())


def _surface_rank(name: str) -> int:
    words = slug(name).split("-")
    return next((number for number, first in enumerate(_SURFACE_PRIORITY) if first in words), len(_SURFACE_PRIORITY))


def caveats(source: Source) -> tuple[str, ...]:
    """Warnings about a source's format, for the people who will rely on it."""
    if source.kind == "feed":
        return (_FEED_CAVEAT,)
    if FORMATS[source.kind].seen:
        return ("This format's reader was checked on recorded pages.",)
    return ("This format's reader follows descriptions of it, not recorded pages: watch its first incidents.",)


def render_provider_file(provider: str, name: str, source: Source, snapshot: Snapshot) -> str:
    """The text of the provider file."""
    return "\n".join(_provider_lines(provider, name, source, snapshot)) + "\n"


def _provider_lines(provider: str, name: str, source: Source, snapshot: Snapshot) -> Iterator[str]:
    yield f"# {_one_line(name)}, as `brownout add` found it. A surface is a service: rename, join, add them."
    yield f"id = {_toml_string(provider)}"
    yield f"name = {_toml_string(name)}"
    if snapshot.page_id and not snapshot.page_id.startswith("http"):
        yield f"page_ids = {_toml_list([snapshot.page_id])}"
    yield ""
    yield "[source]"
    yield f"kind = {_toml_string(source.kind)}"
    yield f"url = {_toml_string(source.url)}"
    for key in ("home", "path", "page"):
        if value := getattr(source, key):
            yield f"{key} = {_toml_string(value)}"
    for key in ("regions", "products"):
        if values := getattr(source, key):
            yield f"{key} = {_toml_list(values)}"
    yield "public = true # a person typed this address: it is never followed into a private network"
    surfaces = propose_surfaces(provider, snapshot.components or ())
    for ident, component in surfaces:
        yield from _surface_lines(ident, component.name, (component.id, component.name), provider)
    if not surfaces:
        yield from _surface_lines(f"{provider}-service", name, (), provider)


def _surface_lines(ident: str, name: str, components: Iterable[str], provider: str) -> Iterator[str]:
    yield ""
    yield "[[surface]]"
    yield f"id = {_toml_string(ident)}"
    yield f"name = {_toml_string(name)}"
    if listed := list(dict.fromkeys(components)):
        yield f"components = {_toml_list(listed)}"
    yield f"words = {_toml_list([name])}"
    if _LOGIN_NAME.search(name):
        yield "is_login = true"
    yield f"fault_domain = {_toml_string(provider)}"


def _toml_string(value: str) -> str:
    """A TOML string. A JSON string is one, except for the control character DEL, which is removed."""
    return json.dumps(value.replace("\x7f", ""), ensure_ascii=False)


def _toml_list(values: Iterable[str]) -> str:
    return f"[{', '.join(_toml_string(v) for v in values)}]"


def _one_line(value: str) -> str:
    return " ".join(value.split())
