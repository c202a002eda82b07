"""Salesforce Trust: the status of one instance (``/v1/instances/<key>/status``) to nouns.

There are hundreds of instances, and something is always broken on one of them, so the instance is asked for by its key
(``page``). Titles do not exist: one is made from the impact's type. An impact without an end goes on. The instance is
the only component (status-sources.md 11).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Bodies, Kind

CONDITIONS = {
    "ok": Condition.OPERATIONAL,
    "minor_incident": Condition.DEGRADED,
    "major_incident": Condition.MAJOR_OUTAGE,
    "maintenance": Condition.MAINTENANCE,
    "informational": Condition.OPERATIONAL,
}
IMPACTS = {"minor": Impact.MINOR, "major": Impact.MAJOR, "critical": Impact.CRITICAL}
STATES = {
    Impact.MINOR: Condition.DEGRADED,
    Impact.MAJOR: Condition.MAJOR_OUTAGE,
    Impact.CRITICAL: Condition.MAJOR_OUTAGE,
}
STAGES = {
    "investigating": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
}
_SCOPE = re.compile(r"_(?:non)?core$")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def fits(body: Any) -> bool:
    """True for an instance with its incidents."""
    return isinstance(body, dict) and "key" in body and "status" in body and "Incidents" in body


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads the instance's page."""
    body = wire.page(bodies[0])
    key, status = wire.text(body.get("key")), wire.text(body.get("status"))
    if not key or not status:
        wire.refuse("it has neither a key nor a status")
    state = make.condition(CONDITIONS, _SCOPE.sub("", status.casefold()))
    instance = make.component(key, key, state)
    incidents = wire.each(body.get("Incidents"), lambda i: _incident(i, source, instance), "an incident")
    planned = wire.each(body.get("Maintenances"), lambda i: _maintenance(i, source), "a maintenance")
    return Snapshot(key, source.provider, (instance,), make.unique(incidents), make.unique(planned))


def _incident(item: wire.Item, source: Source, instance: Component) -> Incident:
    found = make.identity(item.get("id"), source)
    impacts = wire.each(item.get("IncidentImpacts"), dict, "an impact") or ()
    over = bool(impacts) and all(wire.text(i.get("endTime")) for i in impacts)
    stage = Stage.RESOLVED if over or wire.text(item.get("status")).casefold() == "resolved" else Stage.INVESTIGATING
    severity = max((_severity(i) for i in impacts), key=list(Impact).index, default=Impact.UNKNOWN)
    state = STATES.get(severity, Condition.UNKNOWN)
    begun = [at for i in impacts if (at := wire.moment(i.get("startTime")))]
    posts = make.in_order(wire.each(item.get("IncidentEvents"), _event, "an event"))
    posts = posts or [make.update(f"{found}:0", stage, "", wire.moment(item.get("createdAt")))]
    moved = make.moves([(instance.id, instance.name, state)]) if state.is_bad else None
    return make.incident(
        found,
        _title(item, impacts),
        stage,
        severity,
        wire.moment(item.get("createdAt")),
        make.moved_at_first(posts, moved),
        components=(instance,),
        started_at=min(begun, default=None),
        url=wire.link(f"https://status.salesforce.com/incidents/{found.removeprefix(f'{source.id}-')}"),
    )


def _severity(impact: wire.Item) -> Impact:
    return IMPACTS.get(wire.text(impact.get("severity")).casefold(), Impact.NONE)


def _title(item: wire.Item, impacts: tuple[wire.Item, ...]) -> str:
    kinds = [wire.text(i.get("type")) for i in impacts if wire.text(i.get("type"))] or [wire.text(item.get("type"))]
    names = wire.texts(item.get("serviceKeys"))
    words = _HUMP.sub(" ", kinds[0]).capitalize() or "Incident"
    return f"{words}: {', '.join(n for n in names if n)}" if any(names) else words


def _event(item: wire.Item) -> Update:
    return make.update(
        make.identity(item.get("id")),
        STAGES.get(wire.text(item.get("type")).casefold(), Stage.INVESTIGATING),
        make.plain(item.get("message")),
        wire.moment(item.get("createdAt")),
    )


def _maintenance(item: wire.Item, source: Source) -> Incident:
    start, end = wire.moment(item.get("plannedStartTime")), wire.moment(item.get("plannedEndTime"))
    found = make.identity(item.get("id"), source)
    created = wire.moment(item.get("createdAt")) or start
    return make.incident(
        found,
        wire.text(item.get("name")) or "Maintenance",
        Stage.SCHEDULED,
        Impact.MAINTENANCE,
        created,
        [make.update(f"{found}:0", Stage.SCHEDULED, "", created)],
        is_maintenance=True,
        scheduled_for=start,
        scheduled_until=end,
    )


KIND = Kind("Salesforce Trust", ("/v1/instances/{page}/status",), parse, fits, needs=("page",))
