"""Parses Better Stack's ``/index.json`` (JSON:API): resources are components, reports are incidents.

A report has ended when its state is ``resolved``; ``ends_at`` may be missing then
(bot/docs/status-page-formats.md#better-stack). A maintenance has no state: its stage follows from the clock, so the
same body means something else later. Monitors open reports by themselves, many of them for a minute: an automatic
report counts once it is two minutes old, or as old as the source's ``min_minutes`` says. Its effect on the components
counts at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from bot.formats import builders, json_fields, reading
from bot.formats.base import Bodies, SourceFormat

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "resolved": Condition.OPERATIONAL,
    "degraded": Condition.DEGRADED,
    "downtime": Condition.MAJOR_OUTAGE,
    "maintenance": Condition.MAINTENANCE,
    "not_monitored": Condition.UNKNOWN,
}
IMPACTS = {
    Condition.DEGRADED: Impact.MINOR,
    Condition.MAJOR_OUTAGE: Impact.CRITICAL,
    Condition.MAINTENANCE: Impact.MAINTENANCE,
}
_BY_MONITORS = ("automatic", "calculated")
_TYPES = ("status_page_resource", "status_page_section", "status_update", "status_report")
DEFAULT_MIN_MINUTES = 2.0  # a component that is bad for three is an unreported outage (bot.rules.evidence.unreported)


@dataclass(frozen=True, slots=True)
class _Page:
    """What the reports of a page refer to: names of components by id, updates by id; and the source and the time."""

    names: Mapping[str, str]
    updates: Mapping[str, json_fields.JsonObject]
    source: Source
    at: datetime


def fits(body: Any) -> bool:
    """True for a status page in JSON:API with an aggregate state."""
    data = body.get("data") if isinstance(body, dict) else None
    return isinstance(data, dict) and data.get("type") == "status_page" and "aggregate_state" in _attributes(data)


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Parses the page as of ``at``."""
    body = json_fields.load_object(bodies[0])
    data = json_fields.require_object(body.get("data"), "data")
    attributes = _attributes(data)
    included = json_fields.read_list(body.get("included"), dict, "an included item", is_listing=True)
    if included is None or "aggregate_state" not in attributes:
        json_fields.raise_parse_error("it has no state and includes nothing")
    resource_items = (i for i in included if i.get("type") == "status_page_resource")
    for item in included:
        kind = json_fields.to_text(item.get("type"))
        if kind not in _TYPES and ("starts_at" in _attributes(item) or not kind):
            what = builders.to_id(item.get("id")) or json_fields.to_text(_attributes(item).get("title"))
            reading.note_problem(f"left out an entry of an unknown type: {what}", is_partial=True)
    components = json_fields.read_each(resource_items, _component, "a resource") or ()
    updates_by_id = {builders.to_id(i.get("id")): i for i in included if i.get("type") == "status_update"}
    page = _Page({c.id: c.name for c in components}, updates_by_id, source, at)
    report_items = (i for i in included if i.get("type") == "status_report" and not _is_too_short(i, page))
    reports = json_fields.read_each(report_items, lambda i: _report(i, page), "a report", is_listing=True)
    incidents, maintenances = builders.sort_lists(reports, reports)
    name = json_fields.to_text(attributes.get("company_name"))
    state = json_fields.to_text(attributes.get("aggregate_state"))
    claim = f"its state is {state}" if CONDITIONS.get(state, Condition.UNKNOWN).is_bad else ""
    return Snapshot(
        builders.to_id(data.get("id")),
        name,
        builders.unique_by_id(components),
        incidents,
        maintenances,
        contradiction=builders.contradiction(claim, reports, components),
    )


def _attributes(item: json_fields.JsonObject) -> json_fields.JsonObject:
    attributes = item.get("attributes")
    return attributes if isinstance(attributes, dict) else {}


def _component(item: json_fields.JsonObject) -> Component:
    attributes = _attributes(item)
    condition = builders.map_condition(CONDITIONS, attributes.get("status"))
    return builders.build_component(
        builders.to_id(item.get("id")), json_fields.to_text(attributes.get("public_name")), condition
    )


def _report(item: json_fields.JsonObject, page: _Page) -> Incident:
    attributes = _attributes(item)
    title, begin = attributes.get("title"), attributes.get("starts_at")
    incident_id = builders.incident_id(item.get("id"), page.source, title, begin)
    condition = builders.map_condition(CONDITIONS, attributes.get("aggregate_state"))
    starts, ends = (
        json_fields.parse_iso_time(attributes.get("starts_at")),
        json_fields.parse_iso_time(attributes.get("ends_at")),
    )
    is_maintenance = attributes.get("report_type") == "maintenance"
    transitions = _transitions(attributes.get("affected_resources"), page)
    updates = [
        _update(page.updates[i], is_maintenance=is_maintenance, page=page)
        for i in _linked_update_ids(item)
        if i in page.updates
    ]
    stage = _stage(condition)
    if is_maintenance:
        stage = builders.maintenance_stage(starts, ends, page.at)
        is_over = ends is None and stage is Stage.IN_PROGRESS and condition is Condition.OPERATIONAL
        stage = Stage.COMPLETED if is_over else stage
    conditions = [condition, *(m.new for u in updates for m in u.transitions or ())]
    worst = max((c for c in conditions if c.is_bad), key=lambda c: c.rank, default=Condition.UNKNOWN)
    return builders.build_incident(
        incident_id,
        json_fields.to_text(attributes.get("title")),
        stage,
        Impact.MAINTENANCE if is_maintenance else IMPACTS.get(worst, Impact.UNKNOWN),
        starts,
        updates or [builders.build_update(f"{incident_id}:{stage}", stage, "", starts, transitions)],
        components=tuple(builders.build_component(m.component_id, m.name, m.new) for m in transitions or ()),
        is_maintenance=is_maintenance,
        scheduled_for=starts if is_maintenance else None,
        scheduled_until=ends if is_maintenance else None,
    )


def _is_too_short(item: json_fields.JsonObject, page: _Page) -> bool:
    """True for an open report of a monitor that is younger than the minimum."""
    attributes = _attributes(item)
    starts = json_fields.parse_iso_time(attributes.get("starts_at"))
    is_over = builders.map_condition(CONDITIONS, attributes.get("aggregate_state")) is Condition.OPERATIONAL
    if attributes.get("report_type") not in _BY_MONITORS or is_over or starts is None:
        return False
    min_minutes = DEFAULT_MIN_MINUTES if page.source.min_minutes is None else page.source.min_minutes
    return page.at - starts < timedelta(minutes=min_minutes)


def _stage(condition: Condition) -> Stage:
    return Stage.RESOLVED if condition is Condition.OPERATIONAL else Stage.INVESTIGATING


def _linked_update_ids(item: json_fields.JsonObject) -> Iterable[str]:
    """The ids of a report's updates."""
    relations = item.get("relationships")
    relation = relations.get("status_updates") if isinstance(relations, dict) else None
    data = relation.get("data") if isinstance(relation, dict) else None
    return json_fields.read_list(data, lambda ref: builders.to_id(ref.get("id")), "an update's id") or ()


def _update(item: json_fields.JsonObject, *, is_maintenance: bool, page: _Page) -> Update:
    attributes = _attributes(item)
    transitions = _transitions(attributes.get("affected_resources"), page)
    is_over = bool(transitions) and all(m.new is Condition.OPERATIONAL for m in transitions or ())
    message = builders.html_to_text(attributes.get("message"))
    is_over = is_over or (is_maintenance and builders.says_maintenance_is_over(message))
    closed_stage = Stage.COMPLETED if is_maintenance else Stage.RESOLVED
    stage = closed_stage if is_over else Stage.IN_PROGRESS if is_maintenance else Stage.INVESTIGATING
    at = json_fields.parse_iso_time(attributes.get("published_at"))
    return builders.build_update(builders.to_id(item.get("id")), stage, message, at, transitions)


def _transitions(items: Any, page: _Page) -> tuple[ComponentTransition, ...] | None:
    conditions = json_fields.read_list(items, _id_and_condition, "an affected resource") or ()
    return builders.build_transitions((i, page.names.get(i, ""), condition) for i, condition in conditions)


def _id_and_condition(item: json_fields.JsonObject) -> tuple[str, Condition]:
    return builders.to_id(item.get("status_page_resource_id")), builders.map_condition(CONDITIONS, item.get("status"))


FORMAT = SourceFormat(
    "Better Stack", ("/index.json",), parse, fits, takes=("min_minutes",), timed=True, complete_below=math.inf
)
