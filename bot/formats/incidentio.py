"""Parses incident.io's Statuspage form: ``/api/v2/summary.json`` and ``/api/v2/incidents.json``.

It resembles Statuspage (bot/docs/status-page-formats.md#incidentio-statuspage-form), with these differences: empty
lists are left out, so an absent list of incidents is an empty one. An incident never says which components it affects.
At most 25 components are shown, and which ones changes between polls; a component that is not shown has not changed.
Incidents have no own pages: the last update of an incident is in the list of all incidents, which has about 25.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Absence, SourceFormat, single_body_parser

SUMMARY = "/api/v2/summary.json"
INCIDENTS = "/api/v2/incidents.json"

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "full_outage": Condition.MAJOR_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "under_maintenance": Condition.MAINTENANCE,
}
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_MAX_COMPONENTS = 25  # of the components that are listed; which ones changes between polls
_LISTS = ("components", "incidents", "scheduled_maintenances")


def fits(body: Any) -> bool:
    """True for a page whose id is a ULID, as incident.io's are."""
    page = body.get("page") if isinstance(body, dict) else None
    return isinstance(page, dict) and bool(_ULID.fullmatch(json_fields.to_text(page.get("id"))))


def parse(raw: bytes) -> Snapshot:
    """Parses the summary or the list of all incidents."""
    body = json_fields.load_object(raw)
    page = json_fields.require_object(body.get("page"), "page")
    page_id, name = json_fields.to_text(page.get("id")), json_fields.to_text(page.get("name"))
    listed_incidents, listed_maintenances = (
        json_fields.read_list(body.get(key), read, key, is_listing=True)
        for key, read in (("incidents", _incident), ("scheduled_maintenances", _maintenance))
    )
    components = json_fields.read_list(body.get("components"), _component, "a component")
    if not (page_id or name) or (components, listed_incidents, listed_maintenances) == (None, None, None):
        json_fields.raise_parse_error("it has no page, or neither components nor incidents")
    if components == () and not (listed_incidents or listed_maintenances):
        json_fields.raise_parse_error(
            "it lists no component at all, as the parent of other pages does: read one of them"
        )
    incidents, maintenances = builders.split_maintenances((*(listed_incidents or ()), *(listed_maintenances or ())))
    updated_at = json_fields.parse_iso_time(page.get("updated_at"))
    return Snapshot(page_id, name, builders.unique_by_id(components), incidents, maintenances, updated_at=updated_at)


def _component(item: json_fields.JsonObject) -> Component:
    condition = builders.map_condition(CONDITIONS, item.get("status"))
    return builders.build_component(builders.to_id(item.get("id")), json_fields.to_text(item.get("name")), condition)


def _update(item: json_fields.JsonObject) -> Update:
    stage = json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN)
    written_at = json_fields.parse_iso_time(item.get("created_at"))
    at = json_fields.parse_iso_time(item.get("display_at")) or written_at
    update = builders.build_update(builders.to_id(item.get("id")), stage, json_fields.to_text(item.get("body")), at)
    edited_at = json_fields.parse_iso_time(item.get("updated_at"))
    return replace(update, written_at=builders.time_if_later(written_at, at), updated_at=edited_at)


def _incident(item: json_fields.JsonObject, *, is_maintenance: bool = False) -> Incident:
    impact = json_fields.to_enum(Impact, item.get("impact"), Impact.UNKNOWN)
    name, created_at = json_fields.to_text(item.get("name")), json_fields.parse_iso_time(item.get("created_at"))
    updates = builders.oldest_first(json_fields.read_list(item.get("incident_updates"), _update, "an update"))
    return builders.build_incident(
        builders.incident_id(item.get("id"), None, name, created_at, updates[0].body if updates else ""),
        name,
        json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN),
        impact,
        created_at,
        updates,
        url=json_fields.to_safe_url(item.get("shortlink")),
        is_maintenance=is_maintenance or impact is Impact.MAINTENANCE,
        scheduled_for=json_fields.parse_iso_time(item.get("scheduled_for")),
        scheduled_until=json_fields.parse_iso_time(item.get("scheduled_until")),
        updated_at=json_fields.parse_iso_time(item.get("updated_at")),
    )


def _maintenance(item: json_fields.JsonObject) -> Incident:
    return _incident(item, is_maintenance=True)


FORMAT = SourceFormat(
    "incident.io",
    (SUMMARY,),
    single_body_parser(parse),
    fits,
    absence=Absence.ASK,
    all_path=INCIDENTS,
    seen=True,
    complete_below=_MAX_COMPONENTS,
)
