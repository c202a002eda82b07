"""OpenStatus' ``/feed/json`` to nouns: monitors are components, status reports are incidents.

Reports of all states are listed, with their updates; a report names the monitors it is about and not how they are
(status-sources.md 11). A maintenance goes on between ``from`` and ``to``, so the page means something else later.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Bodies, Kind

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "active": Condition.OPERATIONAL,
    "success": Condition.OPERATIONAL,
    "degraded": Condition.DEGRADED,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "error": Condition.MAJOR_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "incident": Condition.DEGRADED,
    "under_maintenance": Condition.MAINTENANCE,
    "maintenance": Condition.MAINTENANCE,
}


def fits(body: Any) -> bool:
    """True for a page with status reports."""
    return isinstance(body, dict) and isinstance(body.get("statusReports"), list)


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Reads the page as of ``at``."""
    body = wire.page(bodies[0])
    reports = wire.each(body.get("statusReports"), lambda i: _report(i, source), "a status report")
    if reports is None:
        wire.refuse("it has no status reports, not even none")
    monitors = wire.each(body.get("monitors", body.get("pageComponents")), _monitor, "a monitor")
    planned = wire.each(body.get("maintenances"), lambda i: _maintenance(i, source, at), "a maintenance") or ()
    name = wire.text(body.get("title")) or source.provider
    return Snapshot("", name, make.unique(monitors), make.unique(reports), make.unique(planned))


def _monitor(item: wire.Item) -> Component:
    state = make.condition(CONDITIONS, item.get("status"))
    return make.component(make.identity(item.get("id")), wire.text(item.get("name")), state)


def _parts(item: wire.Item) -> tuple[Component, ...]:
    listed = item.get("monitors", item.get("pageComponents"))
    if not isinstance(listed, list):
        return ()
    about = [i if isinstance(i, dict) else {"id": i} for i in listed]
    return make.unique(_monitor(i) for i in about if make.identity(i.get("id")) or wire.text(i.get("name"))) or ()


def _report(item: wire.Item, source: Source) -> Incident:
    found = make.identity(item.get("id"), source)
    told = wire.each(item.get("statusReportUpdates"), lambda u: _update(u, found), "an update") or ()
    return make.incident(
        found,
        wire.text(item.get("title")),
        wire.word(Stage, item.get("status"), Stage.UNKNOWN),
        Impact.UNKNOWN,
        wire.moment(item.get("createdAt")),
        told,
        components=_parts(item),
    )


def _update(item: wire.Item, found: str) -> Update:
    at = wire.moment(item.get("date"))
    ident = make.identity(item.get("id")) or f"{found}:{at}"
    stage = wire.word(Stage, item.get("status"), Stage.UNKNOWN)
    return make.update(ident, stage, make.plain(item.get("message")), at)


def _maintenance(item: wire.Item, source: Source, at: datetime) -> Incident:
    start, end = wire.moment(item.get("from")), wire.moment(item.get("to"))
    stage = Stage.SCHEDULED if start and at < start else Stage.COMPLETED if end and at >= end else Stage.IN_PROGRESS
    found = make.planned_identity(item.get("id"), source)
    created = wire.moment(item.get("createdAt")) or start
    return make.incident(
        found,
        wire.text(item.get("title")),
        stage,
        Impact.MAINTENANCE,
        created,
        [make.update(f"{found}:{stage}", stage, make.plain(item.get("message")), created)],
        components=_parts(item),
        is_maintenance=True,
        scheduled_for=start,
        scheduled_until=end,
    )


KIND = Kind("OpenStatus", ("/feed/json",), parse, fits, timed=True)
