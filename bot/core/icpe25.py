"""Courses of incidents -> the table of the ICPE'25 study of LLM services, by its own formulas (safe-to-retry.md A.3).

Each stage counts at its first post. An incident is dropped where two neighbouring stages that it has are out of order.
It belongs to every component of the page that it is linked to; a missing stage is left out of that mean only. MTTR is
resolved - min(investigating, identified, monitoring); MTBF is the mean gap between consecutive first posts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.core.spans import shared_out
from bot.model import Condition, Stage
from bot.years import PARTIAL, Course, Run, Service, Table, Window

_ORDER = (Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING, Stage.RESOLVED, Stage.POSTMORTEM)
_LIVE = _ORDER[:3]


def table(courses: Sequence[Course]) -> Table:
    """The study's table. A component name that two providers share is told apart by the provider's id."""
    used = [c for c in courses if _is_in_order(c)]
    owners = {(label, c.provider) for c in used for label in c.labels}
    shared = {label for label, p in owners if any(label == other and p != q for other, q in owners)}
    rows: dict[str, list[Course]] = {}
    for course in used:
        for label in dict.fromkeys(course.labels):
            rows.setdefault(f"{label} ({course.provider})" if label in shared else label, []).append(course)
    return Table(len(courses), len(used), {name: _service(rows[name]) for name in sorted(rows)})


def availability(found: Sequence[Run], days: Sequence[Window]) -> float | None:
    """The mean of daily availabilities in percent: 100 x (1 - (down + 0.3 x partly down) / day). None without days.

    Days of which nothing at all is known are left out; degraded, maintenance and unknown minutes cost nothing.
    """
    parts = shared_out(found, days)
    daily = [_daily(part, day.length) for part, day in zip(parts, days, strict=True)]
    known = [value for value in daily if value is not None]
    return sum(known) / len(known) if known else None


def _daily(found: Sequence[Run], day: timedelta) -> float | None:
    if all(run.condition is Condition.UNKNOWN for run in found):
        return None
    major = sum((r.length for r in found if r.condition is Condition.MAJOR_OUTAGE), timedelta())
    partial = sum((r.length for r in found if r.condition is Condition.PARTIAL_OUTAGE), timedelta())
    return 100 * (1 - (major + PARTIAL * partial) / day)


def _is_in_order(course: Course) -> bool:
    stamps = [course.first(stage) for stage in _ORDER]
    return all(a is None or b is None or a <= b for a, b in pairwise(stamps))


def _service(rows: Sequence[Course]) -> Service:
    posts = sorted(course.posted_at for course in rows)
    return Service(
        incidents=len(rows),
        p_investigate_h=_mean_h(_between(rows, Stage.INVESTIGATING, Stage.IDENTIFIED)),
        p_repair_h=_mean_h(_between(rows, Stage.IDENTIFIED, Stage.MONITORING)),
        p_check_h=_mean_h(_between(rows, Stage.MONITORING, Stage.RESOLVED)),
        mttr_h=_mean_h(_to_resolved(rows)),
        mtbf_d=_mean_h((b - a for a, b in pairwise(posts)), per=timedelta(days=1)),
    )


def _between(rows: Iterable[Course], start: Stage, end: Stage) -> Iterator[timedelta]:
    for course in rows:
        began, ended = course.first(start), course.first(end)
        if began is not None and ended is not None:
            yield ended - began


def _to_resolved(rows: Iterable[Course]) -> Iterator[timedelta]:
    for course in rows:
        resolved = course.first(Stage.RESOLVED)
        live: list[datetime] = [at for stage in _LIVE if (at := course.first(stage)) is not None]
        if resolved is not None and live:
            yield resolved - min(live)


def _mean_h(spans: Iterable[timedelta], per: timedelta = timedelta(hours=1)) -> float | None:
    found = list(spans)
    return round(sum(found, timedelta()) / per / len(found), 2) if found else None
