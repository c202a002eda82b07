"""Parses Slack's own page: open incidents (``/api/v2.0.0/current``) and the list of all (``/history``).

An incident is ``active`` or has ended; there are no stages between. Its ``services`` are the present ones: they change
while it is open, so every note carries them as transitions. Ids are numbers. Notes are HTML without ids
(bot/docs/status-page-formats.md#slack).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain import Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Absence, Bodies, SourceFormat

CURRENT = "/api/v2.0.0/current"
HISTORY = "/api/v2.0.0/history"
STAGES = {
    "active": Stage.INVESTIGATING,
    "resolved": Stage.RESOLVED,
    "completed": Stage.RESOLVED,
    "cancelled": Stage.RESOLVED,
    "scheduled": Stage.SCHEDULED,
}
TYPES = {
    "outage": (Impact.CRITICAL, Condition.MAJOR_OUTAGE),
    "incident": (Impact.MAJOR, Condition.PARTIAL_OUTAGE),
    "notice": (Impact.MINOR, Condition.UNKNOWN),
}


def fits(body: Any) -> bool:
    """True for the body of ``/current``."""
    return isinstance(body, dict) and isinstance(body.get("active_incidents"), list) and "status" in body


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the open incidents."""
    body = json_fields.load_object(bodies[0])
    if not fits(body):
        json_fields.raise_parse_error("it has no active incidents, not even none")
    snapshot = _snapshot(body["active_incidents"], source)
    is_active = body["status"] == "active" and not (snapshot.incidents or snapshot.maintenances)
    return replace(
        snapshot,
        contradiction="it is active, and lists no incident" if is_active else "",
        updated_at=json_fields.parse_iso_time(body.get("date_updated")),
    )


def parse_history(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the list of all incidents."""
    return _snapshot(json_fields.load_json(bodies[0]), source)


def _snapshot(items: Any, source: Source) -> Snapshot:
    listed = json_fields.read_list(items, lambda i: _incident(i, source), "an incident", is_listing=True)
    if listed is None:
        json_fields.raise_parse_error("it lists no incidents, not even none")
    incidents, maintenances = builders.split_maintenances(listed)
    return Snapshot("", source.provider, None, incidents, maintenances)


def _incident(item: json_fields.JsonObject, source: Source) -> Incident:
    title, created = json_fields.to_text(item.get("title")), item.get("date_created")
    incident_id = builders.incident_id(item.get("id"), source, title, created)
    stage = STAGES.get(json_fields.to_text(item.get("status")), Stage.UNKNOWN)
    impact, condition = TYPES.get(json_fields.to_text(item.get("type")), (Impact.UNKNOWN, Condition.UNKNOWN))
    components = [
        builders.build_component(name, name, condition) for name in json_fields.to_texts(item.get("services")) if name
    ]
    affected = [] if condition is Condition.UNKNOWN else [(c.id, c.name, c.condition) for c in components]

    def note(raw_note: json_fields.JsonObject) -> Update:
        at, body = json_fields.to_text(raw_note.get("date_created")), builders.html_to_text(raw_note.get("body"))
        return builders.build_update(
            builders.update_id(incident_id, at, body),
            Stage.INVESTIGATING,
            body,
            json_fields.parse_iso_time(at),
            builders.build_transitions(affected),
        )

    notes = builders.oldest_first(json_fields.read_list(item.get("notes"), note, "a note"))
    if notes and stage.is_closed:
        notes[-1] = Update(notes[-1].id, stage, notes[-1].body, notes[-1].display_at)
    return builders.build_incident(
        incident_id,
        title,
        stage,
        impact,
        json_fields.parse_iso_time(item.get("date_created")),
        notes,
        components=builders.unique_by_id(components) or (),
        url=json_fields.to_safe_url(item.get("url")),
        is_maintenance=stage is Stage.SCHEDULED,
        updated_at=json_fields.parse_iso_time(item.get("date_updated")),
    )


FORMAT = SourceFormat(
    "Slack's own page",
    (CURRENT,),
    parse,
    fits,
    absence=Absence.ASK,
    all_path=HISTORY,
    parse_all=parse_history,
    seen=True,
)
