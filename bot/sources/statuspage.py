"""Atlassian Statuspage v2: the bytes of ``summary.json``, ``incidents.json`` or ``incidents/{id}.json`` to nouns.

Strict about shape (bytes that are no page raise ParseError), tolerant about words (an unknown status is ``unknown``),
and silent about what is absent: a missing key or a null list is None, which the diff reads as "no change"
(status-sources.md 2.2, 2.5; https://www.githubstatus.com/api documents the fields).
"""

from __future__ import annotations

from typing import Any

from bot.model import Component, Condition, Impact, Incident, Snapshot, Stage, Transition, Update
from bot.sources import wire

SUMMARY = "/api/v2/summary.json"
INCIDENT = "/api/v2/incidents/{id}.json"
ACCEPT = "application/json"

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "under_maintenance": Condition.MAINTENANCE,
}


def parse(raw: bytes) -> Snapshot:
    """Reads a page. Raises ParseError unless it is a JSON object with a ``page`` that has an id or a name."""
    body = wire.obj(wire.load(raw), "the page")
    page = wire.obj(body.get("page"), "page")
    page_id, name = wire.text(page.get("id")), wire.text(page.get("name"))
    if not (page_id or name):
        wire.refuse("its page has neither an id nor a name")
    if not any(key in body for key in ("components", "incidents", "scheduled_maintenances", "status", "incident")):
        wire.refuse("it has a page, but no components, incidents or status")
    return Snapshot(
        page_id=page_id,
        page_name=name,
        components=wire.each(body.get("components"), _component),
        incidents=wire.each(body.get("incidents"), _incident),
        maintenances=wire.each(body.get("scheduled_maintenances"), _maintenance),
    )


def incident_of(item: dict[str, Any]) -> Incident:
    """Reads one incident object. Raises ParseError where it is none."""
    return _incident(item)


def parse_incident(raw: bytes) -> Incident:
    """Reads ``incidents/{id}.json``. Raises ParseError where it holds no incident."""
    body = wire.obj(wire.load(raw), "the page")
    return _incident(wire.obj(body.get("incident"), "incident"))


def _condition(value: Any) -> Condition:
    return CONDITIONS.get(value, Condition.UNKNOWN) if isinstance(value, str) else Condition.UNKNOWN


def _component(item: dict[str, Any]) -> Component:
    name = wire.text(item.get("name"))
    return Component(wire.text(item.get("id")) or name, name, _condition(item.get("status")))


def _transition(item: dict[str, Any]) -> Transition:
    name = wire.text(item.get("name"))
    code = wire.text(item.get("code")) or name
    return Transition(code, name, _condition(item.get("old_status")), _condition(item.get("new_status")))


def _update(item: dict[str, Any]) -> Update:
    display_at = wire.moment(item.get("display_at")) or wire.moment(item.get("created_at"))
    identity = wire.text(item.get("id"))
    if display_at is None or not identity:
        wire.refuse("an update has no id or no time")
    return Update(
        id=identity,
        stage=wire.word(Stage, item.get("status"), Stage.UNKNOWN),
        body=wire.text(item.get("body")),
        display_at=display_at,
        transitions=wire.each(item.get("affected_components"), _transition),
    )


def _incident(item: dict[str, Any], *, is_maintenance: bool = False) -> Incident:
    identity = wire.text(item.get("id"))
    updates = sorted(wire.each(item.get("incident_updates"), _update) or (), key=lambda u: (u.display_at, u.id))
    created_at = wire.moment(item.get("created_at")) or (updates[0].display_at if updates else None)
    if not identity or created_at is None:
        wire.refuse("an incident has no id or no time")
    return Incident(
        id=identity,
        name=wire.text(item.get("name")),
        stage=wire.word(Stage, item.get("status"), Stage.UNKNOWN),
        impact=wire.word(Impact, item.get("impact"), Impact.UNKNOWN),
        created_at=created_at,
        updates=tuple(updates),
        components=wire.each(item.get("components"), _component) or (),
        started_at=wire.moment(item.get("started_at")),
        url=wire.text(item.get("shortlink")) or None,
        is_maintenance=is_maintenance,
        scheduled_for=wire.moment(item.get("scheduled_for")),
        scheduled_until=wire.moment(item.get("scheduled_until")),
    )


def _maintenance(item: dict[str, Any]) -> Incident:
    return _incident(item, is_maintenance=True)
