"""The strokes of a replayed history -> what is worth keeping of them: incidents, their events, conditions, coverage.

Verdicts are left out: none was given at the time. What the replay found when is the time at which it happened; when we
knew of it is the time of the backfill, which the store fills in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.spans import joined
from bot.core.stroke import Rules, Stroke, look
from bot.model import Component, Condition, Event, EventKind, Incident, Known, Look, Snapshot, World
from bot.years import Span, Window

KNOWN_FOR = timedelta(minutes=15)  # so long after the last usable look, its word holds (safe-to-retry.md C.5)

_KEPT = frozenset(
    {
        EventKind.INCIDENT_OPENED,
        EventKind.INCIDENT_REOPENED,
        EventKind.INCIDENT_CHANGED,
        EventKind.UPDATE_POSTED,
        EventKind.UPDATE_EDITED,
        EventKind.SURFACE_CHANGED,
        EventKind.INCIDENT_RESOLVED,
        EventKind.INCIDENT_WITHDRAWN,
    }
)


@dataclass(frozen=True, slots=True)
class Told:
    """An incident as its history tells it, with its events in time order."""

    known: Known
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """What a history tells. ``conditions`` has every surface's spans that are not operational."""

    incidents: tuple[Told, ...]
    conditions: Mapping[str, tuple[Span, ...]]
    covered: tuple[Window, ...]


def told_afterwards(incident: Incident, rules: Rules) -> Told:
    """An incident that was over before it was posted: no page ever listed it, so that no replay of a page finds it.

    The surfaces that it hit are those that its components stand for; it changes no condition (DESIGN.md 4.8).
    """
    at = max([incident.created_at, *(u.display_at for u in incident.updates)])
    world = World(rules.provider.id, seen_at=at - KNOWN_FOR)
    stroke = look(world, Look(at, Snapshot("", "", incidents=(incident,))), rules)
    events = tuple(e for e in stroke.events if e.incident == incident.id and e.kind in _KEPT)
    linked = {word for c in incident.components for word in (c.id, c.name)}
    surfaces = tuple(s.id for s in rules.provider.surfaces if linked.intersection(s.components))
    known = stroke.world.known(incident.id) or Known(incident, at)
    return Told(replace(known, surfaces=surfaces, closed_at=_end(events), is_backfilled=True), events)


def _end(events: Iterable[Event]) -> datetime | None:
    return next((e.happened_at for e in events if e.kind is EventKind.INCIDENT_RESOLVED), None)


@dataclass(slots=True)
class Fold:
    """Takes one stroke after the other; ``past`` is what they come to."""

    _known: dict[str, Known] = field(default_factory=dict)
    _components: dict[str, dict[str, Component]] = field(default_factory=dict)
    _events: dict[str, list[Event]] = field(default_factory=dict)
    _moves: dict[str, list[tuple[datetime, Condition, bool]]] = field(default_factory=dict)
    _covered: list[Window] = field(default_factory=list)
    _since: datetime | None = None

    def add(self, stroke: Stroke) -> None:
        """The next stroke, in time order."""
        for event in stroke.events:
            self._event(event)
        if self._since is None and stroke.world.blind_since is None:
            self._since = stroke.at
        for known in stroke.world.incidents:
            self._known[known.incident.id] = known
            linked = self._components.setdefault(known.incident.id, {})
            linked.update((c.id, c) for c in known.incident.components)

    def past(self, until: datetime) -> Past:
        """All of it. ``until`` is when the history was told; its last word holds until then."""
        last = [Window(self._since, until)] if self._since and self._since < until else []
        covered = (Window(w.start, min(w.end, until)) for w in [*self._covered, *last])
        conditions = {s: tuple(_spans(moves, until)) for s, moves in self._moves.items()}
        told = (Told(self._linked(k), tuple(self._events.get(i, ()))) for i, k in self._known.items())
        return Past(
            tuple(sorted(told, key=lambda t: (t.known.incident.created_at, t.known.incident.id))),
            {s: spans for s, spans in conditions.items() if spans},
            joined(covered),
        )

    def _event(self, event: Event) -> None:
        if event.kind is EventKind.SOURCE_BLIND and self._since is not None:
            self._covered.append(Window(self._since, event.seen_at + KNOWN_FOR))
            self._since = None
        if event.kind is EventKind.SURFACE_CHANGED and event.surface and event.condition:
            self._moves.setdefault(event.surface, []).append((event.seen_at, event.condition, event.inferred))
        if event.kind in _KEPT and event.incident:
            kept = replace(event, happened_at=event.happened_at or event.seen_at)
            self._events.setdefault(event.incident, []).append(kept)

    def _linked(self, known: Known) -> Known:
        components = tuple(self._components[known.incident.id].values())
        return replace(known, incident=replace(known.incident, components=components), is_backfilled=True)


def _spans(moves: Iterable[tuple[datetime, Condition, bool]], end: datetime) -> Iterator[Span]:
    found = list(moves)
    ends = [at for at, _, _ in found[1:]] + [end]
    for (start, condition, inferred), until in zip(found, ends, strict=True):
        if start < until and condition not in (Condition.OPERATIONAL, Condition.UNKNOWN):
            yield Span(start, until, condition, inferred)
