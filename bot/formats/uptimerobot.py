"""Parses UptimeRobot: a page's monitors (``/api/getMonitorList/<key>``) and events (``/api/getEventFeed/<key>``).

A monitor has a class: success, warning, danger, or black and paused, which is no claim. At most 30 monitors are on one
page of the list. An event is open until it has an end; events that only say that a monitor is up again are left out
(bot/docs/status-page-formats.md#uptimerobot).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage
from bot.formats import builders, json_fields
from bot.formats.base import Absence, Bodies, SourceFormat

CONDITIONS = {
    "success": Condition.OPERATIONAL,
    "warning": Condition.DEGRADED,
    "danger": Condition.MAJOR_OUTAGE,
    "black": Condition.UNKNOWN,
    "paused": Condition.UNKNOWN,
}
STAGES = {
    "investigating": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
    "ongoing": Stage.INVESTIGATING,
}
_MAINTENANCE = "maintenance"
_NO_INCIDENT = {"up", "started", "paused"}  # what happened to a monitor, and is no trouble
_PER_PAGE = 30  # monitors of one page of the list


def fits(body: Any) -> bool:
    """True for a list of monitors that have a class."""
    monitors = _monitors(body) if isinstance(body, dict) else None
    if not isinstance(monitors, list):
        return False
    is_classed = any(isinstance(m, dict) and "statusClass" in m and "monitorId" in m for m in monitors)
    return is_classed or (not monitors and isinstance(body.get("statistics"), dict))


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the monitors and the events."""
    body = json_fields.load_object(bodies[0])
    components = json_fields.read_list(_monitors(body), _component, "a monitor")
    if components is None:
        json_fields.raise_parse_error("it lists no monitors")
    events = json_fields.load_object(bodies[1]).get("results")
    listed = json_fields.read_list(events, dict, "an event", is_listing=True)
    if listed is None:
        json_fields.raise_parse_error("it lists no events, not even none")
    found = json_fields.read_each(_troubles(listed), lambda e: _incident(e, source), "an event", is_listing=True)
    incidents, maintenances = builders.sort_lists(found, ())
    return Snapshot(source.page, _page_name(body), builders.unique_by_id(components), incidents, maintenances)


def _monitors(body: json_fields.JsonObject) -> Any:
    """The monitors; older pages have them below ``psp``."""
    older = body.get("psp")
    return body.get("data", older.get("monitors") if isinstance(older, dict) else None)


def _page_name(body: json_fields.JsonObject) -> str:
    page = body.get("psp")
    return json_fields.to_text(page.get("name")) if isinstance(page, dict) else ""


def _component(item: json_fields.JsonObject) -> Component:
    condition = builders.map_condition(CONDITIONS, item.get("statusClass"))
    return builders.build_component(
        builders.to_id(item.get("monitorId")), builders.html_to_text(item.get("name")), condition
    )


def _troubles(events: tuple[json_fields.JsonObject, ...]) -> Iterator[json_fields.JsonObject]:
    yield from (e for e in events if json_fields.to_text(e.get("eventType")).casefold() not in _NO_INCIDENT)


def _incident(item: json_fields.JsonObject, source: Source) -> Incident:
    title = builders.html_to_text(item.get("title"))
    started = builders.parse_time(item.get("timestamp")) or json_fields.parse_iso_time(item.get("timeGMT"))
    ended = json_fields.parse_iso_time(item.get("endDateGMT")) or json_fields.parse_iso_time(item.get("endDate"))
    is_over = bool(item.get("endDateGMT") or item.get("endDate"))
    is_maintenance = json_fields.to_text(item.get("type")).casefold() == _MAINTENANCE
    stated = STAGES.get(json_fields.to_text(item.get("status")).casefold(), Stage.INVESTIGATING)
    over, now = (Stage.COMPLETED, Stage.IN_PROGRESS) if is_maintenance else (Stage.RESOLVED, stated)
    stage = over if is_over else now
    incident_id = builders.incident_id(item.get("id"), source, title, started)
    text = builders.html_to_text(item.get("content") or item.get("description"))
    updates = [builders.build_update(f"{incident_id}:{builders.content_id(text)}", now, text, started)]
    if is_over and (ended is None or started is None or ended >= started):
        updates.append(builders.build_update(f"{incident_id}:end", over, "", ended))
    return builders.build_incident(
        incident_id,
        title,
        stage,
        Impact.MAINTENANCE if is_maintenance else Impact.UNKNOWN,
        started,
        updates,
        is_maintenance=is_maintenance,
        scheduled_for=started if is_maintenance else None,
        scheduled_until=ended if is_maintenance else None,
    )


FORMAT = SourceFormat(
    "UptimeRobot",
    ("/api/getMonitorList/{page}", "/api/getEventFeed/{page}"),
    parse,
    fits,
    absence=Absence.NOTHING,
    needs=("page",),
    complete_below=_PER_PAGE,
)
