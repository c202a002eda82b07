"""What a status page says: components, incidents with their updates, and how bad each claims to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Condition(StrEnum):
    """How a component or a surface is doing, from best to worst; ``unknown`` is no claim at all."""

    OPERATIONAL = "operational"
    MAINTENANCE = "maintenance"
    DEGRADED = "degraded"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"
    UNKNOWN = "unknown"

    @property
    def is_bad(self) -> bool:
        """True where something is broken: degraded counts, maintenance and unknown do not."""
        return self in (Condition.DEGRADED, Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE)

    @property
    def rank(self) -> int:
        """A number to compare severity by; ``unknown`` ranks with operational, since it proves nothing."""
        return _RANK[self]


_RANK = {
    Condition.UNKNOWN: 0,
    Condition.OPERATIONAL: 0,
    Condition.MAINTENANCE: 1,
    Condition.DEGRADED: 2,
    Condition.PARTIAL_OUTAGE: 3,
    Condition.MAJOR_OUTAGE: 4,
}


class Stage(StrEnum):
    """What the vendor calls the present step of an incident or of a maintenance."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    UNKNOWN = "unknown"

    @property
    def is_bad(self) -> bool:
        """True while the vendor says that the trouble goes on."""
        return self in (Stage.INVESTIGATING, Stage.IDENTIFIED)

    @property
    def is_closed(self) -> bool:
        """True once the vendor calls it over."""
        return self in (Stage.RESOLVED, Stage.POSTMORTEM, Stage.COMPLETED)


class Impact(StrEnum):
    """The vendor's word for an incident's severity."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Component:
    """One line of a status page. ``id`` is the vendor's and is stable; ``name`` may change."""

    id: str
    name: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Transition:
    """What one update says about one component. The name is frozen at the time of the update: map by id first."""

    component_id: str
    name: str
    old: Condition
    new: Condition


@dataclass(frozen=True, slots=True)
class Update:
    """One post of the vendor. ``transitions`` is None where the page said nothing about components (not "none")."""

    id: str
    stage: Stage
    body: str
    display_at: datetime
    transitions: tuple[Transition, ...] | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident or a maintenance as the page shows it at one moment; updates are in display order, oldest first.

    ``components`` is the union of everything ever linked to it, sometimes of the whole page: weak evidence.
    """

    id: str
    name: str
    stage: Stage
    impact: Impact
    created_at: datetime
    updates: tuple[Update, ...] = ()
    components: tuple[Component, ...] = ()
    started_at: datetime | None = None
    url: str | None = None
    is_maintenance: bool = False
    scheduled_for: datetime | None = None
    scheduled_until: datetime | None = None
    is_unposted: bool = False  # ours: a component is bad, and the vendor has posted nothing about it
    is_suspected: bool = False  # ours: not even a component shows it, and others than the page see it


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one look at a page said. None means that the page did not carry the key at all, which is no change."""

    page_id: str
    page_name: str
    components: tuple[Component, ...] | None = None
    incidents: tuple[Incident, ...] | None = None
    maintenances: tuple[Incident, ...] | None = None
