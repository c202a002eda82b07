"""The record of looks -> when each source was last looked at, and how late its posts reached us. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from statistics import median

from bot.edge.store.database import Database
from bot.edge.store.rows import iso, time
from bot.model import Lag

_LIVE_S = 300  # a post counts as seen live where the look before it was usable and not longer ago than this
_ENOUGH = 500  # posts of one source; the newest so many


@dataclass(frozen=True, slots=True)
class LastLook:
    """The last look at a source; ``why`` is empty where it was usable."""

    at: datetime
    why: str


class Looks:
    """Reads what strokes have left of looks; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the Store's database."""
        self._db = database

    def last(self) -> dict[str, LastLook]:
        """The last look at every source that was looked at."""
        found = self._db.rows(
            "SELECT s.id, s.looked_at, o.why FROM sources s LEFT JOIN observations o ON o.id ="
            " (SELECT max(id) FROM observations WHERE source = s.id) WHERE s.looked_at IS NOT NULL"
        )
        return {r["id"]: LastLook(time(r["looked_at"]), r["why"] or "") for r in found}

    def lag(self, source: str, since: datetime) -> Lag | None:
        """How long after the times they carry a source's posts were seen; None where none was seen live.

        Not counted: what was there at the first look, what was told afterwards, and what came while nobody looked.
        """
        found = self._db.rows(
            "SELECT e.happened_at, e.seen_at FROM events e"
            " JOIN incidents i ON i.source = e.provider AND i.id = e.incident"
            " WHERE e.provider = ?1 AND e.seen_at >= ?2 AND e.kind = 'update_posted' AND NOT e.is_baseline"
            " AND NOT i.backfilled AND NOT i.is_retroactive AND e.happened_at IS NOT NULL"
            " AND (julianday(e.seen_at) - (SELECT julianday(o.last_at) FROM observations o WHERE o.source = ?1"
            " AND o.last_at < e.seen_at AND o.outcome IN ('changed', 'same') ORDER BY o.last_at DESC LIMIT 1)) * 86400"
            " <= ?3 ORDER BY e.seen_at DESC LIMIT ?4",
            *(source, iso(since), _LIVE_S, _ENOUGH),
        )
        late = [max((time(r["seen_at"]) - time(r["happened_at"])).total_seconds(), 0.0) for r in found]
        return Lag(median(late), len(late)) if late else None
