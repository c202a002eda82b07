"""Parses OpenStatus' ``/feed/json``: monitors are components, status reports are incidents.

Reports of all stages are listed, with their updates. A report names the affected monitors, or components of the page,
by id, and not their condition; a component without a monitor has none (bot/docs/status-page-formats.md#openstatus). A
maintenance is in progress between ``from`` and ``to``, so the same body means something else later.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Bodies, SourceFormat

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "active": Condition.OPERATIONAL,
    "success": Condition.OPERATIONAL,
    "degraded": Condition.DEGRADED,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "error": Condition.MAJOR_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "incident": Condition.DEGRADED,
    "under_maintenance": Condition.MAINTENANCE,
    "maintenance": Condition.MAINTENANCE,
    "info": Condition.MAINTENANCE,
}


@dataclass(frozen=True, slots=True)
class _Listed:
    """The page's components, by the ids that its reports use: of monitors, and of components of the page."""

    by_monitor: Mapping[str, Component] = field(default_factory=dict)
    by_page_component: Mapping[str, Component] = field(default_factory=dict)

    def all(self) -> tuple[Component, ...]:
        """Every component once, the monitors first."""
        return builders.unique_by_id((*self.by_monitor.values(), *self.by_page_component.values())) or ()


def fits(body: Any) -> bool:
    """True for a page with status reports."""
    return isinstance(body, dict) and isinstance(body.get("statusReports"), list)


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Parses the page as of ``at``."""
    body = json_fields.load_object(bodies[0])
    listed = _listed(body)
    reports = json_fields.read_list(
        body.get("statusReports"), lambda i: _report(i, source, listed), "a status report", is_listing=True
    )
    if reports is None:
        json_fields.raise_parse_error("it has no status reports, not even none")
    maintenances = json_fields.read_list(
        body.get("maintenances"), lambda i: _maintenance(i, source, at, listed), "a maintenance", is_listing=True
    )
    name = json_fields.to_text(body.get("title")) or source.provider
    has_lists = any(isinstance(body.get(key), list) for key in ("monitors", "pageComponents"))
    components = listed.all() if has_lists else None
    return Snapshot("", name, components, builders.unique_by_id(reports), builders.unique_by_id(maintenances))


def _listed(body: json_fields.JsonObject) -> _Listed:
    """The components of the page. One with a monitor is that monitor; any other has no state of its own."""
    monitors = {c.id: c for c in json_fields.read_list(body.get("monitors"), _monitor, "a monitor") or ()}
    by_page_component: dict[str, Component] = {}
    for item in json_fields.read_list(body.get("pageComponents"), dict, "a component") or ():
        component_id, name = builders.to_id(item.get("id")), json_fields.to_text(item.get("name"))
        if not (component_id or name):
            continue
        monitor = monitors.get(builders.to_id(item.get("monitorId")))
        own_id = f"component-{component_id}" if component_id in monitors else component_id
        has_state = item.get("status") is not None
        condition = builders.map_condition(CONDITIONS, item.get("status")) if has_state else Condition.UNKNOWN
        by_page_component[component_id] = monitor or builders.build_component(own_id, name, condition)
    return _Listed(monitors, by_page_component)


def _monitor(item: json_fields.JsonObject) -> Component:
    condition = builders.map_condition(CONDITIONS, item.get("status"))
    return builders.build_component(builders.to_id(item.get("id")), json_fields.to_text(item.get("name")), condition)


def _affected(item: json_fields.JsonObject, listed: _Listed) -> tuple[Component, ...]:
    """The components that an entry names, by id or as objects, in the state that the page gives them."""
    named: list[Component] = []
    for key, known in (("monitors", listed.by_monitor), ("pageComponents", listed.by_page_component)):
        references = item.get(key)
        for reference in references if isinstance(references, list) else ():
            entry = reference if isinstance(reference, dict) else {"id": reference}
            component_id, name = builders.to_id(entry.get("id")), json_fields.to_text(entry.get("name"))
            if component_id in known:
                named.append(known[component_id])
            elif component_id or name:
                named.append(builders.build_component(component_id, name, Condition.UNKNOWN))
    return builders.unique_by_id(named) or ()


def _report(item: json_fields.JsonObject, source: Source, listed: _Listed) -> Incident:
    title = json_fields.to_text(item.get("title"))
    incident_id = builders.incident_id(item.get("id"), source, title, item.get("createdAt"))
    updates = (
        json_fields.read_list(item.get("statusReportUpdates"), lambda u: _update(u, incident_id), "an update") or ()
    )
    return builders.build_incident(
        incident_id,
        title,
        json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN),
        Impact.UNKNOWN,
        json_fields.parse_iso_time(item.get("createdAt"))
        or (None if updates else json_fields.parse_iso_time(item.get("updatedAt"))),
        updates,
        components=_affected(item, listed),
    )


def _update(item: json_fields.JsonObject, incident_id: str) -> Update:
    at = json_fields.parse_iso_time(item.get("date"))
    body = builders.html_to_text(item.get("message"))
    update_id = builders.to_id(item.get("id")) or builders.update_id(incident_id, at, body)
    stage = json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN)
    return builders.build_update(update_id, stage, body, at)


def _maintenance(item: json_fields.JsonObject, source: Source, at: datetime, listed: _Listed) -> Incident:
    start, end = json_fields.parse_iso_time(item.get("from")), json_fields.parse_iso_time(item.get("to"))
    stage = Stage.SCHEDULED if start and at < start else Stage.COMPLETED if end and at >= end else Stage.IN_PROGRESS
    title = json_fields.to_text(item.get("title")) or json_fields.to_text(item.get("name"))
    maintenance_id = builders.maintenance_id(item.get("id"), source, title, start)
    created_at = json_fields.parse_iso_time(item.get("createdAt")) or start
    return builders.build_incident(
        maintenance_id,
        title,
        stage,
        Impact.MAINTENANCE,
        created_at,
        [
            builders.build_update(
                f"{maintenance_id}:{stage}", stage, builders.html_to_text(item.get("message")), created_at
            )
        ],
        components=_affected(item, listed),
        is_maintenance=True,
        scheduled_for=start,
        scheduled_until=end,
    )


FORMAT = SourceFormat("OpenStatus", ("/feed/json",), parse, fits, timed=True, complete_below=math.inf)
