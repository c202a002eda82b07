"""Polls that changed nothing, collected in memory and written together in one transaction.

A transaction waits for the disk, which would be nearly the whole cost of a poll that changes nothing. So these are
written with the next transition that is recorded, or after 15 s. A process that is killed loses only the times of these
polls: what another process reads is at most 15 s older, which only makes a verdict more careful.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain import Observation
from bot.rules.transition import StateTransition
from bot.storage import mapping
from bot.storage.connection import Database
from bot.storage.mapping import format_time

FLUSH_AFTER = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class PollRun:
    """Consecutive polls of one source, none of which is written yet. ``took_s`` is of the last one."""

    source: str
    provider: str
    first_at: datetime
    last_at: datetime
    looks: int
    took_s: float


def is_unchanged_poll(observation: Observation | None, transition: StateTransition) -> bool:
    """True for a poll that left the provider's state as it was, except for the times of the poll and of the page."""
    if observation is None or not transition.is_unchanged:
        return False
    is_same = observation.outcome == "same" and observation.body is None
    return is_same or observation.only_times_differ


class PollBatch:
    """The polls that are not written yet, by provider."""

    def __init__(self) -> None:
        self._runs: dict[str, PollRun] = {}
        self._oldest: datetime | None = None

    def add(self, observation: Observation, provider: str) -> bool:
        """Adds a poll; True if the batch is due to be written."""
        run = self._runs.get(provider) or PollRun(observation.source, provider, observation.at, observation.at, 0, 0.0)
        self._runs[provider] = PollRun(
            run.source, provider, run.first_at, observation.at, run.looks + 1, observation.took_s
        )
        self._oldest = self._oldest or observation.at
        return self.is_due(observation.at)

    def is_due(self, now: datetime) -> bool:
        """Whether the batch is to be written by now."""
        return self._oldest is not None and abs(now - self._oldest) >= FLUSH_AFTER

    def last_polled_at(self, provider: str) -> datetime | None:
        """The last poll of a provider in the batch; None if there is none."""
        run = self._runs.get(provider)
        return run.last_at if run else None

    def forget(self, provider: str) -> None:
        """Leaves out a provider's polls."""
        self._runs.pop(provider, None)

    def runs(self) -> tuple[PollRun, ...]:
        """The content of the batch."""
        return tuple(self._runs.values())

    def clear(self) -> None:
        """Empties the batch, once it is written."""
        self._runs, self._oldest = {}, None


def write_runs(db: Database, runs: Iterable[PollRun]) -> None:
    """Writes polls, inside an open transaction. Consecutive polls with the same outcome share a row."""
    written = tuple(runs)
    if not written:
        return
    newest = (
        "SELECT o.source, o.id FROM json_each(CAST(? AS TEXT)) JOIN observations o"
        " ON o.id = (SELECT max(id) FROM observations n WHERE n.source = json_each.value) AND o.outcome = 'same'"
    )
    extended = {row["source"]: row["id"] for row in db.rows(newest, json.dumps([run.source for run in written]))}
    db.write_all(
        "UPDATE observations SET last_at = ?, looks = looks + ?, took_ms = ? WHERE id = ?",
        (
            (format_time(run.last_at), run.looks, run.took_s * 1000, extended[run.source])
            for run in written
            if run.source in extended
        ),
    )
    added = (run for run in written if run.source not in extended)
    db.insert_all("observations", (_row(run) for run in added))
    db.write_all(
        "UPDATE sources SET looked_at = ?, seen_at = ? WHERE id = ?",
        ((format_time(run.last_at), format_time(run.last_at), run.source) for run in written),
    )


def _row(run: PollRun) -> dict[str, object]:
    return mapping.observation_row(run.source, "same", (run.first_at, run.last_at), run.took_s, polls=run.looks)
