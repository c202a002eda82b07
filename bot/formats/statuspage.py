"""Parses Atlassian Statuspage v2: ``summary.json``, ``incidents.json`` and ``incidents/{id}.json``.

Strict about shape (bytes that are no page raise ParseError) and tolerant about words (an unknown status is
``unknown``). A missing key or a null list is None, which means no change (bot/docs/status-page-formats.md#statuspage;
https://www.githubstatus.com/api documents the fields). Of two items with one id, the first counts, which is the newer
one on a Statuspage. incident.io's form of it (bot/docs/status-page-formats.md#incidentio-statuspage-form) has a parser
of its own, ``bot.formats.incidentio``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from bot.domain import Component, ComponentTransition, Condition, Impact, Incident, Snapshot, Stage, Update
from bot.formats import builders, json_fields
from bot.formats.base import Absence, SourceFormat, quote_path_segment, single_body_parser

SUMMARY = "/api/v2/summary.json"
INCIDENTS = "/api/v2/incidents.json"
INCIDENT = "/api/v2/incidents/{id}.json"
MAINTENANCE = "/api/v2/scheduled-maintenances/{id}.json"  # INCIDENT answers 404 for the id of a maintenance

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded_performance": Condition.DEGRADED,
    "partial_outage": Condition.PARTIAL_OUTAGE,
    "major_outage": Condition.MAJOR_OUTAGE,
    "full_outage": Condition.MAJOR_OUTAGE,  # the value of incident.io's pages, OpenAI's among them
    "under_maintenance": Condition.MAINTENANCE,
}

_LISTS = ("components", "incidents", "scheduled_maintenances")
_LONGEST_PAGE_ID = 20


def fits(body: Any) -> bool:
    """True for a page with a short id (incident.io's are ULIDs) that has any list."""
    page = body.get("page") if isinstance(body, dict) else None
    is_page = isinstance(page, dict) and len(json_fields.to_text(page.get("id"))) in range(1, _LONGEST_PAGE_ID)
    return is_page and any(isinstance(body.get(key), list) for key in _LISTS)


def own_path(incident: Incident) -> str:
    """The path of the incident's or maintenance's own page, below the page's root; the id is quoted."""
    return (MAINTENANCE if incident.is_maintenance else INCIDENT).format(id=quote_path_segment(incident.id))


def parse(raw: bytes) -> Snapshot:
    """Parses a page; ParseError unless its ``page`` has an id or a name, and it has any list."""
    return parse_body(json_fields.load_json(raw))


def parse_body(body: object) -> Snapshot:
    """``parse`` for a page that is decoded JSON, as in recordings."""
    document = json_fields.require_object(body, "the page")
    page = json_fields.require_object(document.get("page"), "page")
    page_id, name = json_fields.to_text(page.get("id")), json_fields.to_text(page.get("name"))
    if not (page_id or name):
        json_fields.raise_parse_error("its page has neither an id nor a name")
    components = json_fields.read_list(document.get("components"), _component, "a component")
    incidents = json_fields.read_list(document.get("incidents"), _incident, "an incident", is_listing=True)
    maintenances = json_fields.read_list(
        document.get("scheduled_maintenances"), _maintenance, "a maintenance", is_listing=True
    )
    if components is None and incidents is None and maintenances is None:
        json_fields.raise_parse_error("it lists neither components nor incidents")
    return Snapshot(
        page_id,
        name,
        builders.unique_by_id(components),
        builders.unique_by_id(incidents),
        builders.unique_by_id(maintenances),
        contradiction=_contradiction(document, components, incidents),
        updated_at=json_fields.parse_iso_time(page.get("updated_at")),
    )


def _contradiction(
    document: json_fields.JsonObject, components: tuple[Component, ...] | None, incidents: tuple[Incident, ...] | None
) -> str:
    """Why the page contradicts itself: its indicator says issues, and it shows none.

    None of 5,322 recorded polls of GitHub's page does (bot/docs/status-page-formats.md#page-indicator).
    """
    status = document.get("status")
    indicator = status.get("indicator") if isinstance(status, dict) else None
    has_issues = isinstance(indicator, str) and indicator in builders.ISSUE_INDICATORS
    claim = f"its indicator is {indicator}" if has_issues else ""
    lists = "neither an incident nor a component that is not operational"
    return builders.contradiction(claim, incidents, components, lists)


def parse_incident(raw: bytes) -> Incident:
    """Parses the own page of an incident or a maintenance; ParseError where it has neither."""
    body = json_fields.load_object(raw)
    if "scheduled_maintenance" in body:
        return _maintenance(json_fields.require_object(body["scheduled_maintenance"], "scheduled_maintenance"))
    return parse_incident_body(body.get("incident"))


def parse_incident_body(incident: object) -> Incident:
    """Parses an incident that is decoded JSON: the object itself, not the page around it."""
    return _incident(json_fields.require_object(incident, "incident"))


def _condition(value: Any) -> Condition:
    return builders.map_condition(CONDITIONS, value)


def _component(item: json_fields.JsonObject) -> Component:
    name = json_fields.to_text(item.get("name"))
    component = builders.build_component(json_fields.to_text(item.get("id")), name, _condition(item.get("status")))
    return replace(
        component,
        parent=json_fields.to_text(item.get("group_id")),
        is_group=item.get("group") is True,
        is_transient=item.get("only_show_if_degraded") is True,
        created_at=json_fields.parse_iso_time(item.get("created_at")),
    )


def _transition(item: json_fields.JsonObject) -> ComponentTransition:
    name = json_fields.to_text(item.get("name"))
    code = json_fields.to_text(item.get("code")) or name
    if not code:
        json_fields.raise_parse_error("an affected component has neither a code nor a name")
    old = CONDITIONS.get(json_fields.to_text(item.get("old_status")), Condition.UNKNOWN)
    return ComponentTransition(code, name, old, _condition(item.get("new_status")))


def _update(item: json_fields.JsonObject) -> Update:
    written_at = json_fields.parse_iso_time(item.get("created_at"))
    display_at = json_fields.parse_iso_time(item.get("display_at")) or written_at
    update = builders.build_update(
        json_fields.to_text(item.get("id")),
        json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN),
        json_fields.to_text(item.get("body")),
        display_at,
        json_fields.read_list(item.get("affected_components"), _transition, "an affected component"),
    )
    edited_at = json_fields.parse_iso_time(item.get("updated_at"))
    return replace(update, written_at=builders.time_if_later(written_at, display_at), updated_at=edited_at)


def _incident(item: json_fields.JsonObject, *, is_maintenance: bool = False) -> Incident:
    name = json_fields.to_text(item.get("name"))
    updates = builders.oldest_first(json_fields.read_list(item.get("incident_updates"), _update, "an update"))
    created_at = json_fields.parse_iso_time(item.get("created_at"))
    first_body = updates[0].body if updates else ""
    impact = json_fields.to_enum(Impact, item.get("impact"), Impact.UNKNOWN)
    return builders.build_incident(
        builders.incident_id(item.get("id"), None, name, created_at, first_body),
        name,
        json_fields.to_enum(Stage, item.get("status"), Stage.UNKNOWN),
        impact,
        created_at,
        updates,
        components=builders.unique_by_id(json_fields.read_list(item.get("components"), _component, "a component"))
        or (),
        started_at=json_fields.parse_iso_time(item.get("started_at")),
        url=json_fields.to_safe_url(item.get("shortlink")),
        is_maintenance=is_maintenance or impact is Impact.MAINTENANCE,
        scheduled_for=json_fields.parse_iso_time(item.get("scheduled_for")),
        scheduled_until=json_fields.parse_iso_time(item.get("scheduled_until")),
        updated_at=json_fields.parse_iso_time(item.get("updated_at")),
    )


def _maintenance(item: json_fields.JsonObject) -> Incident:
    return _incident(item, is_maintenance=True)


FORMAT = SourceFormat(
    name="Statuspage",
    paths=(SUMMARY,),
    parse=single_body_parser(parse),
    fits=fits,
    absence=Absence.ASK,
    own_path=lambda incident, _source: own_path(incident),
    parse_own=lambda raw, _source: parse_incident(raw),
    all_path=INCIDENTS,
    complete_below=math.inf,
    seen=True,
)
