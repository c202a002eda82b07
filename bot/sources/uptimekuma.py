"""Uptime Kuma's public page to nouns: the monitors with what people wrote, and how the monitors are.

``/api/status-page/<slug>`` has the former, ``/api/status-page/heartbeat/<slug>`` the latter. A heartbeat is 0 down, 1
up, 2 pending, 3 in maintenance; the last of a monitor's counts. What people pinned is shown until they unpin it, and
has no stages (status-sources.md 11).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage
from bot.sources import make, wire
from bot.sources.kind import Bodies, Kind

CONDITIONS = {
    "0": Condition.MAJOR_OUTAGE,
    "1": Condition.OPERATIONAL,
    "3": Condition.MAINTENANCE,
}
IMPACTS = {"danger": Impact.CRITICAL, "warning": Impact.MAJOR, "info": Impact.MINOR, "primary": Impact.MINOR}
STAGES = {
    "scheduled": Stage.SCHEDULED,
    "under-maintenance": Stage.IN_PROGRESS,
    "ended": Stage.COMPLETED,
    "inactive": Stage.COMPLETED,
}


def fits(body: Any) -> bool:
    """True for a page with groups of monitors."""
    return isinstance(body, dict) and isinstance(body.get("publicGroupList"), list)


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads both."""
    body = wire.page(bodies[0])
    groups = wire.each(body.get("publicGroupList"), dict, "a group")
    if groups is None:
        wire.refuse("it has no groups of monitors")
    config = body.get("config") if isinstance(body.get("config"), dict) else {}
    beats = wire.obj(wire.load(bodies[1]), "the heartbeats").get("heartbeatList")
    states = wire.obj(beats, "heartbeatList")
    monitors = [m for g in groups for m in wire.each(g.get("monitorList"), dict, "a monitor") or ()]
    components = make.unique(_monitor(m, states) for m in monitors)
    incidents = make.unique(_incident(i, source) for i in _pinned(body))
    planned = wire.each(body.get("maintenanceList"), lambda i: _maintenance(i, source), "a maintenance")
    name = wire.text((config or {}).get("title"))
    return Snapshot(source.page, name, components, incidents, make.unique(planned))


def _monitor(item: wire.Item, states: wire.Item) -> Component:
    ident = make.identity(item.get("id"))
    beats = wire.each(states.get(ident), dict, "a heartbeat")
    state = make.condition(CONDITIONS, beats[-1].get("status")) if beats else Condition.UNKNOWN
    return make.component(ident, wire.text(item.get("name")), state)


def _pinned(body: wire.Item) -> Iterator[wire.Item]:
    """One incident in older versions, a list of them in newer ones."""
    if body.get("incident") is not None:
        yield wire.obj(body["incident"], "incident")
    yield from wire.each(body.get("incidents"), dict, "an incident") or ()


def _incident(item: wire.Item, source: Source) -> Incident:
    found = make.identity(item.get("id"), source)
    created = wire.moment(item.get("createdDate"))
    touched = wire.moment(item.get("lastUpdatedDate")) or created
    body = make.plain(item.get("content"))
    return make.incident(
        found,
        wire.text(item.get("title")),
        Stage.INVESTIGATING,
        IMPACTS.get(wire.text(item.get("style")), Impact.UNKNOWN),
        created,
        [make.update(f"{found}:{touched}", Stage.INVESTIGATING, body, touched)],
    )


def _maintenance(item: wire.Item, source: Source) -> Incident:
    slots = wire.each(item.get("timeslotList"), dict, "a time slot") or ()
    start = wire.moment(slots[0].get("startDate")) if slots else None
    end = wire.moment(slots[0].get("endDate")) if slots else None
    stage = STAGES.get(wire.text(item.get("status")), Stage.UNKNOWN)
    found = make.planned_identity(item.get("id"), source)
    return make.incident(
        found,
        wire.text(item.get("title")),
        stage,
        Impact.MAINTENANCE,
        start,
        [make.update(f"{found}:{stage}", stage, make.plain(item.get("description")), start)],
        is_maintenance=True,
        scheduled_for=start,
        scheduled_until=end,
    )


KIND = Kind(
    "Uptime Kuma",
    ("/api/status-page/{page}", "/api/status-page/heartbeat/{page}"),
    parse,
    fits,
    needs=("page",),
)
