"""Instatus: ``/summary.json`` (what is open) and ``/v2/components.json`` to nouns; of newer pages, both below ``/v3``.

Lists are left out when they are empty. There are no texts: an update here is that the vendor touched the incident, and
its words are on the page behind the link (status-sources.md 4). Older pages give times as JavaScript writes dates.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage
from bot.sources import make, wire
from bot.sources.kind import Bodies, Kind

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degradedperformance": Condition.DEGRADED,
    "minoroutage": Condition.PARTIAL_OUTAGE,
    "partialoutage": Condition.PARTIAL_OUTAGE,
    "majoroutage": Condition.MAJOR_OUTAGE,
    "undermaintenance": Condition.MAINTENANCE,
}
IMPACTS = {
    Condition.OPERATIONAL: Impact.NONE,
    Condition.DEGRADED: Impact.MINOR,
    Condition.PARTIAL_OUTAGE: Impact.MAJOR,
    Condition.MAJOR_OUTAGE: Impact.CRITICAL,
}
STAGES = {
    "INVESTIGATING": Stage.INVESTIGATING,
    "IDENTIFIED": Stage.IDENTIFIED,
    "MONITORING": Stage.MONITORING,
    "RESOLVED": Stage.RESOLVED,
    "NOTSTARTEDYET": Stage.SCHEDULED,
    "INPROGRESS": Stage.IN_PROGRESS,
    "VERIFYING": Stage.VERIFYING,
    "COMPLETED": Stage.COMPLETED,
}
_STATUSES = {"UP", "HASISSUES", "UNDERMAINTENANCE"}
_JAVASCRIPT = re.compile(r"(\w{3}) (\w{3}) (\d{2}) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d{4})")


def fits(body: Any) -> bool:
    """True for a page whose status is one of Instatus' words."""
    page = body.get("page") if isinstance(body, dict) else None
    return isinstance(page, dict) and wire.text(page.get("status")) in _STATUSES


def parse(bodies: Bodies, _source: Source, _at: datetime) -> Snapshot:
    """Reads both."""
    body = wire.page(bodies[0])
    page = wire.obj(body.get("page"), "page")
    if not wire.text(page.get("status")):
        wire.refuse("its page has no status")
    listed = wire.load(bodies[1]) if len(bodies) > 1 else {}
    items = wire.each(listed.get("components") if isinstance(listed, dict) else listed, dict, "a component")
    components = None if items is None else [_component(part) for item in items for part in (item, *_children(item))]
    incidents = wire.each(body.get("activeIncidents"), _incident, "an incident") or ()
    planned = wire.each(body.get("activeMaintenances"), _maintenance, "a maintenance") or ()
    name, page_id = wire.text(page.get("name")), wire.text(page.get("url"))
    return Snapshot(page_id, name, make.unique(components), make.unique(incidents), make.unique(planned))


def _children(item: wire.Item) -> list[wire.Item]:
    """The components of a group that holds its own, as newer pages have them."""
    listed = item.get("children")
    return [child for child in listed if isinstance(child, dict)] if isinstance(listed, list) else []


def _component(item: wire.Item) -> Component:
    state = make.condition(CONDITIONS, item.get("status"))
    return make.component(make.identity(item.get("id")), wire.text(item.get("name")), state)


def _incident(item: wire.Item) -> Incident:
    impact = IMPACTS.get(make.condition(CONDITIONS, item.get("impact")), Impact.UNKNOWN)
    return _event(item, _moment(item.get("started")), impact)


def _maintenance(item: wire.Item) -> Incident:
    start = _moment(item.get("start"))
    minutes = wire.text(item.get("duration"))
    until = start + timedelta(minutes=int(minutes)) if start and re.fullmatch(r"\d{1,6}", minutes) else None
    times = {"is_maintenance": True, "scheduled_for": start, "scheduled_until": until}
    return _event(item, start, Impact.MAINTENANCE, **times)


def _event(item: wire.Item, start: datetime | None, impact: Impact, **more: Any) -> Incident:
    stage = STAGES.get(wire.text(item.get("status")), Stage.UNKNOWN)
    touched = _moment(item.get("updatedAt")) or start
    found = make.identity(item.get("id")) or make.digest(wire.text(item.get("name")), str(start))
    update = make.update(f"{found}:{stage}:{touched}", stage, "", touched)
    name, url = wire.text(item.get("name")), wire.link(item.get("url"))
    return make.incident(found, name, stage, impact, start, [update], url=url, **more)


def _moment(value: Any) -> datetime | None:
    told = _JAVASCRIPT.match(wire.text(value))
    if not told:
        return wire.moment(value)
    try:
        time = parsedate_to_datetime("{0}, {2} {1} {3} {4} {5}".format(*told.groups()))
    except (ValueError, TypeError, IndexError):
        return None
    return wire.moment(time.isoformat())


KIND = Kind(
    "Instatus",
    ("/summary.json", "/v2/components.json"),
    parse,
    fits,
    others=(("/v3/summary.json", "/v3/components.json"),),
)
