"""incident.io's own forms: the page's proxy (``/proxy/<host>``) and the widget (``/api/v1/summary``), to nouns.

The proxy is what the page itself reads: undocumented, and the only one that says which components an incident hits
(status-sources.md 3.2). The widget is documented, has one message per incident, and answers only where the page's owner
has enabled it. Both list what is open and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Stage, Transition, Update
from bot.sources import make, wire
from bot.sources.kind import Kind, whole

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded_performance": Condition.DEGRADED,
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
Names = dict[str, str]


def _stage(value: Any) -> Stage:
    return STAGES.get(wire.text(value), Stage.UNKNOWN)


def _worst(states: Iterable[Condition]) -> Impact:
    return IMPACTS.get(max(states, key=lambda c: c.rank, default=Condition.UNKNOWN), Impact.UNKNOWN)


# --- the proxy --------------------------------------------------------------------------------------------------------


def fits_proxy(body: Any) -> bool:
    """True for the page's own data."""
    summary = body.get("summary") if isinstance(body, dict) else None
    return isinstance(summary, dict) and "ongoing_incidents" in summary and "components" in summary


def parse_proxy(raw: bytes) -> Snapshot:
    """Reads the proxy. A component that is not affected is operational: the page shows it so."""
    body = wire.page(raw)
    summary = wire.obj(body.get("summary", body), "summary")
    listed = wire.each(summary.get("components"), _named, "a component")
    if listed is None or "ongoing_incidents" not in summary:
        wire.refuse("it lists neither components nor incidents")
    names = dict(listed)
    affected = dict(wire.each(summary.get("affected_components"), _state, "an affected component") or ())
    components = [make.component(i, n, affected.get(i, Condition.OPERATIONAL)) for i, n in names.items()]
    ongoing = wire.each(summary.get("ongoing_incidents"), lambda i: _ongoing(i, names), "an incident") or ()
    planned = wire.each(summary.get("scheduled_maintenances"), lambda i: _ongoing(i, names), "a maintenance") or ()
    incidents, maintenances = make.split((*ongoing, *planned))
    page_id = wire.text(summary.get("id"))
    return Snapshot(page_id, wire.text(summary.get("name")), make.unique(components), incidents, maintenances)


def _named(item: wire.Item) -> tuple[str, str]:
    found = make.identity(item.get("id")) or make.identity(item.get("component_id"))
    if not found:
        wire.refuse("a component has no id")
    return found, wire.text(item.get("name"))


def _state(item: wire.Item) -> tuple[str, Condition]:
    found = make.identity(item.get("component_id")) or make.identity(item.get("id"))
    return found, make.condition(CONDITIONS, item.get("status") or item.get("current_status"))


def _moves(items: Any, names: Names) -> tuple[Transition, ...] | None:
    states = wire.each(items, _state, "an affected component") or ()
    return make.moves((i, names.get(i, ""), state) for i, state in states)


def _ongoing(item: wire.Item, names: Names) -> Incident:
    impacts = wire.each(item.get("component_impacts") or item.get("affected_components"), _state, "an impact") or ()
    updates = make.in_order(wire.each(item.get("updates"), lambda u: _told(u, names), "an update"))
    if impacts and not any(u.transitions for u in updates):
        updates = make.moved_at_first(updates, make.moves((i, names.get(i, ""), state) for i, state in impacts))
    stage = _stage(item.get("status"))
    return make.incident(
        make.identity(item.get("id")),
        wire.text(item.get("name")),
        stage,
        _worst(state for _, state in impacts),
        wire.moment(item.get("published_at")) or wire.moment(item.get("created_at")),
        updates,
        components=make.unique(make.component(i, names.get(i, ""), s) for i, s in impacts if i) or (),
        is_maintenance=stage in (Stage.SCHEDULED, Stage.IN_PROGRESS, Stage.COMPLETED),
        scheduled_for=wire.moment(item.get("scheduled_start_at") or item.get("starts_at")),
        scheduled_until=wire.moment(item.get("scheduled_end_at") or item.get("ends_at")),
    )


def _told(item: wire.Item, names: Names) -> Update:
    return make.update(
        make.identity(item.get("id")),
        _stage(item.get("to_status") or item.get("status")),
        wire.text(item.get("message_string")) or wire.text(item.get("message")),
        wire.moment(item.get("published_at")) or wire.moment(item.get("created_at")),
        _moves(item.get("component_statuses"), names),
    )


# --- the widget -------------------------------------------------------------------------------------------------------


def fits_widget(body: Any) -> bool:
    """True for the widget's data."""
    return isinstance(body, dict) and "page_title" in body and "ongoing_incidents" in body


def parse_widget(raw: bytes) -> Snapshot:
    """Reads the widget. It has no list of components: what is not told of an incident is not told at all."""
    body = wire.page(raw)
    if not fits_widget(body):
        wire.refuse("it has neither a title nor a list of incidents")
    lists = ("ongoing_incidents", "in_progress_maintenances", "scheduled_maintenances")
    found = [i for key in lists for i in wire.each(body.get(key), _widget, "an incident") or ()]
    incidents, maintenances = make.split(found)
    name = wire.text(body.get("page_title"))
    return Snapshot(wire.text(body.get("page_url")) or name, name, None, incidents, maintenances)


def _widget(item: wire.Item) -> Incident:
    found, at = make.identity(item.get("id")), wire.moment(item.get("last_update_at"))
    parts = wire.each(item.get("affected_components"), _part, "an affected component") or ()
    stage = _stage(item.get("status"))
    begun = wire.moment(item.get("started_at")) or wire.moment(item.get("starts_at"))
    body = wire.text(item.get("last_update_message"))
    update = make.update(f"{found}:{at.isoformat()}" if at else "", stage, body, at, make.moves(_moved(parts)))
    return make.incident(
        found,
        wire.text(item.get("name")),
        stage,
        _worst([make.condition(CONDITIONS, item.get("current_worst_impact"))]),
        at,
        [update],
        components=make.unique(parts) or (),
        url=wire.link(item.get("url")),
        is_maintenance=stage in (Stage.SCHEDULED, Stage.IN_PROGRESS, Stage.COMPLETED),
        scheduled_for=begun,
        scheduled_until=wire.moment(item.get("scheduled_end_at")) or wire.moment(item.get("ends_at")),
    )


def _part(item: wire.Item) -> Component:
    state = make.condition(CONDITIONS, item.get("current_status"))
    return make.component(make.identity(item.get("id")), wire.text(item.get("name")), state)


def _moved(parts: Iterable[Component]) -> Iterator[tuple[str, str, Condition]]:
    for part in parts:
        yield part.id, part.name, part.condition


PROXY = Kind("incident.io, the page's own data", ("/proxy/{host}",), whole(parse_proxy), fits_proxy)
WIDGET = Kind("incident.io, the widget", ("/api/v1/summary",), whole(parse_widget), fits_widget)
