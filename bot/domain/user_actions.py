"""What people in the chat do about an incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ChatUser:
    """A person in the chat. ``name`` is shown as plain text, so that it notifies nobody."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class UserAction:
    """Who did something, and when."""

    by: ChatUser
    at: datetime


@dataclass(frozen=True, slots=True)
class Mute:
    """A channel wants no more alerts about a target: a surface, a provider, an incident, or ``all``.

    ``until`` is None for a mute until the incident ends.
    """

    channel: str
    target: str
    until: datetime | None
    mark: UserAction


class OverrideKind(StrEnum):
    """What people of a channel say of a service, whatever its page says."""

    NOT_US = "not_us"  # its trouble does not affect us
    BROKEN = "broken"  # it is broken for us


@dataclass(frozen=True, slots=True)
class Override:
    """What people of one channel say of one surface, until a time. ``mark`` is who said so, and when."""

    channel: str
    surface: str
    kind: OverrideKind
    until: datetime
    mark: UserAction


@dataclass(frozen=True, slots=True)
class IncidentUserActions:
    """What people did about one incident in one channel.

    ``affected`` counts the people who said that they are affected, by surface.
    """

    affected: tuple[tuple[str, int], ...] = ()
    ack: UserAction | None = None
    mute: Mute | None = None
