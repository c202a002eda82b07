"""Atlassian Statuspage v2: the bytes of ``summary.json``, ``incidents.json`` or ``incidents/{id}.json`` to nouns.

Strict about shape (bytes that are no page raise ParseError), tolerant about words (an unknown status is ``unknown``),
and silent about what is absent: a missing key or a null list is None, which the diff reads as "no change"
(status-sources.md 2.2, 2.5; https://www.githubstatus.com/api documents the fields). Ids are unique within what comes
out: of two items with one id, the first counts, which is the newer one on a Statuspage. incident.io's shim of this
format (status-sources.md 3.1) is read by the same rules.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bot.model import Component, Condition, Impact, Incident, Snapshot, Stage, Transition, Update
from bot.sources import make, wire
from bot.sources.kind import Absence, Kind, whole

SUMMARY = "/api/v2/summary.json"
INCIDENTS = "/api/v2/incidents.json"
INCIDENT = "/api/v2/incidents/{id}.json"
MAINTENANCE = "/api/v2/scheduled-maintenances/{id}.json"  # an incident's address answers 404 for a maintenance

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "full_outage": Condition.MAJOR_OUTAGE,  # the word of incident.io pages, OpenAI's among them
    "under_maintenance": Condition.MAINTENANCE,
}

_LISTS = ("components", "incidents", "scheduled_maintenances")
_LONGEST_PAGE_ID = 20


def fits(body: Any) -> bool:
    """True for a page with a short id (incident.io's are ULIDs) that lists anything."""
    page = body.get("page") if isinstance(body, dict) else None
    is_page = isinstance(page, dict) and len(wire.text(page.get("id"))) in range(1, _LONGEST_PAGE_ID)
    return is_page and any(isinstance(body.get(key), list) for key in _LISTS)


def own_path(incident: Incident) -> str:
    """Where the incident's or maintenance's own page is, below the page's root; hostile ids are quoted."""
    return (MAINTENANCE if incident.is_maintenance else INCIDENT).format(id=quote(incident.id, safe=""))


def parse(raw: bytes) -> Snapshot:
    """Reads a page. ParseError unless it is a JSON object with a ``page`` that has a name, and lists anything."""
    return parse_body(wire.load(raw))


def parse_body(body: object) -> Snapshot:
    """``parse`` for a page that is JSON already, as recordings hold it."""
    whole = wire.obj(body, "the page")
    page = wire.obj(whole.get("page"), "page")
    page_id, name = wire.text(page.get("id")), wire.text(page.get("name"))
    if not (page_id or name):
        wire.refuse("its page has neither an id nor a name")
    if all(whole.get(key) is None for key in _LISTS):
        wire.refuse("it lists neither components nor incidents")
    return Snapshot(
        page_id=page_id,
        page_name=name,
        components=make.unique(wire.each(whole.get("components"), _component, "a component")),
        incidents=make.unique(wire.each(whole.get("incidents"), _incident, "an incident")),
        maintenances=make.unique(wire.each(whole.get("scheduled_maintenances"), _maintenance, "a maintenance")),
    )


def parse_incident(raw: bytes) -> Incident:
    """Reads an incident's or a maintenance's own page. ParseError where it holds neither."""
    body = wire.page(raw)
    if "scheduled_maintenance" in body:
        return _maintenance(wire.obj(body["scheduled_maintenance"], "scheduled_maintenance"))
    return parse_incident_body(body.get("incident"))


def parse_incident_body(incident: object) -> Incident:
    """An incident that is JSON already: the object itself, not the page around it."""
    return _incident(wire.obj(incident, "incident"))


def _condition(value: Any) -> Condition:
    return CONDITIONS.get(value, Condition.UNKNOWN) if isinstance(value, str) else Condition.UNKNOWN


def _component(item: wire.Item) -> Component:
    name = wire.text(item.get("name"))
    identity = wire.text(item.get("id")) or name
    if not identity:
        wire.refuse("a component has neither an id nor a name")
    return Component(identity, name, _condition(item.get("status")))


def _transition(item: wire.Item) -> Transition:
    name = wire.text(item.get("name"))
    code = wire.text(item.get("code")) or name
    if not code:
        wire.refuse("an affected component has neither a code nor a name")
    return Transition(code, name, _condition(item.get("old_status")), _condition(item.get("new_status")))


def _update(item: wire.Item) -> Update:
    display_at = wire.moment(item.get("display_at")) or wire.moment(item.get("created_at"))
    identity = wire.text(item.get("id"))
    if display_at is None or not identity:
        wire.refuse("an update has no id or no time")
    return Update(
        id=identity,
        stage=wire.word(Stage, item.get("status"), Stage.UNKNOWN),
        body=wire.text(item.get("body")),
        display_at=display_at,
        transitions=wire.each(item.get("affected_components"), _transition, "an affected component"),
    )


def _incident(item: wire.Item, *, is_maintenance: bool = False) -> Incident:
    identity = wire.text(item.get("id"))
    updates = make.in_order(wire.each(item.get("incident_updates"), _update, "an update"))
    created_at = wire.moment(item.get("created_at")) or (updates[0].display_at if updates else None)
    if not identity or created_at is None:
        wire.refuse("an incident has no id or no time")
    impact = wire.word(Impact, item.get("impact"), Impact.UNKNOWN)
    return Incident(
        id=identity,
        name=wire.text(item.get("name")),
        stage=wire.word(Stage, item.get("status"), Stage.UNKNOWN),
        impact=impact,
        created_at=created_at,
        updates=tuple(updates),
        components=make.unique(wire.each(item.get("components"), _component, "a component")) or (),
        started_at=wire.moment(item.get("started_at")),
        url=wire.link(item.get("shortlink")),
        is_maintenance=is_maintenance or impact is Impact.MAINTENANCE,
        scheduled_for=wire.moment(item.get("scheduled_for")),
        scheduled_until=wire.moment(item.get("scheduled_until")),
    )


def _maintenance(item: wire.Item) -> Incident:
    return _incident(item, is_maintenance=True)


KIND = Kind(
    name="Statuspage",
    paths=(SUMMARY,),
    parse=whole(parse),
    fits=fits,
    absence=Absence.ASK,
    own_path=lambda incident, _source: own_path(incident),
    parse_own=lambda raw, _source: parse_incident(raw),
    all_path=INCIDENTS,
    seen=True,
)
