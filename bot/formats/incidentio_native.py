"""Parses incident.io's native forms: the proxy (``/proxy/<host>``) and the widget (``/api/v1/summary``).

The proxy is what the page itself reads. It is undocumented, and the only form that says which components an incident
affects (bot/docs/status-page-formats.md#incidentio-native-forms). The widget is documented, has one message per
incident, and answers only where the page's owner has enabled it. Both list open incidents only. Flashduty has a widget
of the same layout with some other names (``/api/widget/v1/summary.json``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from bot.domain import Component, ComponentTransition, Condition, Impact, Incident, Snapshot, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import SourceFormat, single_body_parser

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded_performance": Condition.DEGRADED,
    "degraded": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "full_outage": Condition.MAJOR_OUTAGE,
    "under_maintenance": Condition.MAINTENANCE,
}
STAGES = {
    "investigating": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
    "maintenance_scheduled": Stage.SCHEDULED,
    "maintenance_in_progress": Stage.IN_PROGRESS,
    "maintenance_complete": Stage.COMPLETED,
}
IMPACTS = {
    Condition.DEGRADED: Impact.MINOR,
    Condition.PARTIAL_OUTAGE: Impact.MAJOR,
    Condition.MAJOR_OUTAGE: Impact.CRITICAL,
}
PARENT_TEXT = "it is the parent of other pages and shows nothing itself"
_MAINTENANCE_STAGES = (Stage.SCHEDULED, Stage.IN_PROGRESS, Stage.COMPLETED)
Names = dict[str, str]  # component id -> name


def _stage(value: Any) -> Stage:
    return STAGES.get(json_fields.to_text(value), Stage.UNKNOWN)


def _worst_impact(conditions: Iterable[Condition]) -> Impact:
    return IMPACTS.get(max(conditions, key=lambda c: c.rank, default=Condition.UNKNOWN), Impact.UNKNOWN)


# --- the proxy --------------------------------------------------------------------------------------------------------


def fits_proxy(body: Any) -> bool:
    """True for the data of the proxy."""
    summary = body.get("summary") if isinstance(body, dict) else None
    return isinstance(summary, dict) and "ongoing_incidents" in summary and "components" in summary


def parse_proxy(raw: bytes) -> Snapshot:
    """Parses the proxy. A component that is not listed as affected is operational, as the page shows it."""
    body = json_fields.load_object(raw)
    summary = json_fields.require_object(body.get("summary", body), "summary")
    id_name_pairs = json_fields.read_list(summary.get("components"), _id_and_name, "a component")
    if id_name_pairs is None or "ongoing_incidents" not in summary:
        json_fields.raise_parse_error("it lists neither components nor incidents")
    if summary.get("page_type") == "parent" and not id_name_pairs and not summary.get("ongoing_incidents"):
        json_fields.raise_parse_error(f"{PARENT_TEXT}; its sub-pages have addresses of their own, such as .../us")
    names = builders.distinct_names(dict(id_name_pairs), dict(_groups(summary)))
    affected = json_fields.read_list(summary.get("affected_components"), _id_and_condition, "an affected component")
    condition_by_id = dict(affected or ())
    is_complete = affected is not None and "" not in condition_by_id
    otherwise = Condition.OPERATIONAL if is_complete else Condition.UNKNOWN
    components = [builders.build_component(i, n, condition_by_id.get(i, otherwise)) for i, n in names.items()]

    def read(key: str) -> tuple[Incident, ...] | None:
        return json_fields.read_list(summary.get(key), lambda i: _proxy_incident(i, names), key, is_listing=True)

    incidents, maintenances = builders.sort_lists(read("ongoing_incidents"), read("scheduled_maintenances"))
    page_id = json_fields.to_text(summary.get("id"))
    return Snapshot(
        page_id, json_fields.to_text(summary.get("name")), builders.unique_by_id(components), incidents, maintenances
    )


def _id_and_name(item: json_fields.JsonObject) -> tuple[str, str]:
    component_id = builders.to_id(item.get("id")) or builders.to_id(item.get("component_id"))
    if not component_id:
        json_fields.raise_parse_error("a component has no id")
    return component_id, json_fields.to_text(item.get("name"))


def _groups(summary: json_fields.JsonObject) -> Iterator[tuple[str, str]]:
    """The id of each component that is in a group, with the group's name."""
    for item in json_fields.read_list(_object(summary.get("structure")).get("items"), dict, "an item") or ():
        group = _object(item.get("group"))
        for member in json_fields.read_list(group.get("components"), dict, "a component of a group") or ():
            yield builders.to_id(member.get("component_id")), json_fields.to_text(group.get("name"))


def _id_and_condition(item: json_fields.JsonObject) -> tuple[str, Condition]:
    component_id = builders.to_id(item.get("component_id")) or builders.to_id(item.get("id"))
    return component_id, builders.map_condition(CONDITIONS, item.get("status") or item.get("current_status"))


def _transitions(items: Any, names: Names) -> tuple[ComponentTransition, ...] | None:
    conditions = json_fields.read_list(items, _id_and_condition, "an affected component") or ()
    return builders.build_transitions((i, names.get(i, ""), condition) for i, condition in conditions)


def _proxy_incident(item: json_fields.JsonObject, names: Names) -> Incident:
    impacts = (
        json_fields.read_list(
            item.get("component_impacts") or item.get("affected_components"), _id_and_condition, "an impact"
        )
        or ()
    )
    updates = builders.oldest_first(
        json_fields.read_list(item.get("updates"), lambda u: _proxy_update(u, names), "an update")
    )
    if impacts and not any(u.transitions for u in updates):
        updates = builders.with_initial_transitions(
            updates, builders.build_transitions((i, names.get(i, ""), condition) for i, condition in impacts)
        )
    stage = _stage(item.get("status"))
    name = json_fields.to_text(item.get("name"))
    at = json_fields.parse_iso_time(item.get("published_at")) or json_fields.parse_iso_time(item.get("created_at"))
    is_maintenance = stage in _MAINTENANCE_STAGES
    starts = [t for key in ("component_impacts", "status_summaries") for t in _starts(item.get(key))]
    started_at = min(starts, default=None)
    return builders.build_incident(
        builders.incident_id(item.get("id"), None, name, at, updates[0].body if updates else ""),
        name,
        stage,
        Impact.MAINTENANCE if is_maintenance else _worst_impact(condition for _, condition in impacts),
        at,
        updates,
        components=builders.unique_by_id(builders.build_component(i, names.get(i, ""), s) for i, s in impacts if i)
        or (),
        started_at=None if is_maintenance else started_at,
        is_maintenance=is_maintenance,
        scheduled_for=json_fields.parse_iso_time(item.get("scheduled_start_at") or item.get("starts_at")),
        scheduled_until=json_fields.parse_iso_time(item.get("scheduled_end_at") or item.get("ends_at")),
    )


def _starts(items: Any) -> Iterator[datetime]:
    """The times from which on an incident had an effect, as far as they are stated."""
    for item in json_fields.read_list(items, dict, "a time of an impact") or ():
        if at := json_fields.parse_iso_time(item.get("start_at")):
            yield at


def _proxy_update(item: json_fields.JsonObject, names: Names) -> Update:
    return builders.build_update(
        builders.to_id(item.get("id")),
        _stage(item.get("to_status") or item.get("status")),
        json_fields.to_text(item.get("message_string")) or json_fields.to_text(item.get("message")),
        json_fields.parse_iso_time(item.get("published_at")) or json_fields.parse_iso_time(item.get("created_at")),
        _transitions(item.get("component_statuses"), names),
    )


# --- the widget -------------------------------------------------------------------------------------------------------


def fits_widget(body: Any) -> bool:
    """True for the data of the widget."""
    if not isinstance(body, dict) or "ongoing_incidents" not in body:
        return False
    return "page_title" in body or (isinstance(body.get("page"), dict) and "overall" in body)


def parse_widget(raw: bytes) -> Snapshot:
    """Parses the widget. It has no list of components, only those that an incident affects."""
    body = json_fields.load_object(raw)
    if not fits_widget(body):
        json_fields.raise_parse_error("it has neither a title nor a list of incidents")
    ongoing, active, planned = (
        json_fields.read_list(body.get(key), _widget_incident, key, is_listing=True)
        for key in ("ongoing_incidents", "in_progress_maintenances", "scheduled_maintenances")
    )
    all_maintenances = None if active is None or planned is None else (*active, *planned)
    incidents, maintenances = builders.sort_lists(
        (*(ongoing or ()), *(active or ()), *(planned or ())) if ongoing is not None or active or planned else None,
        all_maintenances,
    )
    incidents = None if ongoing is None and not incidents else incidents
    page = _object(body.get("page"))
    name = json_fields.to_text(_either(body.get("page_title"), page.get("name")))
    address = json_fields.to_text(_either(body.get("page_url"), page.get("url")))
    state = json_fields.to_text(_object(body.get("overall")).get("status"))
    claim = f"its overall status is {state}" if CONDITIONS.get(state, Condition.UNKNOWN).is_bad else ""
    return Snapshot(
        address or name,
        name,
        None,
        incidents,
        maintenances,
        contradiction=builders.contradiction(claim, (*(incidents or ()), *(maintenances or ())), None),
    )


def _object(value: Any) -> json_fields.JsonObject:
    return value if isinstance(value, dict) else {}


def _either(value: Any, other: Any) -> Any:
    """The first of two names of the same field that is present: incident.io's, or Flashduty's."""
    return other if value is None else value


def _widget_incident(item: json_fields.JsonObject) -> Incident:
    last = _object(item.get("last_update"))
    at = json_fields.parse_iso_time(_either(item.get("last_update_at"), last.get("at")))
    name = json_fields.to_text(_either(item.get("name"), item.get("title")))
    begin = item.get("started_at") or item.get("starts_at")
    incident_id = builders.incident_id(item.get("id"), None, name, begin)
    components = (
        json_fields.read_list(item.get("affected_components"), _widget_component, "an affected component") or ()
    )
    stage = _stage(_either(item.get("status"), item.get("phase")))
    is_maintenance = stage in _MAINTENANCE_STAGES
    started_at = json_fields.parse_iso_time(item.get("started_at")) or json_fields.parse_iso_time(item.get("starts_at"))
    text = json_fields.to_text(_either(item.get("last_update_message"), last.get("message")))
    worst = (
        Condition.UNKNOWN
        if is_maintenance
        else builders.map_condition(CONDITIONS, _either(item.get("current_worst_impact"), item.get("impact")))
    )
    update = builders.build_update(
        builders.update_id(incident_id, at.isoformat() if at else None, text),
        stage,
        text,
        at,
        builders.build_transitions(_component_conditions(components)),
    )
    return builders.build_incident(
        incident_id,
        name,
        stage,
        Impact.MAINTENANCE if is_maintenance else _worst_impact([worst]),
        at,
        [update],
        components=builders.unique_by_id(components) or (),
        url=json_fields.to_safe_url(item.get("url")),
        started_at=None if is_maintenance else started_at,
        is_maintenance=is_maintenance,
        scheduled_for=started_at if is_maintenance else None,
        scheduled_until=json_fields.parse_iso_time(item.get("scheduled_end_at"))
        or json_fields.parse_iso_time(item.get("ends_at")),
    )


def _widget_component(item: json_fields.JsonObject) -> Component:
    condition = builders.map_condition(CONDITIONS, _either(item.get("current_status"), item.get("status")))
    return builders.build_component(builders.to_id(item.get("id")), json_fields.to_text(item.get("name")), condition)


def _component_conditions(components: Iterable[Component]) -> Iterator[tuple[str, str, Condition]]:
    for component in components:
        yield component.id, component.name, component.condition


PROXY_FORMAT = SourceFormat(
    "incident.io, the page's own data",
    ("/proxy/{host}",),
    single_body_parser(parse_proxy),
    fits_proxy,
    complete_below=math.inf,
)
WIDGET_FORMAT = SourceFormat(
    "incident.io, the widget",
    ("/api/v1/summary",),
    single_body_parser(parse_widget),
    fits_widget,
    others=(("/api/widget/v1/summary.json",),),
)
