"""Reconstructs what a Statuspage showed at any moment from its history, the list of all its incidents (``summary_at``).

Assumptions: each update appeared at its ``display_at``; a component has the ``new_status`` of the newest transition
that names it; an incident without any transition sets the status of the components it lists, by its stage and impact,
for as long as it is open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from bot.errors import ParseError
from bot.formats import json_fields

JsonObject = json_fields.JsonObject

# Statuspage derives an incident's impact from the status of its components; this is the inverse
# (bot/docs/status-page-formats.md#statuspage).
STATUS_OF_IMPACT = {"minor": "degraded_performance", "major": "partial_outage", "critical": "major_outage"}
_BAD_STAGES = ("investigating", "identified")
_CLOSED_STAGES = ("resolved", "postmortem", "completed")
_STATUSES_BY_RANK = ("operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")
_UNKNOWN_STATUS = "unknown"
_COPIED_FIELDS = ("name", "impact", "created_at", "started_at", "shortlink", "scheduled_for", "scheduled_until")


@dataclass(frozen=True, slots=True)
class RecordedIncident:
    """One incident of a history: the vendor's record, its updates oldest first, and when each appeared."""

    id: str
    body: JsonObject
    updates: tuple[JsonObject, ...]
    times: tuple[datetime, ...]
    linked: tuple[JsonObject, ...]  # the components that the incident lists, whatever their status was
    has_transitions: bool  # whether any update names a component


@dataclass(frozen=True, slots=True)
class ComponentStatusChange:
    """A change of a component's status.

    ``holder`` is the id of the incident without transitions that sets it; empty where an update's transition did.
    """

    at: datetime
    component_id: str
    holder: str
    status: str


@dataclass(frozen=True, slots=True)
class ComponentTimeline:
    """The statuses of a component in time order, and the time from which each holds."""

    times: tuple[datetime, ...]
    statuses: tuple[str, ...]

    def status_at(self, at: datetime) -> str:
        """Its status at this moment; operational before the first change."""
        so_far = bisect_right(self.times, at)
        return self.statuses[so_far - 1] if so_far else "operational"


@dataclass(frozen=True, slots=True)
class History:
    """Every incident of a page, oldest first, and what follows from them for its components."""

    page: JsonObject
    incidents: Mapping[str, RecordedIncident]
    ids: Mapping[str, str]  # component name -> id, since some records link components by name alone
    components: Mapping[str, str]  # component id -> its newest name
    courses: Mapping[str, ComponentTimeline]  # component id -> its statuses
    posted: Mapping[datetime, tuple[str, ...]]  # time of a change, in order -> ids of the incidents that changed
    left_out: tuple[str, ...] = ()  # the reason for each incident that could not be read


def read_history(raw: bytes) -> History:
    """Parses a history. Of two incidents with one id, the first counts. Maintenances may have a list of their own.

    An incident that cannot be read is left out and named in ``left_out``; so is one without updates, since it is not
    known when the page showed it. Raises ParseError where it is no history, or where no incident can be read.
    """
    body = json_fields.require_object(json_fields.load_json(raw), "the history")
    items = [item for key in ("incidents", "scheduled_maintenances") for item in _list_of(body, key)]
    readable, left_out = _readable_incidents(items)
    first_by_id = {incident.id: incident for incident in reversed(readable)}
    oldest_first = sorted(first_by_id.values(), key=lambda incident: (incident.times[0], incident.id))
    incidents = {incident.id: incident for incident in oldest_first}
    ids = dict(_names_with_ids(incidents.values()))
    changes = [change for incident in oldest_first for change in _status_changes(ids, incident)]
    changes += _unsettled_changes(ids, oldest_first)
    return History(
        page=json_fields.require_object(body.get("page") or {}, '"page"'),
        incidents=incidents,
        ids=ids,
        components=dict(_component_names(ids, incidents.values())),
        courses=_component_timelines(sorted(changes, key=lambda change: change.at)),
        posted=_incidents_by_time(incidents.values()),
        left_out=left_out,
    )


def page_names(page: Mapping[str, Any]) -> tuple[str, ...]:
    """The names by which a page can be recognised: its id, name and host, those that are present."""
    names = (json_fields.to_text(page.get(key)) for key in ("id", "name"))
    host = urlsplit(json_fields.to_safe_url(page.get("url")) or "").hostname or ""
    return tuple(name for name in (*names, host) if name)


def unread_text(history: History) -> str:
    """A sentence for people on incidents that could not be read; empty where all could."""
    count = len(history.left_out)
    if not count:
        return ""
    which = "1 incident that can't be read is" if count == 1 else f"{count} incidents that can't be read are"
    return f"{which} left out: {history.left_out[0]}"


def _list_of(body: JsonObject, key: str) -> list[Any]:
    items = body.get(key)
    if items is not None and not isinstance(items, list):
        json_fields.raise_parse_error(f'"{key}" is not a list')
    if items is None and key == "incidents":
        json_fields.raise_parse_error('a history has an "incidents" list')
    return items or []


def _readable_incidents(items: Iterable[Any]) -> tuple[list[RecordedIncident], tuple[str, ...]]:
    """The incidents that can be read, and the reason for each other; ParseError where none can."""
    incidents: list[RecordedIncident] = []
    left_out: list[str] = []
    for item in items:
        try:
            incidents.append(_read_incident(json_fields.require_object(item, "an incident")))
        except ParseError as error:
            left_out.append(str(error).removeprefix(json_fields.NOT_A_PAGE))
    if left_out and not incidents:
        which = "its only incident can't" if len(left_out) == 1 else f"none of its {len(left_out)} incidents can"
        raise ParseError(f"{which} be read: {left_out[0]}")
    return incidents, tuple(left_out)


def change_times(history: History) -> tuple[datetime, ...]:
    """Every time at which the page changed, in order."""
    return tuple(history.posted)


def summary_at(history: History, at: datetime) -> JsonObject:
    """What ``summary.json`` showed at this moment: component statuses and unresolved incidents."""
    unresolved = [_incident_at(history, i, at) for i in history.incidents.values() if _is_open(i, at)][::-1]
    name = json_fields.to_text(history.page.get("name")) or next(iter(page_names(history.page)), "this page")
    return {
        "page": {**history.page, "name": name},
        "components": list(components_at(history, at)),
        "incidents": [i for i in unresolved if i["impact"] != "maintenance"],
        "scheduled_maintenances": [i for i in unresolved if i["impact"] == "maintenance"],
        "status": {},
    }


def retroactive_incidents(history: History, at: datetime) -> Iterator[tuple[JsonObject, bool]]:
    """Incidents that got an update at this moment although they had ended: no summary shows these.

    With each, whether this was its first update (posted afterwards). The others got a post-mortem or another late
    update.
    """
    for incident_id in history.posted.get(at, ()):
        incident = history.incidents[incident_id]
        earlier_updates = bisect_left(incident.times, at)
        if _stage_at(incident, at) in _CLOSED_STAGES and (
            not earlier_updates or incident.updates[earlier_updates - 1].get("status") in _CLOSED_STAGES
        ):
            yield _incident_at(history, incident, at), not earlier_updates


def incidents_at(history: History, at: datetime) -> tuple[JsonObject, ...]:
    """Every incident and maintenance posted up to this moment, closed ones too, newest first."""
    posted = (incident for incident in history.incidents.values() if incident.times[0] <= at)
    return tuple(_incident_at(history, incident, at) for incident in posted)[::-1]


def incident_at(history: History, incident_id: str, at: datetime) -> JsonObject | None:
    """What the incident's own page showed at this moment, newest update first; None before its first update."""
    incident = history.incidents.get(incident_id)
    return _incident_at(history, incident, at) if incident and incident.times[0] <= at else None


def components_at(history: History, at: datetime) -> Iterator[JsonObject]:
    """Each component of the history with its status at this moment: the worst that any incident sets."""
    for component, name in history.components.items():
        timeline = history.courses.get(component)
        yield {"id": component, "name": name, "status": timeline.status_at(at) if timeline else "operational"}


def linked_components(history: History) -> dict[str, tuple[tuple[str, str], ...]]:
    """The components (id, name) that each incident's record lists, by incident id, whatever their status was."""
    return {
        incident.id: tuple((_component_id(history.ids, c), json_fields.to_text(c.get("name"))) for c in incident.linked)
        for incident in history.incidents.values()
    }


def _component_timelines(changes: Iterable[ComponentStatusChange]) -> dict[str, ComponentTimeline]:
    """The statuses of each component: after each change, the worst that any incident sets."""
    status_by_holder: dict[tuple[str, str], str] = {}
    counts_by_component: dict[str, Counter[str]] = {}
    steps_by_component: dict[str, list[tuple[datetime, str]]] = {}
    for change in changes:
        count = counts_by_component.setdefault(change.component_id, Counter())
        key = (change.component_id, change.holder)
        if key in status_by_holder:
            count[status_by_holder[key]] -= 1
        status_by_holder[key] = change.status
        count[change.status] += 1
        worst = max((status for status, holders in count.items() if holders), key=_rank)
        steps_by_component.setdefault(change.component_id, []).append((change.at, worst))
    return {
        i: ComponentTimeline(tuple(at for at, _ in steps), tuple(s for _, s in steps))
        for i, steps in steps_by_component.items()
    }


def _rank(status: str) -> int:
    return _STATUSES_BY_RANK.index(status) if status in _STATUSES_BY_RANK else -1


def _incidents_by_time(incidents: Iterable[RecordedIncident]) -> dict[datetime, tuple[str, ...]]:
    ids_by_time: dict[datetime, dict[str, None]] = {}
    for incident in incidents:
        for at in incident.times:
            ids_by_time.setdefault(at, {})[incident.id] = None
    return {at: tuple(ids_by_time[at]) for at in sorted(ids_by_time)}


def _stage_at(incident: RecordedIncident, at: datetime) -> Any:
    """The status of its newest update at this moment; None before its first update."""
    so_far = bisect_right(incident.times, at)
    return incident.updates[so_far - 1].get("status") if so_far else None


def _is_open(incident: RecordedIncident, at: datetime) -> bool:
    return incident.times[0] <= at and _stage_at(incident, at) not in _CLOSED_STAGES


def _read_incident(item: JsonObject) -> RecordedIncident:
    incident_id = json_fields.to_text(item.get("id"))
    if not incident_id:
        json_fields.raise_parse_error("an incident has no id")
    ordered = _oldest_first(
        json_fields.require_list(item.get("incident_updates"), _with_time, f"an update of incident {incident_id}") or ()
    )
    if not ordered:
        json_fields.raise_parse_error(f"incident {incident_id} has no updates")
    updates = tuple(update for _, update in ordered)
    # without a status of its own, the newest update has the incident's
    if not json_fields.to_text(updates[-1].get("status")):
        updates = (*updates[:-1], {**updates[-1], "status": item.get("status")})
    return RecordedIncident(
        id=incident_id,
        body=item,
        updates=updates,
        times=tuple(at for at, _ in ordered),
        linked=_component_objects(item.get("components")),
        has_transitions=any(_component_objects(u.get("affected_components")) for u in updates),
    )


def _oldest_first(updates: Sequence[tuple[datetime, JsonObject]]) -> list[tuple[datetime, JsonObject]]:
    """The updates, oldest first. Those with the same time keep the page's order, or its reverse if newest first.

    An end that is dated before a post that was written before it counts from that post.
    """
    updates = [_not_before_older_posts(at, update, updates) for at, update in updates]
    is_newest_first = bool(updates) and updates[0][0] >= updates[-1][0]
    return sorted(reversed(updates) if is_newest_first else updates, key=lambda pair: pair[0])


def _not_before_older_posts(
    at: datetime, update: JsonObject, updates: Sequence[tuple[datetime, JsonObject]]
) -> tuple[datetime, JsonObject]:
    written_at = json_fields.parse_iso_time(update.get("created_at"))
    if update.get("status") not in _CLOSED_STAGES or written_at is None:
        return at, update
    older = ((shown, json_fields.parse_iso_time(u.get("created_at"))) for shown, u in updates)
    not_before = max([at, *(shown for shown, written in older if written is not None and written < written_at)])
    return not_before, update if not_before == at else {**update, "display_at": not_before.isoformat()}


def _with_time(update: JsonObject) -> tuple[datetime, JsonObject]:
    at = json_fields.parse_iso_time(update.get("display_at")) or json_fields.parse_iso_time(update.get("created_at"))
    if at is None or not json_fields.to_text(update.get("id")):
        json_fields.raise_parse_error(f"update {json_fields.to_text(update.get('id'))!r} has no id or no time")
    return at, update


def _component_objects(components: Any) -> tuple[JsonObject, ...]:
    return json_fields.require_list(components, _require_name, "a component of an incident") or ()


def _require_name(component: JsonObject) -> JsonObject:
    if not any(json_fields.to_text(component.get(key)) for key in ("code", "id", "name")):
        json_fields.raise_parse_error("a component of an incident has no code, no id and no name")
    return component


def _names_with_ids(incidents: Iterable[RecordedIncident]) -> Iterator[tuple[str, str]]:
    for incident in incidents:
        for c in chain(incident.linked, *(_component_objects(u.get("affected_components")) for u in incident.updates)):
            if component_id := json_fields.to_text(c.get("code")) or json_fields.to_text(c.get("id")):
                yield json_fields.to_text(c.get("name")), component_id


def _component_names(ids: Mapping[str, str], incidents: Iterable[RecordedIncident]) -> Iterator[tuple[str, str]]:
    """Component ids and names, newest last. Of an incident with transitions, only links to known components count."""
    known_ids = set(ids.values())
    for incident in incidents:
        for c in chain(*(_component_objects(u.get("affected_components")) for u in incident.updates), incident.linked):
            if not incident.has_transitions or _component_id(ids, c) in known_ids:
                yield _component_id(ids, c), json_fields.to_text(c.get("name"))


def _component_id(ids: Mapping[str, str], component: JsonObject) -> str:
    name = json_fields.to_text(component.get("name"))
    return json_fields.to_text(component.get("code")) or json_fields.to_text(component.get("id")) or ids.get(name, name)


def _status_changes(ids: Mapping[str, str], incident: RecordedIncident) -> Iterator[ComponentStatusChange]:
    held_status = STATUS_OF_IMPACT.get(json_fields.to_text(incident.body.get("impact")), "operational")
    for at, update in zip(incident.times, incident.updates, strict=True):
        if incident.has_transitions:
            for c in _component_objects(update.get("affected_components")):
                yield ComponentStatusChange(at, _component_id(ids, c), "", json_fields.to_text(c.get("new_status")))
        else:
            for c in incident.linked:
                yield ComponentStatusChange(
                    at,
                    _component_id(ids, c),
                    incident.id,
                    held_status if update.get("status") in _BAD_STAGES else "operational",
                )


def _unsettled_changes(
    ids: Mapping[str, str], incidents: Iterable[RecordedIncident]
) -> Iterator[ComponentStatusChange]:
    """For each incident that ended and left a component bad by its transitions: the component is unknown from then on.

    Except where the component's next transition begins with the status that it was left in.
    """
    moves: dict[str, list[tuple[datetime, str, str, RecordedIncident]]] = {}
    for incident in incidents:
        for at, update in zip(incident.times, incident.updates, strict=True):
            for c in _component_objects(update.get("affected_components")):
                old, new = json_fields.to_text(c.get("old_status")), json_fields.to_text(c.get("new_status"))
                moves.setdefault(_component_id(ids, c), []).append((at, old, new, incident))
    for component, steps in moves.items():
        steps.sort(key=lambda step: step[0])
        for (at, _, status, incident), later in zip(steps, [*steps[1:], None], strict=True):
            ended_at = _ended_at(incident)
            is_left_bad = status in _STATUSES_BY_RANK[1:] and ended_at is not None and ended_at >= at
            is_continued = later is not None and ended_at is not None and (later[0] < ended_at or later[1] == status)
            if is_left_bad and ended_at and not is_continued:
                yield ComponentStatusChange(ended_at, component, "", _UNKNOWN_STATUS)


def _ended_at(incident: RecordedIncident) -> datetime | None:
    """The first closing update after the last open one; None while it is open."""
    ended_at = None
    for at, update in zip(incident.times, incident.updates, strict=True):
        ended_at = (ended_at or at) if update.get("status") in _CLOSED_STAGES else None
    return ended_at


def _incident_at(history: History, incident: RecordedIncident, at: datetime) -> JsonObject:
    updates = incident.updates[: bisect_right(incident.times, at)]
    components = (
        incident.linked
        if not incident.has_transitions
        else chain(*(_component_objects(u.get("affected_components")) for u in updates))
    )
    components_by_id = {_component_id(history.ids, c): c for c in components}
    return {
        **{key: incident.body.get(key) for key in _COPIED_FIELDS},
        "id": incident.id,
        "created_at": incident.body.get("created_at") or incident.times[0].isoformat(),
        "status": updates[-1].get("status"),
        "components": [
            {"id": identity, "name": json_fields.to_text(c.get("name")), "status": c.get("new_status")}
            for identity, c in components_by_id.items()
        ],
        "incident_updates": list(updates[::-1]),
    }
