"""Which incidents count in a window: those that were open in it, each once.

See bot/docs/reliability-figures.md#incidents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.domain.reliability import IncidentCourse, TimeWindow

LATEST_POST = timedelta(days=31 + 7)  # after a window, of an incident whose stated window (a week at most) begins in it
SAME_POST = timedelta(minutes=1)  # first posts of one incident in two sources are no further apart
MAY_BE_SAME_POST = timedelta(minutes=15)


def distinct_courses(courses: Iterable[IncidentCourse]) -> tuple[IncidentCourse, ...]:
    """The courses without doubles, in the order of their first posts; of doubles, the one with the most updates."""
    kept: list[IncidentCourse] = []
    newest: dict[tuple[str, str], int] = {}  # provider and title -> where the newest of them is in ``kept``
    for course in sorted(courses, key=lambda c: (c.posted_at, c.incident)):
        key = (course.provider, _title(course))
        index = newest.get(key)
        if index is None or course.posted_at - kept[index].posted_at > SAME_POST:
            newest[key] = len(kept)
            kept.append(course)
        elif len(course.steps) > len(kept[index].steps):
            kept[index] = course
    return tuple(kept)


def possible_doubles(courses: Sequence[IncidentCourse]) -> tuple[tuple[str, str], ...]:
    """Pairs of incidents that count as two and may be one, by id, in the order of their first posts.

    Those are two of one provider with equal titles and first posts at most 15 minutes apart, or with first posts and
    ends at most a minute apart.
    """
    ordered = sorted(courses, key=lambda c: (c.posted_at, c.incident))
    pairs = []
    for number, first in enumerate(ordered):
        for second in ordered[number + 1 :]:
            if second.posted_at - first.posted_at > MAY_BE_SAME_POST:
                break
            if _may_be_one(first, second):
                pairs.append((first.incident, second.incident))
    return tuple(pairs)


def _may_be_one(first: IncidentCourse, second: IncidentCourse) -> bool:
    if first.provider != second.provider or first.is_unposted or second.is_unposted:
        return False
    if _title(first) == _title(second):
        return True
    ends = (first.resolved_at, second.resolved_at)
    is_same_end = ends[0] is not None and ends[1] is not None and abs(ends[0] - ends[1]) <= SAME_POST
    return is_same_end and second.posted_at - first.posted_at <= SAME_POST


def _title(course: IncidentCourse) -> str:
    return " ".join(course.name.casefold().split())


def courses_open_in(courses: Iterable[IncidentCourse], window: TimeWindow) -> tuple[IncidentCourse, ...]:
    """Those that were open at any time in the window, or posted in it after their end; each once."""
    return tuple(c for c in distinct_courses(courses) if window.length and _is_in(c, window))


def _is_in(course: IncidentCourse, window: TimeWindow) -> bool:
    begun_at = course.begun_at or course.posted_at
    if begun_at >= window.start:
        return begun_at < window.end
    until = course.known_until
    return until is None or max([until, *(w.end for w in course.stated.windows)]) > window.start


def begun_before(courses: Iterable[IncidentCourse], at: datetime) -> tuple[IncidentCourse, ...]:
    """Those that began before a time."""
    return tuple(c for c in courses if (c.begun_at or c.posted_at) < at)
