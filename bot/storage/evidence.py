"""Stores evidence from outside the status page (probes, request outcomes, reports) for two weeks.

Also moves the messages of a suspected incident to the vendor's incident that takes it over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bot.domain import ChatUser, EvidenceBatch, EvidenceTotals, UserReport
from bot.rules.evidence.aggregate import is_surface_failure
from bot.rules.transition import StateTransition
from bot.storage import mapping
from bot.storage.connection import IGNORE, Database, Upsert
from bot.storage.mapping import format_time, parse_time

RETENTION = timedelta(days=14)  # of raw results and counts; the timeline's events stay for ever
_COUNTED_AGAIN = Upsert(key=("surface", "writer", "client", "since", "until"))
_REPORTED_AGAIN = Upsert(key=("surface", "person"), kept=("name", "channel"), where="excluded.at > reports.at")


def write_evidence(db: Database, batch: EvidenceBatch, at: datetime) -> None:
    """Writes new evidence, each item once, and deletes what is older than RETENTION; inside an open transaction."""
    db.insert_all("probe_results", map(mapping.probe_row, batch.probes), IGNORE)
    db.insert_all("outcomes", map(mapping.outcomes_row, batch.outcomes), _COUNTED_AGAIN)
    reported = (mapping.report_row(r.surface, ChatUser(r.reporter), "", r.at, r.writer) for r in batch.reports)
    db.insert_all("reports", reported, _REPORTED_AGAIN)
    for table, column in (("probe_results", "at"), ("outcomes", "until")):
        db.write_all(f"DELETE FROM {table} WHERE {column} < ?", [(format_time(at - RETENTION),)])  # noqa: S608  (above)


def evidence_totals(
    db: Database, surfaces: Iterable[str], since: datetime, until: datetime
) -> tuple[EvidenceTotals, ...]:
    """Counts of probes and requests of each surface in a period; surfaces without any are left out."""
    span = (format_time(since), format_time(until))
    totals = []
    for surface in surfaces:
        [probe_counts] = db.rows(
            "SELECT count(*) AS n, count(*) - coalesce(sum(ok), 0) AS bad FROM probe_results"
            " WHERE surface = ? AND at >= ? AND at <= ? AND ours = 0",
            *(surface, *span),
        )
        outcomes = db.rows("SELECT * FROM outcomes WHERE surface = ? AND until >= ? AND since <= ?", surface, *span)
        failed = sum(map(_count_failed, outcomes))
        surface_totals = EvidenceTotals(
            surface, probe_counts["n"], probe_counts["bad"], sum(r["ok"] for r in outcomes) + failed, failed
        )
        totals += [surface_totals] if surface_totals.tries or surface_totals.requests else []
    return tuple(totals)


def _count_failed(row: dict[str, Any]) -> int:
    return sum(n for status, n in json.loads(row["errors"]).items() if is_surface_failure(status))


def user_reports(db: Database, since: datetime) -> tuple[UserReport, ...]:
    """The reports of people in the chat since then, that a surface is broken or that an incident affects them."""
    rows = db.rows(
        "SELECT surface, person, at FROM reports WHERE at >= :since AND channel <> ''"
        " UNION ALL SELECT surface, person, at FROM affected WHERE at >= :since ORDER BY at",
        since=format_time(since),
    )
    return tuple(UserReport(r["surface"], r["person"], parse_time(r["at"])) for r in rows)


_MOVED_TABLES = {  # what else makes a row the same as one that is there already; nothing does in the outbox
    "alerts": "x.channel = alerts.channel",
    "outbox": "",
    "acks": "x.channel = acks.channel",
    "affected": "x.surface = affected.surface AND x.person = affected.person",
}


def transfer_messages(db: Database, transition: StateTransition) -> None:
    """Gives the messages of a suspected incident to the vendor's incident that took it over in this transition.

    Only in channels that have no message of the vendor's incident yet. Pending notifications, acknowledgements, "I'm
    affected" clicks and mutes move with them.
    """
    for tracked in transition.state.incidents:
        before = transition.before.tracked_incident(tracked.incident.id)
        for suspicion in (s for s in tracked.suspicions if before is None or s not in before.suspicions):
            channels = [r["channel"] for r in db.rows("SELECT channel FROM alerts WHERE incident = ?", suspicion)]
            notified = {
                r["channel"] for r in db.rows("SELECT channel FROM alerts WHERE incident = ?", tracked.incident.id)
            }
            for channel in (c for c in channels if c not in notified):
                for table, same in _MOVED_TABLES.items():
                    _move(db, (table, "incident", same), (suspicion, tracked.incident.id), channel)
                _move(db, ("mutes", "target", "x.channel = mutes.channel"), (suspicion, tracked.incident.id), channel)


def _move(db: Database, where: tuple[str, str, str], change: tuple[str, str], channel: str) -> None:
    """Changes a column of a channel's rows from one value to another, except where that row is there already."""
    (table, column, same), (before, after) = where, change
    taken = f" AND NOT EXISTS (SELECT 1 FROM {table} x WHERE x.{column} = ? AND {same})" if same else ""  # noqa: S608
    moved = f"UPDATE {table} SET {column} = ? WHERE {column} = ? AND channel = ?{taken}"  # noqa: S608  (our own names)
    db.write(moved, after, before, channel, *([after] if same else []))
