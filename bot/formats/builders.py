"""Builds the parts of a ``Snapshot`` from the fields of any format, and fills in what an entry lacks.

Ids are present and unique, times are in UTC, updates are in display order. Where there is no id, one is derived from
content, so that the same page gives the same values at every poll. A time that is missing is that of a neighbour, of
the incident or of the poll (bot/docs/status-page-formats.md#odd-entries). ParseError where an entry says nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any, TypeVar

from bot.domain import UNKNOWN_STATE, Component, ComponentTransition, Condition, Impact, Incident, Source, Stage, Update
from bot.formats import json_fields, reading

T = TypeVar("T", Component, Incident, Update)
_TAGS = re.compile(
    r"<!--.*?-->|<(?:script|style)\b.*?</(?:script|style)\s*>|<[^<>]{0,2000}>", re.DOTALL | re.IGNORECASE
)
_BREAKS = re.compile(r"<(?:br|/p|/li|/div|/h[1-6])\b[^<>]{0,200}>", re.IGNORECASE)
_BLANK_RUN = re.compile(r"[ \t\r\f\v\u00a0]+")
_BLANKS = re.compile(r"[\s-]+")
_LINES = re.compile(r"\s*\n\s*")
_SENTENCE_END = re.compile(r"[.!]+(?:\s+|$)|\n+")
_MAINTENANCE_OVER = re.compile(
    r"(?:the |this |our )?(?:scheduled |planned )?maintenance(?: window| work)? "
    r"(?:(?:is|was|has|has been) (?:now )?)?(?:successfully )?(?:complete|completed|ended|finished|concluded|over)"
    r"(?: now| successfully)?",
    re.IGNORECASE,
)
ISSUE_INDICATORS = ("minor", "major", "critical")  # of Statuspage and of pages that copy it: something is wrong
UNDATED = datetime(9999, 12, 31, tzinfo=UTC)  # the time of an update without one, until its incident is built
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_ID = 200  # characters; ids are keys, and part of Slack's button values
_YEAR = re.compile(r"\b2[01]\d\d\b")
_SAME_TIME = timedelta(minutes=1)
_MILLISECONDS_FROM = 100_000_000_000  # larger numbers are milliseconds: as seconds this is the year 5138


def unique_by_id(items: Iterable[T] | None) -> tuple[T, ...] | None:
    """The items without repeated ids: the first of each counts. None for None."""
    if items is None:
        return None
    first: dict[str, T] = {}
    for item in items:
        first.setdefault(item.id, item)
    return tuple(first.values())


def contradiction(
    claim: str, incidents: Collection[Incident] | None, components: Iterable[Component] | None, lists: str = "nothing"
) -> str:
    """Why a page contradicts itself: it says that something is wrong, and lists nothing that is.

    Args:
        claim: What says so, such as ``its status is HASISSUES``; empty where nothing does.
        incidents: What it lists as open; None where it carried no list.
        components: Its components; None where it carried none.
        lists: What it lists, in the words of the message.

    Returns:
        The reason; empty where the page is consistent.
    """
    is_listed = bool(incidents) or any(c.condition is not Condition.OPERATIONAL for c in components or ())
    return f"{claim}, and it lists {lists}" if claim and not is_listed else ""


def to_id(value: Any, source: Source | None = None) -> str:
    """An id as text. With ``source``, a number gets the source's id as prefix: numbers are not unique among vendors."""
    text = json_fields.to_text(value).strip()
    if source and text.isdecimal():
        return f"{source.id}-{text}"
    return text if len(text) <= _MAX_ID else content_id(text)


def vendor_incident_id(incident: Incident, source: Source) -> str:
    """The vendor's own id of an incident, without the prefix of ``to_id``."""
    return incident.id.removeprefix(f"{source.id}-")


def maintenance_id(value: Any, source: Source, *content: Any) -> str:
    """The id of a maintenance, for vendors that number these apart from incidents; of its content without one."""
    number = to_id(value)
    return f"{source.id}-maintenance-{number}" if number else incident_id(None, None, "maintenance", *content)


def incident_id(value: Any, source: Source | None, *content: Any) -> str:
    """The id of an incident; without one it is made from its content, such as its title and time, and that is noted."""
    if own_id := to_id(value, source):
        return own_id
    texts = [json_fields.to_text(part) if not isinstance(part, datetime) else part.isoformat() for part in content]
    if not any(texts):
        json_fields.raise_parse_error("it has neither an id nor a title nor a time")
    made_id = content_id(*texts)
    reading.note_problem(f"an incident without an id: {next(text for text in texts if text)}")
    reading.note_unidentified(made_id)
    return made_id


def update_id(parent_id: str, at: datetime | str | None, body: str) -> str:
    """The id of an update for vendors that give none: by its time, or by its text where it has no time."""
    return f"{parent_id}:{at or content_id(body)}"


def content_id(*parts: str) -> str:
    """A short id derived from content: 16 hexadecimal digits."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def parse_time(value: Any) -> datetime | None:
    """A time in UTC from ISO 8601, or from seconds or milliseconds since 1970, also as a string; None otherwise."""
    if isinstance(value, str) and not re.fullmatch(r"\d{9,13}", value):
        return json_fields.parse_iso_time(value.replace(" UTC", "Z"))
    try:
        seconds = float(value)
        time = datetime.fromtimestamp(seconds / 1000 if abs(seconds) > _MILLISECONDS_FROM else seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return json_fields.parse_iso_time(time.isoformat())


def states_end(value: Any) -> bool:
    """Whether a field has the time of an end: one that can be read, or any text with a year of ours.

    Times that stand for none do not: zero, ``0001-01-01T00:00:00Z`` or words.
    """
    return parse_time(value) is not None or bool(_YEAR.search(json_fields.to_text(value)))


def time_if_later(written_at: datetime | None, display_at: datetime | None) -> datetime | None:
    """When a post was written, if that is more than a minute after the time that it carries: it was dated back."""
    is_later = written_at and display_at and written_at - display_at > _SAME_TIME
    return written_at if is_later else None


def html_to_text(markup: Any) -> str:
    """HTML as plain text, without tags and entities. Runs of blanks become one space; line breaks stay."""
    text = _BREAKS.sub("\n", json_fields.to_text(markup))
    text = json_fields.to_text(unescape(_TAGS.sub("", text)))
    return _LINES.sub("\n", _BLANK_RUN.sub(" ", text)).strip()


def map_condition(words: Mapping[Any, Condition], value: Any) -> Condition:
    """The condition that a vendor means by a word or a number; ``unknown``, and noted, where ``words`` has it not.

    Case does not count, and nor does whether words are joined by blanks, hyphens or underscores.
    """
    word = json_fields.to_text(value).strip().casefold()
    condition = words.get(word, words.get(_BLANKS.sub("_", word)))
    return unknown_condition(value) if condition is None else condition


def unknown_condition(value: Any) -> Condition:
    """The condition of a word that no format of this version knows, which is noted."""
    word = json_fields.to_text(value).strip()
    what = f"the state \u201c{word[:60]}\u201d, which this version does not know" if word else "no state"
    reading.note_problem(f"{UNKNOWN_STATE} {what}: it counts as unknown")
    return Condition.UNKNOWN


def build_component(component_id: str, name: str, condition: Condition) -> Component:
    """A component; without an id, its name is its id."""
    if not (component_id or name):
        json_fields.raise_parse_error("a component has neither an id nor a name")
    return Component(component_id or name, name, condition)


def distinct_names(names: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, str]:
    """The names of components by id; where several have one name, each with its group's in front: ``Sora: Login``.

    Args:
        names: The names by id.
        groups: The name of a component's group by the component's id, for those that have one.
    """
    counts = Counter(names.values())
    return {i: f"{groups[i]}: {name}" if counts[name] > 1 and groups.get(i) else name for i, name in names.items()}


def build_transitions(parts: Iterable[tuple[str, str, Condition]]) -> tuple[ComponentTransition, ...] | None:
    """Transitions from (id, name, new condition), with an unknown old condition. None where there are none."""
    transitions = [ComponentTransition(i or name, name, Condition.UNKNOWN, new) for i, name, new in parts if i or name]
    return tuple(transitions) or None


def build_update(
    update_id: str,
    stage: Stage,
    body: str,
    at: datetime | None,
    transitions: tuple[ComponentTransition, ...] | None = None,
) -> Update:
    """An update. Without an id, one is made from its content; ``build_incident`` fills in a time that is missing."""
    if not (update_id or body or at or transitions or stage is not Stage.UNKNOWN):
        json_fields.raise_parse_error("an update says nothing")
    made_id = update_id or content_id(str(at or ""), stage, body)
    return Update(made_id, stage, body, at or UNDATED, transitions)


def with_initial_transitions(
    updates: Iterable[Update], transitions: tuple[ComponentTransition, ...] | None
) -> list[Update]:
    """The updates with ``transitions`` on the first one only; ``updates`` are oldest first.

    For vendors that name the affected components per incident and not per update.
    """
    return [replace(u, transitions=None if number else transitions) for number, u in enumerate(updates)]


def maintenance_stage(starts: datetime | None, ends: datetime | None, at: datetime) -> Stage:
    """The stage of a maintenance by the clock, for vendors that do not give it."""
    if ends and at >= ends:
        return Stage.COMPLETED
    return Stage.SCHEDULED if starts and at < starts else Stage.IN_PROGRESS


def says_maintenance_is_over(text: str) -> bool:
    """Whether a post says in its first or last sentence that the maintenance is over, and nothing else in it.

    For vendors that leave a maintenance in its former stage and only write that it has ended.
    """
    sentences = [s.strip() for s in _SENTENCE_END.split(text) if s.strip()]
    return any(_MAINTENANCE_OVER.fullmatch(sentence) for sentence in {*sentences[:1], *sentences[-1:]})


def build_incident(  # noqa: PLR0917  (in the order of Incident's own fields)
    incident_id: str,
    name: str,
    stage: Stage,
    impact: Impact,
    created_at: datetime | None,
    updates: Iterable[Update] = (),
    **fields: Any,
) -> Incident:
    """An incident with its updates in display order.

    Without a time of its own it has its first update's, else that of the poll. Updates with the same time keep their
    order, which must be oldest first (``oldest_first``). ``fields`` are further fields of ``Incident``.
    """
    if not incident_id:
        json_fields.raise_parse_error("an incident has no id")
    ordered = sorted(_dated(list(unique_by_id(updates) or ()), created_at), key=lambda u: u.display_at)
    created = created_at or (ordered[0].display_at if ordered else reading.poll_time())
    if created is None:
        json_fields.raise_parse_error("an incident has no time")
    if created_at is None and not ordered:
        reading.note_problem(f"an incident without a time: {name or incident_id}")
        reading.note_undated(incident_id)
    return Incident(incident_id, name, stage, impact, created, tuple(ordered), **fields)


def _dated(updates: list[Update], created_at: datetime | None) -> Iterator[Update]:
    """The updates, oldest first, each with a time: of the newest one the poll's, of others that of a neighbour."""
    times = [u.display_at for u in updates if u.display_at is not UNDATED]
    earlier: datetime | None = None
    for update in updates:
        if update.display_at is not UNDATED:
            times.remove(update.display_at)
            earlier = max(update.display_at, earlier or update.display_at)
            yield update
            continue
        neighbour = earlier or created_at or min(times, default=None)
        is_newest = not times and (earlier is not None or neighbour is None)
        at = (reading.poll_time() if is_newest else None) or neighbour
        if at is None:
            json_fields.raise_parse_error("an update has no time")
        reading.note_problem(f"an update without a time: {update.body or update.id}")
        reading.note_undated(update.id)
        yield replace(update, display_at=at)


def oldest_first(updates: Iterable[Update] | None) -> list[Update]:
    """A page's updates, oldest first, each id once.

    Updates with the same time keep the page's order, or its reverse where the page lists the newest first, as most do:
    also where none has a time.
    """
    ordered = list(unique_by_id(updates) or ())
    dated = [u for u in ordered if u.display_at is not UNDATED]
    if not dated or dated[0].display_at >= dated[-1].display_at:
        ordered.reverse()
    keys: list[datetime] = []
    for update in ordered:  # an update without a time stays behind the one before it
        keys.append(update.display_at if update.display_at is not UNDATED else (keys[-1] if keys else _EARLIEST))
    return [update for _, update in sorted(zip(keys, ordered, strict=True), key=lambda pair: pair[0])]


def split_maintenances(incidents: Iterable[Incident]) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
    """The incidents, and the maintenances; each id once."""
    unique = unique_by_id(incidents) or ()
    return tuple(i for i in unique if not i.is_maintenance), tuple(i for i in unique if i.is_maintenance)


def sort_lists(
    incidents: Iterable[Incident] | None, maintenances: Iterable[Incident] | None
) -> tuple[tuple[Incident, ...] | None, tuple[Incident, ...] | None]:
    """Like ``split_maintenances``, of two lists: what a list that is missing (None) would hold stays unknown."""
    split = split_maintenances((*(incidents or ()), *(maintenances or ())))
    return (split[0] if incidents is not None or split[0] else None), (
        split[1] if maintenances is not None or split[1] else None
    )
