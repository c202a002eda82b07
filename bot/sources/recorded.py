"""Recorded pages: what a status page showed in the past, from the two recorded forms (DESIGN.md section 7).

*polls* are NDJSON lines ``{"polled_at": ISO, "body": page or null}`` and are what somebody really saw. A *history* is
``{"page": ..., "incidents": [...]}``; what its page must have shown is reconstructed: each update is taken to have
appeared at its ``display_at``, a component has the ``new_status`` of the newest transition that names it, and an
incident without any transition moves the components it lists by its stage and impact.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.errors import ParseError
from bot.sources import wire

Body = dict[str, Any]

# Statuspage derives an incident's impact from its components; this is the way back (safe-to-retry.md B.4).
STATUS_OF_IMPACT = {"minor": "degraded_performance", "major": "partial_outage", "critical": "major_outage"}
_BAD = ("investigating", "identified")
_CLOSED = ("resolved", "postmortem", "completed")


@dataclass(frozen=True, slots=True)
class Poll:
    """One recorded look: ``body`` is the page's bytes, None where the recorder got nothing usable."""

    at: datetime
    body: bytes | None


@dataclass(frozen=True, slots=True)
class History:
    """Every incident of a page with all its updates, as the vendor tells it afterwards."""

    page: Body
    incidents: tuple[Body, ...]
    ids: Mapping[str, str]  # component name -> id, since some records link components by name alone


def is_history(raw: bytes) -> bool:
    """True where the bytes are one JSON object with incidents, False where they are lines of polls."""
    head = raw.lstrip()[:4096]
    first_line = raw.lstrip().split(b"\n", 1)[0]
    if b'"polled_at"' in head and first_line.rstrip().endswith(b"}"):
        return False
    return head.startswith(b"{")


def read_history(raw: bytes) -> History:
    """A history from its bytes; ParseError where it is none. Incidents come oldest first, updates too."""
    body = wire.obj(wire.load(raw), "the history")
    incidents = body.get("incidents")
    if not isinstance(incidents, list) or not isinstance(body.get("page"), dict):
        wire.refuse('a history has a "page" object and an "incidents" list')
    ordered = sorted((_ordered(i) for i in incidents), key=lambda i: (_first(i), i["id"]))
    return History(body["page"], tuple(ordered), dict(_named_ids(ordered)))


def read_polls(lines: Iterable[bytes]) -> Iterator[Poll]:
    """Polls from the lines of a recording, in file order; ParseError names the line that is wrong."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            row = wire.obj(wire.load(line), f"line {number}")
            at = wire.moment(row.get("polled_at"))
            if at is None:
                raise ParseError(f'line {number} has no "polled_at" time')
            body = row.get("body")
            yield Poll(at, None if body is None else json.dumps(body).encode())


def moments(history: History) -> tuple[datetime, ...]:
    """Every time at which the reconstructed page changed, in order."""
    return tuple(sorted({when(u) for i in history.incidents for u in i["incident_updates"]}))


def reconstruct(history: History) -> Iterator[Poll]:
    """The page as it must have looked after each of its changes."""
    for at in moments(history):
        yield Poll(at, json.dumps(summary_at(history, at)).encode())


def summary_at(history: History, at: datetime) -> Body:
    """What ``summary.json`` showed at this moment: component states and unresolved incidents."""
    shown = [incident_at(history, i["id"], at) for i in history.incidents if _first(i) <= at]
    unresolved = [i for i in shown if i is not None and i["status"] not in _CLOSED]
    return {
        "page": history.page,
        "components": list(components_at(history, at).values()),
        "incidents": [i for i in unresolved if i["impact"] != "maintenance"],
        "scheduled_maintenances": [i for i in unresolved if i["impact"] == "maintenance"],
        "status": {},
    }


def incident_at(history: History, incident_id: str, at: datetime) -> Body | None:
    """What the incident's own page showed at this moment, newest update first; None before its first post."""
    incident = next((i for i in history.incidents if i["id"] == incident_id), None)
    updates = [u for u in incident["incident_updates"] if when(u) <= at] if incident else []
    if not incident or not updates:
        return None
    linked = updates if _has_transitions(incident) else [{"affected_components": incident.get("components")}]
    return {
        "id": incident_id,
        "name": incident.get("name", ""),
        "impact": incident.get("impact", "none"),
        "status": updates[-1]["status"],
        "created_at": incident.get("created_at") or updates[0]["display_at"],
        "started_at": incident.get("started_at"),
        "shortlink": incident.get("shortlink"),
        "components": list(_touched(history, linked).values()),
        "incident_updates": updates[::-1],
    }


def components_at(history: History, at: datetime) -> Mapping[str, Body]:
    """Each component the history knows of, with its status at this moment."""
    shown = {code: {**c, "status": "operational"} for code, c in _all_components(history).items()}
    moves = (
        (when(update), code, status)
        for incident in history.incidents
        for update in incident["incident_updates"]
        for code, status in _moves(history, incident, update)
    )
    for moved_at, code, status in sorted(moves, key=lambda move: move[0]):
        if moved_at <= at:
            shown[code]["status"] = status
    return shown


def when(update: Body) -> datetime:
    """The time the vendor shows on an update."""
    at = wire.moment(update.get("display_at")) or wire.moment(update.get("created_at"))
    if at is None:
        wire.refuse(f"update {update.get('id')!r} has no time")
    return at


def _first(incident: Body) -> datetime:
    return when(incident["incident_updates"][0])


def _ordered(incident: Any) -> Body:
    body = wire.obj(incident, "an incident")
    updates = body.get("incident_updates")
    if not isinstance(updates, list) or not updates or not isinstance(body.get("id"), str):
        wire.refuse(f"incident {body.get('id')!r} has no id or no updates")
    return {**body, "incident_updates": sorted(updates, key=lambda u: (when(u), str(u.get("id"))))}


def _named_ids(incidents: Iterable[Body]) -> Iterator[tuple[str, str]]:
    for incident in incidents:
        for source in (incident, *incident["incident_updates"]):
            for c in source.get("affected_components") or source.get("components") or ():
                if c.get("code") or c.get("id"):
                    yield str(c.get("name")), str(c.get("code") or c.get("id"))


def _code(history: History, component: Body) -> str:
    name = str(component.get("name"))
    return str(component.get("code") or component.get("id") or history.ids.get(name, name))


def _has_transitions(incident: Body) -> bool:
    return any(u.get("affected_components") for u in incident["incident_updates"])


def _touched(history: History, updates: Iterable[Body]) -> dict[str, Body]:
    """The components these updates name, each with the status the last of them gave it."""
    return {
        _code(history, c): {"id": _code(history, c), "name": str(c.get("name")), "status": c.get("new_status")}
        for update in updates
        for c in update.get("affected_components") or ()
    }


def _all_components(history: History) -> dict[str, Body]:
    named: dict[str, Body] = {}
    for incident in history.incidents:
        named |= _touched(history, incident["incident_updates"])
        named |= _touched(history, [{"affected_components": incident.get("components")}])
    return named


def _moves(history: History, incident: Body, update: Body) -> Iterator[tuple[str, str]]:
    if _has_transitions(incident):
        for c in update.get("affected_components") or ():
            yield _code(history, c), str(c.get("new_status"))
        return
    held = STATUS_OF_IMPACT.get(str(incident.get("impact")))
    status = held if held and update.get("status") in _BAD else "operational"
    for c in incident.get("components") or ():
        yield _code(history, c), status
