"""Parses Status.io's public status (``/1.0/status/<page id>`` on api.status.io), which lists open incidents only.

Codes: 100 operational, 200 planned maintenance, 300 degraded, 400 partial, 500 disruption, 600 security
(bot/docs/status-page-formats.md#statusio). A component has containers (its locations): its own
status counts where it is bad, else the worst of theirs. A message has a state (100 investigating, 200 identified,
300 monitoring) and the status of the affected components.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from bot.domain import (
    Component,
    ComponentTransition,
    Condition,
    Impact,
    Incident,
    Snapshot,
    Source,
    Stage,
    Update,
)
from bot.formats import builders, json_fields
from bot.formats.base import Bodies, SourceFormat

CONDITIONS = {
    "100": Condition.OPERATIONAL,
    "200": Condition.MAINTENANCE,
    "300": Condition.DEGRADED,
    "400": Condition.PARTIAL_OUTAGE,
    "500": Condition.MAJOR_OUTAGE,
    "600": Condition.MAJOR_OUTAGE,
}
STAGES = {
    "100": Stage.INVESTIGATING,
    "200": Stage.IDENTIFIED,
    "300": Stage.MONITORING,
    "400": Stage.RESOLVED,
}
IMPACTS = {
    Condition.DEGRADED: Impact.MINOR,
    Condition.PARTIAL_OUTAGE: Impact.MAJOR,
    Condition.MAJOR_OUTAGE: Impact.CRITICAL,
}


def fits(body: Any) -> bool:
    """True for a result with an overall status, ``status_overall``."""
    result = body.get("result") if isinstance(body, dict) else None
    return isinstance(result, dict) and "status_overall" in result


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the page."""
    result = json_fields.require_object(json_fields.load_object(bodies[0]).get("result"), "result")
    components = json_fields.read_list(result.get("status"), _component, "a component")
    if components is None:
        json_fields.raise_parse_error("it lists no components")
    listed = {c.id: c for c in components}
    incidents = json_fields.read_list(
        result.get("incidents"), lambda i: _incident(i, listed), "an incident", is_listing=True
    )
    maintenance_lists = json_fields.require_object(result.get("maintenance") or {}, "maintenance")
    active, upcoming = (
        json_fields.read_list(maintenance_lists.get(key), partial(_maintenance, stage=stage), key, is_listing=True)
        for key, stage in (("active", Stage.IN_PROGRESS), ("upcoming", Stage.SCHEDULED))
    )
    listed_maintenances = (*(active or ()), *(upcoming or ()))
    is_complete = active is not None and upcoming is not None
    maintenances = builders.unique_by_id(listed_maintenances) if listed_maintenances or is_complete else None
    overall = result.get("status_overall")
    code = json_fields.to_text(overall.get("status_code") if isinstance(overall, dict) else None)
    claim = f"its overall status is {code}" if CONDITIONS.get(code, Condition.UNKNOWN).is_bad else ""
    return Snapshot(
        source.page,
        source.provider,
        builders.unique_by_id(components),
        builders.unique_by_id(incidents),
        maintenances,
        contradiction=builders.contradiction(claim, (*(incidents or ()), *(maintenances or ())), components),
    )


def _condition(value: Any) -> Condition:
    return builders.map_condition(CONDITIONS, value)


def _component(item: json_fields.JsonObject) -> Component:
    """The component in its own condition if that is bad, else in the worst of its containers'.

    Unknown where one of them is unknown and none is bad. A place may be worse than the component as a whole.
    """
    own_code = item.get("status_code")
    containers = json_fields.read_list(item.get("containers"), dict, "a container") or ()
    codes = [code for code in (own_code, *(c.get("status_code") for c in containers)) if code is not None]
    conditions = [_condition(code) for code in codes] or [_condition(own_code)]
    condition = max(conditions, key=lambda c: (c.is_bad, c is Condition.UNKNOWN, c.rank))
    if own_code is not None and _condition(own_code).is_bad:
        condition = _condition(own_code)
    return builders.build_component(builders.to_id(item.get("id")), json_fields.to_text(item.get("name")), condition)


def _id_and_name(item: json_fields.JsonObject) -> tuple[str, str]:
    return builders.to_id(item.get("_id") or item.get("id")), json_fields.to_text(item.get("name"))


def _update(item: json_fields.JsonObject, incident_id: str, id_name_pairs: tuple[tuple[str, str], ...]) -> Update:
    at = json_fields.parse_iso_time(item.get("datetime"))
    condition = _condition(item.get("status"))
    named = set(json_fields.to_texts(item.get("components")))
    of_this = tuple(pair for pair in id_name_pairs if pair[0] in named) or id_name_pairs
    transitions: tuple[ComponentTransition, ...] | None = None
    if condition is not Condition.UNKNOWN:
        transitions = builders.build_transitions((i, n, condition) for i, n in of_this)
    stage = STAGES.get(json_fields.to_text(item.get("state")), Stage.UNKNOWN)
    body = builders.html_to_text(item.get("details"))
    update_id = builders.to_id(item.get("_id")) or builders.update_id(incident_id, at, body)
    return builders.build_update(update_id, stage, body, at, transitions)


def _incident(item: json_fields.JsonObject, listed: Mapping[str, Component]) -> Incident:
    name, opened = json_fields.to_text(item.get("name")), item.get("datetime_open")
    incident_id = builders.incident_id(item.get("_id") or item.get("id"), None, name, opened)
    id_name_pairs = json_fields.read_list(item.get("components_affected"), _id_and_name, "a component") or ()
    updates = (
        json_fields.read_list(item.get("messages"), lambda m: _update(m, incident_id, id_name_pairs), "a message") or ()
    )
    newest = max(updates, key=lambda u: u.display_at, default=None)
    worst = max((m.new for u in updates for m in u.transitions or ()), key=lambda c: c.rank, default=Condition.UNKNOWN)
    return builders.build_incident(
        incident_id,
        name,
        newest.stage if newest else Stage.UNKNOWN,
        IMPACTS.get(worst, Impact.UNKNOWN),
        json_fields.parse_iso_time(opened),
        updates,
        components=builders.unique_by_id(
            listed.get(i) or builders.build_component(i, n, Condition.UNKNOWN) for i, n in id_name_pairs if i or n
        )
        or (),
        url=json_fields.to_safe_url(item.get("message_link")),
    )


def _maintenance(item: json_fields.JsonObject, *, stage: Stage) -> Incident:
    name, opened = json_fields.to_text(item.get("name")), item.get("datetime_open")
    maintenance_id = builders.incident_id(item.get("_id") or item.get("id"), None, name, opened)
    updates = json_fields.read_list(item.get("messages"), lambda m: _update(m, maintenance_id, ()), "a message") or ()
    return builders.build_incident(
        maintenance_id,
        name,
        stage,
        Impact.MAINTENANCE,
        json_fields.parse_iso_time(opened),
        [builders.build_update(u.id, stage, u.body, u.display_at) for u in updates],
        is_maintenance=True,
        scheduled_for=json_fields.parse_iso_time(item.get("datetime_planned_start")),
        scheduled_until=json_fields.parse_iso_time(item.get("datetime_planned_end")),
    )


FORMAT = SourceFormat("Status.io", ("/1.0/status/{page}",), parse, fits, needs=("page",), complete_below=math.inf)
