"""Notes, corrections and labels that people add to an incident, and reads of its labels and deliveries.

Each addition is an event of the timeline; no event is ever changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain import Event, EventKind
from bot.storage.connection import IGNORE, Database
from bot.storage.mapping import parse_time
from bot.storage.transitions import append_events


@dataclass(frozen=True, slots=True)
class NotificationDelivery:
    """One notification about an incident and its delivery. ``at`` is when it was sent, or enqueued if it was not."""

    channel: str
    kind: str
    state: str
    at: datetime
    attempts: int
    error: str | None


def add_event(db: Database, event: Event) -> int:
    """Appends a note, a correction or a change of labels to the timeline; returns the event's id."""
    with db.transaction():
        append_events(db, [event])
        if event.kind is EventKind.LABEL_ADDED:
            db.insert("labels", {"incident": event.incident, "label": event.text}, IGNORE)
        if event.kind is EventKind.LABEL_REMOVED:
            db.write("DELETE FROM labels WHERE incident = ? AND label = ?", event.incident, event.text)
        [row] = db.rows("SELECT max(id) AS id FROM events")
    return int(row["id"])


def incident_labels(db: Database, incident: str) -> tuple[str, ...]:
    """The labels of an incident, in alphabetical order."""
    rows = db.rows("SELECT label FROM labels WHERE incident = ? ORDER BY label", incident)
    return tuple(row["label"] for row in rows)


def deliveries(db: Database, incident: str) -> tuple[NotificationDelivery, ...]:
    """The notifications about an incident, in the order of the outbox, without superseded edits."""
    channels = [row["channel"] for row in db.rows("SELECT channel FROM alerts WHERE incident = ?", incident)]
    rows: list[dict[str, Any]] = []
    for channel in channels:
        rows += db.rows(
            "SELECT id, channel, kind, state, sent_at, created_at, attempts, error FROM outbox"
            " WHERE channel = ? AND incident = ? AND state <> 'superseded'",
            *(channel, incident),
        )
    return tuple(
        NotificationDelivery(
            r["channel"], r["kind"], r["state"], parse_time(r["sent_at"] or r["created_at"]), r["attempts"], r["error"]
        )
        for r in sorted(rows, key=lambda r: r["id"])
    )
