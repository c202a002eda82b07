"""Parses Heroku's ``/api/v4/current-status``: three systems with a colour each, and the open incidents.

``resolved`` is false even on resolved incidents, so ``state`` counts (bot/docs/status-page-formats.md#heroku).
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Absence, Bodies, SourceFormat, quote_path_segment

CONDITIONS = {
    "green": Condition.OPERATIONAL,
    "yellow": Condition.DEGRADED,
    "red": Condition.MAJOR_OUTAGE,
    "blue": Condition.MAINTENANCE,
}
STAGES = {
    "issue": Stage.INVESTIGATING,
    "investigating": Stage.INVESTIGATING,
    "update": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
    "scheduled": Stage.SCHEDULED,
    "maintenance": Stage.IN_PROGRESS,
}
IMPACTS = {Condition.DEGRADED: Impact.MINOR, Condition.MAJOR_OUTAGE: Impact.CRITICAL}
_CLOSED_STATES = {"resolved", "completed", "closed"}


def fits(body: Any) -> bool:
    """True for a page with a list of systems."""
    systems = body.get("status") if isinstance(body, dict) else None
    return isinstance(systems, list) and all(isinstance(s, dict) and "system" in s for s in systems)


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the page."""
    body = json_fields.load_object(bodies[0])
    components = json_fields.read_list(body.get("status"), _system_component, "a system")
    if components is None:
        json_fields.raise_parse_error("it lists no systems")
    incidents = json_fields.read_list(
        body.get("incidents"), lambda i: _incident(i, source), "an incident", is_listing=True
    )
    maintenances = json_fields.read_list(
        body.get("scheduled"), lambda i: _incident(i, source, is_maintenance=True), "a maintenance", is_listing=True
    )
    return Snapshot(
        "",
        source.provider,
        builders.unique_by_id(components),
        builders.unique_by_id(incidents),
        builders.unique_by_id(maintenances),
    )


def parse_own(raw: bytes, source: Source) -> Incident:
    """Parses an incident's own page."""
    return _incident(json_fields.load_object(raw), source)


def _system_component(item: json_fields.JsonObject) -> Component:
    name = json_fields.to_text(item.get("system")) or json_fields.to_text(item.get("name"))
    return builders.build_component(name, name, builders.map_condition(CONDITIONS, item.get("status")))


def _incident(item: json_fields.JsonObject, source: Source, *, is_maintenance: bool = False) -> Incident:
    title, created_at = json_fields.to_text(item.get("title")), json_fields.parse_iso_time(item.get("created_at"))
    incident_id = builders.incident_id(item.get("id"), source, title, created_at)
    updates = builders.oldest_first(json_fields.read_list(item.get("updates"), _update, "an update"))
    stage = updates[-1].stage if updates else Stage.UNKNOWN
    if json_fields.to_text(item.get("state")).casefold() in _CLOSED_STATES or item.get("resolved") is True:
        stage = Stage.COMPLETED if is_maintenance else Stage.RESOLVED
    elif is_maintenance and updates and builders.says_maintenance_is_over(updates[-1].body):
        stage = Stage.COMPLETED
    elif stage.is_closed:
        stage = Stage.MONITORING
    systems = json_fields.read_list(item.get("systems"), _system_component, "a system") or ()
    conditions = (*(m.new for u in updates for m in u.transitions or ()), *(c.condition for c in systems))
    worst = max(conditions, key=lambda c: c.rank, default=Condition.UNKNOWN)
    return builders.build_incident(
        incident_id,
        title,
        Stage.SCHEDULED if is_maintenance and not stage.is_closed else stage,
        Impact.MAINTENANCE if is_maintenance else IMPACTS.get(worst, Impact.UNKNOWN),
        created_at,
        updates,
        components=builders.unique_by_id(systems) or (),
        url=json_fields.to_safe_url(item.get("full_url")),
        updated_at=json_fields.parse_iso_time(item.get("updated_at")),
        is_maintenance=is_maintenance,
        scheduled_for=json_fields.parse_iso_time(item.get("scheduled_for")),
    )


def _update(item: json_fields.JsonObject) -> Update:
    components = json_fields.read_list(item.get("statuses"), _system_component, "a system") or ()
    return builders.build_update(
        builders.to_id(item.get("id")),
        STAGES.get(json_fields.to_text(item.get("update_type")).casefold(), Stage.UNKNOWN),
        builders.html_to_text(item.get("contents")),
        json_fields.parse_iso_time(item.get("display_at"))
        or json_fields.parse_iso_time(item.get("created_at"))
        or json_fields.parse_iso_time(item.get("updated_at")),
        builders.build_transitions(
            (c.id, c.name, c.condition) for c in components if c.condition is not Condition.UNKNOWN
        ),
    )


FORMAT = SourceFormat(
    "Heroku",
    ("/api/v4/current-status",),
    parse,
    fits,
    absence=Absence.ASK,
    own_path=lambda incident, source: (
        f"/api/v4/incidents/{quote_path_segment(builders.vendor_incident_id(incident, source))}"
    ),
    parse_own=parse_own,
    complete_below=math.inf,
)
