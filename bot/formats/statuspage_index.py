"""Parses a Statuspage's history pages, which list incident codes, three months per page; for the backfill.

``/history.json?page=N`` is JSON; ``/history?page=N`` is the page for people, with the same JSON in an attribute of its
HTML. Both have ``months``, newest first, each with its ``incidents`` (bot/docs/status-page-formats.md#history-pages).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html import unescape
from typing import Any

from bot.errors import ParseError
from bot.formats import json_fields

INCIDENTS = "/api/v2/incidents.json"
HISTORY_PATHS = ("/history.json?page={number}", "/history?page={number}")
ACCEPT = "application/json, text/html;q=0.5"

_REACT_PROPS = re.compile(r'data-react-props="([^"]*)"')


def incident_codes(raw: bytes) -> tuple[str, ...] | None:
    """The ids of the incidents on one page of the history, newest first; None where it has no months.

    Raises ParseError where it is no history page.
    """
    for body in _json_bodies(raw):
        if isinstance(body, dict) and "months" in body:
            months = json_fields.require_list(body["months"], _month_codes, "a month")
            return tuple(code for month in months for code in month) if months else None
    raise ParseError("this is not a page of a Statuspage's history: it has no months")


def build_history(page: json_fields.JsonObject, incidents: Iterable[json_fields.JsonObject]) -> bytes:
    """A page and its incidents as a recording of the kind *history* (``bot.formats.recordings``)."""
    return json.dumps({"page": page, "incidents": list(incidents)}).encode()


def read_incident_page(raw: bytes) -> json_fields.JsonObject:
    """The incident object of its own page; ParseError where there is none."""
    return json_fields.require_object(json_fields.load_object(raw).get("incident"), "incident")


def read_incident_list(raw: bytes) -> tuple[json_fields.JsonObject, tuple[json_fields.JsonObject, ...]]:
    """The ``page`` object and the incidents of ``incidents.json``; ParseError where one is missing."""
    body = json_fields.load_object(raw)
    incidents = json_fields.require_list(body.get("incidents"), lambda item: item, "an incident")
    if incidents is None:
        json_fields.raise_parse_error("it lists no incidents")
    return json_fields.require_object(body.get("page"), '"page"'), incidents


def is_closed(incident: json_fields.JsonObject) -> bool:
    """True where the incident is resolved, so that a stored copy need not be fetched again."""
    return incident.get("status") in ("resolved", "postmortem", "completed")


def _json_bodies(raw: bytes) -> Iterable[Any]:
    try:
        yield json_fields.load_json(raw)
    except ParseError:
        for props in _REACT_PROPS.findall(raw.decode("utf-8", "replace")):
            try:
                yield json_fields.load_json(unescape(props).encode())
            except ParseError:
                continue


def _month_codes(month: json_fields.JsonObject) -> tuple[str, ...]:
    codes = (
        json_fields.require_list(
            month.get("incidents"), lambda item: json_fields.to_text(item.get("code")), "an incident"
        )
        or ()
    )
    return tuple(code for code in codes if code)
