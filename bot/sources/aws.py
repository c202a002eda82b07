"""AWS Health's public ``currentevents`` (JSON in UTF-16 with a BOM) to nouns.

``[]`` is all clear. An event's ``status`` is its peak and does not come down, so its end is in ``end_time``, or in its
services' current states, or in its last post. The region is in the arn. Some events stand open for months, so a filter
by region is mandatory; global events count for everyone (status-sources.md 10). A component is a service without its
region: ``ec2``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.model import Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Bodies, Kind

CONDITIONS = {"0": Condition.OPERATIONAL, "2": Condition.DEGRADED, "3": Condition.MAJOR_OUTAGE}
IMPACTS = {"0": Impact.NONE, "1": Impact.MINOR, "2": Impact.MAJOR, "3": Impact.CRITICAL}
_BOMS = (b"\xff\xfe", b"\xfe\xff")
_OVER = "0"
Service = tuple[str, str, str]  # id, name, current code


def fits(body: Any) -> bool:
    """True for a list of events with arns."""
    return isinstance(body, list) and bool(body) and all(isinstance(e, dict) and "arn" in e for e in body)


def decoded(raw: bytes) -> bytes:
    """The bytes in UTF-8, whatever AWS sent them in; what cannot be decoded stays as it is, for JSON to refuse."""
    try:
        return raw.decode("utf-16").encode() if raw.startswith(_BOMS) else raw
    except ValueError:
        return raw


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads the events of the source's regions, and the global ones."""
    body = wire.load(decoded(bodies[0]))
    if not isinstance(body, list):
        wire.refuse("it is not a list of events")
    events = [e for e in wire.each(body, dict, "an event") or () if _region(e) in {"", "global", *source.regions}]
    return Snapshot("", source.provider, None, make.unique(_event(e, source) for e in events), ())


def _region(event: wire.Item) -> str:
    """The fourth part of ``arn:aws:health:us-east-1::event/...``."""
    parts = wire.text(event.get("arn")).split(":")
    return parts[3].casefold() if len(parts) > 3 else ""  # noqa: PLR2004


def _event(event: wire.Item, source: Source) -> Incident:
    region, found = _region(event), make.identity(event.get("arn"))
    services = tuple(_services(event, region))
    updates = tuple(_updates(event, found, services))
    title = wire.text(event.get("summary")) or wire.text(event.get("service_name"))
    impact = IMPACTS.get(wire.text(event.get("status")), Impact.UNKNOWN)
    return make.incident(
        found,
        f"{title} ({region})" if region not in {"", "global"} else title,
        Stage.RESOLVED if _is_over(event, services, updates) else Stage.INVESTIGATING,
        impact,
        make.moment(event.get("date")),
        updates,
        components=make.unique(make.component(i, n, _state(code)) for i, n, code in services) or (),
        url=wire.link(source.home),
    )


def _state(code: str) -> Condition:
    return CONDITIONS.get(code, Condition.UNKNOWN)


def _services(event: wire.Item, region: str) -> Iterator[Service]:
    impacted = event.get("impacted_services")
    found = impacted.items() if isinstance(impacted, dict) else ()
    for key, told in found:
        about = told if isinstance(told, dict) else {}
        yield _plain(wire.text(key), region), wire.text(about.get("service_name")), wire.text(about.get("current"))
    if not found and (key := wire.text(event.get("service"))):
        yield _plain(key, region), wire.text(event.get("service_name")), wire.text(event.get("status"))


def _plain(service: str, region: str) -> str:
    return service.removesuffix(f"-{region}") if region else service


def _updates(event: wire.Item, found: str, services: tuple[Service, ...]) -> Iterator[Update]:
    log = wire.each(event.get("event_log"), dict, "a post") or ()
    timed = sorted(((make.moment(p.get("timestamp")), p) for p in log), key=lambda pair: str(pair[0]))
    for number, (at, post) in enumerate(timed, 1):
        status = wire.text(post.get("status"))
        codes = {i: status for i, _, _ in services}
        if number == len(timed):
            codes = {i: current or status for i, _, current in services}
        moved = [(i, n, _state(codes[i])) for i, n, _ in services if _state(codes[i]) is not Condition.UNKNOWN]
        stage = Stage.RESOLVED if status == _OVER else Stage.INVESTIGATING
        ident = f"{found}:{wire.text(post.get('timestamp'))}"
        body = wire.text(post.get("message")) or wire.text(post.get("summary"))
        yield make.update(ident, stage, body, at, make.moves(moved))


def _is_over(event: wire.Item, services: tuple[Service, ...], updates: tuple[Update, ...]) -> bool:
    if wire.text(event.get("end_time")):
        return True
    current = [code for _, _, code in services if code]
    if isinstance(event.get("impacted_services"), dict) and current:
        return all(code == _OVER for code in current)
    return bool(updates) and updates[-1].stage is Stage.RESOLVED


KIND = Kind("AWS Health", ("/public/currentevents",), parse, fits, needs=("regions",))
