"""What people add to an incident: notes, corrections and labels. Each is an event; nothing written is ever changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.edge.store.database import Database
from bot.edge.store.rows import time
from bot.edge.store.stroke import events
from bot.model import Event, EventKind


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one post about an incident. ``at`` is when it was sent, or owed if it never was."""

    channel: str
    kind: str
    state: str
    at: datetime
    attempts: int
    error: str | None


def add(db: Database, event: Event) -> int:
    """Appends a note, a correction or a change of labels; its number."""
    with db.transaction():
        events(db, [event])
        if event.kind is EventKind.LABEL_ADDED:
            db.write("INSERT INTO labels VALUES (?, ?) ON CONFLICT DO NOTHING", event.incident, event.text)
        if event.kind is EventKind.LABEL_REMOVED:
            db.write("DELETE FROM labels WHERE incident = ? AND label = ?", event.incident, event.text)
        [row] = db.rows("SELECT max(id) AS id FROM events")
    return int(row["id"])


def labels(db: Database, incident: str) -> tuple[str, ...]:
    """What an incident is filed under."""
    found = db.rows("SELECT label FROM labels WHERE incident = ? ORDER BY label", incident)
    return tuple(row["label"] for row in found)


def deliveries(db: Database, incident: str) -> tuple[Delivery, ...]:
    """Our own posts about an incident, in the order in which they were owed; a redrawing that was overtaken is none."""
    channels = [row["channel"] for row in db.rows("SELECT channel FROM alerts WHERE incident = ?", incident)]
    found: list[dict[str, Any]] = []
    for channel in channels:
        found += db.rows(
            "SELECT id, channel, kind, state, sent_at, created_at, attempts, error FROM outbox"
            " WHERE channel = ? AND incident = ? AND state <> 'superseded'",
            *(channel, incident),
        )
    return tuple(
        Delivery(r["channel"], r["kind"], r["state"], time(r["sent_at"] or r["created_at"]), r["attempts"], r["error"])
        for r in sorted(found, key=lambda r: r["id"])
    )
