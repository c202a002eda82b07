"""Cachet, version 1 (``/api/v1``) and version 3 (``/api``, JSON:API): components and incidents to nouns.

Numbers come as strings from real servers. Times are written without a zone and read as UTC. Incidents that ended are
listed too; one that is gone is asked for at its own page (status-sources.md 7).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Absence, Bodies, Kind, quoted

CONDITIONS = {
    "1": Condition.OPERATIONAL,
    "2": Condition.DEGRADED,
    "3": Condition.PARTIAL_OUTAGE,
    "4": Condition.MAJOR_OUTAGE,
    "6": Condition.MAINTENANCE,
}
STAGES = {
    "0": Stage.SCHEDULED,
    "1": Stage.INVESTIGATING,
    "2": Stage.IDENTIFIED,
    "3": Stage.MONITORING,
    "4": Stage.RESOLVED,
}
IMPACTS = {
    Condition.DEGRADED: Impact.MINOR,
    Condition.PARTIAL_OUTAGE: Impact.MAJOR,
    Condition.MAJOR_OUTAGE: Impact.CRITICAL,
}


def fits_v1(body: Any) -> bool:
    """True for version 1: components with a status and no attributes."""
    listed = _listed(body)
    return bool(listed) and all("status" in i and "name" in i for i in listed) and isinstance(body.get("meta"), dict)


def fits_v3(body: Any) -> bool:
    """True for version 3: JSON:API components."""
    listed = _listed(body)
    return bool(listed) and all(i.get("type") == "components" and "attributes" in i for i in listed)


def _listed(body: Any) -> list[wire.Item]:
    listed = body.get("data") if isinstance(body, dict) else None
    return listed if isinstance(listed, list) and all(isinstance(i, dict) for i in listed) else []


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads the components, and the newest incidents."""
    listed, told = (wire.page(raw).get("data") for raw in bodies)
    components = wire.each(listed, _component, "a component")
    if components is None:
        wire.refuse("it lists no components")
    once = make.unique(components) or ()
    names = {c.id: c for c in once}
    found = wire.each(told, lambda i: _incident(i, source, names), "an incident")
    if found is None:
        wire.refuse("it lists no incidents, not even none")
    incidents, maintenances = make.split(found)
    return Snapshot("", source.provider, once, incidents, maintenances)


def parse_own(raw: bytes, source: Source) -> Incident:
    """Reads an incident's own page."""
    return _incident(wire.obj(wire.page(raw).get("data"), "data"), source, {})


def _flat(item: wire.Item) -> wire.Item:
    """An item of either version; version 3 keeps what it says under ``attributes``."""
    about = item.get("attributes")
    return {**item, **about} if isinstance(about, dict) else item


def _code(value: Any) -> str:
    return wire.text(value.get("value") if isinstance(value, dict) else value)


def _moment(value: Any) -> datetime | None:
    return wire.moment(value.get("string") if isinstance(value, dict) else value)


def _component(item: wire.Item) -> Component:
    about = _flat(item)
    return make.component(
        make.identity(item.get("id")),
        wire.text(about.get("name")),
        make.condition(CONDITIONS, _code(about.get("status"))),
    )


def _incident(item: wire.Item, source: Source, names: dict[str, Component]) -> Incident:
    about = _flat(item)
    found = make.identity(item.get("id"), source)
    part = names.get(make.identity(about.get("component_id")))
    stage = STAGES.get(_code(about.get("latest_status") or about.get("status")), Stage.UNKNOWN)
    created = _moment(about.get("occurred_at") or about.get("occurred")) or _moment(
        about.get("created_at") or about.get("created")
    )
    first = STAGES.get(_code(about.get("status")), Stage.UNKNOWN)
    moved = make.moves([(part.id, part.name, part.condition)]) if part and part.condition.is_bad else None
    posts = [make.update(f"{found}:0", first, make.plain(about.get("message")), created, moved)]
    posts += wire.each(about.get("updates"), lambda u: _update(u, found), "an update") or ()
    return make.incident(
        found,
        wire.text(about.get("name")),
        stage,
        IMPACTS.get(part.condition, Impact.UNKNOWN) if part else Impact.UNKNOWN,
        created,
        posts,
        components=(part,) if part else (),
        url=wire.link(about.get("permalink")),
        is_maintenance=stage is Stage.SCHEDULED,
        scheduled_for=_moment(about.get("scheduled_at")),
    )


def _update(item: wire.Item, found: str) -> Update:
    about = _flat(item)
    at = _moment(about.get("created_at") or about.get("created"))
    stage = STAGES.get(_code(about.get("status")), Stage.UNKNOWN)
    return make.update(f"{found}:{make.identity(item.get('id'))}", stage, make.plain(about.get("message")), at)


V1 = Kind(
    "Cachet 1 and 2",
    ("/api/v1/components?per_page=100", "/api/v1/incidents?sort=id&order=desc&per_page=20"),
    parse,
    fits_v1,
    absence=Absence.ASK,
    own_path=lambda incident, source: f"/api/v1/incidents/{quoted(make.number(incident, source))}",
    parse_own=parse_own,
)
V3 = Kind(
    "Cachet 3",
    ("/api/components?per_page=100", "/api/incidents?sort=-id&per_page=20&include=updates"),
    parse,
    fits_v3,
    absence=Absence.ASK,
    own_path=lambda incident, source: f"/api/incidents/{quoted(make.number(incident, source))}",
    parse_own=parse_own,
)
