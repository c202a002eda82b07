"""Parses the components and incidents of Cachet 1 and 2 (``/api/v1``) and Cachet 3 (``/api``, JSON:API).

Real servers send numbers as strings. Version 3 has the updates in ``included`` and the affected components among the
relationships; ``latest_status`` of a component is what its page shows; 0 is no stage there, but none that was set.
Its planned maintenance is a list of its own, ``/api/schedules``.
Times have no zone and are read as UTC. Ended incidents are listed too; the end of one that left the list is on its own
page (bot/docs/status-page-formats.md#cachet).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Absence, Bodies, SourceFormat, quote_path_segment

CONDITIONS = {
    "1": Condition.OPERATIONAL,
    "2": Condition.DEGRADED,
    "3": Condition.PARTIAL_OUTAGE,
    "4": Condition.MAJOR_OUTAGE,
    "5": Condition.UNKNOWN,
    "6": Condition.MAINTENANCE,
}
STAGES = {
    "0": Stage.SCHEDULED,
    "1": Stage.INVESTIGATING,
    "2": Stage.IDENTIFIED,
    "3": Stage.MONITORING,
    "4": Stage.RESOLVED,
}
V3_STAGES = {code: stage for code, stage in STAGES.items() if code != "0"}
SCHEDULE_STAGES = {"0": Stage.SCHEDULED, "1": Stage.IN_PROGRESS, "2": Stage.COMPLETED}
IMPACTS = {
    Condition.DEGRADED: Impact.MINOR,
    Condition.PARTIAL_OUTAGE: Impact.MAJOR,
    Condition.MAJOR_OUTAGE: Impact.CRITICAL,
}


def fits_v1(body: Any) -> bool:
    """True for versions 1 and 2: components with a name and a status."""
    items = _listed_items(body)
    return bool(items) and all("status" in i and "name" in i for i in items) and isinstance(body.get("meta"), dict)


def fits_v3(body: Any) -> bool:
    """True for version 3: JSON:API components."""
    items = _listed_items(body)
    return bool(items) and all(i.get("type") == "components" and "attributes" in i for i in items)


def _listed_items(body: Any) -> list[json_fields.JsonObject]:
    items = body.get("data") if isinstance(body, dict) else None
    return items if isinstance(items, list) and all(isinstance(i, dict) for i in items) else []


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the components and the newest incidents."""
    component_items, incident_items = (json_fields.load_object(raw).get("data") for raw in bodies[:2])
    included = json_fields.read_list(json_fields.load_object(bodies[1]).get("included"), dict, "an included item") or ()
    updates_by_id = {builders.to_id(i.get("id")): i for i in included if i.get("type") == "updates"}
    listed = json_fields.read_list(component_items, dict, "a component")
    has_latest = any("latest_status" in _with_attributes(item) for item in listed or ())
    components = builders.unique_by_id(
        json_fields.read_list(component_items, lambda i: _component(i, has_latest=has_latest), "a component")
    )
    if components is None:
        json_fields.raise_parse_error("it lists no components")
    components_by_id = {c.id: c for c in components}
    listed_incidents = json_fields.read_list(
        incident_items,
        lambda i: _incident(_with_updates(i, updates_by_id), source, components_by_id),
        "an incident",
        is_listing=True,
    )
    if listed_incidents is None:
        json_fields.raise_parse_error("it lists no incidents, not even none")
    incidents, maintenances = builders.split_maintenances(listed_incidents)
    return Snapshot("", source.provider, components, incidents, maintenances)


def parse_v3(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Parses version 3: also the planned maintenance, where that list was read."""
    snapshot = parse(bodies, source, at)
    components_by_id = {c.id: c for c in snapshot.components or ()}
    is_read = len(bodies) > 2  # noqa: PLR2004
    schedules = _schedules(bodies[2], source, components_by_id) if is_read else None
    return replace(snapshot, maintenances=builders.unique_by_id(schedules))


def _schedules(body: bytes, source: Source, components_by_id: Mapping[str, Component]) -> tuple[Incident, ...] | None:
    """Version 3's planned maintenance; None where there is no list of it."""
    document = json_fields.load_object(body)
    included = json_fields.read_list(document.get("included"), dict, "an included item") or ()
    updates_by_id = {builders.to_id(i.get("id")): i for i in included if i.get("type") == "updates"}
    return json_fields.read_list(
        document.get("data"),
        lambda i: _schedule(_with_updates(i, updates_by_id), source, components_by_id),
        "a schedule",
        is_listing=True,
    )


def _schedule(item: json_fields.JsonObject, source: Source, components_by_id: Mapping[str, Component]) -> Incident:
    attributes = _with_attributes(item)
    name, start = json_fields.to_text(attributes.get("name")), _time(attributes.get("scheduled"))
    maintenance_id = builders.maintenance_id(item.get("id"), source, name, start)
    ended = _time(attributes.get("completed"))
    stage = SCHEDULE_STAGES.get(_status_code(attributes.get("status")), Stage.SCHEDULED)
    stage = Stage.COMPLETED if ended else stage
    posted = _time(attributes.get("published")) or _time(attributes.get("created")) or start
    text = builders.html_to_text(attributes.get("message"))
    later = json_fields.read_list(attributes.get("updates"), lambda u: _update(u, maintenance_id), "an update") or ()
    updates = [
        builders.build_update(f"{maintenance_id}:0", Stage.SCHEDULED, text, posted),
        *(builders.build_update(u.id, Stage.IN_PROGRESS, u.body, u.display_at) for u in later),
    ]
    if stage.is_closed:
        updates.append(builders.build_update(f"{maintenance_id}:end", stage, "", ended))
    affected = (components_by_id[i] for i in _related_ids(item, "components") if i in components_by_id)
    return builders.build_incident(
        maintenance_id,
        name,
        stage,
        Impact.MAINTENANCE,
        posted,
        updates,
        components=builders.unique_by_id(affected) or (),
        is_maintenance=True,
        scheduled_for=start,
        scheduled_until=ended,
    )


def parse_own(raw: bytes, source: Source) -> Incident:
    """Parses an incident's own page."""
    body = json_fields.load_object(raw)
    included = json_fields.read_list(body.get("included"), dict, "an included item") or ()
    updates_by_id = {builders.to_id(i.get("id")): i for i in included if i.get("type") == "updates"}
    return _incident(_with_updates(json_fields.require_object(body.get("data"), "data"), updates_by_id), source, {})


def _with_updates(
    item: json_fields.JsonObject, updates_by_id: Mapping[str, json_fields.JsonObject]
) -> json_fields.JsonObject:
    """The incident with the updates that it refers to, where it does."""
    updates = [updates_by_id[i] for i in _related_ids(item, "updates") if i in updates_by_id]
    return {**item, "updates": updates} if updates else item


def _related_ids(item: json_fields.JsonObject, name: str) -> tuple[str, ...]:
    """The ids of the items of this kind that an item of version 3 refers to."""
    relations = item.get("relationships")
    relation = relations.get(name) if isinstance(relations, dict) else None
    data = relation.get("data") if isinstance(relation, dict) else None
    return json_fields.read_list(data, lambda r: builders.to_id(r.get("id")), f"one of the {name}") or ()


def _with_attributes(item: json_fields.JsonObject) -> json_fields.JsonObject:
    """The fields of an item of either version; version 3 has them below ``attributes``."""
    attributes = item.get("attributes")
    return {**item, **attributes} if isinstance(attributes, dict) else item


def _status_code(value: Any) -> str:
    return json_fields.to_text(value.get("value") if isinstance(value, dict) else value)


def _time(value: Any) -> datetime | None:
    return json_fields.parse_iso_time(value.get("string") if isinstance(value, dict) else value)


def _component(item: json_fields.JsonObject, *, has_latest: bool) -> Component:
    """The component in its latest status, where the page states that of any; ``status`` is the one that was set."""
    attributes = _with_attributes(item)
    status = attributes.get("latest_status" if has_latest else "status")
    return builders.build_component(
        builders.to_id(item.get("id")),
        json_fields.to_text(attributes.get("name")),
        builders.map_condition(CONDITIONS, _status_code(status)),
    )


def _incident(item: json_fields.JsonObject, source: Source, components_by_id: dict[str, Component]) -> Incident:
    attributes = _with_attributes(item)
    name = json_fields.to_text(attributes.get("name"))
    incident_id = builders.incident_id(item.get("id"), source, name, attributes.get("message"))
    component_ids = (builders.to_id(attributes.get("component_id")), *_related_ids(item, "components"))
    affected = tuple(components_by_id[i] for i in dict.fromkeys(component_ids) if i in components_by_id)
    stages = STAGES if "attributes" not in item else V3_STAGES
    stage = stages.get(_status_code(attributes.get("latest_status") or attributes.get("status")), Stage.UNKNOWN)
    created_at = _time(attributes.get("occurred_at") or attributes.get("occurred")) or _time(
        attributes.get("created_at") or attributes.get("created")
    )
    later = json_fields.read_list(attributes.get("updates"), lambda u: _update(u, incident_id), "an update") or ()
    first_stage = stages.get(_status_code(attributes.get("status")), Stage.UNKNOWN)
    if later and stages is V3_STAGES:  # its status is that of now
        first_stage = Stage.INVESTIGATING
    transitions = builders.build_transitions((c.id, c.name, c.condition) for c in affected if c.condition.is_bad)
    worst = max((c.condition for c in affected), key=lambda c: c.rank, default=Condition.UNKNOWN)
    updates = [
        builders.build_update(
            f"{incident_id}:0", first_stage, builders.html_to_text(attributes.get("message")), created_at, transitions
        )
    ]
    updates += later
    return builders.build_incident(
        incident_id,
        name,
        stage,
        IMPACTS.get(worst, Impact.UNKNOWN),
        created_at,
        updates,
        components=affected,
        url=json_fields.to_safe_url(attributes.get("permalink")),
        is_maintenance=stage is Stage.SCHEDULED,
        scheduled_for=_time(attributes.get("scheduled_at")),
    )


def _update(item: json_fields.JsonObject, incident_id: str) -> Update:
    attributes = _with_attributes(item)
    at = _time(attributes.get("created_at") or attributes.get("created"))
    stage = STAGES.get(_status_code(attributes.get("status")), Stage.UNKNOWN)
    body = builders.html_to_text(attributes.get("message"))
    update_id = builders.update_id(incident_id, builders.to_id(item.get("id")), body)
    return builders.build_update(update_id, stage, body, at)


_MAX_COMPONENTS = 100  # of one page of the list
V1 = SourceFormat(
    "Cachet 1 and 2",
    ("/api/v1/components?per_page=100", "/api/v1/incidents?sort=id&order=desc&per_page=20"),
    parse,
    fits_v1,
    absence=Absence.ASK,
    own_path=lambda incident, source: (
        f"/api/v1/incidents/{quote_path_segment(builders.vendor_incident_id(incident, source))}"
    ),
    parse_own=parse_own,
    complete_below=_MAX_COMPONENTS,
)
V3 = SourceFormat(
    "Cachet 3",
    (
        "/api/components?per_page=100",
        "/api/incidents?sort=-id&per_page=20&include=updates,components",
        "/api/schedules?sort=-id&per_page=20&include=updates,components",
    ),
    parse_v3,
    fits_v3,
    optional_paths=1,
    absence=Absence.ASK,
    own_path=lambda incident, source: (
        f"/api/incidents/{quote_path_segment(builders.vendor_incident_id(incident, source))}"
    ),
    parse_own=parse_own,
    complete_below=_MAX_COMPONENTS,
)
