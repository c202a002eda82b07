"""What a monthly report adds to the figures: *monitoring* that was posted too early, and the costliest hours.

See bot/docs/reliability-figures.md#the-monthly-report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain import Stage
from bot.domain.reliability import ConditionPeriod, CostlyHour, IncidentCourse, MonitoringRecord, TimeWindow
from bot.rules.reliability.verdict_accuracy import RELAPSE_WITHIN

_STILL_BROKEN = (Stage.INVESTIGATING, Stage.IDENTIFIED)
_HOUR = timedelta(hours=1)


def monitoring_record(
    courses: Iterable[IncidentCourse], periods: Mapping[str, Sequence[ConditionPeriod]], window: TimeWindow
) -> MonitoringRecord:
    """How often *monitoring* was posted in the window, and how often too early.

    It was too early where the vendor went back to investigating or identified, or where a service of the incident
    became bad within an hour of it. Several posts of *monitoring* in a row count as the first of them.

    Args:
        courses: The incidents.
        periods: By surface, its conditions in the window and for an hour after it, where those are known already.
        window: The time in which *monitoring* was posted.
    """
    posts = early = recent = 0
    for course in courses:
        for number, at in _first_monitorings(course):
            if not window.start <= at < window.end:
                continue
            posts += 1
            later = {stage for stage, _ in course.steps[number + 1 :]}
            if later.intersection(_STILL_BROKEN) or any(_became_bad(periods.get(s, ()), at) for s in course.surfaces):
                early += 1
            elif any(p and p[-1].end < at + RELAPSE_WITHIN for p in map(periods.get, course.surfaces)):
                recent += 1
    return MonitoringRecord(posts, early, recent)


def _first_monitorings(course: IncidentCourse) -> Iterator[tuple[int, datetime]]:
    """The posts of *monitoring* that follow another stage, with their numbers among the steps."""
    before: Stage | None = None
    for number, (stage, at) in enumerate(course.steps):
        if stage is Stage.MONITORING and before is not Stage.MONITORING:
            yield number, at
        before = stage


def _became_bad(periods: Sequence[ConditionPeriod], at: datetime) -> bool:
    """Whether a time that was not bad turned bad within an hour after ``at``."""
    return any(
        later.condition.is_bad and not earlier.condition.is_bad and at < later.start <= at + RELAPSE_WITHIN
        for earlier, later in pairwise(periods)
    )


def costliest_hours(periods: Mapping[str, Sequence[ConditionPeriod]], count: int) -> tuple[CostlyHour, ...]:
    """The clock hours with the most bad time, summed over surfaces; the costliest first, of equals the earlier."""
    spent: dict[datetime, dict[str, timedelta]] = defaultdict(lambda: defaultdict(timedelta))
    for surface, course in periods.items():
        for period in course:
            if period.condition.is_bad:
                for hour, length in _by_hour(period):
                    spent[hour][surface] += length
    hours = (
        CostlyHour(hour, sum(by.values(), timedelta()), tuple(sorted(by, key=lambda s: (-by[s], s))))
        for hour, by in spent.items()
    )
    return tuple(sorted(hours, key=lambda h: (-h.bad_time, h.start))[:count])


def _by_hour(period: ConditionPeriod) -> Iterator[tuple[datetime, timedelta]]:
    hour = period.start.replace(minute=0, second=0, microsecond=0)
    while hour < period.end:
        yield hour, min(period.end, hour + _HOUR) - max(period.start, hour)
        hour += _HOUR
