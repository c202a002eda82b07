"""StatusPal's ``/api/v2/status_pages/<subdomain>/summary`` to nouns: services are components, in a tree.

A service says what type of incident it has now: major, minor, scheduled, or null for none (status-sources.md 11). An
incident has ended once ``ends_at`` has passed, so the page means something else later.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Bodies, Kind

TYPES = {
    "major": (Impact.CRITICAL, Condition.MAJOR_OUTAGE),
    "minor": (Impact.MINOR, Condition.DEGRADED),
    "scheduled": (Impact.MAINTENANCE, Condition.MAINTENANCE),
}
STAGES = {
    "issue": Stage.INVESTIGATING,
    "investigating": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
    "retroactive": Stage.RESOLVED,
}
_DEEPEST = 20  # levels of services below services


def fits(body: Any) -> bool:
    """True for a status page with its services."""
    page = body.get("status_page") if isinstance(body, dict) else None
    return isinstance(page, dict) and isinstance(_services(body), list)


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Reads the summary as of ``at``."""
    body = wire.page(bodies[0])
    page = wire.obj(body.get("status_page"), "status_page")
    listed = _services(body)
    if not isinstance(listed, list):
        wire.refuse("it lists no services")
    components = make.unique(_tree(listed)) or ()
    names = {c.id: c.name for c in components}
    keys = ("incidents", "maintenances", "upcoming_maintenances")
    told = [
        i for k in keys for i in wire.each(body.get(k), lambda i: _incident(i, source, names, at), "an incident") or ()
    ]
    incidents, maintenances = make.split(told)
    name = wire.text(page.get("name"))
    return Snapshot(make.identity(page.get("subdomain")), name, components, incidents, maintenances)


def _services(body: wire.Item) -> Any:
    return body.get("services", body.get("components"))


def _tree(listed: Any, depth: int = 0) -> Iterator[Component]:
    for item in wire.each(listed, dict, "a service") or ():
        kind = item.get("current_incident_type", "?")
        state = Condition.OPERATIONAL if kind is None else _type(kind)[1]
        yield make.component(make.identity(item.get("id")), wire.text(item.get("name")), state)
        if depth < _DEEPEST:
            yield from _tree(item.get("children"), depth + 1)


def _type(value: Any) -> tuple[Impact, Condition]:
    return TYPES.get(wire.text(value), (Impact.UNKNOWN, Condition.UNKNOWN))


def _incident(item: wire.Item, source: Source, names: dict[str, str], at: datetime) -> Incident:
    found = make.identity(item.get("id"), source)
    impact, state = _type(item.get("type"))
    hit = [i for i in _ids(item) if i in names]
    starts, ends = wire.moment(item.get("starts_at")), wire.moment(item.get("ends_at"))
    moved = make.moves((i, names[i], state) for i in hit) if state.is_bad else None
    told = make.in_order(wire.each(item.get("updates"), _update, "an update"))
    planned = impact is Impact.MAINTENANCE
    return make.incident(
        found,
        wire.text(item.get("title")),
        _stage(planned=planned, starts=starts, ends=ends, at=at, told=told),
        impact,
        starts or wire.moment(item.get("inserted_at")),
        make.moved_at_first(told, moved),
        components=tuple(make.component(i, names[i], state) for i in dict.fromkeys(hit)),
        url=wire.link(item.get("url")),
        is_maintenance=planned,
        scheduled_for=starts if planned else None,
        scheduled_until=ends if planned else None,
    )


def _stage(*, planned: bool, starts: datetime | None, ends: datetime | None, at: datetime, told: list[Update]) -> Stage:
    if planned:
        return make.planned(starts, ends, at)
    if ends and at >= ends:
        return Stage.RESOLVED
    return told[-1].stage if told else Stage.INVESTIGATING


def _ids(item: wire.Item) -> Iterator[str]:
    listed = item.get("service_ids")
    yield from (make.identity(i) for i in (listed if isinstance(listed, list) else ()))
    yield from (make.identity(s.get("id")) for s in wire.each(item.get("services"), dict, "a service") or ())


def _update(item: wire.Item) -> Update:
    at = wire.moment(item.get("posted_at")) or wire.moment(item.get("inserted_at"))
    stage = STAGES.get(wire.text(item.get("type")), Stage.UNKNOWN)
    return make.update(make.identity(item.get("id")), stage, make.plain(item.get("description")), at)


KIND = Kind("StatusPal", ("/api/v2/status_pages/{page}/summary",), parse, fits, needs=("page",), timed=True)
