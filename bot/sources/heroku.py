"""Heroku's ``/api/v4/current-status`` to nouns: three systems in three colours, and what is open.

``resolved`` is false on incidents that are: ``state`` tells (status-sources.md 11).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Absence, Bodies, Kind, quoted

CONDITIONS = {
    "green": Condition.OPERATIONAL,
    "yellow": Condition.DEGRADED,
    "red": Condition.MAJOR_OUTAGE,
    "blue": Condition.MAINTENANCE,
}
STAGES = {
    "issue": Stage.INVESTIGATING,
    "investigating": Stage.INVESTIGATING,
    "update": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
    "scheduled": Stage.SCHEDULED,
    "maintenance": Stage.IN_PROGRESS,
}
_OVER = {"resolved", "completed", "closed"}


def fits(body: Any) -> bool:
    """True for a list of systems with colours, and one of incidents."""
    systems = body.get("status") if isinstance(body, dict) else None
    return isinstance(systems, list) and all(isinstance(s, dict) and "system" in s for s in systems)


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads the page."""
    body = wire.page(bodies[0])
    components = wire.each(body.get("status"), _system, "a system")
    if components is None:
        wire.refuse("it lists no systems")
    found = wire.each(body.get("incidents"), lambda i: _incident(i, source), "an incident")
    planned = wire.each(body.get("scheduled"), lambda i: _incident(i, source, planned=True), "a maintenance")
    return Snapshot("", source.provider, make.unique(components), make.unique(found), make.unique(planned))


def parse_own(raw: bytes, source: Source) -> Incident:
    """Reads an incident's own page."""
    return _incident(wire.page(raw), source)


def _system(item: wire.Item) -> Component:
    name = wire.text(item.get("system"))
    return make.component(name, name, make.condition(CONDITIONS, item.get("status")))


def _incident(item: wire.Item, source: Source, *, planned: bool = False) -> Incident:
    found = make.identity(item.get("id"), source)
    told = make.in_order(wire.each(item.get("updates"), _update, "an update"))
    stage = told[-1].stage if told else Stage.UNKNOWN
    if wire.text(item.get("state")).casefold() in _OVER or item.get("resolved") is True:
        stage = Stage.COMPLETED if planned else Stage.RESOLVED
    elif stage.is_closed:
        stage = Stage.MONITORING
    worst = max((m.new for u in told for m in u.transitions or ()), key=lambda c: c.rank, default=Condition.UNKNOWN)
    impacts = {Condition.DEGRADED: Impact.MINOR, Condition.MAJOR_OUTAGE: Impact.CRITICAL}
    return make.incident(
        found,
        wire.text(item.get("title")),
        Stage.SCHEDULED if planned and not stage.is_closed else stage,
        Impact.MAINTENANCE if planned else impacts.get(worst, Impact.UNKNOWN),
        wire.moment(item.get("created_at")),
        told,
        url=wire.link(item.get("full_url")),
        is_maintenance=planned,
        scheduled_for=wire.moment(item.get("scheduled_for")),
    )


def _update(item: wire.Item) -> Update:
    states = wire.each(item.get("statuses"), _system, "a system") or ()
    return make.update(
        make.identity(item.get("id")),
        STAGES.get(wire.text(item.get("update_type")).casefold(), Stage.UNKNOWN),
        make.plain(item.get("contents")),
        wire.moment(item.get("display_at")) or wire.moment(item.get("created_at")),
        make.moves((c.id, c.name, c.condition) for c in states if c.condition is not Condition.UNKNOWN),
    )


KIND = Kind(
    "Heroku",
    ("/api/v4/current-status",),
    parse,
    fits,
    absence=Absence.ASK,
    own_path=lambda incident, source: f"/api/v4/incidents/{quoted(make.number(incident, source))}",
    parse_own=parse_own,
)
