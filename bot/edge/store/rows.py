"""Rows and JSON <-> nouns. Times are UTC as ISO-8601 text with milliseconds, so that they sort as they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from bot.core.diff import first_post
from bot.model import (
    Call,
    Condition,
    Ending,
    Event,
    EventKind,
    Impact,
    Incident,
    Known,
    Post,
    Stage,
    Transition,
    Update,
    World,
)

WORLD = TypeAdapter(World)
POST = TypeAdapter(Post)


def iso(at: datetime | None) -> str | None:
    """A time as it is written; None stays None."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def time(text: str) -> datetime:
    """A time as it was written."""
    return datetime.fromisoformat(text)


def cell(value: object) -> object:
    """A value as SQLite keeps it."""
    return iso(value) if isinstance(value, datetime) else value


def of_incident(known: Known, provider: str) -> list[object]:
    """The columns of ``incidents``."""
    i = known.incident
    return [
        provider,
        i.id,
        provider,
        i.name,
        i.stage,
        i.impact,
        iso(first_post(i)),
        iso(known.seen_at),
        iso(known.closed_at),
        known.ending,
        json.dumps(known.surfaces),
        i.url,
        i.is_maintenance,
        known.is_baseline,
        known.is_retroactive,
        iso(i.started_at),
        known.is_backfilled,
        ("suspected" if i.is_suspected else "unposted") if i.is_unposted else None,
        json.dumps(known.suspicions),
        known.lead.total_seconds() if known.lead is not None else None,
        known.joined,
    ]


def incident(row: dict[str, Any], updates: tuple[Update, ...]) -> Known:
    """An incident from its row; its updates are given, oldest first."""
    shown = Incident(
        id=row["id"],
        name=row["name"],
        stage=Stage(row["stage"]),
        impact=Impact(row["impact"]),
        created_at=time(row["posted_at"]),
        updates=updates,
        url=row["url"],
        started_at=time(row["started_at"]) if row["started_at"] else None,
        is_maintenance=bool(row["is_maintenance"]),
        is_unposted=row["own"] is not None,
        is_suspected=row["own"] == "suspected",
    )
    return Known(
        incident=shown,
        seen_at=time(row["seen_at"]),
        surfaces=tuple(json.loads(row["surfaces"])),
        closed_at=time(row["closed_at"]) if row["closed_at"] else None,
        ending=Ending(row["ending"]) if row["ending"] else None,
        is_baseline=bool(row["is_baseline"]),
        is_retroactive=bool(row["is_retroactive"]),
        is_backfilled=bool(row["backfilled"]),
        suspicions=tuple(json.loads(row["suspicions"])),
        lead=timedelta(seconds=row["lead_s"]) if row["lead_s"] is not None else None,
        joined=row["joined"],
    )


def of_update(source: str, incident_id: str, update: Update, at: datetime) -> list[object]:
    """The columns of ``updates``, without the version."""
    moves = None
    if update.transitions is not None:
        moves = json.dumps([[t.component_id, t.name, t.old, t.new] for t in update.transitions])
    return [source, update.id, incident_id, update.stage, update.body, iso(update.display_at), iso(at), moves]


def update(row: dict[str, Any]) -> Update:
    """An update from one version's row."""
    moves = None
    if row["transitions"] is not None:
        moves = tuple(Transition(c, n, Condition(a), Condition(b)) for c, n, a, b in json.loads(row["transitions"]))
    return Update(row["id"], Stage(row["stage"]), row["body"], time(row["display_at"]), moves)


def event(row: dict[str, Any]) -> Event:
    """An event from its row."""
    return Event(
        kind=EventKind(row["kind"]),
        provider=row["provider"],
        seen_at=time(row["seen_at"]),
        happened_at=time(row["happened_at"]) if row["happened_at"] else None,
        incident=row["incident"],
        update=row["update_id"],
        surface=row["surface"],
        condition=Condition(row["condition"]) if row["condition"] else None,
        verdict=Call(row["verdict"]) if row["verdict"] else None,
        exposure=row["exposure"],
        reason=row["reason"],
        reason_code=row["reason_code"],
        inferred=bool(row["inferred"]),
        stage=Stage(row["stage"]) if row["stage"] else None,
        text=row["text"],
        before=row["before"],
        is_baseline=bool(row["is_baseline"]),
        id=row["id"],
        author=row["author"],
        about=row["about"],
        channel=row["channel"],
    )
