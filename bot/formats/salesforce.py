"""Parses Salesforce Trust: the status of one instance (``/v1/instances/<key>/status``).

There are hundreds of instances, and one of them is always affected by something, so one instance is read, by its key
(``page``). It is the only component; of a list of instances, such as those of one product, each is one. The types of
posts are many words in one, such as ``herokuIncidentMonitoring``. Incidents have no titles: one is built from the type
of the impact. An impact without an end is open (bot/docs/status-page-formats.md#salesforce-trust).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Bodies, SourceFormat

CONDITIONS = {
    "ok": Condition.OPERATIONAL,
    "minor_incident": Condition.DEGRADED,
    "major_incident": Condition.MAJOR_OUTAGE,
    "maintenance": Condition.MAINTENANCE,
    "informational": Condition.OPERATIONAL,
}
IMPACTS = {"minor": Impact.MINOR, "major": Impact.MAJOR, "critical": Impact.CRITICAL}
CONDITIONS_BY_IMPACT = {
    Impact.MINOR: Condition.DEGRADED,
    Impact.MAJOR: Condition.MAJOR_OUTAGE,
    Impact.CRITICAL: Condition.MAJOR_OUTAGE,
}
STAGES = {
    "investigating": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
}
_STAGE_PARTS = (
    ("investigating", Stage.INVESTIGATING),
    ("isolated", Stage.IDENTIFIED),
    ("identified", Stage.IDENTIFIED),
    ("monitoring", Stage.MONITORING),
)
MAINTENANCE_STAGES = {
    "scheduled": Stage.SCHEDULED,
    "inprogress": Stage.IN_PROGRESS,
    "started": Stage.IN_PROGRESS,
    "completed": Stage.COMPLETED,
    "resolved": Stage.COMPLETED,
}
_CORE_SUFFIX = re.compile(r"_(?:non)?core$")
_CAMEL_CASE_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")


def fits(body: Any) -> bool:
    """True for an instance with its incidents, or a list of such instances."""
    items = body if isinstance(body, list) and body else [body]
    return all(isinstance(i, dict) and "key" in i and "status" in i and "Incidents" in i for i in items)


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Parses the status of one instance, or of each one of a list."""
    document = json_fields.load_json(bodies[0])
    if not isinstance(document, list):
        return _instance(json_fields.require_object(document, "the page"), source, at)
    instances = json_fields.read_each(document, lambda i: _instance(i, source, at), "an instance", is_listing=True)
    if not instances:
        json_fields.raise_parse_error("it lists no instances that can be read")
    has_all = not any(None in (i.incidents, i.maintenances) for i in instances)
    incidents, maintenances = (
        _merged(found for instance in instances for found in getattr(instance, name) or ())
        for name in ("incidents", "maintenances")
    )
    return Snapshot(
        "",
        source.provider,
        builders.unique_by_id(c for i in instances for c in i.components or ()),
        incidents if incidents or has_all else None,
        maintenances if maintenances or has_all else None,
    )


def _merged(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Each incident once, with every instance of the list that it affects."""
    merged: dict[str, Incident] = {}
    for incident in incidents:
        known = merged.get(incident.id)
        if known is None:
            merged[incident.id] = incident
            continue
        transitions = {t.component_id: t for i in (known, incident) for u in i.updates[:1] for t in u.transitions or ()}
        merged[incident.id] = replace(
            known,
            components=builders.unique_by_id((*known.components, *incident.components)) or (),
            updates=tuple(builders.with_initial_transitions(known.updates, tuple(transitions.values()) or None)),
        )
    return tuple(merged.values())


def _instance(body: json_fields.JsonObject, source: Source, at: datetime) -> Snapshot:
    key, status = json_fields.to_text(body.get("key")), json_fields.to_text(body.get("status"))
    if not key or not status:
        json_fields.raise_parse_error("it has neither a key nor a status")
    condition = builders.map_condition(CONDITIONS, _CORE_SUFFIX.sub("", status.casefold()))
    instance = builders.build_component(key, key, condition)
    incidents = json_fields.read_list(
        body.get("Incidents"), lambda i: _incident(i, source, instance), "an incident", is_listing=True
    )
    maintenances = json_fields.read_list(
        body.get("Maintenances"), lambda i: _maintenance(i, source, instance, at), "a maintenance", is_listing=True
    )
    return Snapshot(
        key, source.provider, (instance,), builders.unique_by_id(incidents), builders.unique_by_id(maintenances)
    )


def _incident(item: json_fields.JsonObject, source: Source, instance: Component) -> Incident:
    incident_id = builders.incident_id(item.get("id"), source, item.get("type"), item.get("createdAt"))
    impacts = json_fields.read_list(item.get("IncidentImpacts"), dict, "an impact") or ()
    is_over = bool(impacts) and all(builders.states_end(i.get("endTime")) for i in impacts)
    stage = (
        Stage.RESOLVED
        if is_over or json_fields.to_text(item.get("status")).casefold() == "resolved"
        else Stage.INVESTIGATING
    )
    severity = max((_severity(i) for i in impacts), key=list(Impact).index, default=Impact.UNKNOWN)
    condition = CONDITIONS_BY_IMPACT.get(severity, Condition.UNKNOWN)
    starts = [at for i in impacts if (at := json_fields.parse_iso_time(i.get("startTime")))]
    updates = builders.oldest_first(json_fields.read_list(item.get("IncidentEvents"), _event, "an event"))
    updates = updates or [
        builders.build_update(f"{incident_id}:0", stage, "", json_fields.parse_iso_time(item.get("createdAt")))
    ]
    if not stage.is_closed and not updates[-1].stage.is_closed:
        stage = updates[-1].stage
    transitions = builders.build_transitions([(instance.id, instance.name, condition)]) if condition.is_bad else None
    return builders.build_incident(
        incident_id,
        _title(item, impacts),
        stage,
        severity,
        json_fields.parse_iso_time(item.get("createdAt")),
        builders.with_initial_transitions(updates, transitions),
        components=(instance,),
        started_at=min(starts, default=None),
        url=json_fields.to_safe_url(
            f"https://status.salesforce.com/incidents/{incident_id.removeprefix(f'{source.id}-')}"
        ),
    )


def _severity(impact: json_fields.JsonObject) -> Impact:
    return IMPACTS.get(json_fields.to_text(impact.get("severity")).casefold(), Impact.NONE)


def _title(item: json_fields.JsonObject, impacts: tuple[json_fields.JsonObject, ...]) -> str:
    types = [json_fields.to_text(i.get("type")) for i in impacts if json_fields.to_text(i.get("type"))] or [
        json_fields.to_text(item.get("type"))
    ]
    names = json_fields.to_texts(item.get("serviceKeys"))
    words = _CAMEL_CASE_BOUNDARY.sub(" ", types[0]).capitalize() or "Incident"
    return f"{words}: {', '.join(n for n in names if n)}" if any(names) else words


def _event(item: json_fields.JsonObject) -> Update:
    return builders.build_update(
        builders.to_id(item.get("id")),
        _event_stage(json_fields.to_text(item.get("type"))),
        builders.html_to_text(item.get("message")),
        json_fields.parse_iso_time(item.get("createdAt")),
    )


def _event_stage(word: str) -> Stage:
    """The stage of a post's type: a word of its own, or one of several that are written as one."""
    word = word.casefold()
    parts = (stage for part, stage in _STAGE_PARTS if part in word)
    return STAGES.get(word) or next(parts, Stage.INVESTIGATING)


def _maintenance_event(item: json_fields.JsonObject) -> Update:
    return builders.build_update(
        builders.to_id(item.get("id")),
        MAINTENANCE_STAGES.get(json_fields.to_text(item.get("type")).casefold(), Stage.SCHEDULED),
        builders.html_to_text(item.get("message")),
        json_fields.parse_iso_time(item.get("createdAt")),
    )


def _maintenance_stage(
    item: json_fields.JsonObject, end: datetime | None, start: datetime | None, at: datetime
) -> Stage:
    """The stage that the maintenance states, or that of its newest post; by the clock once its time has come."""
    message = item.get("message")
    stated = json_fields.to_text(message.get("eventStatus")) if isinstance(message, dict) else ""
    if MAINTENANCE_STAGES.get(stated.casefold()) is Stage.COMPLETED:
        return Stage.COMPLETED
    by_clock = builders.maintenance_stage(start, end, at) if start else Stage.SCHEDULED
    events = json_fields.read_list(item.get("MaintenanceEvents"), dict, "an event") or ()
    words = [json_fields.to_text(e.get("type")).casefold() for e in events]
    return Stage.COMPLETED if {"completed", "resolved"} & set(words) else by_clock


def _maintenance(item: json_fields.JsonObject, source: Source, instance: Component, at: datetime) -> Incident:
    start, end = (
        json_fields.parse_iso_time(item.get("plannedStartTime")),
        json_fields.parse_iso_time(item.get("plannedEndTime")),
    )
    maintenance_id = builders.incident_id(item.get("id"), source, item.get("name"), start)
    created_at = json_fields.parse_iso_time(item.get("createdAt")) or start
    events = json_fields.read_list(item.get("MaintenanceEvents"), _maintenance_event, "an event")
    posts = builders.oldest_first(events)
    return builders.build_incident(
        maintenance_id,
        json_fields.to_text(item.get("name")) or "Maintenance",
        _maintenance_stage(item, end, start, at),
        Impact.MAINTENANCE,
        created_at,
        posts or [builders.build_update(f"{maintenance_id}:0", Stage.SCHEDULED, "", created_at)],
        components=(instance,),
        is_maintenance=True,
        scheduled_for=start,
        scheduled_until=end,
    )


FORMAT = SourceFormat(
    "Salesforce Trust",
    ("/v1/instances/{page}/status",),
    parse,
    fits,
    needs=("page",),
    timed=True,
    complete_below=math.inf,
)
