"""A history that was read in -> its rows: incidents, updates, events and conditions, all marked as backfilled.

Reading the same history again changes nothing. What our own looks have recorded is never touched, nothing is owed to
any channel, and what the rules remember (``worlds``) is left alone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from bot.core.past import Past, Told
from bot.edge.store import rows
from bot.edge.store.database import Database
from bot.edge.store.rows import iso
from bot.edge.store.stroke import events, link
from bot.model import EventKind, Known, Update

_OVER = (EventKind.INCIDENT_RESOLVED, EventKind.INCIDENT_WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Kept:
    """How much of what was told was new."""

    incidents: int = 0
    updates: int = 0

    def plus(self, other: Kept) -> Kept:
        """Both together."""
        return Kept(self.incidents + other.incidents, self.updates + other.updates)


def keep(db: Database, source: str, told: Iterable[Told], at: datetime) -> Kept:
    """Writes incidents in one transaction; ``at`` is when we knew."""
    kept = Kept()
    with db.transaction():
        for one in told:
            kept = kept.plus(_incident(db, source, one, at))
    return kept


def keep_conditions(db: Database, provider: str, past: Past, origin: tuple[str, str], at: datetime) -> None:
    """Writes conditions and coverage; they take the place of what the same origin (digest, name) told before."""
    digest, name = origin
    with db.transaction():
        db.write(
            "INSERT INTO backfills (provider, origin, name, read_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *(provider, digest, name, iso(at)),
        )
        [row] = db.rows("SELECT id FROM backfills WHERE provider = ? AND origin = ?", provider, digest)
        for table in ("coverage", "past_conditions"):
            db.write(f"DELETE FROM {table} WHERE backfill = ?", row["id"])  # noqa: S608  (two literals above)
        db.write_all(
            "INSERT INTO coverage VALUES (?, ?, ?)", ((row["id"], iso(w.start), iso(w.end)) for w in past.covered)
        )
        db.write_all(
            "INSERT INTO past_conditions VALUES (?, ?, ?, ?, ?, ?)",
            (
                (surface, iso(s.end), iso(s.start), row["id"], s.condition, s.inferred)
                for surface, spans in past.conditions.items()
                for s in spans
            ),
        )


def fetched(db: Database, provider: str) -> dict[str, tuple[bool, bytes | None]]:
    """Own pages of incidents that a walk has fetched so far: whether each is closed, and its bytes; None if gone."""
    found = db.rows(
        "SELECT f.incident, f.is_closed, b.body FROM fetched f LEFT JOIN bodies b ON b.hash = f.body_hash"
        " WHERE f.provider = ?",
        provider,
    )
    return {r["incident"]: (bool(r["is_closed"]), zlib.decompress(r["body"]) if r["body"] else None) for r in found}


def keep_fetched(db: Database, provider: str, incident: str, body: bytes | None, *, is_closed: bool) -> None:
    """Keeps one page of a walk; ``body`` is None where the page is gone."""
    digest = sha256(body).hexdigest() if body is not None else None
    with db.transaction():
        if body is not None:
            packed = zlib.compress(body, 6)
            db.write("INSERT INTO bodies VALUES (?, ?, ?) ON CONFLICT DO NOTHING", digest, packed, len(body))
        db.write(
            "INSERT INTO fetched VALUES (?, ?, ?, ?) ON CONFLICT (provider, incident) DO UPDATE SET"
            " is_closed = excluded.is_closed, body_hash = excluded.body_hash",
            *(provider, incident, is_closed, digest),
        )


def _incident(db: Database, source: str, told: Told, at: datetime) -> Kept:
    known = told.known
    row = next(iter(db.rows("SELECT * FROM incidents WHERE source = ? AND id = ?", source, known.incident.id)), None)
    new = [u for u in known.incident.updates if _is_new(db, source, u)]
    said = {e.update: e for e in told.events if e.kind is EventKind.UPDATE_POSTED}
    if row is None:
        _insert(db, source, replace(known, seen_at=at, is_backfilled=True, is_baseline=False))
        found = told.events
    else:
        found = tuple(said[u.id] for u in new if u.id in said)
        if row["backfilled"] and new:
            _renew(db, source, told)
            over = row["closed_at"] is None and known.closed_at is not None
            found += tuple(e for e in told.events if e.kind in _OVER) if over else ()
    for update in new:
        _update(db, source, known.incident.id, update, at)
    link(db, source, known.incident)
    events(db, (replace(e, seen_at=at) for e in found))
    return Kept(row is None, len(new))


def _insert(db: Database, source: str, known: Known) -> None:
    values = rows.of_incident(known, source)
    db.write(f"INSERT INTO incidents VALUES ({', '.join('?' * len(values))})", *values)  # noqa: S608  (marks only)


def _renew(db: Database, source: str, told: Told) -> None:
    """A later telling goes on where an earlier one ended."""
    known = told.known
    db.write("DELETE FROM incident_surfaces WHERE source = ? AND incident = ?", source, known.incident.id)
    db.write(
        "UPDATE incidents SET name = ?, stage = ?, impact = ?, closed_at = ?, ending = ?, surfaces = ?"
        " WHERE source = ? AND id = ?",
        *(known.incident.name, known.incident.stage, known.incident.impact, iso(known.closed_at), known.ending),
        *(json.dumps(known.surfaces), source, known.incident.id),
    )


def _is_new(db: Database, source: str, update: Update) -> bool:
    """True where no version of the update says the same; an older telling does not undo a newer one."""
    said = db.rows(
        "SELECT 1 FROM updates WHERE source = ? AND id = ? AND stage = ? AND body = ? AND display_at = ?",
        *(source, update.id, update.stage, update.body, iso(update.display_at)),
    )
    return not said


def _update(db: Database, source: str, incident: str, update: Update, at: datetime) -> None:
    db.write(
        "INSERT INTO updates (source, id, incident, stage, body, display_at, seen_at, transitions, version)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1 + coalesce(max(version), 0) FROM updates"
        " WHERE source = ?1 AND id = ?2",
        *rows.of_update(source, incident, update, at),
    )
