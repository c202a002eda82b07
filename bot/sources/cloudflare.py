"""Cloudflare's own page (``/api/v3/summary``, since August 2026) to nouns.

Only parts of it are known (status-sources.md 11): answers stand in ``result``; an incident has ``impact``,
``starts_at``, ``created_at``, ``resolved_at`` and its own page. So this reader takes the names that were seen, and
Statuspage's for the rest, and refuses what has none of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Transition, Update
from bot.sources import make, wire
from bot.sources.kind import Absence, Bodies, Kind, quoted

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded": Condition.DEGRADED,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "under_maintenance": Condition.MAINTENANCE,
    "maintenance": Condition.MAINTENANCE,
}


def fits(body: Any) -> bool:
    """True for a result that has components or incidents, and is not Status.io's."""
    result = body.get("result") if isinstance(body, dict) else None
    return (
        isinstance(result, dict)
        and "status_overall" not in result
        and any(isinstance(result.get(k), list) for k in ("components", "incidents"))
    )


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads the summary."""
    body = wire.page(bodies[0])
    if not fits(body):
        wire.refuse("its result has neither components nor incidents")
    result = wire.obj(body["result"], "result")
    components = wire.each(result.get("components"), _component, "a component")
    found = wire.each(result.get("incidents"), _incident, "an incident")
    planned = wire.each(
        _first(result, "maintenances", "scheduled_maintenances", "maintenance"), _planned, "maintenance"
    )
    return Snapshot("", source.provider, make.unique(components), make.unique(found), make.unique(planned))


def parse_own(raw: bytes, _source: Source) -> Incident:
    """Reads an incident's own page."""
    return _incident(wire.obj(wire.page(raw).get("result"), "result"))


def _first(item: wire.Item, *names: str) -> Any:
    """The value of the first of these keys that says anything."""
    return next((item[name] for name in names if item.get(name) is not None), None)


def _component(item: wire.Item) -> Component:
    state = make.condition(CONDITIONS, item.get("status"))
    return make.component(make.identity(item.get("id")), wire.text(item.get("name")), state)


def _incident(item: wire.Item) -> Incident:
    impact = wire.word(Impact, wire.text(item.get("impact")), Impact.UNKNOWN)
    told = wire.each(_first(item, "updates", "incident_updates"), _update, "an update") or ()
    stage = wire.word(Stage, item.get("status"), Stage.UNKNOWN)
    if stage is Stage.UNKNOWN and wire.moment(item.get("resolved_at")):
        stage = Stage.RESOLVED
    parts = wire.each(_first(item, "components", "affected_components"), _component, "a component") or ()
    return make.incident(
        make.identity(item.get("id")),
        wire.text(item.get("name")),
        stage,
        impact,
        wire.moment(_first(item, "created_at", "starts_at")),
        told,
        components=make.unique(parts) or (),
        started_at=wire.moment(item.get("starts_at")),
        url=wire.link(_first(item, "url", "shortlink")),
        is_maintenance=impact is Impact.MAINTENANCE,
    )


def _planned(item: wire.Item) -> Incident:
    told = _incident(item)
    return make.incident(
        told.id,
        told.name,
        told.stage,
        Impact.MAINTENANCE,
        told.created_at,
        told.updates,
        components=told.components,
        url=told.url,
        is_maintenance=True,
        scheduled_for=wire.moment(_first(item, "scheduled_for", "starts_at")),
        scheduled_until=wire.moment(_first(item, "scheduled_until", "ends_at")),
    )


def _update(item: wire.Item) -> Update:
    return make.update(
        make.identity(item.get("id")),
        wire.word(Stage, item.get("status"), Stage.UNKNOWN),
        make.plain(_first(item, "body", "message")),
        wire.moment(_first(item, "display_at", "published_at", "created_at")),
        wire.each(item.get("affected_components"), _transition, "an affected component"),
    )


def _transition(item: wire.Item) -> Transition:
    name = wire.text(item.get("name"))
    ident = make.identity(_first(item, "code", "id")) or name
    if not ident:
        wire.refuse("an affected component has neither an id nor a name")
    new = make.condition(CONDITIONS, _first(item, "new_status", "status"))
    return Transition(ident, name, make.condition(CONDITIONS, item.get("old_status")), new)


KIND = Kind(
    "Cloudflare's own page",
    ("/api/v3/summary",),
    parse,
    fits,
    absence=Absence.ASK,
    own_path=lambda incident, _source: f"/api/v3/incidents/{quoted(incident.id)}",
    parse_own=parse_own,
)
