"""Writes a backfilled history: incidents, updates, events and conditions, all marked as backfilled.

Reading the same history again changes nothing. What live polls have recorded is never changed, no channel is notified,
and the state that the rules go on from (table ``worlds``) is left alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from bot.domain import EventKind, Update, incident_keys
from bot.domain.reliability import ConditionClaim
from bot.rules.reliability.backfill import BackfilledHistory, BackfilledIncident
from bot.storage import mapping, transitions
from bot.storage.connection import IGNORE, Database, Upsert
from bot.storage.mapping import format_time
from bot.storage.transitions import append_events, write_components

_BACKFILLED_AGAIN = Upsert(  # a later history updates stage, name and end; the other columns stay
    key=("source", "id"),
    kept=(
        *("provider", "posted_at", "seen_at", "url", "is_maintenance", "is_baseline", "is_retroactive", "started_at"),
        *("backfilled", "own", "suspicions", "lead_s", "joined"),
    ),
)
_ENDING_EVENTS = (EventKind.INCIDENT_RESOLVED, EventKind.INCIDENT_WITHDRAWN)


@dataclass(frozen=True, slots=True)
class BackfillCounts:
    """How many incidents and updates of a history were new."""

    incidents: int = 0
    updates: int = 0

    def combined_with(self, other: BackfillCounts) -> BackfillCounts:
        """The sum of both."""
        return BackfillCounts(self.incidents + other.incidents, self.updates + other.updates)


def save_incidents(db: Database, source: str, incidents: Iterable[BackfilledIncident], at: datetime) -> BackfillCounts:
    """Writes incidents in one transaction; ``at`` is recorded as the time when they were seen."""
    counts, read = BackfillCounts(), tuple(incidents)
    with db.transaction():
        ids = [b.tracked.incident.id for b in read]
        holders = transitions.key_holders(db, [*ids, *(incident_keys.qualified_key(source, i) for i in ids)])
        keys = incident_keys.assign_keys(source, ids, holders)
        for backfilled in read:
            counts = counts.combined_with(_save_incident(db, source, _with_key(backfilled, keys), at))
    return counts


def _with_key(backfilled: BackfilledIncident, keys: Mapping[str, str]) -> BackfilledIncident:
    """The incident and its events under its key."""
    incident = incident_keys.with_key(backfilled.tracked.incident, keys)
    events = tuple(
        replace(e, incident=keys.get(e.incident, e.incident) if e.incident else None) for e in backfilled.events
    )
    return BackfilledIncident(replace(backfilled.tracked, incident=incident), events)


def save_conditions(
    db: Database, provider: str, history: BackfilledHistory, origin: tuple[str, str], at: datetime
) -> None:
    """Writes conditions and coverage, in the place of what the same ``origin`` (digest, name) gave before."""
    digest, name = origin
    with db.transaction():
        read = {"provider": provider, "origin": digest, "name": name, "read_at": format_time(at)}
        db.insert("backfills", read, IGNORE)
        [row] = db.rows("SELECT id FROM backfills WHERE provider = ? AND origin = ?", provider, digest)
        for table in ("coverage", "past_conditions"):
            db.write(f"DELETE FROM {table} WHERE backfill = ?", row["id"])  # noqa: S608  (two literals above)
        covered = (
            {"backfill": row["id"], "since": format_time(w.start), "until": format_time(w.end)} for w in history.covered
        )
        db.insert_all("coverage", covered)
        claims = ((surface, span) for surface, spans in history.conditions.items() for span in spans)
        db.insert_all("past_conditions", (_condition_row(surface, span, row["id"]) for surface, span in claims))


def fetched_pages(db: Database, provider: str) -> dict[str, tuple[bool, bytes | None]]:
    """The incident pages that a history download has fetched so far.

    Returns:
        By incident id: whether the incident is closed, and the bytes of its page; None if the page is gone.
    """
    rows = db.rows(
        "SELECT f.incident, f.is_closed, b.body FROM fetched f LEFT JOIN bodies b ON b.hash = f.body_hash"
        " WHERE f.provider = ?",
        provider,
    )
    return {r["incident"]: (bool(r["is_closed"]), zlib.decompress(r["body"]) if r["body"] else None) for r in rows}


def save_fetched_page(db: Database, provider: str, incident: str, body: bytes | None, *, is_closed: bool) -> None:
    """Stores one incident page of a history download; ``body`` is None if the page is gone."""
    digest = sha256(body).hexdigest() if body is not None else None
    with db.transaction():
        if body is not None and digest is not None:
            db.insert("bodies", mapping.body_row(digest, body), IGNORE)
        row = {"provider": provider, "incident": incident, "is_closed": is_closed, "body_hash": digest}
        db.insert("fetched", row, Upsert(("provider", "incident")))


def _save_incident(db: Database, source: str, backfilled: BackfilledIncident, at: datetime) -> BackfillCounts:
    tracked = backfilled.tracked
    row = next(iter(db.rows("SELECT * FROM incidents WHERE source = ? AND id = ?", source, tracked.incident.id)), None)
    new_row = mapping.incident_row(replace(tracked, seen_at=at, is_backfilled=True, is_baseline=False), source)
    new = [u for u in tracked.incident.updates if _is_new_version(db, source, u)]
    posted_events = {e.update: e for e in backfilled.events if e.kind is EventKind.UPDATE_POSTED}
    if row is None:
        db.insert("incidents", new_row)
        events = backfilled.events
    else:
        events = tuple(posted_events[u.id] for u in new if u.id in posted_events)
        if row["backfilled"] and new:
            db.write("DELETE FROM incident_surfaces WHERE source = ? AND incident = ?", source, tracked.incident.id)
            db.insert("incidents", new_row, _BACKFILLED_AGAIN)
            has_ended = row["closed_at"] is None and tracked.closed_at is not None
            events += tuple(e for e in backfilled.events if e.kind in _ENDING_EVENTS) if has_ended else ()
    for update in new:
        _insert_version(db, source, tracked.incident.id, update, at)
    write_components(db, source, tracked.incident)
    append_events(db, (replace(e, seen_at=at) for e in events))
    return BackfillCounts(row is None, len(new))


def _condition_row(surface: str, span: ConditionClaim, backfill: int) -> dict[str, object]:
    """A row of ``past_conditions``."""
    return {
        "surface": surface,
        "until": format_time(span.end),
        "since": format_time(span.start),
        "backfill": backfill,
        "condition": span.condition,
        "inferred": span.inferred,
    }


def _is_new_version(db: Database, source: str, update: Update) -> bool:
    """True if no stored version of the update has this content, so that an older history does not undo a newer one."""
    rows = db.rows(
        "SELECT 1 FROM updates WHERE source = ? AND id = ? AND stage = ? AND body = ? AND display_at = ?",
        *(source, update.id, update.stage, update.body, format_time(update.display_at)),
    )
    return not rows


def _insert_version(db: Database, source: str, incident: str, update: Update, at: datetime) -> None:
    newest = "SELECT coalesce(max(version), 0) AS version FROM updates WHERE source = ? AND id = ?"
    [last] = db.rows(newest, source, update.id)
    db.insert("updates", mapping.update_row(source, incident, update, last["version"] + 1, at))
