"""Parses Google's ``incidents.json``, of Cloud and of Workspace: one list of incidents, open and ended.

``end`` is null or empty while an incident is open. The list has the newest incidents only: an incident that is missing
has not ended (bot/docs/status-page-formats.md#google). Texts, times and severities are edited often, so an update's id
is its time of creation. Products are identified by id, since names change. There is no list of components: every update
sets the condition of the incident's products.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain import ComponentTransition, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.formats import builders, json_fields, reading
from bot.formats.base import Absence, Bodies, SourceFormat

CONDITIONS = {
    "available": Condition.OPERATIONAL,
    "service_disruption": Condition.PARTIAL_OUTAGE,
    "service_outage": Condition.MAJOR_OUTAGE,
}
IMPACTS = {
    "SERVICE_INFORMATION": Impact.MINOR,
    "SERVICE_DISRUPTION": Impact.MAJOR,
    "SERVICE_OUTAGE": Impact.CRITICAL,
}
_REGION = re.compile(r"[a-z]+-[a-z]+\d+")  # europe-west4; `global`, `us` and `nam4` are wider
Product = tuple[str, str]  # id, name


def fits(body: Any) -> bool:
    """True for a list of incidents with ``begin`` and ``external_desc``."""
    return isinstance(body, list) and bool(body) and all(isinstance(i, dict) and _is_incident(i) for i in body)


def _is_incident(item: json_fields.JsonObject) -> bool:
    return "begin" in item and "external_desc" in item


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the list: with the options ``products`` and ``regions``, only incidents that affect one of them."""
    body = json_fields.load_json(bodies[0])
    if not isinstance(body, list):
        json_fields.raise_parse_error("it is not a list of incidents")
    incidents = json_fields.read_list(body, lambda item: _incident(item, source), "an incident", is_listing=True)
    if incidents is None:
        json_fields.raise_parse_error("it lists no incidents that can be read")
    selected = [i for i in incidents if _is_of_products(i, source) and _is_of_regions(i, source)]
    selected_ids = {i.id for i in selected}
    others = tuple(replace(i, updates=i.updates[-1:]) for i in incidents if i.id not in selected_ids)
    return Snapshot("", source.provider, None, builders.unique_by_id(selected), (), elsewhere=others)


def _is_of_products(incident: Incident, source: Source) -> bool:
    wanted = {p.casefold() for p in source.products}
    return not wanted or any({c.id.casefold(), c.name.casefold()} & wanted for c in incident.components)


def _is_of_regions(incident: Incident, source: Source) -> bool:
    wanted = {r.casefold() for r in source.regions}
    return not wanted or not incident.regions or not wanted.isdisjoint(incident.regions)


def _incident(item: json_fields.JsonObject, source: Source) -> Incident:
    if not any(key in item for key in ("begin", "external_desc")):
        json_fields.raise_parse_error("an incident has neither a begin nor a description")
    incident_id = builders.to_id(item.get("id")) or builders.to_id(item.get("number"), source)
    if not item.get("id"):  # one from before ids has a number; a newer one lacks its id
        reading.note_unidentified(incident_id)
    incident_id = incident_id or builders.incident_id(None, None, item.get("external_desc"), item.get("begin"))
    end = json_fields.parse_iso_time(item.get("end"))
    impact = json_fields.to_text(item.get("status_impact"))
    products = tuple(_products(item))
    updates = tuple(_updates(item, incident_id, products, end))
    newest_stage = max(updates, key=lambda u: u.display_at).stage if updates else Stage.INVESTIGATING
    return builders.build_incident(
        incident_id,
        json_fields.to_text(item.get("external_desc")),
        newest_stage if end is None else Stage.RESOLVED,
        IMPACTS.get(impact, Impact.UNKNOWN),
        json_fields.parse_iso_time(item.get("created")) or json_fields.parse_iso_time(item.get("begin")),
        updates,
        components=builders.unique_by_id(builders.build_component(i, n, _condition(impact)) for i, n in products) or (),
        started_at=json_fields.parse_iso_time(item.get("begin")),
        url=_link(item, source),
        updated_at=json_fields.parse_iso_time(item.get("modified")),
        regions=_regions(item),
    )


def _regions(item: json_fields.JsonObject) -> tuple[str, ...]:
    """The regions that the incident is or was in; empty where it names none, or a place that is wider than a region."""
    posts = json_fields.read_list(item.get("updates"), dict, "an update") or ()
    named = {place for post in posts for place in _places(post.get("affected_locations"))}
    for key in ("currently_affected_locations", "previously_affected_locations"):
        named.update(_places(item.get(key)))
    return tuple(sorted(named)) if all(map(_REGION.fullmatch, named)) else ()


def _places(locations: Any) -> tuple[str, ...]:
    ids = json_fields.read_list(locations, lambda place: json_fields.to_text(place.get("id")), "a location") or ()
    return tuple(i.strip().casefold() for i in ids if i.strip())


def _link(item: json_fields.JsonObject, source: Source) -> str | None:
    uri = json_fields.to_text(item.get("uri"))
    return json_fields.to_safe_url(uri if "://" in uri else f"{source.url}/{uri.lstrip('/')}") if uri else None


def _products(item: json_fields.JsonObject) -> Iterator[Product]:
    products = json_fields.read_list(item.get("affected_products"), _product, "a product") or ()
    yield from (p for p in products if any(p))
    name = json_fields.to_text(item.get("service_name"))
    if not products and name and name != "Multiple Products":
        yield builders.to_id(item.get("service_key")), name


def _product(item: json_fields.JsonObject) -> Product:
    return builders.to_id(item.get("id")), json_fields.to_text(item.get("title"))


def _condition(status: str) -> Condition:
    return CONDITIONS.get(status.casefold(), Condition.UNKNOWN)


def _updates(
    item: json_fields.JsonObject, incident_id: str, products: tuple[Product, ...], end: datetime | None
) -> Iterator[Update]:
    newest = item.get("most_recent_update")
    listed = item.get("updates") or ([newest] if isinstance(newest, dict) else None)
    posts = json_fields.read_list(listed, dict, "an update") or ()
    posts_by_time: dict[str, int] = {}
    for post in reversed(posts):  # oldest first, so that the number of an update of the same time never changes
        created = json_fields.to_text(post.get("created")) or json_fields.to_text(post.get("when"))
        created = created or builders.content_id(json_fields.to_text(post.get("text")))
        posts_by_time[created] = posts_by_time.get(created, 0) + 1
        update_id = f"{incident_id}:{created}" + (f"-{posts_by_time[created]}" if posts_by_time[created] > 1 else "")
        at = json_fields.parse_iso_time(post.get("when")) or json_fields.parse_iso_time(created)
        status = json_fields.to_text(post.get("status")) or json_fields.to_text(item.get("status_impact"))
        yield builders.build_update(
            update_id,
            _stage(status, at, end),
            json_fields.to_text(post.get("text")),
            at,
            _transitions(products, status),
        )


def _stage(status: str, at: datetime | None, end: datetime | None) -> Stage:
    if at and end and at >= end:
        return Stage.RESOLVED
    return Stage.MONITORING if status == "AVAILABLE" else Stage.INVESTIGATING


def _transitions(products: tuple[Product, ...], status: str) -> tuple[ComponentTransition, ...] | None:
    condition = _condition(status)
    return (
        None if condition is Condition.UNKNOWN else builders.build_transitions((i, n, condition) for i, n in products)
    )


FORMAT = SourceFormat(
    "Google's incidents.json",
    ("/incidents.json",),
    parse,
    fits,
    absence=Absence.NOTHING,
    takes=("products", "regions"),
    names_regions=True,
    seen=True,
)
