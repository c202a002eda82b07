"""What a status page says, in one form for all formats: components, incidents, updates and their vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

# The time of a post that carries none, or none that can be read. It lies in the future, where no post can be from, and
# like every such time it is replaced by the time at which the post was first seen.
NO_TIME = datetime(2199, 12, 31, tzinfo=UTC)


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
    """The vendor's word for the step of an incident or of a maintenance."""

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
        """True for investigating and identified: the vendor has not posted a fix yet."""
        return self in (Stage.INVESTIGATING, Stage.IDENTIFIED)

    @property
    def is_closed(self) -> bool:
        """True once the vendor calls it resolved or completed."""
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
    """One line of a status page. ``id`` is the vendor's and is stable; ``name`` may change.

    ``created_at`` is when the vendor added it; None where the page does not say.
    """

    id: str
    name: str
    condition: Condition
    parent: str = ""  # the id of the group that it is in
    is_group: bool = False
    is_transient: bool = False  # listed only while it is not operational
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ComponentTransition:
    """What one update says about one component. ``name`` is as of that update and may be old: map by id first."""

    component_id: str
    name: str
    old: Condition
    new: Condition


@dataclass(frozen=True, slots=True)
class Update:
    """One post of the vendor on an incident. ``transitions`` is None where it says nothing about components.

    ``display_at`` is the time that it carries. ``written_at`` is when it was written, where the vendor says so and has
    dated it back; ``updated_at`` when it was last edited. ``claimed_at`` is the time that it carries where that cannot
    be (in the future, or the end of an incident before its beginning): ``display_at`` is when it was seen then.
    """

    id: str
    stage: Stage
    body: str
    display_at: datetime
    transitions: tuple[ComponentTransition, ...] | None = None
    written_at: datetime | None = None
    updated_at: datetime | None = None
    claimed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident or a maintenance as the page shows it at one moment; updates are in display order, oldest first.

    ``components`` is the union of everything that was ever linked to it, sometimes the whole page: weak evidence.
    ``updated_at`` is when the vendor last touched it. ``regions`` are those that it is or was about, in lower case;
    empty where the page does not say, or where it is about all of them.
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
    is_unposted: bool = False  # opened by Brownout: a component is bad, and the vendor has posted nothing
    is_suspected: bool = False  # opened by Brownout on evidence, while the page shows nothing
    updated_at: datetime | None = None
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageIdentity:
    """What a status page says it is: the vendor's id and name of it; empty where the page states none."""

    id: str = ""
    name: str = ""


UNKNOWN_STATE = "a component has"  # how a problem of a snapshot begins that is a state that no version knows


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one poll of a page said. A list that the page did not carry is None, which means no change.

    Attributes:
        page_id: The vendor's id of the page; empty where it has none.
        page_name: The page's own name.
        components: The components that it lists.
        incidents: The incidents that it lists.
        maintenances: The maintenances that it lists.
        elsewhere: Incidents that it lists and that affect only what the source leaves out (other products).
        problems: What was odd about its entries, as text for people.
        is_partial: An entry was left out, so absence from a list proves nothing.
        undated: The ids of incidents and updates whose time is that of the poll, since the page gives none.
        unidentified: The ids of incidents that are made from content, since the page gives none.
        is_complete: It lists every component, so that one that is missing has left the page.
        contradiction: Why the page contradicts itself (its status says issues, and it lists none); else empty.
        updated_at: The page's own time: when anything on it last changed, or when it was made; None without one.
    """

    page_id: str
    page_name: str
    components: tuple[Component, ...] | None = None
    incidents: tuple[Incident, ...] | None = None
    maintenances: tuple[Incident, ...] | None = None
    elsewhere: tuple[Incident, ...] = ()
    problems: tuple[str, ...] = ()
    is_partial: bool = False
    undated: frozenset[str] = frozenset()
    unidentified: frozenset[str] = frozenset()
    contradiction: str = ""
    updated_at: datetime | None = None
    is_complete: bool = False
