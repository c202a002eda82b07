"""Which incidents count in a window: those that were open in it, each once.

See bot/docs/reliability-figures.md#incidents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.domain.reliability import IncidentCourse, TimeWindow

SAME_POST = timedelta(minutes=1)  # first posts of one incident in two sources are no further apart


def distinct_courses(courses: Iterable[IncidentCourse]) -> tuple[IncidentCourse, ...]:
    """The courses without doubles, in the order of their first posts; of doubles, the one with the most updates."""
    kept: list[IncidentCourse] = []
    newest: dict[tuple[str, str], int] = {}  # provider and title -> where the newest of them is in ``kept``
    for course in sorted(courses, key=lambda c: (c.posted_at, c.incident)):
        key = (course.provider, " ".join(course.name.casefold().split()))
        index = newest.get(key)
        if index is None or course.posted_at - kept[index].posted_at > SAME_POST:
            newest[key] = len(kept)
            kept.append(course)
        elif len(course.steps) > len(kept[index].steps):
            kept[index] = course
    return tuple(kept)


def courses_open_in(courses: Iterable[IncidentCourse], window: TimeWindow) -> tuple[IncidentCourse, ...]:
    """Those that were open at any time in the window, or posted in it after their end; each once."""
    return tuple(c for c in distinct_courses(courses) if window.length and _is_in(c, window))


def _is_in(course: IncidentCourse, window: TimeWindow) -> bool:
    begun_at = course.begun_at or course.posted_at
    if begun_at >= window.start:
        return begun_at < window.end
    until = course.known_until
    return until is None or until > window.start


def began_before(courses: Sequence[IncidentCourse], window: TimeWindow) -> int:
    """How many began before the window."""
    return sum((c.begun_at or c.posted_at) < window.start for c in courses)
