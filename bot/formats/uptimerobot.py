"""Parses UptimeRobot: a page's monitors (``/api/getMonitorList/<key>``) and events (``/api/getEventFeed/<key>``).

A monitor has a class: success, warning, danger, or black and paused, which is no claim. At most 30 monitors are on one
page of the list. An event is open until it has an end, but for three days at most: many are never given one. That a
monitor is down is open as long as one is; that it is up again is left out
(bot/docs/status-page-formats.md#uptimerobot).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage
from bot.formats import builders, json_fields, reading
from bot.formats.base import Bodies, SourceFormat

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
_DOWN = "down"
OPEN_WITHIN = timedelta(days=3)
_NO_INCIDENT = {"up", "started", "paused"}  # what happened to a monitor, and is no trouble
_PER_PAGE = 30  # monitors of one page of the list


def fits(body: Any) -> bool:
    """True for a list of monitors that have a class."""
    monitors = _monitors(body) if isinstance(body, dict) else None
    if not isinstance(monitors, list):
        return False
    is_classed = any(isinstance(m, dict) and "statusClass" in m and "monitorId" in m for m in monitors)
    return is_classed or (not monitors and isinstance(body.get("statistics"), dict))


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Parses the monitors, and the events as of ``at``."""
    body = json_fields.load_object(bodies[0])
    components = json_fields.read_list(_monitors(body), _component, "a monitor")
    if components is None:
        json_fields.raise_parse_error("it lists no monitors")
    feed = json_fields.load_object(bodies[1])
    listed = json_fields.read_list(feed.get("results"), dict, "an event", is_listing=True)
    if listed is None:
        json_fields.raise_parse_error("it lists no events, not even none")
    _note_further_pages(feed, len(listed))
    is_all_up = all(c.condition is Condition.OPERATIONAL for c in components)
    current = [e for e in listed if _is_trouble(e, at, is_all_up=is_all_up)]
    found = json_fields.read_each(current, lambda e: _incident(e, source), "an event", is_listing=True)
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


def _note_further_pages(feed: json_fields.JsonObject, listed: int) -> None:
    """Notes that the list has more pages where it says so: what is not on it may still be open."""
    meta = feed.get("meta")
    total = meta.get("total") if isinstance(meta, dict) else None
    if isinstance(total, int) and total > listed:
        reading.note_problem(f"only {listed} of {total} events are read", is_partial=True)


def _is_trouble(event: json_fields.JsonObject, at: datetime, *, is_all_up: bool) -> bool:
    """Whether an event is trouble that is of now, or that has ended and says when."""
    kind = json_fields.to_text(event.get("eventType") or event.get("label")).casefold()
    if kind in _NO_INCIDENT:
        return False
    if builders.states_end(_end_of(event)):
        return True
    started = _start_of(event)
    is_old = started is not None and at - started > OPEN_WITHIN
    return not (is_old or (kind == _DOWN and is_all_up))


def _start_of(event: json_fields.JsonObject) -> datetime | None:
    return builders.parse_time(event.get("ts") or event.get("timestamp")) or _time(event.get("timeGMT"))


def _end_of(event: json_fields.JsonObject) -> str:
    return json_fields.to_text(event.get("endDateGMT")) or json_fields.to_text(event.get("endDate"))


def _time(value: Any) -> datetime | None:
    """A time in UTC, as ISO or as the page writes it: ``April 24, 2025, 23:38``."""
    text = json_fields.to_text(value).strip()
    try:
        at = datetime.strptime(text, "%B %d, %Y, %H:%M").replace(tzinfo=UTC)
    except ValueError:
        return json_fields.parse_iso_time(text)
    return json_fields.parse_iso_time(at.isoformat())


def _incident(item: json_fields.JsonObject, source: Source) -> Incident:
    title = builders.html_to_text(item.get("title"))
    started, ended, is_over = _start_of(item), _time(_end_of(item)), builders.states_end(_end_of(item))
    is_maintenance = json_fields.to_text(item.get("type")).casefold() == _MAINTENANCE
    stated = STAGES.get(json_fields.to_text(item.get("status")).casefold(), Stage.INVESTIGATING)
    over, now = (Stage.COMPLETED, Stage.IN_PROGRESS) if is_maintenance else (Stage.RESOLVED, stated)
    stage = over if is_over else now
    own_id = item.get("id") or item.get("ts") or item.get("timestamp")
    incident_id = builders.incident_id(own_id, source, title, started)
    if not item.get("id"):
        reading.note_unidentified(incident_id)
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
    needs=("page",),
    complete_below=_PER_PAGE,
    timed=True,
)
