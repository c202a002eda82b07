"""Parses Apple's system status (``/support/systemstatus/data/system_status_en_US.js``): services with their events.

The developers' page has the same form inside a call, ``jsonCallback({...});``. One event may stand at several services.
Events that have ended stay for a while; one that has left the list is over
(bot/docs/status-page-formats.md#apple).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage
from bot.formats import builders, json_fields, reading, time_zones
from bot.formats.base import Bodies, SourceFormat

GENERAL = "/support/systemstatus/data/system_status_en_US.js"
DEVELOPER = "/support/systemstatus/data/developer/system_status_en_US.js"
CONDITIONS = {
    "outage": Condition.MAJOR_OUTAGE,
    "issue": Condition.DEGRADED,
    "performance": Condition.DEGRADED,
    "maintenance": Condition.MAINTENANCE,
}
IMPACTS = {"outage": Impact.CRITICAL, "issue": Impact.MINOR, "performance": Impact.MINOR}
STAGES = {
    "ongoing": Stage.INVESTIGATING,
    "resolved": Stage.RESOLVED,
    "completed": Stage.RESOLVED,
    "upcoming": Stage.SCHEDULED,
}
_MAINTENANCE_STAGES = {
    Stage.INVESTIGATING: Stage.IN_PROGRESS,
    Stage.RESOLVED: Stage.COMPLETED,
    Stage.SCHEDULED: Stage.SCHEDULED,
}
_CALL = re.compile(rb"\s*[A-Za-z_$][\w$]{0,60}\(\s*(\{.*\})\s*\)\s*;?\s*", re.DOTALL)
_Event = tuple[json_fields.JsonObject, list[str]]  # an event, and the services at which it stands


def fits(body: Any) -> bool:
    """True for services with names and events, also inside a call."""
    value = _decode_call(body) if isinstance(body, bytes) else body
    services = value.get("services") if isinstance(value, dict) else None
    if not isinstance(services, list) or not services:
        return False
    return all(isinstance(s, dict) and "serviceName" in s and "events" in s for s in services)


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Parses the services as of ``at``."""
    called = _CALL.fullmatch(bodies[0])
    body = json_fields.load_object(called[1] if called else bodies[0])
    services = json_fields.read_list(body.get("services"), dict, "a service")
    if services is None:
        json_fields.raise_parse_error("it lists no services")
    components = json_fields.read_each(services, lambda s: _component(s, at), "a service")
    events = _merge_events(services)
    found = json_fields.read_each(
        [{"event": event, "services": names} for event, names in events],
        lambda pair: _incident(pair["event"], pair["services"], source, at),
        "an event",
        is_listing=True,
    )
    incidents, maintenances = builders.sort_lists(found, ())
    return Snapshot("", source.provider, builders.unique_by_id(components), incidents, maintenances)


def _decode_call(body: bytes) -> Any:
    found = _CALL.fullmatch(body)
    try:
        return json.loads(found[1]) if found else None
    except (ValueError, RecursionError):
        return None


def _events(service: json_fields.JsonObject) -> tuple[json_fields.JsonObject, ...] | None:
    if service.get("events") is None:
        reading.note_problem("a service without a list of events", is_partial=True)
    return json_fields.read_list(service.get("events"), dict, "an event", is_listing=True)


def _merge_events(services: tuple[json_fields.JsonObject, ...]) -> list[_Event]:
    """Each event once, with the names of the services at which it stands."""
    merged: dict[str, _Event] = {}
    for service in services:
        name = json_fields.to_text(service.get("serviceName"))
        for event in _events(service) or ():
            key = _event_key(event)
            merged.setdefault(key, (event, []))[1].append(name)
    return list(merged.values())


def _event_key(event: json_fields.JsonObject) -> str:
    own_id = builders.to_id(event.get("messageId"))
    return own_id or builders.content_id(json.dumps(event, sort_keys=True))


def _word(event: json_fields.JsonObject) -> str:
    return json_fields.to_text(event.get("statusType")).strip().casefold()


def _stage(event: json_fields.JsonObject, at: datetime) -> Stage:
    """The stage that an event states; an unknown one by its times, as open where these do not tell."""
    stated = STAGES.get(json_fields.to_text(event.get("eventStatus")).strip().casefold())
    if stated is None:
        ends = _time(event, "epochEndDate", "endDate")
        stated = Stage.RESOLVED if ends and at >= ends and "eventStatus" not in event else Stage.INVESTIGATING
    return _MAINTENANCE_STAGES[stated] if _word(event) == "maintenance" else stated


def _time(event: json_fields.JsonObject, epoch: str, written: str) -> datetime | None:
    """A time of an event: in milliseconds, else as it is written, ``01/10/2026 01:50 PST``."""
    if at := builders.parse_time(event.get(epoch)):
        return at
    local, zone = time_zones.split_zone(json_fields.to_text(event.get(written)))
    try:
        at = time_zones.to_utc(datetime.strptime(local, "%m/%d/%Y %H:%M"), zone)  # noqa: DTZ007 (the zone follows)
    except ValueError:
        return None
    return json_fields.parse_iso_time(at.isoformat()) if at else None


def _component(service: json_fields.JsonObject, at: datetime) -> Component:
    name = json_fields.to_text(service.get("serviceName"))
    events = _events(service)
    open_events = [e for e in events or () if _stage(e, at) in (Stage.INVESTIGATING, Stage.IN_PROGRESS)]
    conditions = list(_conditions(open_events))
    if events is None:
        condition = builders.unknown_condition(service.get("events"))
    elif Condition.UNKNOWN in conditions and not any(c.is_bad for c in conditions):
        condition = Condition.UNKNOWN
    else:
        condition = max(conditions, key=lambda c: c.rank, default=Condition.OPERATIONAL)
    return builders.build_component("", name, condition)


def _conditions(events: list[json_fields.JsonObject]) -> Iterator[Condition]:
    yield from (builders.map_condition(CONDITIONS, event.get("statusType")) for event in events)


def _incident(event: json_fields.JsonObject, services: list[str], source: Source, at: datetime) -> Incident:
    text = builders.html_to_text(event.get("message"))
    started, ended = _time(event, "epochStartDate", "startDate"), _time(event, "epochEndDate", "endDate")
    stage, is_maintenance = _stage(event, at), _word(event) == "maintenance"
    names = [name for name in dict.fromkeys(services) if name]
    title = f"{', '.join(names)}: {json_fields.to_text(event.get('statusType')) or 'event'}"
    incident_id = builders.incident_id(event.get("messageId"), source, title, text, started)
    condition = CONDITIONS.get(_word(event), Condition.UNKNOWN)
    transitions = builders.build_transitions((n, n, condition) for n in names) if condition.is_bad else None
    now = (
        Stage.SCHEDULED if stage is Stage.SCHEDULED else (Stage.IN_PROGRESS if is_maintenance else Stage.INVESTIGATING)
    )
    posted = builders.build_update(f"{incident_id}:{builders.content_id(text)}", now, text, started, transitions)
    updates = [posted]
    if stage.is_closed and (ended is None or started is None or ended >= started):
        updates.append(builders.build_update(f"{incident_id}:end", stage, "", ended))
    return builders.build_incident(
        incident_id,
        title,
        stage,
        Impact.MAINTENANCE if is_maintenance else IMPACTS.get(_word(event), Impact.UNKNOWN),
        started,
        updates,
        components=builders.unique_by_id(builders.build_component(n, n, condition) for n in names) or (),
        is_maintenance=is_maintenance,
        scheduled_for=started if is_maintenance else None,
        scheduled_until=ended if is_maintenance else None,
    )


FORMAT = SourceFormat(
    "Apple's system status",
    (GENERAL,),
    parse,
    fits,
    others=((DEVELOPER,),),
    complete_below=math.inf,
    timed=True,
)
