"""What others than the page have seen -> rows, kept for two weeks; and messages that a vendor's incident takes over."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bot.core.stroke import Stroke
from bot.core.witness import is_the_surfaces
from bot.edge.store.database import Database
from bot.edge.store.rows import iso, time
from bot.model import Evidence, Outcomes, ProbeResult, Report, Seen

KEPT = timedelta(days=14)  # raw results and counts; what the timeline says of them stays for ever


def write(db: Database, found: Evidence, at: datetime) -> None:
    """Keeps what came in, once each, and forgets what is old; inside an open transaction."""
    db.write_all(
        "INSERT INTO probe_results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        map(_result, found.probes),
    )
    db.write_all("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(_outcome, found.outcomes))
    db.write_all(
        "INSERT INTO reports VALUES (?, ?, '', '', ?) ON CONFLICT (surface, person) DO UPDATE SET at = excluded.at"
        " WHERE excluded.at > at",
        map(_report, found.reports),
    )
    for table, column in (("probe_results", "at"), ("outcomes", "until")):
        db.write(f"DELETE FROM {table} WHERE {column} < ?", iso(at - KEPT))  # noqa: S608  (the names above)


def _result(one: ProbeResult) -> list[object]:
    took = (one.dns_ms, one.connect_ms, one.tls_ms, one.first_byte_ms, one.took_ms)
    return [one.surface, one.vantage, iso(one.at), one.ok, one.ours, one.why, one.status, *took]


def _outcome(one: Outcomes) -> list[object]:
    errors = json.dumps(dict(sorted(one.errors.items())))
    return [one.surface, one.client, iso(one.since), iso(one.until), one.ok, errors, one.p50_ms, one.p95_ms]


def _report(one: Report) -> list[object]:
    return [one.surface, one.reporter, iso(one.at)]


def seen(db: Database, surfaces: Iterable[str], since: datetime, until: datetime) -> tuple[Seen, ...]:
    """What is still kept of each surface in a span; those of which nobody has seen anything are left out."""
    span = (iso(since), iso(until))
    found = []
    for surface in surfaces:
        [tried] = db.rows(
            "SELECT count(*) AS n, count(*) - coalesce(sum(ok), 0) AS bad FROM probe_results"
            " WHERE surface = ? AND at >= ? AND at <= ? AND NOT ours",
            *(surface, *span),
        )
        counted = db.rows("SELECT * FROM outcomes WHERE surface = ? AND until >= ? AND since <= ?", surface, *span)
        failed = sum(map(_failed, counted))
        one = Seen(surface, tried["n"], tried["bad"], sum(r["ok"] for r in counted) + failed, failed)
        found += [one] if one.tries or one.requests else []
    return tuple(found)


def _failed(row: dict[str, Any]) -> int:
    return sum(n for status, n in json.loads(row["errors"]).items() if is_the_surfaces(status))


def reports(db: Database, since: datetime) -> tuple[Report, ...]:
    """What people have said in the chat since then: that a surface is broken, or that an incident affects them."""
    found = db.rows(
        "SELECT surface, person, at FROM reports WHERE at >= ?1 AND channel <> ''"
        " UNION ALL SELECT surface, person, at FROM affected WHERE at >= ?1 ORDER BY at",
        iso(since),
    )
    return tuple(Report(r["surface"], r["person"], time(r["at"])) for r in found)


_MOVED = ("alerts", "outbox", "acks", "affected")


def take_over(db: Database, stroke: Stroke) -> None:
    """An incident that takes over a suspicion of ours has its messages, in each channel that has none of it yet.

    What is still unsent goes with them, and so does what people have done about it.
    """
    for known in stroke.world.incidents:
        before = stroke.before.known(known.incident.id)
        for suspicion in (s for s in known.suspicions if before is None or s not in before.suspicions):
            channels = [r["channel"] for r in db.rows("SELECT channel FROM alerts WHERE incident = ?", suspicion)]
            have = {r["channel"] for r in db.rows("SELECT channel FROM alerts WHERE incident = ?", known.incident.id)}
            for channel in (c for c in channels if c not in have):
                for table in _MOVED:
                    moved = f"UPDATE OR IGNORE {table} SET incident = ? WHERE incident = ? AND channel = ?"  # noqa: S608
                    db.write(moved, known.incident.id, suspicion, channel)
                muted = "UPDATE OR IGNORE mutes SET target = ? WHERE target = ? AND channel = ?"
                db.write(muted, known.incident.id, suspicion, channel)
