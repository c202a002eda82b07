"""Parses Instatus: ``/summary.json`` (open incidents) and ``/v2/components.json``; newer pages have both in ``/v3``.

Empty lists are left out. There are no texts of updates: an update without text is made from the incident's time of
change, and the text is on the linked page (bot/docs/status-page-formats.md#instatus). Older pages give times in
JavaScript's date format.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage
from bot.formats import builders, json_fields
from bot.formats.base import Bodies, SourceFormat

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degradedperformance": Condition.DEGRADED,
    "minoroutage": Condition.PARTIAL_OUTAGE,
    "partialoutage": Condition.PARTIAL_OUTAGE,
    "majoroutage": Condition.MAJOR_OUTAGE,
    "undermaintenance": Condition.MAINTENANCE,
}
IMPACTS = {
    Condition.OPERATIONAL: Impact.NONE,
    Condition.DEGRADED: Impact.MINOR,
    Condition.PARTIAL_OUTAGE: Impact.MAJOR,
    Condition.MAJOR_OUTAGE: Impact.CRITICAL,
}
STAGES = {
    "INVESTIGATING": Stage.INVESTIGATING,
    "IDENTIFIED": Stage.IDENTIFIED,
    "MONITORING": Stage.MONITORING,
    "RESOLVED": Stage.RESOLVED,
    "NOTSTARTEDYET": Stage.SCHEDULED,
    "INPROGRESS": Stage.IN_PROGRESS,
    "VERIFYING": Stage.VERIFYING,
    "COMPLETED": Stage.COMPLETED,
}
_STATUSES = {"UP", "HASISSUES", "UNDERMAINTENANCE"}
_COMPOUND_STATUS = re.compile(r"(?:ALL|SOME|MINOR|MAJOR|PARTIAL|HAS)[A-Z]*(?:OUTAGE|ISSUE|DEGRADED)[A-Z]*")
_JAVASCRIPT_DATE = re.compile(r"(\w{3}) (\w{3}) (\d{2}) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d{4})")


def fits(body: Any) -> bool:
    """True for a page whose status is one of Instatus' values."""
    page = body.get("page") if isinstance(body, dict) else None
    status = json_fields.to_text(page.get("status")) if isinstance(page, dict) else ""
    return status in _STATUSES or bool(_COMPOUND_STATUS.fullmatch(status))


def parse(bodies: Bodies, _source: Source, _at: datetime) -> Snapshot:
    """Parses the summary, and the components where they were read."""
    body = json_fields.load_object(bodies[0])
    page = json_fields.require_object(body.get("page"), "page")
    status = json_fields.to_text(page.get("status"))
    if not status:
        json_fields.raise_parse_error("its page has no status")
    components_document = json_fields.load_json(bodies[1]) if len(bodies) > 1 else {}
    items = json_fields.read_list(
        components_document.get("components") if isinstance(components_document, dict) else components_document,
        dict,
        "a component",
    )
    parts = None if items is None else [part for item in items for part in (item, *_children(item))]
    components = None if parts is None else json_fields.read_each(parts, _component, "a component")
    incidents, active, planned = (
        json_fields.read_list(body.get(key, ()) or [], read, key, is_listing=True)
        for key, read in (
            ("activeIncidents", _incident),
            ("activeMaintenances", _maintenance),
            ("scheduledMaintenances", _maintenance),
        )
    )
    listed_maintenances = (*(active or ()), *(planned or ()))
    maintenances = listed_maintenances if listed_maintenances or not (active is None or planned is None) else None
    name, page_id = json_fields.to_text(page.get("name")), json_fields.to_text(page.get("url"))
    has_issues = status == "HASISSUES" or bool(_COMPOUND_STATUS.fullmatch(status))
    claim = f"its status is {status}" if has_issues else ""
    return Snapshot(
        page_id,
        name,
        builders.unique_by_id(components),
        None if has_issues and not incidents else builders.unique_by_id(incidents),
        builders.unique_by_id(maintenances),
        contradiction=builders.contradiction(claim, (*(incidents or ()), *(maintenances or ())), components),
    )


def _children(item: json_fields.JsonObject) -> list[json_fields.JsonObject]:
    """The components of a group, which newer pages nest in the group."""
    children = item.get("children")
    return [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []


def _component(item: json_fields.JsonObject) -> Component:
    condition = builders.map_condition(CONDITIONS, item.get("status"))
    return builders.build_component(builders.to_id(item.get("id")), json_fields.to_text(item.get("name")), condition)


def _incident(item: json_fields.JsonObject) -> Incident:
    impact = IMPACTS.get(builders.map_condition(CONDITIONS, item.get("impact")), Impact.UNKNOWN)
    return _build_incident(item, _time(item.get("started")), impact)


def _maintenance(item: json_fields.JsonObject) -> Incident:
    start = _time(item.get("start"))
    minutes = json_fields.to_text(item.get("duration"))
    until = start + timedelta(minutes=int(minutes)) if start and re.fullmatch(r"\d{1,6}", minutes) else None
    fields = {"is_maintenance": True, "scheduled_for": start, "scheduled_until": until}
    return _build_incident(item, start, Impact.MAINTENANCE, **fields)


def _build_incident(item: json_fields.JsonObject, start: datetime | None, impact: Impact, **fields: Any) -> Incident:
    stage = STAGES.get(json_fields.to_text(item.get("status")), Stage.UNKNOWN)
    updated_at = _time(item.get("updatedAt")) or start
    incident_id = builders.incident_id(item.get("id"), None, item.get("name"), start)
    update = builders.build_update(f"{incident_id}:{stage}:{updated_at}", stage, "", updated_at)
    name, url = json_fields.to_text(item.get("name")), json_fields.to_safe_url(item.get("url"))
    return builders.build_incident(incident_id, name, stage, impact, start, [update], url=url, **fields)


def _time(value: Any) -> datetime | None:
    match = _JAVASCRIPT_DATE.match(json_fields.to_text(value))
    if not match:
        return json_fields.parse_iso_time(value)
    try:
        time = parsedate_to_datetime("{0}, {2} {1} {3} {4} {5}".format(*match.groups()))
    except (ValueError, TypeError, IndexError):
        return None
    return json_fields.parse_iso_time(time.isoformat())


FORMAT = SourceFormat(
    "Instatus",
    ("/summary.json", "/v2/components.json"),
    parse,
    fits,
    others=(("/v3/summary.json", "/v3/components.json"),),
    optional_paths=1,
    complete_below=math.inf,
)
