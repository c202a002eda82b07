"""All that is remembered of a provider between two transitions; stored as JSON (bot/docs/database.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from bot.domain.attribution import Attribution
from bot.domain.evidence_state import EvidenceState
from bot.domain.forecast import ForecastState
from bot.domain.poll import IncidentEnding, UnsettledEnding
from bot.domain.snapshot import Component, Condition, Incident, PageIdentity
from bot.domain.verdict import Advice, SurfaceHistory, Verdict

READABLE_FOR = timedelta(
    minutes=5
)  # without a good poll for longer, a status is unknown (bot/docs/verdict-rules.md#staleness)


@dataclass(frozen=True, slots=True)
class SurfaceState:
    """A surface's condition, and since when."""

    surface: str
    condition: Condition
    since: datetime
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class AnnouncedSurface:
    """What was last announced of one surface of an incident."""

    surface: str
    condition: Condition
    advice: Advice


@dataclass(frozen=True, slots=True)
class TrackedIncident:
    """An incident as the page last showed it, with when it was first seen, what it affects, and how it ended.

    ``freed`` is filled after its end: surfaces that were normal again, or that another incident affects now.
    ``announced`` is what was last announced to channels, by their message or a broadcast; None as its time before that.
    ``cleared_at`` is when all of its surfaces were safe to retry after its end.
    ``replaced`` are digests of titles and posts that later ones replaced (``bot.rules.changes.versions``), newest last.
    """

    incident: Incident
    seen_at: datetime
    surfaces: tuple[str, ...] = ()
    closed_at: datetime | None = None
    ending: IncidentEnding | None = None
    is_baseline: bool = False
    is_retroactive: bool = False  # already resolved when first seen: for the timeline only
    is_missed: bool = False  # opened and ended between two polls: one late alert
    freed: tuple[str, ...] = ()
    is_backfilled: bool = False  # never seen live: read from a history
    suspicions: tuple[str, ...] = ()  # incidents opened by Brownout that it took over, with their message
    lead: timedelta | None = None  # how long Brownout had alerted before the page showed it
    overran_at: datetime | None = None  # a maintenance: when it was first seen in progress past its planned end
    joined: str | None = None  # opened by Brownout: the vendor's incident that took it over
    announced: tuple[AnnouncedSurface, ...] = ()
    announced_at: datetime | None = None
    cleared_at: datetime | None = None
    replaced: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """True until it has ended."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class UnreportedOutage:
    """A surface whose component is bad while no incident accounts for it, and since which poll."""

    surface: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ComponentOutage:
    """A component of no surface that is red while no incident mentions it, and since which poll."""

    component: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ComponentPin:
    """A component that is known by its id, and the entry of the provider's file that it was found by.

    ``entry`` is the entry's id, or its name in lower case; empty for a component that stands for no surface although
    its new name is that of another one. ``id`` is empty where the vendor has given the id to another component.
    ``name`` is its last name, ``gone_at`` when it had left the page. ``since`` is the first list that has it, where an
    earlier one did not; None where the first list had it. ``is_successor``: it took over from a component of that name,
    whose ``since`` it has.
    """

    id: str
    entry: str
    name: str
    gone_at: datetime | None = None
    since: datetime | None = None
    is_successor: bool = False


@dataclass(frozen=True, slots=True)
class ComponentAbsence:
    """A known component that is missing from complete lists: since which poll, and from how many in a row."""

    component: str
    since: datetime
    polls: int


@dataclass(frozen=True)  # without slots, for the cached properties
class ProviderState:
    """All that is remembered of one provider between two transitions.

    Attributes:
        components: The components as the page last showed them.
        incidents: Open incidents, and those that ended within the last day.
        seen_at: The last usable poll.
        blind_since: Since when the source is unreadable; None while it is readable.
        failures: The number of unusable polls in a row since ``seen_at``.
        host: The host that answered last, after redirects.
        page: What the page said it is.
        pins: Components that are known by their ids; the listed ones first.
        absences: Components that are missing from the page, and not forgotten yet.
        has_all_components: Whether the page listed every component when it was last read.
        unmapped: Outages of components that stand for no surface, before and after an incident is opened for them.
        other_pages: How many polls got another page than the provider's, until an hour without one.
        other_page_at: When the last of them was.
        is_other_page: Whether every answer since ``blind_since`` was another page than the provider's.
        hits: The present attributions.
        tracks: What the verdict rules remember of each surface.
        states: Each surface's condition.
        verdicts: Each surface's present verdict.
        bare: Unreported outages, before and after an incident is opened for them.
        outlook: The forecast state.
        testimonies: Recent evidence beside the page, by surface.
        problems: What was odd about the entries of the page that was read last, for people.
        unsettled: Open incidents that left the page, while nothing says how they ended.
        page_updated_at: The newest of the page's own times; a body with an older one is no news.
    """

    provider: str
    components: tuple[Component, ...] = ()
    incidents: tuple[TrackedIncident, ...] = ()
    seen_at: datetime | None = None
    blind_since: datetime | None = None
    failures: int = 0
    host: str = ""
    hits: tuple[Attribution, ...] = ()
    tracks: tuple[SurfaceHistory, ...] = ()
    states: tuple[SurfaceState, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    bare: tuple[UnreportedOutage, ...] = ()
    outlook: ForecastState = field(default_factory=ForecastState)
    testimonies: tuple[EvidenceState, ...] = ()
    page: PageIdentity = field(default_factory=PageIdentity)
    is_other_page: bool = False
    other_pages: int = 0
    other_page_at: datetime | None = None
    problems: tuple[str, ...] = ()
    unsettled: tuple[UnsettledEnding, ...] = ()
    page_updated_at: datetime | None = None
    pins: tuple[ComponentPin, ...] = ()
    absences: tuple[ComponentAbsence, ...] = ()
    has_all_components: bool = False
    unmapped: tuple[ComponentOutage, ...] = ()

    @property
    def open_incidents(self) -> tuple[TrackedIncident, ...]:
        """Incidents and maintenances that have not ended."""
        return tuple(tracked for tracked in self.incidents if tracked.is_open)

    def tracked_incident(self, incident_id: str) -> TrackedIncident | None:
        """The incident with this id, open or ended within the last day; None where there is none."""
        return self._incidents_by_id.get(incident_id)

    @cached_property
    def _incidents_by_id(self) -> Mapping[str, TrackedIncident]:
        """Built once, since a page may list thousands of incidents; the first of an id counts."""
        return {tracked.incident.id: tracked for tracked in reversed(self.incidents)}

    @cached_property
    def hits_by_incident(self) -> Mapping[str, Sequence[Attribution]]:
        """The attributions of each incident, by its id."""
        found: dict[str, list[Attribution]] = {}
        for attribution in self.hits:
            found.setdefault(attribution.incident, []).append(attribution)
        return found

    def verdict(self, surface: str) -> Verdict | None:
        """The surface's present verdict; None before the first poll."""
        return next((v for v in self.verdicts if v.surface == surface), None)

    def surface_state(self, surface: str) -> SurfaceState | None:
        """The surface's present condition; None before the first poll."""
        return next((s for s in self.states if s.surface == surface), None)
