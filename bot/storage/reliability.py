"""Reads for reliability figures: the recorded conditions and verdicts of a surface, and the courses of incidents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from bot.domain import Advice, Component, ComponentPin, Condition, Impact, Stage
from bot.domain.reliability import (
    NOTHING_STATED,
    ConditionClaim,
    DatedTransition,
    IncidentCourse,
    StatedTimes,
    SurfaceRecord,
    TimeWindow,
)
from bot.rules.reliability.backfill import COVERED_AFTER_FAILURE
from bot.rules.reliability.incidents import LATEST_POST, courses_open_in
from bot.rules.reliability.posted import LONGEST_HELD
from bot.rules.reliability.spans import merge_windows
from bot.rules.reliability.stated import Post, stated_times
from bot.storage.connection import Database
from bot.storage.mapping import PROVIDER_STATE_ADAPTER, format_time, parse, parse_time

_COLUMNS = (
    "i.source, i.id, i.provider, i.name, i.posted_at, i.seen_at, i.closed_at, i.started_at, i.is_maintenance,"
    " i.backfilled, i.surfaces, i.own, i.impact, i.is_retroactive"
)
# a suspicion that a vendor's incident took over counts as that one
_COUNTED_INCIDENTS = "(i.own IS NULL OR i.own <> 'suspected') AND i.joined IS NULL"
_OPEN_IN_WINDOW = (  # at least those of courses_open_in, whose rule goes by the times of posts
    "(i.posted_at >= :start OR i.closed_at IS NULL OR i.closed_at >= :start OR EXISTS"
    " (SELECT 1 FROM updates u WHERE u.source = i.source AND u.incident = i.id AND u.display_at >= :start))"
)
_POSTED_BEFORE_END = "(i.is_retroactive = 1 OR i.posted_at < :end)"  # a later post may state a window before it
_LONGEST_OPEN = timedelta(days=366)  # an incident that was posted longer before a window is not looked for
_MARGIN = COVERED_AFTER_FAILURE  # what polls saw so long after a window is part of what transitions in it mean
_BATCH_SIZE = 500  # incidents per query


def known_windows(
    db: Database, source: str, window: TimeWindow, now: datetime
) -> tuple[tuple[TimeWindow, ...], tuple[TimeWindow, ...]]:
    """The time in a window that usable polls of a page cover, and the time that imported histories cover."""
    return monitored_windows(db, source, window, now), backfilled_windows(db, source, window)


def surface_record(
    db: Database,
    source: str,
    surface: str,
    window: TimeWindow,
    now: datetime,
    *,
    known: tuple[tuple[TimeWindow, ...], tuple[TimeWindow, ...]] | None = None,
) -> SurfaceRecord:
    """Everything recorded about a surface in a window; ``source`` is the status page that reports on it.

    ``known`` are the page's ``known_windows``, for a caller that asks about several of its surfaces; None reads them.
    """
    start, end = format_time(window.start - _MARGIN), format_time(min(window.end + _MARGIN, now))
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
    watched, covered = known or known_windows(db, source, window, now)
    return SurfaceRecord(surface, _build_spans(monitored), watched, _build_spans(backfilled), covered)


def recorded_lifetime(db: Database, source: str, surface: str) -> tuple[datetime | None, datetime | None]:
    """When a surface began and ended by recordings, whose first or last polls list no component of it; None if neither.

    Our own polls before or after say that it was there.
    """
    rows = db.rows(
        "SELECT since, until FROM past_conditions WHERE surface = ? AND condition = ? AND inferred = ? ORDER BY since",
        *(surface, Condition.UNKNOWN, False),
    )
    whole = known_period(db, [source]) if rows else None
    if whole is None:
        return None, None
    first, last = rows[0], rows[-1]
    began = parse_time(first["until"]) if parse_time(first["since"]) <= whole.start else None
    return began, parse_time(last["since"]) if parse_time(last["until"]) >= whole.end else None


def page_components(db: Database, source: str) -> tuple[tuple[ComponentPin, ...], tuple[Component, ...]]:
    """The components of a page that stand for surfaces, and all that it listed last; empty before the first poll."""
    rows = db.rows("SELECT world FROM worlds WHERE provider = ?", source)
    return _components_of_state(rows[0]["world"]) if rows else ((), ())


@lru_cache(maxsize=256)  # more than the pages of one report, whose surfaces ask one after the other
def _components_of_state(stored: str) -> tuple[tuple[ComponentPin, ...], tuple[Component, ...]]:
    state = parse(PROVIDER_STATE_ADAPTER, stored, "worlds")
    return (state.pins, state.components) if state else ((), ())


def first_affected_at(db: Database, surface: str) -> datetime | None:
    """The first post of the first incident that affected a surface; None without one."""
    [row] = db.rows("SELECT min(posted_at) AS at FROM incident_surfaces WHERE surface = ?", surface)
    return parse_time(row["at"]) if row["at"] else None


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
    """The time that usable polls cover: where two are more than 15 minutes apart, it is unknown from the first on.

    The query returns only the polls after gaps, since there may be thousands of others.
    """
    usable = (
        "FROM observations WHERE source = :source AND last_at > :start AND first_at < :end"
        " AND outcome IN ('changed', 'same')"
    )
    bounds = {
        "source": source,
        "start": format_time(window.start - COVERED_AFTER_FAILURE),
        "end": format_time(window.end + COVERED_AFTER_FAILURE),
    }
    rows = db.rows(
        "SELECT first_at, before FROM (SELECT first_at, max(last_at) OVER (ORDER BY first_at, last_at"  # noqa: S608
        f" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before {usable}) polls"
        " WHERE before IS NULL OR julianday(first_at) - julianday(before) > :held ORDER BY first_at",
        **bounds,
        held=COVERED_AFTER_FAILURE / timedelta(days=1),
    )
    [newest] = db.rows(f"SELECT max(last_at) AS before {usable}", **bounds)
    starts = (parse_time(row["first_at"]) for row in rows)
    ends = (_covered_until(parse_time(row["before"]), now) for row in [*rows[1:], newest] if row["before"])
    windows = (TimeWindow(start, min(end, window.end)) for start, end in zip(starts, ends, strict=True))
    return merge_windows(w for w in windows if w.start < w.end)


def _covered_until(last_at: datetime, now: datetime) -> datetime:
    """Up to when the page is known after a poll that no other follows."""
    return now if last_at <= now <= last_at + COVERED_AFTER_FAILURE else min(last_at, now)


def dated_transitions(db: Database, source: str, window: TimeWindow) -> tuple[DatedTransition, ...]:
    """The component transitions by the newest versions of updates that have to do with the window, in time order.

    That is also those of the time around it for which one can hold (``posted.LONGEST_HELD``), so that a window says the
    same of its time as a longer one.
    """
    rows = db.rows(
        "SELECT u.display_at, u.transitions, CASE WHEN i.backfilled = 1 THEN NULL ELSE u.seen_at END AS seen_at"
        " FROM updates u CROSS JOIN incidents i WHERE i.source = u.source AND i.id = u.incident"
        " AND u.source = :source AND u.display_at >= :start AND u.display_at < :end"
        " AND u.transitions IS NOT NULL AND u.transitions <> '[]'"
        " AND u.version = (SELECT max(n.version) FROM updates n WHERE n.source = u.source AND n.id = u.id)"
        " ORDER BY u.display_at, i.posted_at, u.incident, u.id",
        source=source,
        start=format_time(window.start - LONGEST_HELD - _MARGIN),
        end=format_time(window.end + LONGEST_HELD + _MARGIN),
    )
    return tuple(
        DatedTransition(
            parse_time(row["display_at"]),
            component,
            name,
            Condition(old),
            Condition(new),
            parse_time(row["seen_at"]) if row["seen_at"] else None,
        )
        for row in rows
        for component, name, old, new in json.loads(row["transitions"])
    )


def backfilled_windows(db: Database, provider: str, window: TimeWindow) -> tuple[TimeWindow, ...]:
    """The time that backfilled histories cover."""
    rows = db.rows(
        "SELECT c.since, c.until FROM backfills b JOIN coverage c ON c.backfill = b.id"
        " WHERE b.provider = ? AND c.until > ? AND c.since < ?",
        *(provider, format_time(window.start), format_time(window.end)),
    )
    return merge_windows(TimeWindow(parse_time(r["since"]), parse_time(r["until"])) for r in rows)


def history_until(db: Database, provider: str, posted_at: datetime) -> datetime | None:
    """The end of the imported history that an incident was posted in; None where polls have taken over since."""
    [row] = db.rows(
        "SELECT max(c.until) AS until FROM backfills b JOIN coverage c ON c.backfill = b.id"
        " WHERE b.provider = ? AND c.since <= ? AND c.until > ?",
        *(provider, format_time(posted_at), format_time(posted_at)),
    )
    [polls] = db.rows("SELECT max(last_at) AS at FROM observations WHERE source = ?", provider)
    is_polled_since = polls["at"] is not None and row["until"] is not None and polls["at"] > row["until"]
    return parse_time(row["until"]) if row["until"] and not is_polled_since else None


def incident_components(db: Database, source: str, incident: str) -> tuple[str, ...]:
    """The names of the page's components that an incident was linked to, in the order of their ids."""
    query = "SELECT name FROM incident_components WHERE source = ? AND incident = ? ORDER BY component"
    return tuple(row["name"] for row in db.rows(query, source, incident))


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
    """The incidents that affected a surface and were open in the window, oldest first, each once."""
    rows = db.rows(
        f"SELECT {_COLUMNS} FROM incident_surfaces s JOIN incidents i ON i.source = s.source AND i.id = s.incident"  # noqa: S608
        f" WHERE s.surface = :surface AND s.posted_at >= :first AND s.posted_at < :last AND {_POSTED_BEFORE_END}"
        f" AND {_OPEN_IN_WINDOW} AND {_COUNTED_INCIDENTS} ORDER BY s.posted_at",
        surface=surface,
        **_bounds(window),
    )
    return courses_open_in(_build_courses(db, rows), window)


def incident_courses(
    db: Database, providers: Sequence[str], window: TimeWindow | None = None
) -> tuple[IncidentCourse, ...]:
    """The incidents of these providers that were open in the window, each once; or all of them; oldest first."""
    named = {f"provider{number}": provider for number, provider in enumerate(providers)}  # so that their index is used
    rows = db.rows(
        f"SELECT {_COLUMNS} FROM incidents i"  # noqa: S608
        f" WHERE i.provider IN ({', '.join(f':{name}' for name in named) or 'NULL'})"
        f" AND i.posted_at >= :first AND i.posted_at < :last AND {_POSTED_BEFORE_END}"
        f" AND {_OPEN_IN_WINDOW} AND {_COUNTED_INCIDENTS} ORDER BY i.posted_at, i.id",
        **named,
        **(_bounds(window) if window else {"first": "", "last": "~", "end": "~", "start": ""}),
    )
    courses = _build_courses(db, rows)
    return courses_open_in(courses, window) if window else courses


def _bounds(window: TimeWindow) -> dict[str, str | None]:
    """The values of the conditions on the incidents of a window: the first and the last post, its end and its start."""
    first, last = window.start - _LONGEST_OPEN, window.end + LATEST_POST
    times = {"first": first, "last": last, "end": window.end, "start": window.start}
    return {name: format_time(at) for name, at in times.items()}


def late_courses(db: Database, provider: str, window: TimeWindow) -> tuple[IncidentCourse, ...]:
    """The incidents of a provider that were posted when they were over, and state a time that may be in the window."""
    rows = db.rows(
        f"SELECT {_COLUMNS} FROM incidents i WHERE i.provider = ? AND i.is_retroactive = 1 AND i.is_maintenance = 0"  # noqa: S608
        f" AND i.posted_at >= ? AND i.posted_at < ? AND {_COUNTED_INCIDENTS} ORDER BY i.posted_at, i.id",
        *(provider, format_time(window.start - LATEST_POST), format_time(window.end + LATEST_POST)),
    )
    return tuple(c for c in _build_courses(db, rows) if c.stated.windows)


def _build_courses(db: Database, rows: Sequence[dict[str, Any]]) -> tuple[IncidentCourse, ...]:
    courses: dict[tuple[str, str], IncidentCourse] = {}
    by_source: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_source.setdefault(row["source"], []).append(row)
    for source, source_rows in by_source.items():
        for start in range(0, len(source_rows), _BATCH_SIZE):
            batch = source_rows[start : start + _BATCH_SIZE]
            parts = _IncidentParts(db, source, batch)
            courses.update(((source, row["id"]), parts.build_course(row)) for row in batch)
    return tuple(courses[row["source"], row["id"]] for row in rows)


class _IncidentParts:
    """Updates and components of several incidents of one source, read with one query each."""

    def __init__(self, db: Database, source: str, rows: Sequence[dict[str, Any]]) -> None:
        self._db = db
        arguments = (json.dumps([row["id"] for row in rows]), source)
        join = "FROM json_each(CAST(? AS TEXT)) j JOIN {} t ON t.source = ? AND t.incident = j.value ORDER BY"
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
        self._texts = self._late_texts(source, [row["id"] for row in rows if row["is_retroactive"]])

    def _late_texts(self, source: str, ids: Sequence[str]) -> dict[str, tuple[Post, ...]]:
        """The texts of those of these incidents all of whose updates say that it is over, with their times."""
        late = [i for i in ids if i in self._steps and all(stage.is_closed for stage, _ in self._steps[i].values())]
        if not late:
            return {}
        rows = self._db.rows(
            "SELECT t.incident, t.id, t.body, t.display_at FROM json_each(CAST(? AS TEXT)) j"
            " JOIN updates t ON t.source = ? AND t.incident = j.value ORDER BY t.version, t.rowid",
            *(json.dumps(late), source),
        )
        posts: dict[str, dict[str, Post]] = {}
        for row in rows:
            posts.setdefault(row["incident"], {})[row["id"]] = (row["body"], parse_time(row["display_at"]))
        return {i: tuple(by_id.values()) for i, by_id in posts.items()}

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
            is_unposted=row["own"] is not None,
            history_until=self._history_until(row) if row["backfilled"] and not row["closed_at"] else None,
            impact=Impact(row["impact"]),
            stated=self._stated(row),
        )

    def _stated(self, row: dict[str, Any]) -> StatedTimes:
        posts = self._texts.get(row["id"])
        is_counted = posts and not row["is_maintenance"] and row["own"] is None
        title = (row["name"], parse_time(row["posted_at"]))
        return stated_times((title, *posts)) if posts and is_counted else NOTHING_STATED

    def _history_until(self, row: dict[str, Any]) -> datetime | None:
        return history_until(self._db, row["provider"], parse_time(row["posted_at"]))


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
