"""Looks that saw what the look before saw, gathered in memory -> their rows, all in one transaction.

A transaction waits for the disk: of looks that change nothing it would be nearly the whole price. So these wait for the
next stroke that is recorded, or for a quarter of a minute. A process that is killed forgets that it looked, and nothing
else: what another process reads is at most so much older, which only makes a verdict more careful.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.stroke import Stroke
from bot.edge.store.database import Database
from bot.edge.store.rows import iso
from bot.model import Observation

PATIENCE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Run:
    """Looks in a row at one source, of which none is written yet."""

    source: str
    provider: str
    first_at: datetime
    last_at: datetime
    looks: int
    took_s: float  # the last of them


def is_nothing_new(seen: Observation | None, stroke: Stroke) -> bool:
    """True for a look that left the world as it was, but for the time of the look."""
    return seen is not None and seen.outcome == "same" and seen.body is None and stroke.is_nothing_new


class Gathered:
    """The runs that wait, by provider."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._oldest: datetime | None = None

    def add(self, seen: Observation, provider: str) -> bool:
        """One more look; True where they have waited long enough."""
        run = self._runs.get(provider) or Run(seen.source, provider, seen.at, seen.at, 0, 0.0)
        self._runs[provider] = Run(run.source, provider, run.first_at, seen.at, run.looks + 1, seen.took_s)
        self._oldest = self._oldest or seen.at
        return abs(seen.at - self._oldest) >= PATIENCE

    def seen_at(self, provider: str) -> datetime | None:
        """The last look that waits; None where none does."""
        run = self._runs.get(provider)
        return run.last_at if run else None

    def runs(self) -> tuple[Run, ...]:
        """Everything that waits."""
        return tuple(self._runs.values())

    def forget(self) -> None:
        """They are written."""
        self._runs, self._oldest = {}, None


def write(db: Database, runs: Iterable[Run]) -> None:
    """The rows of some runs, inside an open transaction. Looks in a row that went the same way share a row."""
    for run in runs:
        [last] = db.rows("SELECT max(id) AS id FROM observations WHERE source = ?", run.source)
        at, took_ms = iso(run.last_at), run.took_s * 1000
        if not db.write(
            "UPDATE observations SET last_at = ?, looks = looks + ?, took_ms = ? WHERE id = ? AND outcome = 'same'",
            *(at, run.looks, took_ms, last["id"]),
        ):
            db.write(
                "INSERT INTO observations (source, outcome, first_at, last_at, looks, took_ms)"
                " VALUES (?, 'same', ?, ?, ?, ?)",
                *(run.source, iso(run.first_at), at, run.looks, took_ms),
            )
        db.write("UPDATE sources SET looked_at = ?, seen_at = ? WHERE id = ?", at, at, run.source)
