"""Sums of a stretch of time, from which figures are computed; those of adjacent stretches add up.

So the sums of months that have passed can be stored, and a report of ten years reads 120 of them in place of every poll
and every update. ``bot/queries/history.py`` says which months those are.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from bot.domain import Condition, Provider, Stage
from bot.domain.reliability import (
    ConditionPeriod,
    Durations,
    FigureSums,
    IncidentCourse,
    IncidentSums,
    OutageCount,
    TimeWindow,
)
from bot.rules.reliability import spans
from bot.rules.reliability.incidents import LATEST_POST
from bot.rules.reliability.posted import LONGEST_HELD

VERSION = 2  # of the rules by which sums are computed: with another one, stored sums count no more
READS = max(LONGEST_HELD, LATEST_POST) + timedelta(
    days=1
)  # records of so much time before and after a month can change its sums

MIN_VENDOR_LAG = timedelta(minutes=1)  # pages that state no start repeat the time of the first post, or nearly
MEASURED_STAGES = (Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING)
_UNIT = timedelta(microseconds=1)


def is_settled(month: TimeWindow, now: datetime) -> bool:
    """Whether a month is so long ago that what happens now does not change its sums."""
    return month.end + READS <= now


def basis_of(provider: Provider) -> str:
    """A digest of what the sums of a provider's months depend on besides records: the rules, and its components."""
    surfaces = [(surface.id, surface.components, surface.parts) for surface in provider.surfaces]
    return sha256(json.dumps([VERSION, surfaces]).encode()).hexdigest()[:16]


def sum_up(periods: Sequence[ConditionPeriod], courses: Iterable[IncidentCourse], window: TimeWindow) -> FigureSums:
    """The sums of a stretch of time.

    Args:
        periods: The conditions in it, in time order.
        courses: The incidents that began or were first posted in it, each once; others are left out.
        window: The stretch.
    """
    return FigureSums(
        spans.time_by_condition(periods),
        spans.inferred_time(periods),
        count_outages(periods),
        sum_incidents(courses, window),
    )


def add_up(stretches: Sequence[FigureSums]) -> FigureSums:
    """The sums of adjacent stretches, which must be in time order, as those of one."""
    minutes, inferred, outages = dict.fromkeys(Condition, timedelta()), timedelta(), OutageCount()
    for stretch in stretches:
        for condition, length in stretch.minutes.items():
            minutes[condition] += length
        inferred += stretch.inferred
        outages = join_outages(outages, stretch.outages)
    return FigureSums(minutes, inferred, outages, _add_up_incidents([s.incidents for s in stretches]))


def _add_up_incidents(found: Sequence[IncidentSums]) -> IncidentSums:
    months: Counter[str] = Counter()
    stages: dict[Stage, list[int]] = defaultdict(list)
    to_resolve: list[int] = []
    vendor_lag: list[int] = []
    our_lag: list[int] = []
    for one in found:
        months.update(one.months)
        to_resolve += one.to_resolve
        vendor_lag += one.vendor_lag
        our_lag += one.our_lag
        for stage, durations in one.stages.items():
            stages[stage] += durations
    return IncidentSums(
        sum(one.counted for one in found),
        sum(one.post_hoc for one in found),
        sum(one.unposted for one in found),
        tuple(to_resolve),
        {stage: tuple(durations) for stage, durations in stages.items()},
        tuple(vendor_lag),
        tuple(our_lag),
        months,
    )


def count_outages(periods: Iterable[ConditionPeriod]) -> OutageCount:
    """The outages in periods, as ``spans.outages`` counts them."""
    found = OutageCount()
    for period in periods:
        if period.condition.is_bad:
            one = OutageCount(1)
        else:
            gap = period.length if period.condition is Condition.UNKNOWN else None
            one = OutageCount(0, gap, gap)
        found = join_outages(found, one)
    return found


def join_outages(first: OutageCount, second: OutageCount) -> OutageCount:
    """The outages of two adjacent stretches: one that continues over their border is one outage."""
    between = _added(first.unknown_after, second.unknown_before)
    if not first.count or not second.count:
        before = first.unknown_before if first.count else between
        after = second.unknown_after if second.count else between
        return OutageCount(first.count + second.count, before, after)
    is_one = between is not None and between <= spans.MAX_UNKNOWN_IN_OUTAGE
    return OutageCount(first.count + second.count - is_one, first.unknown_before, second.unknown_after)


def _added(first: timedelta | None, second: timedelta | None) -> timedelta | None:
    return None if first is None or second is None else first + second


def sum_incidents(courses: Iterable[IncidentCourse], window: TimeWindow) -> IncidentSums:
    """What figures need of the incidents that began or were first posted in a window, without maintenances.

    They are counted by their beginning, which a text may state, and their durations by their first post.
    """
    found = [c for c in courses if not c.is_maintenance]
    begun = [c for c in found if window.start <= (c.begun_at or c.posted_at) < window.end]
    counted = [c for c in begun if not c.is_unposted]
    posted = [c for c in found if not c.is_unposted and window.start <= c.posted_at < window.end]
    live = [c for c in posted if not c.is_post_hoc]
    stages: dict[Stage, list[int]] = defaultdict(list)
    for course in live:
        for stage, length in course.time_by_stage().items():
            if stage in MEASURED_STAGES:
                stages[stage].append(length // _UNIT)
    return IncidentSums(
        len(counted),
        sum(c.is_post_hoc for c in counted),
        len(begun) - len(counted),
        _lengths(c.resolved_at - c.posted_at for c in live if c.resolved_at),
        {stage: tuple(lengths) for stage, lengths in stages.items()},
        _lengths(lag for c in posted if (lag := c.posted_at - _stated_start(c)) >= MIN_VENDOR_LAG),
        _lengths(max(c.seen_at - c.posted_at, timedelta()) for c in live if c.seen_at),
        Counter(f"{c.posted_at:%Y-%m}" for c in posted),
    )


def _stated_start(course: IncidentCourse) -> datetime:
    """The start that the vendor states, of one posted late also in its text; the first post where there is none."""
    stated = (course.started_at, *(w.start for w in course.stated.windows))
    return min((at for at in stated if at is not None), default=course.posted_at)


def _lengths(durations: Iterable[timedelta]) -> Durations:
    return tuple(length // _UNIT for length in durations)
