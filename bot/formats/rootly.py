"""Parses Rootly's status page (``/api/v1/status.json``) and its list of incidents (``/api/v1/incidents.json``).

It resembles Statuspage (bot/docs/status-page-formats.md#rootly). Differences: two bodies, and a list that may hold
active incidents only, so that an incident that left it is over and not deleted. Keys that only some pages use are read
where they are present.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Bodies, SourceFormat

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "impacted": Condition.DEGRADED,
    "degraded": Condition.DEGRADED,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "outage": Condition.MAJOR_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "under_maintenance": Condition.MAINTENANCE,
}
_ULID_LENGTH = 26  # of the ids of incident.io's pages, which resemble these
INCIDENTS = "/api/v1/incidents.json?per_page=100"


def fits(body: Any) -> bool:
    """True for a page with a status and without the lists that Statuspage and incident.io have beside it."""
    is_page = isinstance(body, dict) and isinstance(body.get("page"), dict) and isinstance(body.get("status"), dict)
    if not is_page or len(json_fields.to_text(body["page"].get("id"))) == _ULID_LENGTH:
        return False
    return "incidents" not in body or not {"components", "scheduled_maintenances"} & body.keys()


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the page and the list of incidents."""
    body = json_fields.load_object(bodies[0])
    page = json_fields.require_object(body.get("page"), "page")
    components = json_fields.read_list(body.get("components"), _component, "a component")
    listed = _read_incidents(json_fields.load_json(bodies[1]))
    shown = _read_incidents(body) if "incidents" in body else ()
    if listed is None or shown is None:
        json_fields.raise_parse_error("it lists no incidents, not even none")
    name = json_fields.to_text(page.get("name")) or source.provider
    incidents, maintenances = builders.split_maintenances((*listed, *shown))
    indicator = _indicator(body)
    claim = f"its indicator is {indicator}" if indicator in builders.ISSUE_INDICATORS else ""
    return Snapshot(
        builders.to_id(page.get("id")),
        name,
        builders.unique_by_id(components),
        incidents,
        maintenances,
        contradiction=builders.contradiction(claim, incidents, components),
        updated_at=json_fields.parse_iso_time(page.get("updated_at")),
    )


def _indicator(body: json_fields.JsonObject) -> str:
    status = body.get("status")
    return json_fields.to_text(status.get("indicator")) if isinstance(status, dict) else ""


def _read_incidents(document: Any) -> tuple[Incident, ...] | None:
    items = json_fields.require_object(document, "the list").get("incidents")
    return json_fields.read_list(items, _incident, "an incident", is_listing=True)


def _component(item: json_fields.JsonObject) -> Component:
    condition = builders.map_condition(CONDITIONS, item.get("status"))
    return builders.build_component(builders.to_id(item.get("id")), json_fields.to_text(item.get("name")), condition)


def _incident(item: json_fields.JsonObject) -> Incident:
    impact = json_fields.to_enum(Impact, json_fields.to_text(item.get("impact")), Impact.UNKNOWN)
    stage = json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN)
    components = json_fields.read_list(item.get("components"), _component, "a component") or ()
    affected = [(c.id, c.name, c.condition) for c in components if c.condition.is_bad]
    updates = builders.oldest_first(
        json_fields.read_list(item.get("incident_updates") or item.get("updates"), _update, "an update")
    )
    name = json_fields.to_text(item.get("name")) or json_fields.to_text(item.get("title"))
    begin = item.get("created_at") or item.get("started_at")
    return builders.build_incident(
        builders.incident_id(item.get("id"), None, name, begin, updates[0].body if updates else ""),
        name,
        Stage.RESOLVED if stage is Stage.UNKNOWN and json_fields.parse_iso_time(item.get("resolved_at")) else stage,
        impact,
        json_fields.parse_iso_time(item.get("created_at")) or json_fields.parse_iso_time(item.get("started_at")),
        builders.with_initial_transitions(updates, builders.build_transitions(affected)),
        components=builders.unique_by_id(components) or (),
        started_at=json_fields.parse_iso_time(item.get("started_at")),
        url=json_fields.to_safe_url(item.get("shortlink") or item.get("url")),
        is_maintenance=impact is Impact.MAINTENANCE or json_fields.to_text(item.get("kind")) == "scheduled",
        scheduled_for=json_fields.parse_iso_time(item.get("scheduled_for")),
        scheduled_until=json_fields.parse_iso_time(item.get("scheduled_until")),
    )


def _update(item: json_fields.JsonObject) -> Update:
    return builders.build_update(
        builders.to_id(item.get("id")),
        json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN),
        builders.html_to_text(item.get("body") or item.get("message")),
        json_fields.parse_iso_time(item.get("display_at")) or json_fields.parse_iso_time(item.get("created_at")),
    )


FORMAT = SourceFormat("Rootly", ("/api/v1/status.json", INCIDENTS), parse, fits, complete_below=math.inf)
