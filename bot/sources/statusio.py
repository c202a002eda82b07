"""Status.io's public status (``/1.0/status/<page id>`` on api.status.io) to nouns. It lists what is open.

Codes: 100 operational, 200 planned maintenance, 300 degraded, 400 partial, 500 disruption, 600 security
(status-sources.md 6). A component has containers, its places; the worst of them is what it shows. Messages carry a
state (100 investigating, 200 identified, 300 monitoring) and the status of what they hit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Transition, Update
from bot.sources import make, wire
from bot.sources.kind import Bodies, Kind

CONDITIONS = {
    "100": Condition.OPERATIONAL,
    "200": Condition.MAINTENANCE,
    "300": Condition.DEGRADED,
    "400": Condition.PARTIAL_OUTAGE,
    "500": Condition.MAJOR_OUTAGE,
    "600": Condition.MAJOR_OUTAGE,
}
STAGES = {
    "100": Stage.INVESTIGATING,
    "200": Stage.IDENTIFIED,
    "300": Stage.MONITORING,
    "400": Stage.RESOLVED,
}
IMPACTS = {
    Condition.DEGRADED: Impact.MINOR,
    Condition.PARTIAL_OUTAGE: Impact.MAJOR,
    Condition.MAJOR_OUTAGE: Impact.CRITICAL,
}


def fits(body: Any) -> bool:
    """True for a result with an overall status."""
    result = body.get("result") if isinstance(body, dict) else None
    return isinstance(result, dict) and "status_overall" in result


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads the page."""
    result = wire.obj(wire.page(bodies[0]).get("result"), "result")
    components = wire.each(result.get("status"), _component, "a component")
    if components is None:
        wire.refuse("it lists no components")
    found = wire.each(result.get("incidents"), _incident, "an incident")
    planned = wire.obj(result.get("maintenance") or {}, "maintenance")
    active = wire.each(planned.get("active"), lambda i: _planned(i, Stage.IN_PROGRESS), "a maintenance") or ()
    coming = wire.each(planned.get("upcoming"), lambda i: _planned(i, Stage.SCHEDULED), "a maintenance") or ()
    maintenances = make.unique((*active, *coming))
    return Snapshot(source.page, source.provider, make.unique(components), make.unique(found), maintenances)


def _code(value: Any) -> Condition:
    return make.condition(CONDITIONS, value)


def _component(item: wire.Item) -> Component:
    state = _code(item.get("status_code"))
    if state is Condition.UNKNOWN:
        places = wire.each(item.get("containers"), lambda c: _code(c.get("status_code")), "a container") or ()
        state = max(places, key=lambda c: c.rank, default=state)
    return make.component(make.identity(item.get("id")), wire.text(item.get("name")), state)


def _part(item: wire.Item) -> tuple[str, str]:
    return make.identity(item.get("_id") or item.get("id")), wire.text(item.get("name"))


def _message(item: wire.Item, found: str, parts: tuple[tuple[str, str], ...]) -> Update:
    at = wire.moment(item.get("datetime"))
    state = _code(item.get("status"))
    moved: tuple[Transition, ...] | None = None
    if state is not Condition.UNKNOWN:
        moved = make.moves((i, n, state) for i, n in parts)
    stage = STAGES.get(wire.text(item.get("state")), Stage.UNKNOWN)
    ident = make.identity(item.get("_id")) or f"{found}:{at}"
    return make.update(ident, stage, make.plain(item.get("details")), at, moved)


def _incident(item: wire.Item) -> Incident:
    found = make.identity(item.get("_id") or item.get("id"))
    parts = wire.each(item.get("components_affected"), _part, "a component") or ()
    told = wire.each(item.get("messages"), lambda m: _message(m, found, parts), "a message") or ()
    newest = max(told, key=lambda u: u.display_at, default=None)
    worst = max((m.new for u in told for m in u.transitions or ()), key=lambda c: c.rank, default=Condition.UNKNOWN)
    return make.incident(
        found,
        wire.text(item.get("name")),
        newest.stage if newest else Stage.UNKNOWN,
        IMPACTS.get(worst, Impact.UNKNOWN),
        wire.moment(item.get("datetime_open")),
        told,
        components=make.unique(make.component(i, n, Condition.UNKNOWN) for i, n in parts if i or n) or (),
        url=wire.link(item.get("message_link")),
    )


def _planned(item: wire.Item, stage: Stage) -> Incident:
    found = make.identity(item.get("_id") or item.get("id"))
    told = wire.each(item.get("messages"), lambda m: _message(m, found, ()), "a message") or ()
    return make.incident(
        found,
        wire.text(item.get("name")),
        stage,
        Impact.MAINTENANCE,
        wire.moment(item.get("datetime_open")),
        [make.update(u.id, stage, u.body, u.display_at) for u in told],
        is_maintenance=True,
        scheduled_for=wire.moment(item.get("datetime_planned_start")),
        scheduled_until=wire.moment(item.get("datetime_planned_end")),
    )


KIND = Kind("Status.io", ("/1.0/status/{page}",), parse, fits, needs=("page",))
