"""Slack's own page (``/api/v2.0.0/current``) to nouns; ended incidents are told by ``/history``.

An incident is ``active`` or over, with nothing between. Its ``services`` are those of now: they change while it runs,
and are told with every note. Ids are bare numbers. Notes are HTML, and have no ids (status-sources.md 11).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.model import Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Absence, Bodies, Kind

CURRENT = "/api/v2.0.0/current"
HISTORY = "/api/v2.0.0/history"
STAGES = {
    "active": Stage.INVESTIGATING,
    "resolved": Stage.RESOLVED,
    "completed": Stage.RESOLVED,
    "cancelled": Stage.RESOLVED,
    "scheduled": Stage.SCHEDULED,
}
TYPES = {
    "outage": (Impact.CRITICAL, Condition.MAJOR_OUTAGE),
    "incident": (Impact.MAJOR, Condition.PARTIAL_OUTAGE),
    "notice": (Impact.MINOR, Condition.UNKNOWN),
}


def fits(body: Any) -> bool:
    """True for what is going on now."""
    return isinstance(body, dict) and isinstance(body.get("active_incidents"), list) and "status" in body


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads what is going on now."""
    body = wire.page(bodies[0])
    if not fits(body):
        wire.refuse("it has no active incidents, not even none")
    return _snapshot(body["active_incidents"], source)


def parse_history(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads the list of all incidents."""
    return _snapshot(wire.load(bodies[0]), source)


def _snapshot(listed: Any, source: Source) -> Snapshot:
    incidents, maintenances = make.split(wire.each(listed, lambda i: _incident(i, source), "an incident") or ())
    return Snapshot("", source.provider, None, incidents, maintenances)


def _incident(item: wire.Item, source: Source) -> Incident:
    found = make.identity(item.get("id"), source)
    stage = STAGES.get(wire.text(item.get("status")), Stage.UNKNOWN)
    impact, state = TYPES.get(wire.text(item.get("type")), (Impact.UNKNOWN, Condition.UNKNOWN))
    named = [make.component(name, name, state) for name in wire.texts(item.get("services")) if name]
    parts = [] if state is Condition.UNKNOWN else [(c.id, c.name, c.condition) for c in named]

    def note(told: wire.Item) -> Update:
        at, body = wire.text(told.get("date_created")), make.plain(told.get("body"))
        return make.update(f"{found}:{at}", Stage.INVESTIGATING, body, wire.moment(at), make.moves(parts))

    notes = make.in_order(wire.each(item.get("notes"), note, "a note"))
    if notes and stage.is_closed:
        notes[-1] = Update(notes[-1].id, stage, notes[-1].body, notes[-1].display_at)
    return make.incident(
        found,
        wire.text(item.get("title")),
        stage,
        impact,
        wire.moment(item.get("date_created")),
        notes,
        components=make.unique(named) or (),
        url=wire.link(item.get("url")),
        is_maintenance=stage is Stage.SCHEDULED,
    )


KIND = Kind(
    "Slack's own page",
    (CURRENT,),
    parse,
    fits,
    absence=Absence.ASK,
    all_path=HISTORY,
    parse_all=parse_history,
    seen=True,
)
