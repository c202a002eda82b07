"""The rows of the timeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.snapshot import Condition, Stage
from bot.domain.verdict import Advice


class EventKind(StrEnum):
    """What happened: the kinds of timeline rows, also in the output of ``brownout replay --json``."""

    INCIDENT_OPENED = "incident_opened"
    INCIDENT_REOPENED = "incident_reopened"
    INCIDENT_CHANGED = "incident_changed"  # title or impact
    UPDATE_POSTED = "update_posted"
    UPDATE_EDITED = "update_edited"
    SURFACE_CHANGED = "surface_changed"
    VERDICT_CHANGED = "verdict_changed"
    INCIDENT_RESOLVED = "incident_resolved"
    MAINTENANCE_OVERRAN = "maintenance_overran"  # it is in progress past its planned end
    INCIDENT_WITHDRAWN = "incident_withdrawn"
    TROUBLE_BEGAN = "trouble_began"  # an unreported outage: a component is bad, and the vendor has posted nothing
    TROUBLE_ENDED = "trouble_ended"
    SUSPECTED = "suspected"  # probes, reports or traffic speak against a surface, and the page shows nothing
    SUSPICION_CONFIRMED = "suspicion_confirmed"  # the page shows it now
    SUSPICION_CLEARED = "suspicion_cleared"  # it has passed, and the page never showed it
    SOURCE_BLIND = "source_blind"  # the source cannot be read
    SOURCE_BACK = "source_back"  # it can be read again
    SOURCE_MOVED = "source_moved"  # it answers from another host, in another format, or with another page
    COMPONENT_GONE = "component_gone"  # a surface's component left the page
    COMPONENT_RENAMED = "component_renamed"
    COMPONENT_REPLACED = "component_replaced"  # by one with another id
    NOTE = "note"  # this and the following: what people said and did
    AFFECTED = "affected"
    REPORTED = "reported"
    ACKED = "acked"
    UNACKED = "unacked"
    MUTED = "muted"
    UNMUTED = "unmuted"
    CORRECTION = "correction"
    LABEL_ADDED = "label_added"
    LABEL_REMOVED = "label_removed"


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the timeline. ``happened_at`` is the time that the vendor claims, ``seen_at`` when Brownout knew."""

    kind: EventKind
    provider: str
    seen_at: datetime
    happened_at: datetime | None = None
    incident: str | None = None
    update: str | None = None
    surface: str | None = None
    condition: Condition | None = None
    verdict: Advice | None = None
    exposure: float | None = None  # share of the normal retry load, 0 to 1
    reason: str | None = None
    reason_code: str | None = None
    inferred: bool = False
    stage: Stage | None = None
    text: str | None = None  # the vendor's text, or what an edit changed
    before: str | None = None  # the text before an edit
    is_baseline: bool = False  # seen at the first poll of a source: recorded, with at most one notice for all
    author: str | None = None  # the person in the chat who said or did it
    channel: str | None = None  # set where only this channel may read it
    id: int | None = field(default=None, compare=False)  # its row id; None before it is stored
    about: int | None = None  # the row id of the event that a correction corrects
