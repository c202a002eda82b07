"""What people say and do about an incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a chat. ``name`` is shown as plain text, so that it rings nobody."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Who did something, and when."""

    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Mute:
    """A channel wants no more of a target: a surface, a provider, an incident, or ``all``; None is until it is over."""

    channel: str
    target: str
    until: datetime | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class People:
    """What people have done about one incident: whom it affects, by surface, and what its channel made of it."""

    affected: tuple[tuple[str, int], ...] = ()
    ack: Mark | None = None
    mute: Mute | None = None
