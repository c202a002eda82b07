"""Rootly's status page (``/api/v1/status.json`` and ``/api/v1/incidents.json``) to nouns.

It is like Statuspage and not the same (status-sources.md 11): two answers, and incidents of all states in one list,
newest first. Names that only some pages use are taken where they are there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Absence, Bodies, Kind

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "impacted": Condition.DEGRADED,
    "degraded": Condition.DEGRADED,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "outage": Condition.MAJOR_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "under_maintenance": Condition.MAINTENANCE,
}
INCIDENTS = "/api/v1/incidents.json?per_page=100"


def fits(body: Any) -> bool:
    """True for a page with a status, and no list of incidents beside it."""
    return (
        isinstance(body, dict)
        and isinstance(body.get("page"), dict)
        and isinstance(body.get("status"), dict)
        and "incidents" not in body
    )


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads both."""
    body = wire.page(bodies[0])
    page = wire.obj(body.get("page"), "page")
    components = wire.each(body.get("components"), _component, "a component")
    listed = _listed(bodies[1])
    name = wire.text(page.get("name")) or source.provider
    incidents, maintenances = make.split(listed)
    return Snapshot(make.identity(page.get("id")), name, make.unique(components), incidents, maintenances)


def parse_all(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads the list of incidents alone."""
    incidents, maintenances = make.split(_listed(bodies[0]))
    return Snapshot("", source.provider, None, incidents, maintenances)


def _listed(raw: bytes) -> tuple[Incident, ...]:
    told = wire.each(wire.obj(wire.load(raw), "the list").get("incidents"), _incident, "an incident")
    if told is None:
        wire.refuse("it lists no incidents, not even none")
    return told


def _component(item: wire.Item) -> Component:
    state = make.condition(CONDITIONS, item.get("status"))
    return make.component(make.identity(item.get("id")), wire.text(item.get("name")), state)


def _incident(item: wire.Item) -> Incident:
    impact = wire.word(Impact, wire.text(item.get("impact")), Impact.UNKNOWN)
    stage = wire.word(Stage, item.get("status"), Stage.UNKNOWN)
    parts = wire.each(item.get("components"), _component, "a component") or ()
    bad = [(c.id, c.name, c.condition) for c in parts if c.condition.is_bad]
    posts = make.in_order(wire.each(item.get("incident_updates") or item.get("updates"), _update, "an update"))
    return make.incident(
        make.identity(item.get("id")),
        wire.text(item.get("name")) or wire.text(item.get("title")),
        Stage.RESOLVED if stage is Stage.UNKNOWN and wire.moment(item.get("resolved_at")) else stage,
        impact,
        wire.moment(item.get("created_at")) or wire.moment(item.get("started_at")),
        make.moved_at_first(posts, make.moves(bad)),
        components=make.unique(parts) or (),
        started_at=wire.moment(item.get("started_at")),
        url=wire.link(item.get("shortlink") or item.get("url")),
        is_maintenance=impact is Impact.MAINTENANCE or wire.text(item.get("kind")) == "scheduled",
        scheduled_for=wire.moment(item.get("scheduled_for")),
        scheduled_until=wire.moment(item.get("scheduled_until")),
    )


def _update(item: wire.Item) -> Update:
    return make.update(
        make.identity(item.get("id")),
        wire.word(Stage, item.get("status"), Stage.UNKNOWN),
        make.plain(item.get("body") or item.get("message")),
        wire.moment(item.get("display_at")) or wire.moment(item.get("created_at")),
    )


KIND = Kind(
    "Rootly",
    ("/api/v1/status.json", INCIDENTS),
    parse,
    fits,
    absence=Absence.ASK,
    all_path=INCIDENTS,
    parse_all=parse_all,
)
