"""incident.io's Statuspage-compatible shim: the bytes of ``/api/v2/summary.json`` to nouns.

It looks like Statuspage and is not (status-sources.md 3.1): lists are left out when they are empty, an incident never
says which components it hits, at most 25 components are shown and which ones changes, and there are no own pages. So
an absent list is an empty one here, and the last words of an incident are on the list of all incidents, which holds
about 25. A component that is not shown has not changed.
"""

from __future__ import annotations

import re
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Absence, Kind, whole

SUMMARY = "/api/v2/summary.json"
INCIDENTS = "/api/v2/incidents.json"

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "full_outage": Condition.MAJOR_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "under_maintenance": Condition.MAINTENANCE,
}
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_LISTS = ("components", "incidents", "scheduled_maintenances")


def fits(body: Any) -> bool:
    """True for a page that looks like a Statuspage and whose id is a ULID, as incident.io's are."""
    page = body.get("page") if isinstance(body, dict) else None
    return isinstance(page, dict) and bool(_ULID.fullmatch(wire.text(page.get("id"))))


def parse(raw: bytes) -> Snapshot:
    """Reads the summary or the list of all incidents."""
    body = wire.page(raw)
    page = wire.obj(body.get("page"), "page")
    page_id, name = wire.text(page.get("id")), wire.text(page.get("name"))
    if not (page_id or name) or all(body.get(key) is None for key in _LISTS):
        wire.refuse("it has no page, or neither components nor incidents")
    incidents = wire.each(body.get("incidents"), _incident, "an incident") or ()
    planned = wire.each(body.get("scheduled_maintenances"), _maintenance, "a maintenance") or ()
    found, maintenances = make.split((*incidents, *planned))
    components = wire.each(body.get("components"), _component, "a component")
    return Snapshot(page_id, name, make.unique(components), found, maintenances)


def _component(item: wire.Item) -> Component:
    state = make.condition(CONDITIONS, item.get("status"))
    return make.component(make.identity(item.get("id")), wire.text(item.get("name")), state)


def _update(item: wire.Item) -> Update:
    stage = wire.word(Stage, item.get("status"), Stage.UNKNOWN)
    at = wire.moment(item.get("display_at")) or wire.moment(item.get("created_at"))
    return make.update(make.identity(item.get("id")), stage, wire.text(item.get("body")), at)


def _incident(item: wire.Item, *, is_maintenance: bool = False) -> Incident:
    impact = wire.word(Impact, item.get("impact"), Impact.UNKNOWN)
    return make.incident(
        make.identity(item.get("id")),
        wire.text(item.get("name")),
        wire.word(Stage, item.get("status"), Stage.UNKNOWN),
        impact,
        wire.moment(item.get("created_at")),
        make.in_order(wire.each(item.get("incident_updates"), _update, "an update")),
        url=wire.link(item.get("shortlink")),
        is_maintenance=is_maintenance or impact is Impact.MAINTENANCE,
        scheduled_for=wire.moment(item.get("scheduled_for")),
        scheduled_until=wire.moment(item.get("scheduled_until")),
    )


def _maintenance(item: wire.Item) -> Incident:
    return _incident(item, is_maintenance=True)


KIND = Kind("incident.io", (SUMMARY,), whole(parse), fits, absence=Absence.ASK, all_path=INCIDENTS, seen=True)
