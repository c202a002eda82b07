"""What the figures are made of: a surface's record in a window, and the courses of incidents. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.core.past import KNOWN_FOR
from bot.core.spans import joined
from bot.edge.store.database import Database
from bot.edge.store.rows import iso, time
from bot.model import Call, Condition, Stage
from bot.years import Course, Record, Span, Window

_COLUMNS = (
    "i.source, i.id, i.provider, i.name, i.posted_at, i.seen_at, i.closed_at, i.started_at, i.is_maintenance,"
    " i.backfilled, i.surfaces"
)
_COUNTS = "i.own IS NOT 'suspected' AND i.joined IS NULL"  # what an incident of the vendor's took over is that incident
_AT_ONCE = 500  # incidents per question; SQLite takes some 32,000 values


def record(db: Database, source: str, surface: str, window: Window, now: datetime) -> Record:
    """All that is known of a surface in a window; ``source`` is the page that tells of it."""
    start, end = iso(window.start), iso(min(window.end, now))
    seen = db.rows(
        "SELECT since, until, condition, inferred FROM conditions WHERE surface = ?1 AND since < ?3 AND since >="
        " coalesce((SELECT max(since) FROM conditions WHERE surface = ?1 AND since <= ?2), ?2) ORDER BY since",
        *(surface, start, end),
    )
    told = db.rows(
        "SELECT since, until, condition, inferred FROM past_conditions WHERE surface = ? AND until > ? AND since < ?",
        *(surface, start, end),
    )
    return Record(surface, _spans(seen), watched(db, source, window, now), _spans(told), covered(db, source, window))


def verdicts(db: Database, source: str, surface: str, window: Window) -> tuple[tuple[datetime, datetime, Call], ...]:
    """The verdicts that were given in a window, from when to when; the last holds until nobody looks any more."""
    [newest] = db.rows("SELECT max(last_at) AS at FROM observations WHERE source = ?", source)
    given_to = min(window.end, time(newest["at"]) + KNOWN_FOR) if newest["at"] else window.end
    start, end = iso(window.start), iso(window.end)
    found = db.rows(
        "SELECT since, until, verdict FROM verdicts WHERE surface = ?1 AND since < ?3 AND since >="
        " coalesce((SELECT max(since) FROM verdicts WHERE surface = ?1 AND since <= ?2), ?2) ORDER BY since",
        *(surface, start, end),
    )
    given = ((time(r["since"]), time(r["until"]) if r["until"] else given_to, Call(r["verdict"])) for r in found)
    clipped = ((max(since, window.start), min(until, window.end), call) for since, until, call in given)
    return tuple((since, until, call) for since, until, call in clipped if since < until)


def watched(db: Database, source: str, window: Window, now: datetime) -> tuple[Window, ...]:
    """When our own looks were usable: each holds for 15 minutes, so that a longer gap is a gap.

    Only the looks around gaps leave the database; there may be thousands of others.
    """
    found = db.rows(
        "WITH looks AS (SELECT first_at, last_at,"
        " lag(last_at) OVER looked AS before, lead(first_at) OVER looked AS next"
        " FROM observations WHERE source = ? AND last_at > ? AND first_at < ? AND outcome IN ('changed', 'same')"
        " WINDOW looked AS (ORDER BY last_at))"
        " SELECT first_at, last_at, before IS NULL OR julianday(first_at) - julianday(before) > ?4 AS begins,"
        " next IS NULL OR julianday(next) - julianday(last_at) > ?4 AS ends FROM looks WHERE begins OR ends"
        " ORDER BY last_at",
        *(source, iso(window.start - KNOWN_FOR), iso(window.end), KNOWN_FOR / timedelta(days=1)),
    )
    starts = (time(r["first_at"]) for r in found if r["begins"])
    ends = (min(time(r["last_at"]) + KNOWN_FOR, now) for r in found if r["ends"])
    return joined(Window(start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def covered(db: Database, provider: str, window: Window) -> tuple[Window, ...]:
    """The time that histories speak for."""
    found = db.rows(
        "SELECT c.since, c.until FROM backfills b JOIN coverage c ON c.backfill = b.id"
        " WHERE b.provider = ? AND c.until > ? AND c.since < ?",
        *(provider, iso(window.start), iso(window.end)),
    )
    return joined(Window(time(r["since"]), time(r["until"])) for r in found)


def first_look(db: Database, source: str) -> datetime | None:
    """When our own looks began."""
    [found] = db.rows("SELECT min(first_at) AS at FROM observations WHERE source = ?", source)
    return time(found["at"]) if found["at"] else None


def known_time(db: Database, providers: Iterable[str]) -> Window | None:
    """From the first to the last moment of which anything is known; None where nothing is."""
    edges: list[str] = []
    for provider in providers:
        found = db.rows(
            "SELECT min(since) AS a, max(until) AS b FROM coverage c JOIN backfills f ON f.id = c.backfill"
            " WHERE f.provider = ?1 UNION ALL SELECT min(first_at), max(last_at) FROM observations WHERE source = ?1",
            provider,
        )
        edges += [r[side] for r in found for side in ("a", "b") if r[side]]
    return Window(time(min(edges)), time(max(edges))) if edges else None


def courses_of(db: Database, surface: str, window: Window) -> tuple[Course, ...]:
    """The incidents that hit a surface and were first posted in the window, oldest first."""
    found = db.rows(
        f"SELECT {_COLUMNS} FROM incident_surfaces s JOIN incidents i ON i.source = s.source AND i.id = s.incident"  # noqa: S608
        f" WHERE s.surface = ? AND s.posted_at >= ? AND s.posted_at < ? AND {_COUNTS} ORDER BY s.posted_at",
        *(surface, iso(window.start), iso(window.end)),
    )
    return _courses(db, found)


def count(db: Database, surface: str, window: Window) -> int:
    """How many incidents, without maintenances, hit a surface and were first posted in the window."""
    [found] = db.rows(
        "SELECT count(*) AS n FROM incident_surfaces s JOIN incidents i ON i.source = s.source AND i.id = s.incident"  # noqa: S608
        f" WHERE s.surface = ? AND s.posted_at >= ? AND s.posted_at < ? AND NOT i.is_maintenance AND {_COUNTS}",
        *(surface, iso(window.start), iso(window.end)),
    )
    return int(found["n"])


def courses(db: Database, providers: Sequence[str], window: Window | None = None) -> tuple[Course, ...]:
    """The incidents of these providers that were first posted in the window, or all; oldest first."""
    marks = ", ".join("?" * len(providers))
    start, end = (iso(window.start), iso(window.end)) if window else ("", "~")
    found = db.rows(
        f"SELECT {_COLUMNS} FROM incidents i WHERE i.provider IN ({marks}) AND i.posted_at >= ? AND i.posted_at < ?"  # noqa: S608
        f" AND {_COUNTS} ORDER BY i.posted_at, i.id",
        *(*providers, start, end),
    )
    return _courses(db, found)


def _courses(db: Database, found: Sequence[dict[str, Any]]) -> tuple[Course, ...]:
    made: dict[tuple[str, str], Course] = {}
    by_source: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        by_source.setdefault(row["source"], []).append(row)
    for source, theirs in by_source.items():
        for place in range(0, len(theirs), _AT_ONCE):
            part = theirs[place : place + _AT_ONCE]
            parts = _Parts(db, source, [row["id"] for row in part])
            made.update(((source, row["id"]), parts.course(row)) for row in part)
    return tuple(made[row["source"], row["id"]] for row in found)


class _Parts:
    """What belongs to some incidents of one source, each asked for once."""

    def __init__(self, db: Database, source: str, ids: Sequence[str]) -> None:
        wanted = (json.dumps(ids), source)
        of = "FROM json_each(?) j JOIN {} t ON t.source = ? AND t.incident = j.value ORDER BY"
        stages = db.rows(
            f"SELECT t.incident, t.id, t.stage, t.display_at {of.format('updates')} t.version, t.rowid", *wanted
        )
        names = db.rows(f"SELECT t.* {of.format('incident_components')} t.component", *wanted)
        self._steps: dict[str, dict[str, tuple[Stage, datetime]]] = {}
        self._names: dict[str, list[str]] = {}
        for row in stages:
            self._steps.setdefault(row["incident"], {})[row["id"]] = (Stage(row["stage"]), time(row["display_at"]))
        for row in names:
            self._names.setdefault(row["incident"], []).append(row["name"])

    def course(self, row: dict[str, Any]) -> Course:
        """The course of one of them."""
        steps = sorted(self._steps.get(row["id"], {}).values(), key=lambda step: step[1])
        return Course(
            incident=row["id"],
            provider=row["provider"],
            name=row["name"],
            posted_at=time(row["posted_at"]),
            steps=tuple(steps),
            seen_at=None if row["backfilled"] else time(row["seen_at"]),
            closed_at=time(row["closed_at"]) if row["closed_at"] else None,
            started_at=time(row["started_at"]) if row["started_at"] else None,
            labels=tuple(self._names.get(row["id"], ())),
            surfaces=tuple(json.loads(row["surfaces"])),
            is_maintenance=bool(row["is_maintenance"]),
        )


def _spans(found: Sequence[dict[str, Any]]) -> tuple[Span, ...]:
    return tuple(
        Span(time(r["since"]), time(r["until"]) if r["until"] else None, Condition(r["condition"]), bool(r["inferred"]))
        for r in found
    )
