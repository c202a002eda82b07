"""Reliability figures by the formulas of the ICPE'25 study of LLM services, to compare with its published table.

See bot/docs/verdict-rules.md#reliability-figures.

Each stage counts from its first post. Incidents whose consecutive stages are out of order are dropped. An incident
counts for every component of the page that it is linked to; where it lacks a stage, it is left out of that mean only.
MTTR is resolved - min(investigating, identified, monitoring); MTBF is the mean gap between consecutive first posts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain import Condition, Stage
from bot.domain.reliability import (
    PARTIAL_OUTAGE_WEIGHT,
    ComponentFigures,
    ConditionPeriod,
    IncidentCourse,
    StudyTable,
    TimeWindow,
)
from bot.rules.reliability.spans import clip_to_windows

_ORDER = (Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING, Stage.RESOLVED, Stage.POSTMORTEM)
_OPEN_STAGES = _ORDER[:3]


def compute_study_table(courses: Sequence[IncidentCourse]) -> StudyTable:
    """The study's table of all components. Where providers share a component name, their ids are added to it."""
    used = [c for c in courses if _has_ordered_stages(c)]
    owners = {(label, c.provider) for c in used for label in c.labels}
    shared_labels = {label for label, p in owners if any(label == other and p != q for other, q in owners)}
    rows: dict[str, list[IncidentCourse]] = {}
    for course in used:
        for label in dict.fromkeys(course.labels):
            rows.setdefault(f"{label} ({course.provider})" if label in shared_labels else label, []).append(course)
    return StudyTable(len(courses), len(used), {name: _component_figures(rows[name]) for name in sorted(rows)})


def mean_daily_availability(periods: Sequence[ConditionPeriod], days: Sequence[TimeWindow]) -> float | None:
    """The mean of daily availabilities in percent: 100 x (1 - (major outage + 0.3 x partial outage) / day).

    Days of which nothing at all is known are left out; None where that is every day. Degraded, maintenance and unknown
    time costs nothing. ``periods`` and ``days`` are in time order and without overlap.
    """
    periods_by_day = clip_to_windows(periods, days)
    daily = [
        _daily_availability(day_periods, day.length) for day_periods, day in zip(periods_by_day, days, strict=True)
    ]
    known_days = [value for value in daily if value is not None]
    return sum(known_days) / len(known_days) if known_days else None


def _daily_availability(periods: Sequence[ConditionPeriod], day: timedelta) -> float | None:
    if all(period.condition is Condition.UNKNOWN for period in periods):
        return None
    major = sum((period.length for period in periods if period.condition is Condition.MAJOR_OUTAGE), timedelta())
    partial = sum((period.length for period in periods if period.condition is Condition.PARTIAL_OUTAGE), timedelta())
    return 100 * (1 - (major + PARTIAL_OUTAGE_WEIGHT * partial) / day)


def _has_ordered_stages(course: IncidentCourse) -> bool:
    posted_times = [course.first_posted_at(stage) for stage in _ORDER]
    return all(a is None or b is None or a <= b for a, b in pairwise(posted_times))


def _component_figures(courses: Sequence[IncidentCourse]) -> ComponentFigures:
    posted_times = sorted(course.posted_at for course in courses)
    return ComponentFigures(
        incidents=len(courses),
        p_investigate_h=_mean_duration(_stage_durations(courses, Stage.INVESTIGATING, Stage.IDENTIFIED)),
        p_repair_h=_mean_duration(_stage_durations(courses, Stage.IDENTIFIED, Stage.MONITORING)),
        p_check_h=_mean_duration(_stage_durations(courses, Stage.MONITORING, Stage.RESOLVED)),
        mttr_h=_mean_duration(_resolution_times(courses)),
        mtbf_d=_mean_duration((b - a for a, b in pairwise(posted_times)), per=timedelta(days=1)),
    )


def _stage_durations(courses: Iterable[IncidentCourse], start: Stage, end: Stage) -> Iterator[timedelta]:
    for course in courses:
        began, ended = course.first_posted_at(start), course.first_posted_at(end)
        if began is not None and ended is not None:
            yield ended - began


def _resolution_times(courses: Iterable[IncidentCourse]) -> Iterator[timedelta]:
    for course in courses:
        resolved = course.first_posted_at(Stage.RESOLVED)
        open_stage_times: list[datetime] = [
            at for stage in _OPEN_STAGES if (at := course.first_posted_at(stage)) is not None
        ]
        if resolved is not None and open_stage_times:
            yield resolved - min(open_stage_times)


def _mean_duration(values: Iterable[timedelta], per: timedelta = timedelta(hours=1)) -> float | None:
    durations = list(values)
    return round(sum(durations, timedelta()) / per / len(durations), 2) if durations else None
