"""Parses Uptime Kuma's public page (``/api/status-page/<slug>``) and its heartbeats (``.../heartbeat/<slug>``).

The page has the monitors, the pinned incidents and the maintenances; the heartbeats say how the monitors are doing. A
heartbeat is 0 down, 1 up, 2 pending, 3 in maintenance; a monitor's newest one counts, if it is not old, so that the
same body means less as time passes. A monitor that is pending after it was down is down. The times of a maintenance are
those of a clock in its own zone. An incident has no stages and is open until it is unpinned
(bot/docs/status-page-formats.md#uptime-kuma).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage
from bot.formats import builders, json_fields
from bot.formats.base import Bodies, SourceFormat

_PENDING = "2"
CONDITIONS = {
    "0": Condition.MAJOR_OUTAGE,
    "1": Condition.OPERATIONAL,
    _PENDING: Condition.UNKNOWN,
    "3": Condition.MAINTENANCE,
}
MIN_SILENCE, MAX_MISSED = timedelta(minutes=10), 5  # heartbeats come every minute by default, at most once a day
MAX_SINGLE_SILENCE = 2 * timedelta(hours=25)  # of a monitor's only heartbeat: two pauses of a day, with slack
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


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Parses the page, and its heartbeats where they were read: without them it has no components."""
    body = json_fields.load_object(bodies[0])
    groups = json_fields.read_list(body.get("publicGroupList"), dict, "a group")
    if groups is None:
        json_fields.raise_parse_error("it has no groups of monitors")
    config = body.get("config") if isinstance(body.get("config"), dict) else {}
    monitors = [m for g in groups for m in json_fields.read_list(g.get("monitorList"), dict, "a monitor") or ()]
    components = _components(monitors, bodies[1], at) if len(bodies) > 1 else None
    incidents = None
    if "incident" in body or "incidents" in body:
        pinned = _pinned_incidents(body)
        incidents = json_fields.read_each(pinned, lambda i: _incident(i, source), "an incident", is_listing=True)
    maintenances = json_fields.read_list(
        body.get("maintenanceList"), lambda i: _maintenance(i, source), "a maintenance", is_listing=True
    )
    name = json_fields.to_text((config or {}).get("title"))
    return Snapshot(
        source.page, name, components, builders.unique_by_id(incidents), builders.unique_by_id(maintenances)
    )


def _components(monitors: Sequence[json_fields.JsonObject], body: bytes, at: datetime) -> tuple[Component, ...] | None:
    heartbeat_lists = json_fields.require_object(json_fields.load_json(body), "the heartbeats").get("heartbeatList")
    heartbeats = json_fields.require_object(heartbeat_lists, "heartbeatList")
    return builders.unique_by_id(json_fields.read_each(monitors, lambda m: _monitor(m, heartbeats, at), "a monitor"))


def _monitor(item: json_fields.JsonObject, heartbeats: json_fields.JsonObject, at: datetime) -> Component:
    """The monitor as its last heartbeat has it; unknown where that is old, since then no one tries it any more."""
    monitor_id = builders.to_id(item.get("id"))
    own_heartbeats = _by_time(json_fields.read_list(heartbeats.get(monitor_id), dict, "a heartbeat") or ())
    is_current = own_heartbeats and not _is_silent(own_heartbeats, at)
    condition = _last_condition(own_heartbeats) if is_current else Condition.UNKNOWN
    return builders.build_component(monitor_id, json_fields.to_text(item.get("name")), condition)


def _by_time(heartbeats: Sequence[json_fields.JsonObject]) -> Sequence[json_fields.JsonObject]:
    """The heartbeats, oldest first; in the page's order where one has no time."""
    dated = [(t, h) for h in heartbeats if (t := json_fields.parse_iso_time(h.get("time"))) is not None]
    return [h for _, h in sorted(dated, key=lambda pair: pair[0])] if len(dated) == len(heartbeats) else heartbeats


def _last_condition(heartbeats: Sequence[json_fields.JsonObject]) -> Condition:
    """The condition of the last heartbeat; of a pending one, that before it if the monitor was down."""
    codes = [json_fields.to_text(h.get("status")) for h in heartbeats]
    settled = [code for code in codes if code != _PENDING]
    if codes[-1] == _PENDING and settled and CONDITIONS.get(settled[-1]) is Condition.MAJOR_OUTAGE:
        return Condition.MAJOR_OUTAGE
    return builders.map_condition(CONDITIONS, codes[-1])


def _is_silent(heartbeats: Sequence[json_fields.JsonObject], at: datetime) -> bool:
    """Whether the last heartbeat is older than a few of the usual pauses between them, and than ten minutes.

    A monitor's only heartbeat does not tell its pause, and counts for two of the longest ones.
    """
    times = [t for h in heartbeats if (t := json_fields.parse_iso_time(h.get("time"))) is not None]
    if not times:
        return False
    pauses = sorted(later - sooner for sooner, later in pairwise(times))
    without_pause = MAX_SINGLE_SILENCE if len(heartbeats) == 1 else MIN_SILENCE
    limit = max(MIN_SILENCE, MAX_MISSED * pauses[len(pauses) // 2]) if pauses else without_pause
    return at - times[-1] > limit


def _pinned_incidents(body: json_fields.JsonObject) -> Iterator[json_fields.JsonObject]:
    """The pinned incidents: one in older versions, a list in newer ones."""
    if body.get("incident") is not None:
        yield body["incident"]
    yield from json_fields.read_list(body.get("incidents"), dict, "an incident", is_listing=True) or ()


def _incident(item: json_fields.JsonObject, source: Source) -> Incident:
    incident_id = builders.incident_id(item.get("id"), source, item.get("title"), item.get("createdDate"))
    created_at = json_fields.parse_iso_time(item.get("createdDate"))
    updated_at = json_fields.parse_iso_time(item.get("lastUpdatedDate")) or created_at
    text = builders.html_to_text(item.get("content"))
    return builders.build_incident(
        incident_id,
        json_fields.to_text(item.get("title")),
        Stage.INVESTIGATING,
        IMPACTS.get(json_fields.to_text(item.get("style")), Impact.UNKNOWN),
        created_at,
        [
            builders.build_update(
                builders.update_id(incident_id, updated_at, text), Stage.INVESTIGATING, text, updated_at
            )
        ],
    )


def _maintenance(item: json_fields.JsonObject, source: Source) -> Incident:
    slots = json_fields.read_list(item.get("timeslotList"), dict, "a time slot") or ()
    start, end = (_slot_time(slots[0].get(key), item) if slots else None for key in ("startDate", "endDate"))
    stage = STAGES.get(json_fields.to_text(item.get("status")), Stage.UNKNOWN)
    maintenance_id = builders.maintenance_id(item.get("id"), source, item.get("title"))
    return builders.build_incident(
        maintenance_id,
        json_fields.to_text(item.get("title")),
        stage,
        Impact.MAINTENANCE,
        start,
        [
            builders.build_update(
                f"{maintenance_id}:{stage}", stage, builders.html_to_text(item.get("description")), start
            )
        ],
        is_maintenance=True,
        scheduled_for=start,
        scheduled_until=end,
    )


def _slot_time(value: Any, item: json_fields.JsonObject) -> datetime | None:
    """A time of a slot in UTC: without a zone of its own it is in the maintenance's, by name or by offset."""
    text = json_fields.to_text(value)
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return json_fields.parse_iso_time(text)
    if local.tzinfo is None:
        try:
            zone = ZoneInfo(json_fields.to_text(item.get("timezone")))
            return json_fields.parse_iso_time(local.replace(tzinfo=zone).isoformat())
        except (ValueError, OSError, KeyError):  # no such zone
            return json_fields.parse_iso_time(f"{text}{json_fields.to_text(item.get('timezoneOffset'))}".strip())
    return json_fields.parse_iso_time(text)


FORMAT = SourceFormat(
    "Uptime Kuma",
    ("/api/status-page/{page}", "/api/status-page/heartbeat/{page}"),
    parse,
    fits,
    needs=("page",),
    optional_paths=1,
    complete_below=math.inf,
    timed=True,
)
