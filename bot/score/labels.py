"""A recording -> Cases: each incident with the surfaces that its vendor listed, and the moments to ask at.

A label is a component that the vendor put on the incident: the final list, and where there is none, the components that
its updates moved out of operational. Both forms of DESIGN.md section 7 are read; of polls, all that was ever seen of
each incident.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO

from bot.core.links import surface_of
from bot.errors import ParseError, UsageError
from bot.model import Component, Condition, Incident, Provider, Stage
from bot.sources import recorded, statuspage, wire
from bot.sources.history import Body, History, components_at, incident_at, read_history
from bot.sources.recorded import Poll


@dataclass(frozen=True, slots=True)
class Case:
    """One incident to be scored: what it hit in the end, and what its page showed at each of its posts.

    ``labels`` are the vendor's component names, ``truth`` the surfaces they stand for. ``leaks`` where no update says
    which components it moved: then the final list is all there is, at every moment.
    """

    id: str
    title: str
    truth: frozenset[str]
    labels: tuple[str, ...]
    shown: tuple[Incident, ...]
    leaks: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """One file, understood. ``names``: which surface a component name means, as far as this file's labels go."""

    name: str
    provider: Provider
    history: History
    names: Mapping[str, str]

    @property
    def labelable(self) -> frozenset[str]:
        """Surfaces that some component of this history stands for; of all others its labels are silent."""
        return frozenset(self.names.values())

    def cases(self) -> Iterator[Case]:
        """Its incidents, oldest first."""
        return (case(self.history, identity, self.provider) for identity in self.history.incidents)

    def conditions(self, at: datetime) -> Mapping[str, Condition]:
        """The page's components at this moment, by id."""
        shown = components_at(self.history, at)
        return {c["id"]: statuspage.CONDITIONS.get(c["status"], Condition.UNKNOWN) for c in shown}


def recording(name: str, raw: bytes, providers: Iterable[Provider], provider_id: str | None = None) -> Recording:
    """Reads one file, plain, gzip or xz. ParseError: it is no recording. UsageError: nobody knows its provider."""
    with recorded.named(name):
        read = recorded.read(BytesIO(raw))
        history = read if isinstance(read, History) else _of_polls(read)
    provider = _provider_of(name, history.page, tuple(providers), provider_id)
    names = {}
    for identity in history.incidents:
        for component in _labels(_last(history, identity)):
            link = surface_of(component.id, component.name, provider)
            if link:
                names[component.name] = link.surface
    return Recording(name, provider, history, names)


def case(history: History, identity: str, provider: Provider) -> Case:
    """One incident of a history, with its page at each of its posts. Postmortems come after its life: left out."""
    last = _last(history, identity)
    labels = _labels(last)
    moments = sorted({u.display_at for u in last.updates})
    links = (surface_of(c.id, c.name, provider) for c in labels)
    return Case(
        id=identity,
        title=last.name,
        truth=frozenset(link.surface for link in links if link),
        labels=tuple(c.name for c in labels),
        shown=tuple(_at(history, identity, at) for at in moments),
        leaks=not history.incidents[identity].has_transitions,
    )


def _at(history: History, identity: str, at: datetime) -> Incident:
    found = statuspage.parse_incident_body(incident_at(history, identity, at))
    return _alive(found)


def _last(history: History, identity: str) -> Incident:
    """The incident as told in the end, with its final list of components."""
    told = history.incidents[identity]
    found = _at(history, identity, told.times[-1])
    linked = [(wire.text(c.get("code")) or wire.text(c.get("id")), wire.text(c.get("name"))) for c in told.linked]
    named = tuple(
        Component(code or history.ids.get(name, name), name, Condition.UNKNOWN) for code, name in dict.fromkeys(linked)
    )
    return replace(found, components=named)


def _alive(incident: Incident) -> Incident:
    live = tuple(u for u in incident.updates if u.stage is not Stage.POSTMORTEM) or incident.updates
    return replace(incident, updates=live, stage=live[-1].stage)


def _labels(incident: Incident) -> tuple[Component, ...]:
    if incident.components:
        return incident.components
    moves = (t for u in incident.updates for t in u.transitions or () if t.new.is_bad)
    return tuple(dict.fromkeys(Component(t.component_id, t.name, Condition.UNKNOWN) for t in moves))


def _provider_of(name: str, page: Body, providers: tuple[Provider, ...], provider_id: str | None) -> Provider:
    wanted = [provider_id] if provider_id else [text for key in ("id", "name") if (text := wire.text(page.get(key)))]
    for word in wanted:
        for provider in providers:
            if word.casefold() in {n.casefold() for n in _known_as(provider)}:
                return provider
    known = sorted(p.id for p in providers)
    said = " / ".join(wanted)
    near = difflib.get_close_matches(said.casefold(), known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    which = f"knows “{said}”, and its words are what is scored" if said else "is named in it"
    raise UsageError(f"{name}: no provider file {which}.{hint} Choose with --provider: {', '.join(known)}.")


def _known_as(provider: Provider) -> tuple[str, ...]:
    return (provider.id, provider.name, *provider.aliases, *provider.page_ids)


def _of_polls(polls: Iterable[Poll]) -> History:
    """Polls as a history: the page's last face, and of each incident every update and component that was ever seen."""
    page: Body = {}
    seen: dict[str, Body] = {}
    for poll in polls:
        body = poll.body if isinstance(poll.body, dict) else {}
        page = body.get("page") or page
        for incident in body.get("incidents") or ():
            if isinstance(incident, dict) and incident.get("id") and incident.get("incident_updates"):
                seen[incident["id"]] = _joined(seen.get(incident["id"], {}), incident)
    if not seen:
        raise ParseError("these polls hold no incident")
    return read_history(json.dumps({"page": page, "incidents": list(seen.values())}).encode())


def _joined(before: Body, now: Body) -> Body:
    lists = ("incident_updates", "components")
    both = {key: [*(before.get(key) or ()), *(now.get(key) or ())] for key in lists}
    return {**now, **{key: list({wire.text(i.get("id")): i for i in items}.values()) for key, items in both.items()}}
