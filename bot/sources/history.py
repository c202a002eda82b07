"""A page's incidents as the vendor tells them afterwards -> what the page showed at any moment: ``summary_at``.

Reconstructed: each update is taken to have appeared at its ``display_at``; a component has the ``new_status`` of the
newest transition that names it; and an incident without any transition holds the components it lists by its stage and
impact for as long as it is open.
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
from bot.sources import wire

Body = dict[str, Any]

# Statuspage derives an incident's impact from its components; this is the way back (safe-to-retry.md B.4).
STATUS_OF_IMPACT = {"minor": "degraded_performance", "major": "partial_outage", "critical": "major_outage"}
_BAD = ("investigating", "identified")
_CLOSED = ("resolved", "postmortem", "completed")
_RANK = ("operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")
_KEPT = ("name", "impact", "created_at", "started_at", "shortlink", "scheduled_for", "scheduled_until")


@dataclass(frozen=True, slots=True)
class Told:
    """One incident of a history: what the vendor keeps, its updates oldest first, and when each was shown."""

    id: str
    body: Body
    updates: tuple[Body, ...]
    times: tuple[datetime, ...]
    linked: tuple[Body, ...]  # components the incident lists, whatever they were doing
    has_transitions: bool


@dataclass(frozen=True, slots=True)
class Move:
    """A component took a status. ``holder`` is the incident that holds it there, empty where an update said so."""

    at: datetime
    component_id: str
    holder: str
    status: str


@dataclass(frozen=True, slots=True)
class Course:
    """What a component went through: when it took which status, in time order."""

    times: tuple[datetime, ...]
    statuses: tuple[str, ...]

    def at(self, at: datetime) -> str:
        """Its status at this moment; operational before anything was said of it."""
        so_far = bisect_right(self.times, at)
        return self.statuses[so_far - 1] if so_far else "operational"


@dataclass(frozen=True, slots=True)
class History:
    """Every incident of a page, oldest first, and what they did to its components, in time order."""

    page: Body
    incidents: Mapping[str, Told]
    ids: Mapping[str, str]  # component name -> id, since some records link components by name alone
    components: Mapping[str, str]  # component id -> the newest name
    courses: Mapping[str, Course]  # component id -> what it went through
    posted: Mapping[datetime, tuple[str, ...]]  # when the page changed, in order, and the incidents that did it
    left_out: tuple[str, ...] = ()  # of each incident that could not be read, why


def read_history(raw: bytes) -> History:
    """A history from its bytes; ParseError where it is none. Of two incidents with one id, the first counts.

    An incident that can't be read is left out and counted, unless none of them can; so is one without any update, since
    there is no telling when the page showed it. Maintenances may also stand in a list of their own.
    """
    body = wire.obj(wire.load(raw), "the history")
    items = [item for key in ("incidents", "scheduled_maintenances") for item in _list(body, key)]
    listed, left_out = _readable(items)
    first = {told.id: told for told in reversed(listed)}
    incidents = {told.id: told for told in sorted(first.values(), key=lambda told: (told.times[0], told.id))}
    ids = dict(_named_ids(incidents.values()))
    moves = sorted((m for t in incidents.values() for m in _moves(ids, t)), key=lambda m: m.at)
    return History(
        page=wire.obj(body.get("page") or {}, '"page"'),
        incidents=incidents,
        ids=ids,
        components=dict(_named_components(ids, incidents.values())),
        courses=_courses(moves),
        posted=_posted(incidents.values()),
        left_out=left_out,
    )


def names(page: Mapping[str, Any]) -> tuple[str, ...]:
    """What a page calls itself: its id, its name and its host, as far as they are there."""
    told = (wire.text(page.get(key)) for key in ("id", "name"))
    host = urlsplit(wire.link(page.get("url")) or "").hostname or ""
    return tuple(name for name in (*told, host) if name)


def unread(history: History) -> str:
    """What of a history could not be read, in one sentence; empty where all of it could."""
    count = len(history.left_out)
    if not count:
        return ""
    which = "1 incident that can't be read is" if count == 1 else f"{count} incidents that can't be read are"
    return f"{which} left out: {history.left_out[0]}"


def _list(body: Body, key: str) -> list[Any]:
    found = body.get(key)
    if found is not None and not isinstance(found, list):
        wire.refuse(f'"{key}" is not a list')
    if found is None and key == "incidents":
        wire.refuse('a history has an "incidents" list')
    return found or []


def _readable(items: Iterable[Any]) -> tuple[list[Told], tuple[str, ...]]:
    """The incidents that can be read, and for the others why not; ParseError where none can."""
    listed: list[Told] = []
    left_out: list[str] = []
    for item in items:
        try:
            listed.append(_told(wire.obj(item, "an incident")))
        except ParseError as error:
            left_out.append(str(error).removeprefix(wire.NO_PAGE))
    if left_out and not listed:
        which = "its only incident can't" if len(left_out) == 1 else f"none of its {len(left_out)} incidents can"
        raise ParseError(f"{which} be read: {left_out[0]}")
    return listed, tuple(left_out)


def moments(history: History) -> tuple[datetime, ...]:
    """Every time at which the page changed, in order."""
    return tuple(history.posted)


def summary_at(history: History, at: datetime) -> Body:
    """What ``summary.json`` showed at this moment: component states and unresolved incidents."""
    posted = (t for t in history.incidents.values() if _is_open(t, at))
    unresolved = [_shown(history, told, at) for told in posted][::-1]
    name = wire.text(history.page.get("name")) or next(iter(names(history.page)), "this page")
    return {
        "page": {**history.page, "name": name},
        "components": list(components_at(history, at)),
        "incidents": [i for i in unresolved if i["impact"] != "maintenance"],
        "scheduled_maintenances": [i for i in unresolved if i["impact"] == "maintenance"],
        "status": {},
    }


def afterwards(history: History, at: datetime) -> Iterator[tuple[Body, bool]]:
    """Incidents that the page told of at this moment, though they were over: no summary shows that.

    With each, whether it was told of for the first time. The others have a post-mortem, or another late word.
    """
    for identity in history.posted.get(at, ()):
        told = history.incidents[identity]
        before = bisect_left(told.times, at)
        if _stands(told, at) in _CLOSED and (not before or told.updates[before - 1].get("status") in _CLOSED):
            yield _shown(history, told, at), not before


def incidents_at(history: History, at: datetime) -> tuple[Body, ...]:
    """Every incident and maintenance that had been posted by this moment, closed ones too, newest first."""
    posted = (t for t in history.incidents.values() if t.times[0] <= at)
    return tuple(_shown(history, told, at) for told in posted)[::-1]


def incident_at(history: History, incident_id: str, at: datetime) -> Body | None:
    """What the incident's own page showed at this moment, newest update first; None before its first post."""
    told = history.incidents.get(incident_id)
    return _shown(history, told, at) if told and told.times[0] <= at else None


def components_at(history: History, at: datetime) -> Iterator[Body]:
    """Each component the history knows of, with its status at this moment: the worst of all that hold it."""
    for component, name in history.components.items():
        course = history.courses.get(component)
        yield {"id": component, "name": name, "status": course.at(at) if course else "operational"}


def links(history: History) -> dict[str, tuple[tuple[str, str], ...]]:
    """Of each incident, the components (id, name) that its record lists at the end, whatever they were doing."""
    return {
        told.id: tuple((_id(history.ids, c), wire.text(c.get("name"))) for c in told.linked)
        for told in history.incidents.values()
    }


def _courses(moves: Iterable[Move]) -> dict[str, Course]:
    """Of each component, the worst status of all that hold it, after each move."""
    held: dict[tuple[str, str], str] = {}
    counts: dict[str, Counter[str]] = {}
    found: dict[str, list[tuple[datetime, str]]] = {}
    for move in moves:
        count = counts.setdefault(move.component_id, Counter())
        key = (move.component_id, move.holder)
        if key in held:
            count[held[key]] -= 1
        held[key] = move.status
        count[move.status] += 1
        worst = max((status for status, holders in count.items() if holders), key=_rank)
        found.setdefault(move.component_id, []).append((move.at, worst))
    return {i: Course(tuple(at for at, _ in steps), tuple(s for _, s in steps)) for i, steps in found.items()}


def _rank(status: str) -> int:
    return _RANK.index(status) if status in _RANK else -1


def _posted(incidents: Iterable[Told]) -> dict[datetime, tuple[str, ...]]:
    found: dict[datetime, dict[str, None]] = {}
    for told in incidents:
        for at in told.times:
            found.setdefault(at, {})[told.id] = None
    return {at: tuple(found[at]) for at in sorted(found)}


def _stands(told: Told, at: datetime) -> Any:
    """The status of its newest update by this moment; None before its first post."""
    so_far = bisect_right(told.times, at)
    return told.updates[so_far - 1].get("status") if so_far else None


def _is_open(told: Told, at: datetime) -> bool:
    return told.times[0] <= at and _stands(told, at) not in _CLOSED


def _told(item: Body) -> Told:
    identity = wire.text(item.get("id"))
    if not identity:
        wire.refuse("an incident has no id")
    ordered = _in_order(wire.each(item.get("incident_updates"), _timed, f"an update of incident {identity}") or ())
    if not ordered:
        wire.refuse(f"incident {identity} has no updates")
    updates = tuple(update for _, update in ordered)
    if not wire.text(updates[-1].get("status")):  # the newest says where the incident stands, and so does the incident
        updates = (*updates[:-1], {**updates[-1], "status": item.get("status")})
    return Told(
        id=identity,
        body=item,
        updates=updates,
        times=tuple(at for at, _ in ordered),
        linked=_objects(item.get("components")),
        has_transitions=any(_objects(u.get("affected_components")) for u in updates),
    )


def _in_order(told: Sequence[tuple[datetime, Body]]) -> list[tuple[datetime, Body]]:
    """Oldest first; of equal times, the page's own order counts, newest first or not."""
    is_newest_first = bool(told) and told[0][0] >= told[-1][0]
    return sorted(reversed(told) if is_newest_first else told, key=lambda pair: pair[0])


def _timed(update: Body) -> tuple[datetime, Body]:
    at = wire.moment(update.get("display_at")) or wire.moment(update.get("created_at"))
    if at is None or not wire.text(update.get("id")):
        wire.refuse(f"update {wire.text(update.get('id'))!r} has no id or no time")
    return at, update


def _objects(components: Any) -> tuple[Body, ...]:
    return wire.each(components, _named, "a component of an incident") or ()


def _named(component: Body) -> Body:
    if not any(wire.text(component.get(key)) for key in ("code", "id", "name")):
        wire.refuse("a component of an incident has no code, no id and no name")
    return component


def _named_ids(incidents: Iterable[Told]) -> Iterator[tuple[str, str]]:
    for told in incidents:
        for c in chain(told.linked, *(_objects(u.get("affected_components")) for u in told.updates)):
            if identity := wire.text(c.get("code")) or wire.text(c.get("id")):
                yield wire.text(c.get("name")), identity


def _named_components(ids: Mapping[str, str], incidents: Iterable[Told]) -> Iterator[tuple[str, str]]:
    """Ids and names, newest last. Of an incident with transitions, only links to known components are believed."""
    known = set(ids.values())
    for told in incidents:
        for c in chain(*(_objects(u.get("affected_components")) for u in told.updates), told.linked):
            if not told.has_transitions or _id(ids, c) in known:
                yield _id(ids, c), wire.text(c.get("name"))


def _id(ids: Mapping[str, str], component: Body) -> str:
    name = wire.text(component.get("name"))
    return wire.text(component.get("code")) or wire.text(component.get("id")) or ids.get(name, name)


def _moves(ids: Mapping[str, str], told: Told) -> Iterator[Move]:
    held = STATUS_OF_IMPACT.get(wire.text(told.body.get("impact")), "operational")
    for at, update in zip(told.times, told.updates, strict=True):
        if told.has_transitions:
            for c in _objects(update.get("affected_components")):
                yield Move(at, _id(ids, c), "", wire.text(c.get("new_status")))
        else:
            for c in told.linked:
                yield Move(at, _id(ids, c), told.id, held if update.get("status") in _BAD else "operational")


def _shown(history: History, told: Told, at: datetime) -> Body:
    updates = told.updates[: bisect_right(told.times, at)]
    linked = (
        told.linked if not told.has_transitions else chain(*(_objects(u.get("affected_components")) for u in updates))
    )
    touched = {_id(history.ids, c): c for c in linked}
    return {
        **{key: told.body.get(key) for key in _KEPT},
        "id": told.id,
        "created_at": told.body.get("created_at") or told.times[0].isoformat(),
        "status": updates[-1].get("status"),
        "components": [
            {"id": identity, "name": wire.text(c.get("name")), "status": c.get("new_status")}
            for identity, c in touched.items()
        ],
        "incident_updates": list(updates[::-1]),
    }
