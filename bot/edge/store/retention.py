"""An age -> what the book forgets: the raw bodies of pages, and nothing else. Events stay for ever.

The last body of every source stays whatever its age, and so do the pages of a walk through a history. Bodies go in
small transactions, on a connection of their own: a bot that records meanwhile waits for milliseconds.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.edge.store.care import PATIENCE_S, Leash
from bot.edge.store.database import Database
from bot.edge.store.rows import iso

AT_ONCE = 20  # bodies per transaction
REST_S = 0.02  # between two of them, in which a bot records

_OLD = (
    "SELECT b.hash, length(b.body) AS bytes FROM bodies b WHERE"
    " NOT EXISTS (SELECT 1 FROM observations o WHERE o.body_hash = b.hash AND o.last_at >= ?)"
    " AND NOT EXISTS (SELECT 1 FROM sources s WHERE s.body_hash = b.hash)"
    " AND NOT EXISTS (SELECT 1 FROM fetched f WHERE f.body_hash = b.hash)"
)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many bodies went, or would go, and their bytes in the file; it shrinks by them with the next vacuum."""

    bodies: int
    bytes: int
    of: int  # how many there were


def forget(path: Path, before: datetime, *, dry_run: bool = False, leash: Leash | None = None) -> Forgotten:
    """Deletes the bodies that no look has fetched since ``before``. StoreError where the book can't be written."""
    leash = leash or Leash()
    with closing(Database.open(path, read_only=dry_run, alone=False, patience_s=PATIENCE_S)) as db:
        [row] = db.rows("SELECT count(*) AS n FROM bodies")
        old = {r["hash"]: r["bytes"] for r in db.rows(_OLD, iso(before))}
        hashes, gone = [*old], [*old] if dry_run else []
        for place in range(0, 0 if dry_run else len(hashes), AT_ONCE):
            gone += _forget(db, hashes[place : place + AT_ONCE], before)
            if leash.rest(REST_S):
                break
    return Forgotten(len(gone), sum(old[digest] for digest in gone), row["n"])


def _forget(db: Database, hashes: list[str], before: datetime) -> list[str]:
    """Deletes these bodies, but for those that were seen again meanwhile."""
    marks = ", ".join("?" * len(hashes))
    with db.transaction():
        still = [r["hash"] for r in db.rows(f"{_OLD} AND b.hash IN ({marks})", iso(before), *hashes)]
        db.write_all("UPDATE observations SET body_hash = NULL WHERE body_hash = ?", ([h] for h in still))
        db.write_all("DELETE FROM bodies WHERE hash = ?", ([h] for h in still))
    return still
