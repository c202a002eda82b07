"""Pieces of any page, as text and times -> nouns that hold together, or ParseError.

Ids are there and unique, times are in UTC, updates stand in display order. Vendors without ids get ids from content, so
that the same page gives the same values at every look.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any, TypeVar

from bot.model import Component, Condition, Impact, Incident, Source, Stage, Transition, Update
from bot.sources import wire

T = TypeVar("T", Component, Incident, Update)
_TAGS = re.compile(
    r"<!--.*?-->|<(?:script|style)\b.*?</(?:script|style)\s*>|<[^<>]{0,2000}>", re.DOTALL | re.IGNORECASE
)
_BREAKS = re.compile(r"<(?:br|/p|/li|/div|/h[1-6])\b[^<>]{0,200}>", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\f\v\u00a0]+")
_LINES = re.compile(r"\s*\n\s*")
_MAX_ID = 200  # characters; ids are keys, and stand in Slack's button values
_MILLIS = 100_000_000_000  # seconds beyond this are milliseconds: the year 5138


def unique(items: Iterable[T] | None) -> tuple[T, ...] | None:
    """The items, each id once: the first counts."""
    if items is None:
        return None
    first: dict[str, T] = {}
    for item in items:
        first.setdefault(item.id, item)
    return tuple(first.values())


def identity(value: Any, source: Source | None = None) -> str:
    """An id as text. With ``source``, a bare number gets the source's name: numbers are not unique among vendors."""
    found = wire.text(value).strip()
    if source and found.isdecimal():
        return f"{source.id}-{found}"
    return found if len(found) <= _MAX_ID else digest(found)


def number(incident: Incident, source: Source) -> str:
    """The vendor's own id of an incident: the way back from ``identity``."""
    return incident.id.removeprefix(f"{source.id}-")


def planned_identity(value: Any, source: Source) -> str:
    """The id of a maintenance where those are numbered apart from incidents; empty where there is none."""
    found = identity(value)
    return f"{source.id}-maintenance-{found}" if found else ""


def digest(*parts: str) -> str:
    """A short id made from content."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def moment(value: Any) -> datetime | None:
    """A time as UTC: ISO-8601, or seconds or milliseconds since 1970, also as a string."""
    if isinstance(value, str) and not re.fullmatch(r"\d{9,13}", value):
        return wire.moment(value.replace(" UTC", "Z"))
    try:
        seconds = float(value)
        time = datetime.fromtimestamp(seconds / 1000 if abs(seconds) > _MILLIS else seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return wire.moment(time.isoformat())


def plain(markup: Any) -> str:
    """HTML as plain text: no tags, no entities, blank runs as one space; line breaks stay."""
    text = _BREAKS.sub("\n", wire.text(markup))
    text = wire.text(unescape(_TAGS.sub("", text)))
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def condition(words: Mapping[Any, Condition], value: Any) -> Condition:
    """The condition that this vendor means by a word or a number; ``unknown`` for one we do not know."""
    return words.get(wire.text(value).strip().casefold(), Condition.UNKNOWN)


def component(ident: str, name: str, state: Condition) -> Component:
    """A component; it goes by its name where it has no id."""
    if not (ident or name):
        wire.refuse("a component has neither an id nor a name")
    return Component(ident or name, name, state)


def moves(parts: Iterable[tuple[str, str, Condition]]) -> tuple[Transition, ...] | None:
    """Transitions from (id, name, new condition); what was before is not told. None where there are none."""
    found = [Transition(i or name, name, Condition.UNKNOWN, new) for i, name, new in parts if i or name]
    return tuple(found) or None


def update(
    ident: str, stage: Stage, body: str, at: datetime | None, transitions: tuple[Transition, ...] | None = None
) -> Update:
    """One post of the vendor; it must have an id and a time."""
    if at is None or not ident:
        wire.refuse("an update has no id or no time")
    return Update(ident, stage, body, at, transitions)


def moved_at_first(updates: Iterable[Update], moved: tuple[Transition, ...] | None) -> list[Update]:
    """What an incident hit as a whole, told with its first update; ``updates`` are the oldest first."""
    return [replace(u, transitions=None if number else moved) for number, u in enumerate(updates)]


def planned(starts: datetime | None, ends: datetime | None, at: datetime) -> Stage:
    """How far a maintenance is by the clock, where nobody says so."""
    if ends and at >= ends:
        return Stage.COMPLETED
    return Stage.SCHEDULED if starts and at < starts else Stage.IN_PROGRESS


def incident(  # noqa: PLR0917  (in the order of Incident's own fields)
    ident: str,
    name: str,
    stage: Stage,
    impact: Impact,
    created_at: datetime | None,
    updates: Iterable[Update] = (),
    **more: Any,
) -> Incident:
    """An incident with its updates in display order; it must have an id and a time, its own or its first update's.

    Updates of one time stay as they are given: oldest first (``in_order``).
    """
    ordered = sorted(unique(updates) or (), key=lambda u: u.display_at)
    created = created_at or (ordered[0].display_at if ordered else None)
    if not ident or created is None:
        wire.refuse("an incident has no id or no time")
    return Incident(ident, name, stage, impact, created, tuple(ordered), **more)


def in_order(updates: Iterable[Update] | None) -> list[Update]:
    """A page's updates, oldest first, each id once. Of equal times, the page's order counts, newest first or not."""
    found = list(unique(updates) or ())
    if found and found[0].display_at >= found[-1].display_at:
        found.reverse()
    return sorted(found, key=lambda u: u.display_at)


def split(found: Iterable[Incident]) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
    """Incidents and maintenances apart, each id once."""
    once = unique(found) or ()
    return tuple(i for i in once if not i.is_maintenance), tuple(i for i in once if i.is_maintenance)
