"""Deletes old raw bodies of status pages, by age and by size, and nothing else: events stay for ever.

The last body of every source stays whatever its age, and so do the pages of a history download. Bodies are deleted in
small transactions, on a separate connection: a bot that writes meanwhile waits for milliseconds.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from bot.storage.backup import CancelToken
from bot.storage.connection import Database, Place
from bot.storage.engines import open_database
from bot.storage.mapping import format_time

BATCH_SIZE = 20  # bodies per transaction
PAUSE_S = 0.02  # between two transactions, so that the bot can write

_OLD_BODIES = (
    "SELECT b.hash, length(b.body) AS bytes FROM bodies b WHERE"
    " NOT EXISTS (SELECT 1 FROM observations o WHERE o.body_hash = b.hash AND o.last_at >= ?)"
    " AND NOT EXISTS (SELECT 1 FROM sources s WHERE s.body_hash = b.hash)"
    " AND NOT EXISTS (SELECT 1 FROM fetched f WHERE f.body_hash = b.hash)"
)


_AGES = (
    "SELECT length(b.body) AS bytes, (SELECT max(o.last_at) FROM observations o WHERE o.body_hash = b.hash) AS last_at"
    " FROM bodies b"
)


@dataclass(frozen=True, slots=True)
class PrunedBodies:
    """How many bodies of how many were deleted, or would be, and their bytes, which the next vacuum frees."""

    bodies: int
    bytes: int
    of: int


def prune_bodies(
    place: Place,
    before: datetime | None,
    *,
    max_bytes: float = 0,
    dry_run: bool = False,
    cancel_token: CancelToken | None = None,
) -> PrunedBodies:
    """Deletes the bodies that no poll has fetched since ``before``, and the oldest of those that are too many.

    ``max_bytes`` is what all may take, compressed as they are stored; 0 is no limit. None instead of ``before``: none
    is too old. StoreError if the database can't be written.
    """
    cancel_token = cancel_token or CancelToken()
    with closing(open_database(place, read_only=dry_run)) as db:
        [row] = db.rows("SELECT count(*) AS n FROM bodies")
        limits = [str(format_time(before))] if before else []
        limits += [_time_to_fit(db, max_bytes)] if max_bytes else []
        until = max(limits, default="")
        old = {r["hash"]: r["bytes"] for r in db.rows(_OLD_BODIES, until)} if until else {}
        hashes, deleted = [*old], [*old] if dry_run else []
        for start in range(0, 0 if dry_run else len(hashes), BATCH_SIZE):
            deleted += _delete_bodies(db, hashes[start : start + BATCH_SIZE], until)
            if cancel_token.wait(PAUSE_S):
                break
    return PrunedBodies(len(deleted), sum(old[digest] for digest in deleted), row["n"])


def _time_to_fit(db: Database, max_bytes: float) -> str:
    """The time before which bodies must go for the others to fit; empty where all fit."""
    bodies = sorted(db.rows(_AGES), key=lambda r: str(r["last_at"] or ""), reverse=True)
    taken = 0
    for number, body in enumerate(bodies):
        taken += body["bytes"]
        if taken > max_bytes and number:
            return str(bodies[number - 1]["last_at"] or "")
    return ""


def _delete_bodies(db: Database, hashes: list[str], before: str) -> list[str]:
    """Deletes these bodies, except those that were fetched again meanwhile; returns the deleted ones."""
    marks = ", ".join("?" * len(hashes))
    with db.transaction():
        expired = [r["hash"] for r in db.rows(f"{_OLD_BODIES} AND b.hash IN ({marks})", before, *hashes)]
        db.write_all("UPDATE observations SET body_hash = NULL WHERE body_hash = ?", ([h] for h in expired))
        db.write_all("DELETE FROM bodies WHERE hash = ?", ([h] for h in expired))
    return expired
