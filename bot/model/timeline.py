"""The rows of the timeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.model.page import Condition, Stage
from bot.model.verdict import Call


class EventKind(StrEnum):
    """The words of the timeline and of ``replay --json``."""

    INCIDENT_OPENED = "incident_opened"
    INCIDENT_REOPENED = "incident_reopened"
    INCIDENT_CHANGED = "incident_changed"  # title or impact
    UPDATE_POSTED = "update_posted"
    UPDATE_EDITED = "update_edited"
    SURFACE_CHANGED = "surface_changed"
    VERDICT_CHANGED = "verdict_changed"
    INCIDENT_RESOLVED = "incident_resolved"
    INCIDENT_WITHDRAWN = "incident_withdrawn"
    TROUBLE_BEGAN = "trouble_began"  # a component is bad, and the vendor has posted nothing
    TROUBLE_ENDED = "trouble_ended"
    SUSPECTED = "suspected"  # others than the page see it fail, and the page shows nothing
    SUSPICION_CONFIRMED = "suspicion_confirmed"  # now the page shows it
    SUSPICION_CLEARED = "suspicion_cleared"  # it has passed, and the page never showed it
    SOURCE_BLIND = "source_blind"
    SOURCE_BACK = "source_back"
    SOURCE_MOVED = "source_moved"
    NOTE = "note"  # these and below: what people said and did
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
    """One row of the timeline. ``happened_at`` is the vendor's claim, ``seen_at`` is when we knew."""

    kind: EventKind
    provider: str
    seen_at: datetime
    happened_at: datetime | None = None
    incident: str | None = None
    update: str | None = None
    surface: str | None = None
    condition: Condition | None = None
    verdict: Call | None = None
    exposure: float | None = None
    reason: str | None = None
    reason_code: str | None = None
    inferred: bool = False
    stage: Stage | None = None
    text: str | None = None  # the vendor's words, or what an edit changed
    before: str | None = None  # the words as they were before an edit
    is_baseline: bool = False  # found at the first look: recorded, and at most one digest is posted
    author: str | None = None  # who said or did it, where it was one of our people
    channel: str | None = None  # where, if only that channel may read it
    id: int | None = field(default=None, compare=False)  # its number in the book, once it is there
    about: int | None = None  # the number of the event that a correction corrects
