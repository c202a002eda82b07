"""Reads a recording as labelled cases: each incident with the surfaces that its vendor listed, at each of its updates.

A label is a component that the vendor put on the incident: the final list, or where there is none, the components that
its updates moved out of operational. Both forms of bot/docs/status-page-formats.md#recordings are read; recorded polls
are merged into everything that was ever shown of each incident.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO

from bot import spelling
from bot.domain import Component, Condition, Incident, Provider, Stage
from bot.errors import ParseError, UsageError
from bot.formats import json_fields, recordings, statuspage
from bot.formats.reconstruction import History, JsonObject, components_at, incident_at, read_history
from bot.formats.recordings import RecordedPoll
from bot.rules.attribution.components import find_component_link

ComponentName = tuple[str, str]  # a component's id and name


@dataclass(frozen=True, slots=True)
class LabeledCase:
    """One incident to score: the surfaces that it affected, and what its page showed at each update (``shown``).

    ``labels`` are the vendor's component names, ``truth`` the surfaces that they map to. ``red``: those of which a
    recorded page showed a component bad while no other incident was open. ``leaks`` is set where no update says which
    components changed: ``shown`` has the final list at every moment then.
    """

    id: str
    title: str
    truth: frozenset[str]
    red: frozenset[str]
    labels: tuple[str, ...]
    shown: tuple[Incident, ...]
    leaks: bool


@dataclass(frozen=True, slots=True)
class LabeledRecording:
    """One recording file. ``names`` maps the component names of its labels to surface ids.

    ``red``: by incident, the components that a recorded page showed bad while no other incident was open.
    """

    name: str
    provider: Provider
    history: History
    names: Mapping[str, str]
    red: Mapping[str, frozenset[ComponentName]]

    @property
    def labelable(self) -> frozenset[str]:
        """The surfaces that have a component in this history; there can be no label for the others."""
        return frozenset(self.names.values())

    def cases(self) -> Iterator[LabeledCase]:
        """The incidents as cases, in the order of the history."""
        return (
            build_case(self.history, identity, self.provider, self.red.get(identity, ()))
            for identity in self.history.incidents
        )

    def conditions_at(self, at: datetime) -> Mapping[str, Condition]:
        """The conditions of the page's components at this moment, by component id."""
        shown = components_at(self.history, at)
        return {c["id"]: statuspage.CONDITIONS.get(c["status"], Condition.UNKNOWN) for c in shown}


def read_recording(
    name: str, raw: bytes, providers: Iterable[Provider], provider_id: str | None = None
) -> LabeledRecording:
    """Reads one file: plain, gzip or xz.

    Raises ParseError where it is no recording, UsageError where its provider is not in ``providers``. ``provider_id``
    overrides the provider that the file names.
    """
    with recordings.errors_naming_file(name):
        recorded = recordings.read_recording(BytesIO(raw))
        history, red = (recorded, {}) if isinstance(recorded, History) else _history_from_polls(recorded)
    provider = _find_provider(name, history.page, tuple(providers), provider_id)
    names = {}
    for identity in history.incidents:
        for component in _labeled_components(_final_incident(history, identity)):
            link = find_component_link(component.id, component.name, provider)
            if link:
                names[component.name] = link.surface
    return LabeledRecording(name, provider, history, names, red)


def build_case(history: History, identity: str, provider: Provider, red: Iterable[ComponentName] = ()) -> LabeledCase:
    """One incident of a history, as shown at each of its updates. Postmortems are left out."""
    last = _final_incident(history, identity)
    labels = _labeled_components(last)
    moments = sorted({u.display_at for u in last.updates})
    return LabeledCase(
        id=identity,
        title=last.name,
        truth=_surfaces(((c.id, c.name) for c in labels), provider),
        red=_surfaces(red, provider),
        labels=tuple(c.name for c in labels),
        shown=tuple(_incident_at(history, identity, at) for at in moments),
        leaks=not history.incidents[identity].has_transitions,
    )


def _surfaces(components: Iterable[ComponentName], provider: Provider) -> frozenset[str]:
    links = (find_component_link(identity, name, provider) for identity, name in components)
    return frozenset(link.surface for link in links if link)


def _incident_at(history: History, identity: str, at: datetime) -> Incident:
    incident = statuspage.parse_incident_body(incident_at(history, identity, at))
    return _without_postmortem(incident)


def _final_incident(history: History, identity: str) -> Incident:
    """The incident after its last update, with its final list of components."""
    recorded = history.incidents[identity]
    incident = _incident_at(history, identity, recorded.times[-1])
    linked = [
        (json_fields.to_text(c.get("code")) or json_fields.to_text(c.get("id")), json_fields.to_text(c.get("name")))
        for c in recorded.linked
    ]
    components = tuple(
        Component(code or history.ids.get(name, name), name, Condition.UNKNOWN) for code, name in dict.fromkeys(linked)
    )
    return replace(incident, components=components)


def _without_postmortem(incident: Incident) -> Incident:
    updates = tuple(u for u in incident.updates if u.stage is not Stage.POSTMORTEM) or incident.updates
    return replace(incident, updates=updates, stage=updates[-1].stage)


def _labeled_components(incident: Incident) -> tuple[Component, ...]:
    if incident.components:
        return incident.components
    changes = (t for u in incident.updates for t in u.transitions or () if t.new.is_bad)
    return tuple(dict.fromkeys(Component(t.component_id, t.name, Condition.UNKNOWN) for t in changes))


def _find_provider(name: str, page: JsonObject, providers: tuple[Provider, ...], provider_id: str | None) -> Provider:
    names = (
        [provider_id]
        if provider_id
        else [text for key in ("id", "name") if (text := json_fields.to_text(page.get(key)))]
    )
    for word in names:
        for provider in providers:
            if word.casefold() in {n.casefold() for n in provider_names(provider)}:
                return provider
    provider_ids = sorted(p.id for p in providers)
    searched = " / ".join(names)
    matches = spelling.nearest(searched, provider_ids)
    hint = f" Did you mean {matches[0]}?" if matches else ""
    problem = f"knows “{searched}”, and its words are what is scored" if searched else "is named in it"
    raise UsageError(f"{name}: no provider file {problem}.{hint} Choose with --provider: {', '.join(provider_ids)}.")


def provider_names(provider: Provider) -> tuple[str, ...]:
    """Every name by which a recording may identify the provider."""
    return (provider.id, provider.name, *provider.aliases, *provider.page_ids)


def _history_from_polls(polls: Iterable[RecordedPoll]) -> tuple[History, dict[str, frozenset[ComponentName]]]:
    """Converts polls into a history, and the components that were bad in each incident's time.

    The history has the last page object, and each incident with all updates and components seen.
    """
    page: JsonObject = {}
    seen: dict[str, JsonObject] = {}
    red: dict[str, frozenset[ComponentName]] = {}
    for poll in polls:
        body = poll.body if isinstance(poll.body, dict) else {}
        page = body.get("page") or page
        incidents = [i for i in body.get("incidents") or () if isinstance(i, dict) and i.get("id")]
        for incident in incidents:
            if incident.get("incident_updates"):
                seen[incident["id"]] = _merge_incident(seen.get(incident["id"], {}), incident)
        ongoing = [
            i["id"] for i in incidents if not json_fields.to_enum(Stage, i.get("status"), Stage.UNKNOWN).is_closed
        ]
        if len(ongoing) == 1:
            red[ongoing[0]] = red.get(ongoing[0], frozenset()) | _bad_components(body)
    if not seen:
        raise ParseError("these polls hold no incident")
    return read_history(json.dumps({"page": page, "incidents": list(seen.values())}).encode()), red


def _bad_components(body: JsonObject) -> frozenset[ComponentName]:
    shown = (c for c in body.get("components") or () if isinstance(c, dict))
    return frozenset(
        (json_fields.to_text(c.get("id")), json_fields.to_text(c.get("name")))
        for c in shown
        if statuspage.CONDITIONS.get(json_fields.to_text(c.get("status")), Condition.UNKNOWN).is_bad
    )


def _merge_incident(before: JsonObject, now: JsonObject) -> JsonObject:
    lists = ("incident_updates", "components")
    merged = {key: [*(before.get(key) or ()), *(now.get(key) or ())] for key in lists}
    return {
        **now,
        **{key: list({json_fields.to_text(i.get("id")): i for i in items}.values()) for key, items in merged.items()},
    }
