"""Which surfaces an incident reaches, and on what grounds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.page import Condition, Stage


class Basis(StrEnum):
    """What kind of evidence an attribution rests on, strongest first."""

    TRANSITION = "transition"  # an update of this incident moved the surface's component
    COMPONENT = "component"  # the component's status on the page now
    LINK = "link"  # the incident lists the component, and it was operational all along
    TEXT = "text"  # only the words name it
    WITNESS = "witness"  # no page: our own probes, people, or the team's traffic


class Weight(StrEnum):
    """What an attribution does to a surface's verdict while the incident is open."""

    DOWN = "down"  # the surface is in: bad while the vendor says investigating or identified
    NAMED = "named"  # named in words only: never above gentle
    WATCH = "watch"  # only linked: may follow, never above gentle
    CLEARED = "cleared"  # was in, and is exonerated by words or by its component


@dataclass(frozen=True, slots=True)
class Hit:
    """What one open incident (or, with ``incident`` empty, a bare component) says of one surface as of now.

    ``grounds`` are the update ids, component ids and words it rests on, readable as evidence; ``inferred`` is true
    where only words support it. ``since`` is when this incident first drew the surface in. ``expires`` is set on
    CLEARED: an exoneration does not last.
    """

    surface: str
    incident: str
    weight: Weight
    condition: Condition
    stage: Stage
    basis: Basis
    since: datetime
    grounds: tuple[str, ...] = ()
    inferred: bool = False
    residual: bool = False  # the newest monitoring text speaks of errors that remain
    expires: datetime | None = None
