"""Parses StatusPal's ``/api/v2/status_pages/<subdomain>/summary``: a tree of services, which are the components.

A service has the type of its present incident: major, minor, scheduled, or null for none
(bot/docs/status-page-formats.md#statuspal). An incident has ended once ``ends_at`` has passed, so the same body means
something else later.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields, reading
from bot.formats.base import Bodies, SourceFormat

TYPES = {
    "major": (Impact.CRITICAL, Condition.MAJOR_OUTAGE),
    "minor": (Impact.MINOR, Condition.DEGRADED),
    "scheduled": (Impact.MAINTENANCE, Condition.MAINTENANCE),
}
STAGES = {
    "issue": Stage.INVESTIGATING,
    "investigating": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
    "retroactive": Stage.RESOLVED,
}
_MAX_DEPTH = 20  # levels of services below services


def fits(body: Any) -> bool:
    """True for a status page with its services; some servers leave out what says which page it is."""
    services = _services(body) if isinstance(body, dict) else None
    if not isinstance(services, list):
        return False
    is_typed = any(isinstance(s, dict) and "current_incident_type" in s for s in services)
    return isinstance(body.get("status_page"), dict) or (is_typed and isinstance(body.get("incidents"), list))


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Parses the summary as of ``at``."""
    body = json_fields.load_object(bodies[0])
    page = json_fields.require_object(body.get("status_page", {}), "status_page")
    services = _services(body)
    if not isinstance(services, list):
        json_fields.raise_parse_error("it lists no services")
    if not page and not fits(body):
        json_fields.raise_parse_error("it is not said which page it is, and nothing says that it is StatusPal's")
    components = builders.unique_by_id(_flatten_services(services)) or ()
    names = {c.id: c.name for c in components}
    keys = ("incidents", "maintenances", "upcoming_maintenances")
    lists = [
        json_fields.read_list(body.get(key), lambda i: _incident(i, source, names, at), key, is_listing=True)
        for key in keys
    ]
    all_maintenances = None if lists[1] is None or lists[2] is None else (*lists[1], *lists[2])
    listed = [incident for found in lists for incident in found or ()]
    split = builders.split_maintenances(listed)
    incidents = None if lists[0] is None and not split[0] else split[0]
    maintenances = None if all_maintenances is None and not split[1] else split[1]
    name = json_fields.to_text(page.get("name"))
    return Snapshot(builders.to_id(page.get("subdomain")), name, components, incidents, maintenances)


def _services(body: json_fields.JsonObject) -> Any:
    return body.get("services", body.get("components"))


def _flatten_services(services: Any, depth: int = 0) -> Iterator[Component]:
    for item in json_fields.read_list(services, dict, "a service") or ():
        if not (item.get("id") or item.get("name")):
            reading.note_problem("left out a service: it has neither an id nor a name")
            continue
        kind = item.get("current_incident_type", "?")
        condition = Condition.OPERATIONAL if kind is None else _impact_and_condition(kind)[1]
        yield builders.build_component(builders.to_id(item.get("id")), json_fields.to_text(item.get("name")), condition)
        if depth < _MAX_DEPTH:
            yield from _flatten_services(item.get("children"), depth + 1)


def _impact_and_condition(value: Any) -> tuple[Impact, Condition]:
    return TYPES.get(json_fields.to_text(value), (Impact.UNKNOWN, Condition.UNKNOWN))


def _incident(item: json_fields.JsonObject, source: Source, names: dict[str, str], at: datetime) -> Incident:
    incident_id = builders.incident_id(item.get("id"), source, item.get("title"), item.get("starts_at"))
    impact, condition = _impact_and_condition(item.get("type"))
    service_ids = [i for i in _service_ids(item) if i in names]
    starts, ends = json_fields.parse_iso_time(item.get("starts_at")), json_fields.parse_iso_time(item.get("ends_at"))
    transitions = (
        builders.build_transitions((i, names[i], condition) for i in service_ids) if condition.is_bad else None
    )
    updates = builders.oldest_first(json_fields.read_list(item.get("updates"), _update, "an update"))
    is_maintenance = impact is Impact.MAINTENANCE
    return builders.build_incident(
        incident_id,
        json_fields.to_text(item.get("title")),
        _stage(is_maintenance=is_maintenance, starts=starts, ends=ends, at=at, updates=updates),
        impact,
        starts or json_fields.parse_iso_time(item.get("inserted_at")),
        builders.with_initial_transitions(updates, transitions),
        components=tuple(builders.build_component(i, names[i], condition) for i in dict.fromkeys(service_ids)),
        url=json_fields.to_safe_url(item.get("url")),
        is_maintenance=is_maintenance,
        scheduled_for=starts if is_maintenance else None,
        scheduled_until=ends if is_maintenance else None,
    )


def _stage(
    *, is_maintenance: bool, starts: datetime | None, ends: datetime | None, at: datetime, updates: list[Update]
) -> Stage:
    if is_maintenance:
        return builders.maintenance_stage(starts, ends, at)
    if ends and at >= ends:
        return Stage.RESOLVED
    return updates[-1].stage if updates else Stage.INVESTIGATING


def _service_ids(item: json_fields.JsonObject) -> Iterator[str]:
    ids = item.get("service_ids")
    yield from (builders.to_id(i) for i in (ids if isinstance(ids, list) else ()))
    yield from (
        builders.to_id(s.get("id")) for s in json_fields.read_list(item.get("services"), dict, "a service") or ()
    )


def _update(item: json_fields.JsonObject) -> Update:
    at = json_fields.parse_iso_time(item.get("posted_at")) or json_fields.parse_iso_time(item.get("inserted_at"))
    stage = STAGES.get(json_fields.to_text(item.get("type")), Stage.UNKNOWN)
    return builders.build_update(
        builders.to_id(item.get("id")), stage, builders.html_to_text(item.get("description")), at
    )


FORMAT = SourceFormat(
    "StatusPal",
    ("/api/v2/status_pages/{page}/summary",),
    parse,
    fits,
    needs=("page",),
    timed=True,
    complete_below=math.inf,
)
