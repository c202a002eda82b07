"""Parses Zendesk's own status: the active incidents (``/api/incidents/active``) and the planned maintenance.

JSON:API: posts, and what an incident does to a service, stand in ``included``. Services have no state of their own, so
that there is no list of components. An incident has ended once it has a time of its end; its ``status`` may stay as it
was (bot/docs/status-page-formats.md#zendesk). Names are written with underscores, or in capitals as on the page's own
data; both are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Bodies, SourceFormat

IMPACTS = {"minor": Impact.MINOR, "major": Impact.MAJOR, "critical": Impact.CRITICAL}
_KEYS = {"data", "included", "meta", "links", "jsonapi"}
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_Included = Mapping[tuple[str, str], json_fields.JsonObject]  # type and id -> the attributes


def fits(body: Any) -> bool:
    """True for a list of incidents in JSON:API, also for an empty one beside what it includes."""
    items = body.get("data") if isinstance(body, dict) else None
    if not isinstance(items, list):
        return False
    if not items:
        return "included" in body and body.keys() <= _KEYS
    return all(isinstance(i, dict) and i.get("type") == "incident" and "relationships" in i for i in items)


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the active incidents, and the maintenances where they were read."""
    incidents = _listed(bodies[0], source, is_maintenance=False)
    maintenances = _listed(bodies[1], source, is_maintenance=True) if len(bodies) > 1 else None
    return Snapshot("", source.provider, None, incidents, maintenances)


def _listed(body: bytes, source: Source, *, is_maintenance: bool) -> tuple[Incident, ...]:
    document = json_fields.load_object(body)
    if document.get("error") or document.get("errors"):
        json_fields.raise_parse_error("it is an error of its server")
    included = {
        (_plain(json_fields.to_text(item.get("type"))), builders.to_id(item.get("id"))): _attributes(item)
        for item in json_fields.read_list(document.get("included"), dict, "an included item") or ()
    }
    read = partial(_incident, source=source, included=included, is_maintenance=is_maintenance)
    found = json_fields.read_list(document.get("data"), read, "an incident", is_listing=True)
    if found is None:
        json_fields.raise_parse_error("it lists no incidents, not even none")
    return builders.unique_by_id(found) or ()


def _plain(name: str) -> str:
    """A name with underscores: ``started_at`` for ``startedAt``."""
    return _CAPITAL.sub("_", name).lower()


def _attributes(item: json_fields.JsonObject) -> json_fields.JsonObject:
    attributes, relations = item.get("attributes"), item.get("relationships")
    fields = {_plain(k): v for k, v in attributes.items()} if isinstance(attributes, dict) else {}
    return fields | {"related": {_plain(k): v for k, v in relations.items()} if isinstance(relations, dict) else {}}


def _related(attributes: json_fields.JsonObject, name: str, included: _Included) -> Iterator[json_fields.JsonObject]:
    """The attributes of the included items of a type that an item refers to, with their ids."""
    relation = attributes["related"].get(f"{name}s")
    data = relation.get("data") if isinstance(relation, dict) else None
    for item_id in json_fields.read_list(data, lambda r: builders.to_id(r.get("id")), f"a {name}") or ():
        if (name, item_id) in included:
            yield {**included[name, item_id], "id": item_id}


def _incident(item: json_fields.JsonObject, *, source: Source, included: _Included, is_maintenance: bool) -> Incident:
    fields = _attributes(item)
    title = json_fields.to_text(fields.get("title")) or json_fields.to_text(fields.get("name"))
    started, ended = (json_fields.parse_iso_time(fields.get(key)) for key in ("started_at", "resolved_at"))
    incident_id = builders.incident_id(item.get("id"), source, title, started)
    stage = _stage(fields, is_over=builders.states_end(fields.get("resolved_at")), is_maintenance=is_maintenance)
    components = tuple(_components(fields, included, is_maintenance=is_maintenance))
    affected = [(c.id, c.name, c.condition) for c in components if c.condition is not Condition.UNKNOWN]
    posts = builders.oldest_first(map(_update, _related(fields, "incident_update", included)))
    posts = posts or [builders.build_update(f"{incident_id}:start", Stage.INVESTIGATING, "", started)]
    first, now = (Stage.SCHEDULED, stage) if is_maintenance else (Stage.INVESTIGATING, stage)
    updates = [
        builders.build_update(u.id, now if n == len(posts) and not stage.is_closed else first, u.body, u.display_at)
        for n, u in enumerate(posts, 1)
    ]
    updates = builders.with_initial_transitions(updates, builders.build_transitions(affected))
    if stage.is_closed and (ended is None or started is None or ended >= started):
        updates.append(builders.build_update(f"{incident_id}:end", stage, "", ended))
    impact = IMPACTS.get(json_fields.to_text(fields.get("impact")).casefold(), Impact.UNKNOWN)
    return builders.build_incident(
        incident_id,
        title,
        stage,
        Impact.MAINTENANCE if is_maintenance else impact,
        started,
        updates,
        components=builders.unique_by_id(components) or (),
        started_at=None if is_maintenance else started,
        is_maintenance=is_maintenance,
        scheduled_for=started if is_maintenance else None,
    )


def _stage(fields: json_fields.JsonObject, *, is_over: bool, is_maintenance: bool) -> Stage:
    """The stage; over only where a time of the end says so, since ``status`` is not kept up."""
    if is_over:
        return Stage.COMPLETED if is_maintenance else Stage.RESOLVED
    stated = json_fields.to_enum(Stage, fields.get("status"), Stage.INVESTIGATING)
    if is_maintenance:
        return Stage.IN_PROGRESS if stated is Stage.IN_PROGRESS else Stage.SCHEDULED
    return Stage.MONITORING if stated.is_closed else stated


def _components(fields: json_fields.JsonObject, included: _Included, *, is_maintenance: bool) -> Iterator[Component]:
    """The services that an incident affects; those that it does not affect any more are left out."""
    for effect in _related(fields, "incident_service", included):
        if builders.states_end(effect.get("resolved_at")):
            continue
        service_id = builders.to_id(effect.get("service_id")) or _service_of(effect)
        named = included.get(("service", service_id), {})
        name = json_fields.to_text(effect.get("service_name")) or json_fields.to_text(named.get("name"))
        condition = Condition.MAINTENANCE if is_maintenance else _condition(effect)
        if service_id or name:
            yield builders.build_component(service_id, name, condition)


def _service_of(effect: json_fields.JsonObject) -> str:
    relation = effect["related"].get("service")
    data = relation.get("data") if isinstance(relation, dict) else None
    return builders.to_id(data.get("id")) if isinstance(data, dict) else ""


def _condition(effect: json_fields.JsonObject) -> Condition:
    if effect.get("outage") is True:
        return Condition.MAJOR_OUTAGE
    return Condition.DEGRADED if effect.get("degradation") is True else Condition.UNKNOWN


def _update(fields: json_fields.JsonObject) -> Update:
    return builders.build_update(
        builders.to_id(fields.get("id")),
        Stage.UNKNOWN,
        builders.html_to_text(fields.get("description")),
        json_fields.parse_iso_time(fields.get("created_at")),
    )


FORMAT = SourceFormat(
    "Zendesk's own page",
    ("/api/incidents/active", "/api/incidents/maintenance"),
    parse,
    fits,
    optional_paths=1,
    hosts=("status.zendesk.com",),
)
