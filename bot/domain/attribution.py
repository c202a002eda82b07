"""Which surfaces an incident affects, and on what evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.snapshot import Condition, Stage


class EvidenceKind(StrEnum):
    """What kind of evidence an attribution rests on, strongest first."""

    TRANSITION = "transition"  # an update of this incident changed the status of the surface's component
    COMPONENT = "component"  # the component's status on the page now
    LINK = "link"  # the incident lists the component, which was operational all along
    TEXT = "text"  # only the vendor's text names it
    WITNESS = "witness"  # not from the page: probes, people's reports or the team's traffic


class AttributionKind(StrEnum):
    """What an attribution does to a surface's verdict while the incident is open."""

    DOWN = "down"  # the surface is affected: bad while the vendor says investigating or identified
    NAMED = "named"  # named in the text only: at most ``retry_gently``
    WATCH = "watch"  # only linked, and may become affected: at most ``retry_gently``
    CLEARED = "cleared"  # was affected, and is exonerated by the text or by its component


@dataclass(frozen=True, slots=True)
class Attribution:
    """What one open incident (or, with ``incident`` empty, a component without incident) says of one surface now.

    ``grounds`` are the update ids, component ids and words of the text that support it; ``inferred`` is true where
    only text does. ``since`` is when this incident first affected the surface. ``expires`` is set on CLEARED: an
    exoneration holds for a limited time. ``posted_at`` is the vendor's time of the post that brought the stage; None
    without an incident.
    """

    surface: str
    incident: str
    weight: AttributionKind
    condition: Condition
    stage: Stage
    basis: EvidenceKind
    since: datetime
    grounds: tuple[str, ...] = ()
    inferred: bool = False
    residual: bool = False  # the newest monitoring update mentions errors that remain
    expires: datetime | None = None
    posted_at: datetime | None = None
