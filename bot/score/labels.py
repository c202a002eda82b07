"""A recorded history -> Cases: each incident with the surfaces that its vendor listed, and the moments to ask at.

A label is a component that the vendor put on the incident: the final list, and where there is none, the components that
its updates moved out of operational. Both forms of DESIGN.md section 7 are read; of polls, the last sight of each incident.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.scope import surface_of
from bot.errors import ParseError, UsageError
from bot.model import Provider
from bot.sources import recorded, wire
from bot.sources.recorded import Body, History

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One incident to be scored. ``truth`` holds surfaces; ``labels`` the vendor's component names behind them.

    ``leaks`` where no update says which components it moved: the final list is all there is, at every moment.
    """

    id: str
    title: str
    truth: frozenset[str]
    labels: tuple[str, ...]
    moments: tuple[datetime, ...]
    leaks: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """One file, understood: whose it is, what it holds, and which surfaces its labels can speak of at all."""

    name: str
    provider: Provider
    history: History
    cases: tuple[Case, ...]
    names: Mapping[str, str]  # component name -> surface, as this file's labels use them

    @property
    def labelable(self) -> frozenset[str]:
        """Surfaces that some component of this history stands for; of all others its labels are silent."""
        return frozenset(self.names.values())


def recording(name: str, raw: bytes, providers: Iterable[Provider], provider_id: str | None = None) -> Recording:
    """Reads one file. Raises ParseError where it is no recording, UsageError where nobody knows its provider."""
    history = recorded.read_history(raw) if recorded.is_history(raw) else _of_polls(raw)
    provider = _provider_of(name, history.page, tuple(providers), provider_id)
    names = dict(_names(history, provider))
    return Recording(name, provider, history, tuple(_case(i, provider) for i in history.incidents), names)


def _provider_of(name: str, page: Body, providers: tuple[Provider, ...], provider_id: str | None) -> Provider:
    wanted = [provider_id] if provider_id else [str(page[k]) for k in ("id", "name") if page.get(k)]
    for word in wanted:
        for provider in providers:
            if word.casefold() in {n.casefold() for n in _known_as(provider)}:
                return provider
    known = sorted(p.id for p in providers)
    said = " / ".join(wanted) or "a page without id and name"
    near = difflib.get_close_matches(said.casefold(), known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(f"{name}: no provider file knows {said}.{hint} Known: {', '.join(known)}; choose with --provider.")


def _known_as(provider: Provider) -> tuple[str, ...]:
    return (provider.id, provider.name, *provider.aliases, *provider.page_ids)


def _case(incident: Body, provider: Provider) -> Case:
    listed = list(_listed(incident))
    moved = list(_moved(incident))
    labels = dict.fromkeys(listed or moved)
    found = (surface_of(code, name, provider) for code, name in labels)
    return Case(
        id=incident["id"],
        title=wire.text(incident.get("name")),
        truth=frozenset(link.surface for link in found if link),
        labels=tuple(name for _, name in labels),
        moments=tuple(sorted({recorded.when(u) for u in _live(incident)})),
        leaks=not any(u.get("affected_components") for u in incident["incident_updates"]),
    )


def _live(incident: Body) -> Iterator[Body]:
    """The updates that belong to the incident's life: a postmortem comes after it."""
    updates = incident["incident_updates"]
    live = [u for u in updates if u.get("status") != "postmortem"]
    return iter(live or updates)


def _listed(incident: Body) -> Iterator[tuple[str, str]]:
    for component in incident.get("components") or ():
        yield _identity(component)


def _moved(incident: Body) -> Iterator[tuple[str, str]]:
    for update in incident["incident_updates"]:
        for component in update.get("affected_components") or ():
            if component.get("new_status") in ("degraded_performance", "partial_outage", "major_outage"):
                yield _identity(component)


def _identity(component: Any) -> tuple[str, str]:
    item = wire.obj(component, "a component")
    name = wire.text(item.get("name"))
    return wire.text(item.get("code")) or wire.text(item.get("id")) or name, name


def _names(history: History, provider: Provider) -> Iterator[tuple[str, str]]:
    for incident in history.incidents:
        for code, name in (*_listed(incident), *_moved(incident)):
            link = surface_of(code, name, provider)
            if link:
                yield name, link.surface


def _of_polls(raw: bytes) -> History:
    """Polls as a history: the page's last face, each incident as last seen, and every update that was ever seen."""
    page: Body = {}
    seen: dict[str, Body] = {}
    updates: dict[str, dict[str, Body]] = {}
    for poll in recorded.read_polls(raw.splitlines()):
        body = json.loads(poll.body) if poll.body else {}
        page = body.get("page") or page
        for incident in body.get("incidents") or ():
            if incident.get("id") and incident.get("incident_updates"):
                seen[incident["id"]] = {**incident, "components": _union(seen.get(incident["id"]), incident)}
                updates.setdefault(incident["id"], {}).update({u["id"]: u for u in incident["incident_updates"]})
    if not seen:
        raise ParseError("these polls hold no incident")
    told = [{**i, "incident_updates": list(updates[k].values())} for k, i in seen.items()]
    return recorded.read_history(json.dumps({"page": page, "incidents": told}).encode())


def _union(before: Body | None, now: Body) -> list[Body]:
    listed = [*((before or {}).get("components") or ()), *(now.get("components") or ())]
    return list({_identity(c): c for c in listed}.values())
