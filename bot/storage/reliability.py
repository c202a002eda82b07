"""Reads for reliability figures: the recorded conditions and verdicts of a surface, and the courses of incidents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.domain import Advice, Condition, Stage
from bot.domain.reliability import ConditionClaim, IncidentCourse, SurfaceRecord, TimeWindow
from bot.rules.reliability.backfill import COVERED_AFTER_FAILURE
from bot.rules.reliability.spans import merge_windows
from bot.storage.connection import Database
from bot.storage.mapping import format_time, parse_time

_COLUMNS = (
    "i.source, i.id, i.provider, i.name, i.posted_at, i.seen_at, i.closed_at, i.started_at, i.is_maintenance,"
    " i.backfilled, i.surfaces"
)
_COUNTED_INCIDENTS = (
    "i.own IS NOT 'suspected' AND i.joined IS NULL"  # a suspicion that a vendor's incident took over counts as that one
)
_BATCH_SIZE = 500  # incidents per query


def surface_record(db: Database, source: str, surface: str, window: TimeWindow, now: datetime) -> SurfaceRecord:
    """Everything recorded about a surface in a window; ``source`` is the status page that reports on it."""
    start, end = format_time(window.start), format_time(min(window.end, now))
    monitored = db.rows(
        "SELECT since, until, condition, inferred FROM conditions WHERE surface = :surface AND since < :end"
        " AND since >= coalesce("
        "(SELECT max(since) FROM conditions WHERE surface = :surface AND since <= :start), :start) ORDER BY since",
        surface=surface,
        start=start,
        end=end,
    )
    backfilled = db.rows(
        "SELECT since, until, condition, inferred FROM past_conditions WHERE surface = ? AND until > ? AND since < ?",
        *(surface, start, end),
    )
    return SurfaceRecord(
        surface,
        _build_spans(monitored),
        monitored_windows(db, source, window, now),
        _build_spans(backfilled),
        backfilled_windows(db, source, window),
    )


def verdict_intervals(
    db: Database, source: str, surface: str, window: TimeWindow
) -> tuple[tuple[datetime, datetime, Advice], ...]:
    """The verdicts in a window, each as start, end and advice; the last one ends 15 minutes after the last poll."""
    [newest] = db.rows("SELECT max(last_at) AS at FROM observations WHERE source = ?", source)
    given_to = min(window.end, parse_time(newest["at"]) + COVERED_AFTER_FAILURE) if newest["at"] else window.end
    start, end = format_time(window.start), format_time(window.end)
    rows = db.rows(
        "SELECT since, until, verdict FROM verdicts WHERE surface = :surface AND since < :end AND since >= coalesce("
        "(SELECT max(since) FROM verdicts WHERE surface = :surface AND since <= :start), :start) ORDER BY since",
        surface=surface,
        start=start,
        end=end,
    )
    intervals = (
        (parse_time(r["since"]), parse_time(r["until"]) if r["until"] else given_to, Advice(r["verdict"])) for r in rows
    )
    clipped = ((max(since, window.start), min(until, window.end), call) for since, until, call in intervals)
    return tuple((since, until, call) for since, until, call in clipped if since < until)


def monitored_windows(db: Database, source: str, window: TimeWindow, now: datetime) -> tuple[TimeWindow, ...]:
    """The time that usable polls cover: each counts for 15 minutes, so that only a longer pause is a gap.

    The query returns only the polls around gaps, since there may be thousands of others.
    """
    rows = db.rows(
        "WITH looks AS (SELECT first_at, last_at,"
        " lag(last_at) OVER looked AS before, lead(first_at) OVER looked AS next"
        " FROM observations WHERE source = :source AND last_at > :start AND first_at < :end"
        " AND outcome IN ('changed', 'same')"
        " WINDOW looked AS (ORDER BY last_at))"
        " SELECT first_at, last_at, before IS NULL OR julianday(first_at) - julianday(before) > :held AS begins,"
        " next IS NULL OR julianday(next) - julianday(last_at) > :held AS ends FROM looks WHERE begins OR ends"
        " ORDER BY last_at",
        source=source,
        start=format_time(window.start - COVERED_AFTER_FAILURE),
        end=format_time(window.end),
        held=COVERED_AFTER_FAILURE / timedelta(days=1),
    )
    starts = (parse_time(r["first_at"]) for r in rows if r["begins"])
    ends = (min(parse_time(r["last_at"]) + COVERED_AFTER_FAILURE, now) for r in rows if r["ends"])
    return merge_windows(TimeWindow(start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def backfilled_windows(db: Database, provider: str, window: TimeWindow) -> tuple[TimeWindow, ...]:
    """The time that backfilled histories cover."""
    rows = db.rows(
        "SELECT c.since, c.until FROM backfills b JOIN coverage c ON c.backfill = b.id"
        " WHERE b.provider = ? AND c.until > ? AND c.since < ?",
        *(provider, format_time(window.start), format_time(window.end)),
    )
    return merge_windows(TimeWindow(parse_time(r["since"]), parse_time(r["until"])) for r in rows)


def first_poll_at(db: Database, source: str) -> datetime | None:
    """The time of the first poll; None before it."""
    [row] = db.rows("SELECT min(first_at) AS at FROM observations WHERE source = ?", source)
    return parse_time(row["at"]) if row["at"] else None


def known_period(db: Database, providers: Iterable[str]) -> TimeWindow | None:
    """From the first to the last moment of which anything is known; None where nothing is."""
    edges: list[str] = []
    for provider in providers:
        rows = db.rows(
            "SELECT min(since) AS a, max(until) AS b FROM coverage c JOIN backfills f ON f.id = c.backfill"
            " WHERE f.provider = :provider"
            " UNION ALL SELECT min(first_at), max(last_at) FROM observations WHERE source = :provider",
            provider=provider,
        )
        edges += [r[side] for r in rows for side in ("a", "b") if r[side]]
    return TimeWindow(parse_time(min(edges)), parse_time(max(edges))) if edges else None


def surface_incident_courses(db: Database, surface: str, window: TimeWindow) -> tuple[IncidentCourse, ...]:
    """The incidents that affected a surface and were first posted in the window, oldest first."""
    rows = db.rows(
        f"SELECT {_COLUMNS} FROM incident_surfaces s JOIN incidents i ON i.source = s.source AND i.id = s.incident"  # noqa: S608
        f" WHERE s.surface = ? AND s.posted_at >= ? AND s.posted_at < ? AND {_COUNTED_INCIDENTS} ORDER BY s.posted_at",
        *(surface, format_time(window.start), format_time(window.end)),
    )
    return _build_courses(db, rows)


def count_incidents(db: Database, surface: str, window: TimeWindow) -> int:
    """The number of incidents, without maintenances, that affected a surface and were first posted in the window."""
    [row] = db.rows(
        "SELECT count(*) AS n FROM incident_surfaces s JOIN incidents i ON i.source = s.source AND i.id = s.incident"  # noqa: S608
        " WHERE s.surface = ? AND s.posted_at >= ? AND s.posted_at < ? AND NOT i.is_maintenance"
        f" AND {_COUNTED_INCIDENTS}",
        *(surface, format_time(window.start), format_time(window.end)),
    )
    return int(row["n"])


def incident_courses(
    db: Database, providers: Sequence[str], window: TimeWindow | None = None
) -> tuple[IncidentCourse, ...]:
    """The incidents of these providers that were first posted in the window, or all of them; oldest first."""
    marks = ", ".join("?" * len(providers))
    start, end = (format_time(window.start), format_time(window.end)) if window else ("", "~")
    rows = db.rows(
        f"SELECT {_COLUMNS} FROM incidents i WHERE i.provider IN ({marks}) AND i.posted_at >= ? AND i.posted_at < ?"  # noqa: S608
        f" AND {_COUNTED_INCIDENTS} ORDER BY i.posted_at, i.id",
        *(*providers, start, end),
    )
    return _build_courses(db, rows)


def _build_courses(db: Database, rows: Sequence[dict[str, Any]]) -> tuple[IncidentCourse, ...]:
    courses: dict[tuple[str, str], IncidentCourse] = {}
    by_source: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_source.setdefault(row["source"], []).append(row)
    for source, source_rows in by_source.items():
        for start in range(0, len(source_rows), _BATCH_SIZE):
            batch = source_rows[start : start + _BATCH_SIZE]
            parts = _IncidentParts(db, source, [row["id"] for row in batch])
            courses.update(((source, row["id"]), parts.build_course(row)) for row in batch)
    return tuple(courses[row["source"], row["id"]] for row in rows)


class _IncidentParts:
    """Updates and components of several incidents of one source, read with one query each."""

    def __init__(self, db: Database, source: str, ids: Sequence[str]) -> None:
        arguments = (json.dumps(ids), source)
        join = "FROM json_each(?) j JOIN {} t ON t.source = ? AND t.incident = j.value ORDER BY"
        stages = db.rows(
            f"SELECT t.incident, t.id, t.stage, t.display_at {join.format('updates')} t.version, t.rowid", *arguments
        )
        names = db.rows(f"SELECT t.* {join.format('incident_components')} t.component", *arguments)
        self._steps: dict[str, dict[str, tuple[Stage, datetime]]] = {}
        self._names: dict[str, list[str]] = {}
        for row in stages:
            self._steps.setdefault(row["incident"], {})[row["id"]] = (
                Stage(row["stage"]),
                parse_time(row["display_at"]),
            )
        for row in names:
            self._names.setdefault(row["incident"], []).append(row["name"])

    def build_course(self, row: dict[str, Any]) -> IncidentCourse:
        """The course of the incident in this row."""
        steps = sorted(self._steps.get(row["id"], {}).values(), key=lambda step: step[1])
        return IncidentCourse(
            incident=row["id"],
            provider=row["provider"],
            name=row["name"],
            posted_at=parse_time(row["posted_at"]),
            steps=tuple(steps),
            seen_at=None if row["backfilled"] else parse_time(row["seen_at"]),
            closed_at=parse_time(row["closed_at"]) if row["closed_at"] else None,
            started_at=parse_time(row["started_at"]) if row["started_at"] else None,
            labels=tuple(self._names.get(row["id"], ())),
            surfaces=tuple(json.loads(row["surfaces"])),
            is_maintenance=bool(row["is_maintenance"]),
        )


def _build_spans(rows: Sequence[dict[str, Any]]) -> tuple[ConditionClaim, ...]:
    return tuple(
        ConditionClaim(
            parse_time(r["since"]),
            parse_time(r["until"]) if r["until"] else None,
            Condition(r["condition"]),
            bool(r["inferred"]),
        )
        for r in rows
    )
