"""Parses Cloudflare's own page (``/api/v3/summary``, since August 2026).

Only parts of the format are known (bot/docs/status-page-formats.md#cloudflare): the data is in ``result``; an incident
has ``impact``, ``starts_at``, ``created_at``, ``resolved_at`` and its own page. What is open is in ``active_incidents``
and ``active_maintenances``, what ended lately in ``recent_incidents``; each has its last post only, in ``last_update``,
and the affected components without their states. For the rest, this parser reads Statuspage's keys, and refuses a
result without components and incidents.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
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
from bot.formats.base import Absence, Bodies, SourceFormat, quote_path_segment

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded": Condition.DEGRADED,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "under_maintenance": Condition.MAINTENANCE,
    "maintenance": Condition.MAINTENANCE,
}


def fits(body: Any) -> bool:
    """True for a result that has components or incidents, and is not Status.io's."""
    result = body.get("result") if isinstance(body, dict) else None
    return (
        isinstance(result, dict)
        and "status_overall" not in result
        and any(isinstance(result.get(k), list) for k in ("components", "incidents", "active_incidents"))
    )


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the summary."""
    body = json_fields.load_object(bodies[0])
    if not fits(body):
        json_fields.raise_parse_error("its result has neither components nor incidents")
    result = json_fields.require_object(body["result"], "result")
    components = builders.unique_by_id(json_fields.read_list(result.get("components"), _component, "a component"))
    listed = {c.id: c for c in components or ()}
    open_incidents, recent = (
        json_fields.read_list(value, lambda i: _incident(i, listed), "an incident", is_listing=True)
        for value in (_first_present(result, "active_incidents", "incidents"), result.get("recent_incidents"))
    )
    incidents = (*(open_incidents or ()), *(recent or ())) if open_incidents is not None or recent else None
    maintenances = json_fields.read_list(
        _first_present(result, "active_maintenances", "maintenances", "scheduled_maintenances", "maintenance"),
        lambda i: _maintenance(i, listed),
        "maintenance",
        is_listing=True,
    )
    status = result.get("status")
    indicator = json_fields.to_text(status.get("indicator") if isinstance(status, dict) else None)
    claim = f"its indicator is {indicator}" if indicator in builders.ISSUE_INDICATORS else ""
    still_open = [i for i in incidents or () if not i.stage.is_closed]
    return Snapshot(
        "",
        source.provider,
        components,
        builders.unique_by_id(incidents),
        builders.unique_by_id(maintenances),
        contradiction=builders.contradiction(claim, still_open, components),
    )


def parse_own(raw: bytes, _source: Source) -> Incident:
    """Parses an incident's own page."""
    return _incident(json_fields.require_object(json_fields.load_object(raw).get("result"), "result"), {})


def _first_present(item: json_fields.JsonObject, *names: str) -> Any:
    """The value of the first of these keys that is present and not null; None where none is."""
    return next((item[name] for name in names if item.get(name) is not None), None)


def _component(item: json_fields.JsonObject) -> Component:
    condition = builders.map_condition(CONDITIONS, item.get("status"))
    return builders.build_component(builders.to_id(item.get("id")), json_fields.to_text(item.get("name")), condition)


def _affected(item: json_fields.JsonObject, listed: Mapping[str, Component]) -> Component:
    """A component that an incident affects; without a state of its own, it has the page's."""
    known = listed.get(builders.to_id(item.get("id")))
    return known if known and item.get("status") is None else _component(item)


def _updates(item: json_fields.JsonObject) -> tuple[Update, ...]:
    """The incident's posts; its last one where the page gives no more."""
    posts = json_fields.read_list(_first_present(item, "updates", "incident_updates"), _update, "an update")
    if posts:
        return posts
    return json_fields.read_list([last], _update, "an update") or () if (last := item.get("last_update")) else ()


def _incident(item: json_fields.JsonObject, listed: Mapping[str, Component]) -> Incident:
    impact = json_fields.to_enum(Impact, json_fields.to_text(item.get("impact")), Impact.UNKNOWN)
    updates = _updates(item)
    stage = json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN)
    if stage is Stage.UNKNOWN and json_fields.parse_iso_time(item.get("resolved_at")):
        stage = Stage.RESOLVED
    components = (
        json_fields.read_list(
            _first_present(item, "components", "affected_components"), lambda c: _affected(c, listed), "a component"
        )
        or ()
    )
    name, created_at = json_fields.to_text(item.get("name")), _first_present(item, "created_at", "starts_at")
    return builders.build_incident(
        builders.incident_id(item.get("id"), None, name, created_at, updates[0].body if updates else ""),
        name,
        stage,
        impact,
        json_fields.parse_iso_time(created_at),
        updates,
        components=builders.unique_by_id(components) or (),
        started_at=json_fields.parse_iso_time(item.get("starts_at")),
        url=json_fields.to_safe_url(_first_present(item, "url", "shortlink")),
        is_maintenance=impact is Impact.MAINTENANCE,
    )


def _maintenance(item: json_fields.JsonObject, listed: Mapping[str, Component]) -> Incident:
    incident = _incident(item, listed)
    return builders.build_incident(
        incident.id,
        incident.name,
        incident.stage,
        Impact.MAINTENANCE,
        incident.created_at,
        incident.updates,
        components=incident.components,
        url=incident.url,
        is_maintenance=True,
        scheduled_for=json_fields.parse_iso_time(_first_present(item, "scheduled_for", "starts_at")),
        scheduled_until=json_fields.parse_iso_time(_first_present(item, "scheduled_until", "ends_at")),
    )


def _update(item: json_fields.JsonObject) -> Update:
    return builders.build_update(
        builders.to_id(item.get("id")),
        json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN),
        builders.html_to_text(_first_present(item, "body", "message")),
        json_fields.parse_iso_time(_first_present(item, "display_at", "published_at", "created_at")),
        json_fields.read_list(item.get("affected_components"), _transition, "an affected component"),
    )


def _transition(item: json_fields.JsonObject) -> ComponentTransition:
    name = json_fields.to_text(item.get("name"))
    component_id = builders.to_id(_first_present(item, "code", "id")) or name
    if not component_id:
        json_fields.raise_parse_error("an affected component has neither an id nor a name")
    new = builders.map_condition(CONDITIONS, _first_present(item, "new_status", "status"))
    return ComponentTransition(component_id, name, builders.map_condition(CONDITIONS, item.get("old_status")), new)


FORMAT = SourceFormat(
    "Cloudflare's own page",
    ("/api/v3/summary",),
    parse,
    fits,
    absence=Absence.ASK,
    own_path=lambda incident, _source: f"/api/v3/incidents/{quote_path_segment(incident.id)}",
    parse_own=parse_own,
)
