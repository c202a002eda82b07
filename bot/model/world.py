"""All that is known of a provider between two looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model.forecast import Outlook
from bot.model.hit import Hit
from bot.model.look import Ending
from bot.model.page import Component, Condition, Incident
from bot.model.testimony import Testimony
from bot.model.verdict import Track, Verdict


@dataclass(frozen=True, slots=True)
class SurfaceState:
    """A surface's condition, and since when it has been so."""

    surface: str
    condition: Condition
    since: datetime
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """An incident we have seen: as it was last shown, when we first saw it, what it hit, and how it ended."""

    incident: Incident
    seen_at: datetime
    surfaces: tuple[str, ...] = ()
    closed_at: datetime | None = None
    ending: Ending | None = None
    is_baseline: bool = False
    is_retroactive: bool = False  # first seen already over: for the timeline only
    is_missed: bool = False  # but this one opened and ended while nobody looked, and is told late
    freed: tuple[str, ...] = ()  # after its end: surfaces that were normal again, or are another incident's now
    is_backfilled: bool = False  # never seen live: a history told it
    suspicions: tuple[str, ...] = ()  # suspicions and unposted troubles of ours that it took over: one message
    lead: timedelta | None = None  # how long we had told of it before the page did
    joined: str | None = None  # of one of ours: the incident that took it over

    @property
    def is_open(self) -> bool:
        """True until it has ended, or is known never to have been live."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class Bare:
    """A surface whose component is bad while no incident accounts for it, and the look that first found it so."""

    surface: str
    since: datetime


@dataclass(frozen=True, slots=True)
class World:
    """All that is remembered of one provider between two strokes: a fold over its looks and ticks.

    ``seen_at`` is the last usable look; ``failures`` are unusable looks in a row since then.
    """

    provider: str
    components: tuple[Component, ...] = ()
    incidents: tuple[Known, ...] = ()
    seen_at: datetime | None = None
    blind_since: datetime | None = None
    failures: int = 0
    host: str = ""
    hits: tuple[Hit, ...] = ()
    tracks: tuple[Track, ...] = ()
    states: tuple[SurfaceState, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    bare: tuple[Bare, ...] = ()
    outlook: Outlook = field(default_factory=Outlook)
    testimonies: tuple[Testimony, ...] = ()  # what others than the page have said lately

    @property
    def open_incidents(self) -> tuple[Known, ...]:
        """Incidents and maintenances that have not ended."""
        return tuple(known for known in self.incidents if known.is_open)

    def known(self, incident_id: str) -> Known | None:
        """The incident with this id, open or ended within the last day."""
        return next((k for k in self.incidents if k.incident.id == incident_id), None)

    def verdict(self, surface: str) -> Verdict | None:
        """The surface's present verdict; None before the first look."""
        return next((v for v in self.verdicts if v.surface == surface), None)

    def state(self, surface: str) -> SurfaceState | None:
        """The surface's present condition; None before the first look."""
        return next((s for s in self.states if s.surface == surface), None)
