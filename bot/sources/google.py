"""Google's ``incidents.json``, of Cloud and of Workspace: one list of incidents, open and ended, to nouns.

``end`` is null or empty while an incident is open. The list is a window that moves: what is missing has not ended
(status-sources.md 8). Texts, times and severities are edited all the time, so an update goes by when it was created.
Products go by id, for their names change; there is no list of components, so each update tells of the products.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.model import Condition, Impact, Incident, Snapshot, Source, Stage, Transition, Update
from bot.sources import make, wire
from bot.sources.kind import Absence, Bodies, Kind

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
Product = tuple[str, str]


def fits(body: Any) -> bool:
    """True for a list of incidents that begin and are described."""
    return isinstance(body, list) and bool(body) and all(isinstance(i, dict) and _is_incident(i) for i in body)


def _is_incident(item: wire.Item) -> bool:
    return "begin" in item and "external_desc" in item


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Reads the list. With ``products``, only incidents that hit one of them, by id or name."""
    body = wire.load(bodies[0])
    if not isinstance(body, list):
        wire.refuse("it is not a list of incidents")
    found = wire.each(body, lambda item: _incident(item, source), "an incident") or ()
    wanted = {p.casefold() for p in source.products}
    counted = [
        i for i in found if not wanted or any({c.id.casefold(), c.name.casefold()} & wanted for c in i.components)
    ]
    return Snapshot("", source.provider, None, make.unique(counted), ())


def _incident(item: wire.Item, source: Source) -> Incident:
    if not _is_incident(item):
        wire.refuse("an incident has neither a begin nor a description")
    found = make.identity(item.get("id")) or make.identity(item.get("number"), source)
    end = wire.moment(item.get("end"))
    impact = wire.text(item.get("status_impact"))
    products = tuple(_products(item))
    updates = tuple(_updates(item, found, products, end))
    newest = max(updates, key=lambda u: u.display_at).stage if updates else Stage.INVESTIGATING
    return make.incident(
        found,
        wire.text(item.get("external_desc")),
        newest if end is None else Stage.RESOLVED,
        IMPACTS.get(impact, Impact.UNKNOWN),
        wire.moment(item.get("created")) or wire.moment(item.get("begin")),
        updates,
        components=make.unique(make.component(i, n, _state(impact)) for i, n in products) or (),
        started_at=wire.moment(item.get("begin")),
        url=_link(item, source),
    )


def _link(item: wire.Item, source: Source) -> str | None:
    uri = wire.text(item.get("uri"))
    return wire.link(uri if "://" in uri else f"{source.url}/{uri.lstrip('/')}") if uri else None


def _products(item: wire.Item) -> Iterator[Product]:
    listed = wire.each(item.get("affected_products"), _product, "a product") or ()
    yield from (p for p in listed if any(p))
    name = wire.text(item.get("service_name"))
    if not listed and name and name != "Multiple Products":
        yield make.identity(item.get("service_key")), name


def _product(item: wire.Item) -> Product:
    return make.identity(item.get("id")), wire.text(item.get("title"))


def _state(status: str) -> Condition:
    return CONDITIONS.get(status.casefold(), Condition.UNKNOWN)


def _updates(item: wire.Item, found: str, products: tuple[Product, ...], end: datetime | None) -> Iterator[Update]:
    told = wire.each(item.get("updates"), dict, "an update") or ()
    seen: dict[str, int] = {}
    for post in reversed(told):  # oldest first, so that a second one of the same moment keeps its number
        created = wire.text(post.get("created")) or wire.text(post.get("when"))
        seen[created] = seen.get(created, 0) + 1
        ident = f"{found}:{created}" + (f"-{seen[created]}" if seen[created] > 1 else "")
        at = wire.moment(post.get("when")) or wire.moment(created)
        status = wire.text(post.get("status")) or wire.text(item.get("status_impact"))
        yield make.update(ident, _stage(status, at, end), wire.text(post.get("text")), at, _moves(products, status))


def _stage(status: str, at: datetime | None, end: datetime | None) -> Stage:
    if at and end and at >= end:
        return Stage.RESOLVED
    return Stage.MONITORING if status == "AVAILABLE" else Stage.INVESTIGATING


def _moves(products: tuple[Product, ...], status: str) -> tuple[Transition, ...] | None:
    state = _state(status)
    return None if state is Condition.UNKNOWN else make.moves((i, n, state) for i, n in products)


KIND = Kind(
    "Google's incidents.json",
    ("/incidents.json",),
    parse,
    fits,
    absence=Absence.NOTHING,
    takes=("products",),
    seen=True,
)
