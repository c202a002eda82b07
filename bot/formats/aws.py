"""Parses AWS Health's public ``currentevents``, which is JSON in UTF-16 with a BOM.

``[]`` means that nothing is open. An event's ``status`` is its peak, so its end is read from ``end_time``, from the
current codes of its services, or from its last post. The region is part of the ARN. Some events stay open for months,
so ``regions`` is required; global events always count (bot/docs/status-page-formats.md#aws-health). A component is a
service without its region: ``ec2``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.domain import Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Bodies, SourceFormat

CONDITIONS = {"0": Condition.OPERATIONAL, "1": Condition.DEGRADED, "2": Condition.DEGRADED, "3": Condition.MAJOR_OUTAGE}
IMPACTS = {"0": Impact.NONE, "1": Impact.MINOR, "2": Impact.MAJOR, "3": Impact.CRITICAL}
_BOMS = (b"\xff\xfe", b"\xfe\xff")
_REGION_SUFFIX = re.compile(r"-([a-z]{2}(?:-[a-z]+)+-\d)$")
_RESOLVED_CODE = "0"
Service = tuple[str, str, str]  # id, name, current code


def fits(body: Any) -> bool:
    """True for a list of events with ARNs, or with a log of their posts, as those without an ARN have."""
    is_list = isinstance(body, list) and bool(body)
    return is_list and all(isinstance(e, dict) and ("arn" in e or {"service", "event_log"} <= e.keys()) for e in body)


def to_utf8(raw: bytes) -> bytes:
    """The bytes in UTF-8, from UTF-16 with or without a BOM, or UTF-8.

    Invalid UTF-16 stays as it is, for the JSON parser to refuse.
    """
    try:
        return raw.decode(_encoding(raw)).encode()
    except ValueError:
        return raw


def _encoding(raw: bytes) -> str:
    """The encoding by the first bytes: JSON begins with ASCII, of which UTF-16 has one byte that is zero."""
    if raw.startswith(_BOMS):
        return "utf-16"
    zeros = [n for n, byte in enumerate(raw[:2]) if byte == 0]
    return {0: "utf-16-be", 1: "utf-16-le"}[zeros[0]] if len(zeros) == 1 else "utf-8"


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the events of the source's regions, and the global ones."""
    body = json_fields.load_json(to_utf8(bodies[0]))
    if not isinstance(body, list):
        json_fields.raise_parse_error("it is not a list of events")
    listed = json_fields.read_list(body, dict, "an event", is_listing=True)
    if listed is None:
        json_fields.raise_parse_error("it lists no events that can be read")
    events = [e for e in listed if _region(e) in {"", "global", *source.regions}]
    incidents = json_fields.read_each(events, lambda event: _event(event, source), "an event", is_listing=True)
    return Snapshot("", source.provider, None, builders.unique_by_id(incidents), ())


def _region(event: json_fields.JsonObject) -> str:
    """The region of an event: the fourth part of ``arn:aws:health:us-east-1::event/...``; empty where it has none.

    Without an ARN it is the end of the service's key, ``ec2-us-west-2``.
    """
    parts = json_fields.to_text(event.get("arn")).split(":")
    if len(parts) > 3:  # noqa: PLR2004
        return parts[3].casefold()
    suffix = _REGION_SUFFIX.search(json_fields.to_text(event.get("service")).casefold())
    return suffix[1] if suffix else ""


def _event(event: json_fields.JsonObject, source: Source) -> Incident:
    region, opened_at = _region(event), builders.parse_time(event.get("date"))
    what = json_fields.to_text(event.get("service")) or json_fields.to_text(event.get("service_name"))
    incident_id = builders.incident_id(event.get("arn"), None, event.get("summary"), what, opened_at)
    services = tuple(_services(event, region))
    updates = tuple(_updates(event, incident_id, services))
    title = json_fields.to_text(event.get("summary")) or json_fields.to_text(event.get("service_name"))
    peaks = [json_fields.to_text(event.get("status")), *_peak_codes(event)]
    known = [IMPACTS[code] for code in peaks if code in IMPACTS]
    impact = max(known, key=list(IMPACTS.values()).index, default=Impact.UNKNOWN)
    return builders.build_incident(
        incident_id,
        f"{title} ({region})" if region not in {"", "global"} else title,
        Stage.RESOLVED if _is_resolved(event, services, updates) else Stage.INVESTIGATING,
        impact,
        opened_at,
        updates,
        components=builders.unique_by_id(
            builders.build_component(i, n, _condition(code)) for i, n, code in services if i or n
        )
        or (),
        url=json_fields.to_safe_url(source.home),
        regions=(region,) if region not in {"", "global"} else (),
    )


def _condition(code: str) -> Condition:
    return CONDITIONS.get(code, Condition.UNKNOWN)


def _services(event: json_fields.JsonObject, region: str) -> Iterator[Service]:
    impacted = event.get("impacted_services")
    services = impacted.items() if isinstance(impacted, dict) else ()
    for key, service in services:
        attributes = service if isinstance(service, dict) else {}
        yield (
            _service_id(json_fields.to_text(key), region),
            json_fields.to_text(attributes.get("service_name")),
            json_fields.to_text(attributes.get("current")),
        )
    if not services and (key := json_fields.to_text(event.get("service"))):
        yield (
            _service_id(key, region),
            json_fields.to_text(event.get("service_name")),
            json_fields.to_text(event.get("status")),
        )


def _peak_codes(event: json_fields.JsonObject) -> list[str]:
    impacted = event.get("impacted_services")
    services = impacted.values() if isinstance(impacted, dict) else ()
    return [json_fields.to_text(service.get("max")) for service in services if isinstance(service, dict)]


def _service_id(service: str, region: str) -> str:
    return service.removesuffix(f"-{region}") if region else service


def _updates(event: json_fields.JsonObject, incident_id: str, services: tuple[Service, ...]) -> Iterator[Update]:
    posts = json_fields.read_list(event.get("event_log"), dict, "a post") or ()
    dated_posts = sorted(((builders.parse_time(p.get("timestamp")), p) for p in posts), key=lambda pair: str(pair[0]))
    for number, (at, post) in enumerate(dated_posts, 1):
        status = json_fields.to_text(post.get("status"))
        code_by_service = {i: status for i, _, _ in services}
        if number == len(dated_posts):
            code_by_service = {i: current or status for i, _, current in services}
        affected = [
            (i, n, _condition(code_by_service[i]))
            for i, n, _ in services
            if _condition(code_by_service[i]) is not Condition.UNKNOWN
        ]
        stage = Stage.RESOLVED if status == _RESOLVED_CODE else Stage.INVESTIGATING
        body = json_fields.to_text(post.get("message")) or json_fields.to_text(post.get("summary"))
        update_id = builders.update_id(incident_id, json_fields.to_text(post.get("timestamp")), body)
        yield builders.build_update(update_id, stage, body, at, builders.build_transitions(affected))


def _is_resolved(event: json_fields.JsonObject, services: tuple[Service, ...], updates: tuple[Update, ...]) -> bool:
    if json_fields.to_text(event.get("end_time")):
        return True
    current_codes = [code for _, _, code in services if code]
    if isinstance(event.get("impacted_services"), dict) and event["impacted_services"] and current_codes:
        return all(code == _RESOLVED_CODE for code in current_codes)
    return bool(updates) and updates[-1].stage is Stage.RESOLVED


FORMAT = SourceFormat("AWS Health", ("/public/currentevents",), parse, fits, needs=("regions",), names_regions=True)
