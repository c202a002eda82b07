"""The story of the demo's day: a comment for each turn, and the end card. Every time and number is from the run.

Turns are found in the transitions of the engine: nothing here knows the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain import Advice, Component, Condition, Event, EventKind, Provider, Surface
from bot.domain.reliability import VerdictAccuracy
from bot.messages import formatting, words

_HOLDING = (Advice.HOLD_OFF, Advice.FAIL_OVER)
_ALLOWING = (Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY)


@dataclass(frozen=True, slots=True)
class AllowedRetries:
    """Retries on a service during an outage: from when to when they were allowed, and when it broke again after."""

    surface: str
    start: datetime
    end: datetime | None = None
    broken_at: datetime | None = None


@dataclass(slots=True)
class DayStory:
    """What happened so far, from the transitions as they come.

    Attributes:
        provider: The provider whose day it is.
        posts: How many times the vendor posted.
        component_changes: How many times a component of the page changed.
        named: The services that only the vendor's text named, in order.
        allowed: The services whose retries were allowed during an outage, by id.
    """

    provider: Provider
    posts: int = 0
    component_changes: int = 0
    named: list[str] = field(default_factory=list)
    allowed: dict[str, AllowedRetries] = field(default_factory=dict)
    _conditions: dict[str, Condition] = field(default_factory=dict)
    _advice: dict[str, Advice] = field(default_factory=dict)
    _components: dict[str, Condition] = field(default_factory=dict)
    _resolved: bool = False

    def observe(self, at: datetime, events: Sequence[Event], components: Iterable[Component]) -> list[str]:
        """Takes in one transition, and returns a comment for each turn in it."""
        before = dict(self._conditions)
        self._count_changes(events, components)
        self._conditions |= {e.surface: e.condition for e in events if e.surface and e.condition}
        comments = [*self._advice_comments(at, events, before), *self._incident_comments(events)]
        self._advice |= _given_advice(events)
        return comments

    def _count_changes(self, events: Iterable[Event], components: Iterable[Component]) -> None:
        self.posts += sum(e.kind is EventKind.UPDATE_POSTED for e in events)
        shown = {c.id: c.condition for c in components}
        changed = (c for c in self._components if c in shown and shown[c] is not self._components[c])
        self.component_changes += sum(1 for _ in changed)
        self._components = shown

    def _advice_comments(self, at: datetime, events: Sequence[Event], before: Mapping[str, Condition]) -> Iterator[str]:
        for event in events:
            if event.kind is not EventKind.SURFACE_CHANGED or not event.surface or not event.condition:
                continue
            was = before.get(event.surface, Condition.OPERATIONAL)
            surface = self.provider.surface(event.surface)
            if event.condition.is_bad and not surface.components and surface.id not in self.named:
                self.named.append(surface.id)
            course = self.allowed.get(surface.id)
            if event.condition.is_bad and not was.is_bad and course and course.end and not course.broken_at:
                self.allowed[surface.id] = AllowedRetries(surface.id, course.start, course.end, at)
                minutes = _minutes(course.end, at)
                yield (
                    f"The vendor corrects itself: {surface.short_name} broken."
                    f" Brownout had stopped retries {minutes} min earlier."
                )
        yield from self._retry_comments(at, events)

    def _retry_comments(self, at: datetime, events: Sequence[Event]) -> Iterator[str]:
        is_bad = any(c.is_bad for c in self._conditions.values())
        for surface_id, advice in _given_advice(events).items():
            was, course = self._advice.get(surface_id), self.allowed.get(surface_id)
            if was in _HOLDING and advice in _ALLOWING and course is None and is_bad:
                self.allowed[surface_id] = AllowedRetries(surface_id, at)
                if len(self.allowed) == 1:
                    yield self._opening_comment(self.provider.surface(surface_id), events)
            elif was in _ALLOWING and advice in _HOLDING and course and course.end is None:
                self.allowed[surface_id] = AllowedRetries(surface_id, course.start, at)

    def _opening_comment(self, surface: Surface, events: Sequence[Event]) -> str:
        exposure = next((e.exposure for e in events if e.surface == surface.id and e.exposure), 0.0)
        newly_bad = (
            self.provider.surface(e.surface)
            for e in events
            if e.kind is EventKind.SURFACE_CHANGED and e.surface and e.condition and e.condition.is_bad
        )
        down = next((f"{s.short_name.capitalize()} is down, " for s in newly_bad), "")
        start = f"{down}the {surface.short_name} is not" if down else f"The {surface.short_name} works again"
        return f"{start}: {surface.short_name} retries may start at {words.load_text(exposure)}."

    def _incident_comments(self, events: Sequence[Event]) -> Iterator[str]:
        is_resolved = any(e.kind is EventKind.INCIDENT_RESOLVED for e in events)
        if is_resolved and not self._resolved:
            self._resolved = True
            yield "Vendor says resolved. Brownout waits for stable checks."
        is_opened = any(e.kind is EventKind.INCIDENT_OPENED for e in events)
        if is_opened and self._resolved:
            self._resolved = False
            yield "It breaks again."

    def card_lines(self, alerts: int, broadcasts: int, accuracy: VerdictAccuracy) -> list[str]:
        """The end card: what the bot did, by the numbers of the run; a line whose number is 0 is left out."""
        changes = self.posts + self.component_changes
        lines = []
        if alerts and changes:
            updates = f" and {formatting.pluralize(broadcasts, 'channel update')}" if broadcasts else ""
            instead_of = formatting.pluralize(changes, "status-page change")
            lines.append(f"{formatting.pluralize(alerts, 'alert')}{updates} instead of {instead_of}")
        names = [self.provider.surface(n).short_name for n in self.named]
        lines += [f"Named {name} as down, although the page has no {name} component" for name in names]
        course = next((c for c in self.allowed.values() if c.end and c.broken_at), None)
        if course and course.end and course.broken_at:
            short = self.provider.surface(course.surface).short_name
            lines.append(
                f"{short} retries allowed {course.start:%H:%M} to {course.end:%H:%M}, stopped"
                f" {_minutes(course.end, course.broken_at)} min before it broke again"
            )
        if accuracy.openings:
            lines.append(_openings_text(accuracy))
        return lines


def _openings_text(accuracy: VerdictAccuracy) -> str:
    """How many times a service was opened for retries again, and what became of it."""
    held = accuracy.openings - accuracy.early - accuracy.recent
    counts = ((held, "stayed open"), (accuracy.early, "broke again within 1 h"), (accuracy.recent, "too new to tell"))
    parts = [f"{n} {what}" for n, what in counts if n]
    return f"{formatting.pluralize(accuracy.openings, 're-opening')} of a service: {', '.join(parts)}"


def _given_advice(events: Iterable[Event]) -> dict[str, Advice]:
    return {e.surface: e.verdict for e in events if e.kind is EventKind.VERDICT_CHANGED and e.surface and e.verdict}


def _minutes(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() / 60)
