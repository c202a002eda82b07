"""Better Stack's ``/index.json`` (JSON:API) to nouns: resources are components, reports are incidents.

A report has ended when its state is ``resolved``; ``ends_at`` may be missing then (status-sources.md 5). A maintenance
has no state of its own: whether it goes on is told by the clock, so the page means something else later. Monitors post
reports by themselves, many of them for a minute: an automatic one counts once it is two minutes old, or as old as
``min_minutes`` of the source says. Its components are believed at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Transition, Update
from bot.sources import make, wire
from bot.sources.kind import Bodies, Kind

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "resolved": Condition.OPERATIONAL,
    "degraded": Condition.DEGRADED,
    "downtime": Condition.MAJOR_OUTAGE,
    "maintenance": Condition.MAINTENANCE,
}
IMPACTS = {
    Condition.DEGRADED: Impact.MINOR,
    Condition.MAJOR_OUTAGE: Impact.CRITICAL,
    Condition.MAINTENANCE: Impact.MAINTENANCE,
}
LEAST = 2.0  # minutes; a component that is bad for three is told anyway (bot.core.trouble)


@dataclass(frozen=True, slots=True)
class _Page:
    """The parts of a page that reports point to."""

    names: Mapping[str, str]
    updates: Mapping[str, wire.Item]
    source: Source
    at: datetime


def fits(body: Any) -> bool:
    """True for a status page in JSON:API."""
    data = body.get("data") if isinstance(body, dict) else None
    return isinstance(data, dict) and data.get("type") == "status_page" and "aggregate_state" in _about(data)


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Reads the page as of ``at``."""
    body = wire.page(bodies[0])
    data = wire.obj(body.get("data"), "data")
    about = _about(data)
    included = wire.each(body.get("included"), dict, "an included item")
    if included is None or "aggregate_state" not in about:
        wire.refuse("it has no state and includes nothing")
    components = [_component(i) for i in included if i.get("type") == "status_page_resource"]
    told = {make.identity(i.get("id")): i for i in included if i.get("type") == "status_update"}
    page = _Page({c.id: c.name for c in components}, told, source, at)
    reports = [_report(i, page) for i in included if i.get("type") == "status_report" and not _is_a_blip(i, page)]
    incidents, maintenances = make.split(reports)
    name = wire.text(about.get("company_name"))
    return Snapshot(make.identity(data.get("id")), name, make.unique(components), incidents, maintenances)


def _about(item: wire.Item) -> wire.Item:
    about = item.get("attributes")
    return about if isinstance(about, dict) else {}


def _component(item: wire.Item) -> Component:
    about = _about(item)
    state = make.condition(CONDITIONS, about.get("status"))
    return make.component(make.identity(item.get("id")), wire.text(about.get("public_name")), state)


def _report(item: wire.Item, page: _Page) -> Incident:
    found, about = make.identity(item.get("id"), page.source), _about(item)
    state = make.condition(CONDITIONS, about.get("aggregate_state"))
    starts, ends = wire.moment(about.get("starts_at")), wire.moment(about.get("ends_at"))
    planned = about.get("report_type") == "maintenance"
    stage = make.planned(starts, ends, page.at) if planned else _stage(state)
    moved = _moves(about.get("affected_resources"), page)
    updates = [_update(page.updates[i], planned=planned, page=page) for i in _linked(item) if i in page.updates]
    return make.incident(
        found,
        wire.text(about.get("title")),
        stage,
        IMPACTS.get(state, Impact.UNKNOWN),
        starts,
        updates or [make.update(f"{found}:{stage}", stage, "", starts, moved)],
        components=tuple(make.component(m.component_id, m.name, m.new) for m in moved or ()),
        is_maintenance=planned,
        scheduled_for=starts if planned else None,
        scheduled_until=ends if planned else None,
    )


def _is_a_blip(item: wire.Item, page: _Page) -> bool:
    """Posted by a monitor, open, and too young to be worth a word."""
    about = _about(item)
    starts = wire.moment(about.get("starts_at"))
    is_over = make.condition(CONDITIONS, about.get("aggregate_state")) is Condition.OPERATIONAL
    if about.get("report_type") != "automatic" or is_over or starts is None:
        return False
    least = LEAST if page.source.min_minutes is None else page.source.min_minutes
    return page.at - starts < timedelta(minutes=least)


def _stage(state: Condition) -> Stage:
    return Stage.RESOLVED if state is Condition.OPERATIONAL else Stage.INVESTIGATING


def _linked(item: wire.Item) -> Iterable[str]:
    """The ids of a report's updates."""
    relations = item.get("relationships")
    told = relations.get("status_updates") if isinstance(relations, dict) else None
    data = told.get("data") if isinstance(told, dict) else None
    return wire.each(data, lambda ref: make.identity(ref.get("id")), "an update's id") or ()


def _update(item: wire.Item, *, planned: bool, page: _Page) -> Update:
    about = _about(item)
    moved = _moves(about.get("affected_resources"), page)
    over = bool(moved) and all(m.new is Condition.OPERATIONAL for m in moved or ())
    closed = Stage.COMPLETED if planned else Stage.RESOLVED
    stage = closed if over else Stage.IN_PROGRESS if planned else Stage.INVESTIGATING
    at = wire.moment(about.get("published_at"))
    return make.update(make.identity(item.get("id")), stage, make.plain(about.get("message")), at, moved)


def _moves(items: Any, page: _Page) -> tuple[Transition, ...] | None:
    states = wire.each(items, _state, "an affected resource") or ()
    return make.moves((i, page.names.get(i, ""), state) for i, state in states)


def _state(item: wire.Item) -> tuple[str, Condition]:
    return make.identity(item.get("status_page_resource_id")), make.condition(CONDITIONS, item.get("status"))


KIND = Kind("Better Stack", ("/index.json",), parse, fits, takes=("min_minutes",), timed=True)
