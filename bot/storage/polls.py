"""Reads of recorded polls: when each source was last polled, and how late its posts were seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from statistics import median

from bot.domain import PostingDelay
from bot.storage.connection import Database
from bot.storage.mapping import format_time, parse_time

_MAX_POLL_GAP_S = 300  # a post counts as seen live if the poll before it was usable and at most this long ago
_MAX_UPDATES = 500  # posts of one source; the newest so many


@dataclass(frozen=True, slots=True)
class LastPoll:
    """The last poll of a source; ``why`` is the failure, empty if it was usable."""

    at: datetime
    why: str


class PollLog:
    """Reads of recorded polls; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's database."""
        self._db = database

    def last_polls(self) -> dict[str, LastPoll]:
        """The last poll of each source, by source id; sources that were never polled are left out."""
        rows = self._db.rows(
            "SELECT s.id, s.looked_at, o.why FROM sources s LEFT JOIN observations o ON o.id ="
            " (SELECT max(id) FROM observations WHERE source = s.id) WHERE s.looked_at IS NOT NULL"
        )
        return {r["id"]: LastPoll(parse_time(r["looked_at"]), r["why"] or "") for r in rows}

    def posting_delay(self, source: str, since: datetime) -> PostingDelay | None:
        """The median delay from the time that a source's posts carry to when they were seen; None if there are none.

        Not counted: posts of the first poll, retroactive and backfilled ones, and posts after a gap in polling.
        """
        rows = self._db.rows(
            "SELECT e.happened_at, e.seen_at FROM events e"
            " JOIN incidents i ON i.source = e.provider AND i.id = e.incident"
            " WHERE e.provider = :source AND e.seen_at >= :since AND e.kind = 'update_posted' AND e.is_baseline = 0"
            " AND i.backfilled = 0 AND i.is_retroactive = 0 AND e.happened_at IS NOT NULL"
            " AND (julianday(e.seen_at) - (SELECT julianday(o.last_at) FROM observations o WHERE o.source = :source"
            " AND o.last_at < e.seen_at AND o.outcome IN ('changed', 'same') ORDER BY o.last_at DESC LIMIT 1)) * 86400"
            " <= :live ORDER BY e.seen_at DESC LIMIT :enough",
            source=source,
            since=format_time(since),
            live=_MAX_POLL_GAP_S,
            enough=_MAX_UPDATES,
        )
        delays = [max((parse_time(r["seen_at"]) - parse_time(r["happened_at"])).total_seconds(), 0.0) for r in rows]
        return PostingDelay(median(delays), len(delays)) if delays else None
