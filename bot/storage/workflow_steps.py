"""Stores the steps of Slack's workflows: each before Slack is acknowledged, until Slack has taken how it ended.

No token of Slack is stored: the one that comes with an execution ends after 15 minutes, and the bot's own may end it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.domain import StepOutcome, WorkflowStep
from bot.storage.connection import IGNORE, Database
from bot.storage.mapping import format_time, parse_time

KEEP_ENDED = timedelta(days=7)  # Slack repeats an event for a day; a step that has ended must not begin again
UNREADABLE = "Brownout could not read what it had stored about this step. Run the workflow again."


class WorkflowStepStore:
    """The steps that wait or are to be ended. Methods may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's database."""
        self._db = database

    def add(self, step: WorkflowStep) -> bool:
        """Records a step, with its outcome where it has one; False if this execution is recorded already.

        Deletes executions that ended long ago.
        """
        row = {
            "execution": step.execution,
            "step": step.kind,
            "surface": step.surface,
            "since": format_time(step.since),
            "until": format_time(step.until),
            "slowly": int(step.slowly),
            "fails_late": int(step.fails_late),
            "outcome": _outcome_text(step.outcome) if step.outcome else None,
            "due_at": format_time(step.since),
            "declared": step.declared,
        }
        with self._db.transaction():
            self._db.write("DELETE FROM workflow_steps WHERE ended_at < ?", format_time(step.since - KEEP_ENDED))
            return self._db.insert("workflow_steps", row, IGNORE) == 1

    def waiting(self) -> tuple[WorkflowStep, ...]:
        """The steps without an outcome, the oldest first."""
        return self._steps("outcome IS NULL AND ended_at IS NULL ORDER BY since, execution")

    def count_waiting(self) -> int:
        """How many steps have no outcome yet."""
        [row] = self._db.rows("SELECT count(*) AS n FROM workflow_steps WHERE outcome IS NULL AND ended_at IS NULL")
        return int(row["n"])

    def due(self, now: datetime) -> tuple[WorkflowStep, ...]:
        """The steps whose outcome is to be sent now, the oldest first."""
        where = "outcome IS NOT NULL AND ended_at IS NULL AND due_at <= ? ORDER BY due_at, execution"
        return self._steps(where, format_time(now))

    def next_due(self) -> datetime | None:
        """When the next outcome is to be sent; None where there is none."""
        [row] = self._db.rows(
            "SELECT min(due_at) AS at FROM workflow_steps WHERE outcome IS NOT NULL AND ended_at IS NULL"
        )
        return parse_time(row["at"]) if row["at"] else None

    def set_outcome(self, execution: str, outcome: StepOutcome, due_at: datetime) -> None:
        """Records how a step ends, which is then to be sent."""
        self._db.write(
            "UPDATE workflow_steps SET outcome = ?, due_at = ? WHERE execution = ? AND ended_at IS NULL",
            *(_outcome_text(outcome), format_time(due_at), execution),
        )

    def mark_deferred(self, execution: str, due_at: datetime, why: str) -> None:
        """Records an attempt that failed, and when the next one is due."""
        self._db.write(
            "UPDATE workflow_steps SET attempts = attempts + 1, due_at = ?, error = ? WHERE execution = ?",
            *(format_time(due_at), why, execution),
        )

    def mark_ended(self, execution: str, at: datetime, why: str = "") -> None:
        """Records that Slack has taken the outcome, or never will (``why``)."""
        self._db.write(
            "UPDATE workflow_steps SET attempts = attempts + 1, ended_at = ?, error = ? WHERE execution = ?",
            *(format_time(at), why, execution),
        )

    def _steps(self, where: str, *values: object) -> tuple[WorkflowStep, ...]:
        rows = self._db.rows(f"SELECT * FROM workflow_steps WHERE {where}", *values)  # noqa: S608  (our own conditions)
        return tuple(map(_step_from_row, rows))


def _step_from_row(row: Mapping[str, Any]) -> WorkflowStep:
    return WorkflowStep(
        row["execution"],
        row["step"],
        row["surface"],
        parse_time(row["since"]),
        parse_time(row["until"]),
        slowly=bool(row["slowly"]),
        fails_late=bool(row["fails_late"]),
        outcome=_parse_outcome(row["outcome"]) if row["outcome"] is not None else None,
        attempts=row["attempts"],
        declared=row["declared"],
    )


def _outcome_text(outcome: StepOutcome) -> str:
    return json.dumps({"error": outcome.error} if outcome.error else {"outputs": dict(outcome.outputs)})


def _parse_outcome(text: str) -> StepOutcome:
    """The stored outcome; a failure that says so where it can't be read, so that no workflow waits for ever."""
    try:
        stored = json.loads(text)
        return StepOutcome(stored.get("outputs", {}), stored.get("error", ""))
    except (ValueError, AttributeError):
        return StepOutcome(error=UNREADABLE)
