"""Merges claims on a surface's condition, which may overlap, into periods with one condition each and no gaps.

Our own polls take precedence, backfilled claims fill the time without polls, and the rest is *unknown*. Where claims of
one kind overlap, the worst of them counts, and it counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from itertools import groupby

from bot.domain import Condition
from bot.domain.reliability import ConditionPeriod, SurfaceRecord, TimeWindow


def condition_periods(record: SurfaceRecord, window: TimeWindow) -> tuple[ConditionPeriod, ...]:
    """The window cut into periods where the condition changes; empty for an empty window."""
    changes = _change_points(record, window)
    periods = (
        ConditionPeriod(start, end, condition)
        for (start, condition), (end, _) in zip(changes, [*changes[1:], (window.end, None)], strict=True)
        if start < end
    )
    return tuple(_merge_periods(periods))


def time_by_condition(periods: Iterable[ConditionPeriod]) -> dict[Condition, timedelta]:
    """The total time in each condition, with every condition as a key."""
    total = dict.fromkeys(Condition, timedelta())
    for period in periods:
        total[period.condition] += period.length
    return total


def outages(periods: Iterable[ConditionPeriod]) -> tuple[ConditionPeriod, ...]:
    """The uninterrupted times in which the condition was bad, each with its worst condition."""
    merged = []
    for is_bad, group in groupby(periods, key=lambda period: period.condition.is_bad):
        if is_bad:
            group_periods = list(group)
            worst = max((p.condition for p in group_periods), key=lambda c: c.rank)
            merged.append(ConditionPeriod(group_periods[0].start, group_periods[-1].end, worst))
    return tuple(merged)


def split_days(window: TimeWindow, zone: tzinfo) -> tuple[TimeWindow, ...]:
    """The window cut at the zone's midnights: where clocks change, a day has 23 or 25 hours."""
    cuts = [window.start]
    day = window.start.astimezone(zone).date() + timedelta(days=1)
    while (midnight := datetime.combine(day, time(), zone).astimezone(window.start.tzinfo)) < window.end:
        cuts.append(midnight)
        day += timedelta(days=1)
    return tuple(TimeWindow(a, b) for a, b in zip(cuts, [*cuts[1:], window.end], strict=True) if a < b)


def clip_periods(periods: Sequence[ConditionPeriod], window: TimeWindow) -> tuple[ConditionPeriod, ...]:
    """The parts of the periods that lie in the window."""
    clipped = (
        ConditionPeriod(max(period.start, window.start), min(period.end, window.end), period.condition)
        for period in periods
    )
    return tuple(period for period in clipped if period.start < period.end)


def clip_to_windows(
    periods: Sequence[ConditionPeriod], windows: Sequence[TimeWindow]
) -> tuple[tuple[ConditionPeriod, ...], ...]:
    """For each window the parts of the periods in it; both must be in time order and without overlap."""
    clipped, first = [], 0
    for window in windows:
        while first < len(periods) and periods[first].end <= window.start:
            first += 1
        last = first
        while last < len(periods) and periods[last].start < window.end:
            last += 1
        clipped.append(clip_periods(periods[first:last], window))
    return tuple(clipped)


def merge_windows(windows: Iterable[TimeWindow]) -> tuple[TimeWindow, ...]:
    """The same time as windows in time order that neither overlap nor touch."""
    merged: list[TimeWindow] = []
    for window in sorted(windows, key=lambda w: w.start):
        if merged and window.start <= merged[-1].end:
            merged[-1] = TimeWindow(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return tuple(merged)


_OBSERVED, _MONITORED, _BACKFILLED, _COVERED = range(4)  # kinds of claims
_ClaimKey = tuple[int, Condition | None]  # the kind; the condition of an observed or backfilled one, else None
_WORST_FIRST = sorted((c for c in Condition if c is not Condition.UNKNOWN), key=lambda c: -c.rank)


def _change_points(record: SurfaceRecord, window: TimeWindow) -> list[tuple[datetime, Condition]]:
    """Each time at which a claim begins or ends, with the condition from then on; the first is the window's start."""
    edges = sorted(_claim_edges(record, window), key=lambda edge: edge[0])
    open_claims: dict[_ClaimKey, int] = {}
    changes: list[tuple[datetime, Condition]] = []
    index = 0
    while index < len(edges):
        at = edges[index][0]
        while index < len(edges) and edges[index][0] == at:
            _, key, delta = edges[index]
            open_claims[key] = open_claims.get(key, 0) + delta
            index += 1
        changes.append((at, _condition_from_claims(open_claims)))
    if not changes or changes[0][0] > window.start:
        changes.insert(0, (window.start, Condition.UNKNOWN))
    return changes


def _claim_edges(record: SurfaceRecord, window: TimeWindow) -> Iterator[tuple[datetime, _ClaimKey, int]]:
    spans = [*((_OBSERVED, s) for s in record.seen), *((_BACKFILLED, s) for s in record.told)]
    claims: list[tuple[_ClaimKey, datetime, datetime | None]] = [
        *(((kind, s.condition), s.start, s.end) for kind, s in spans),
        *(((_MONITORED, None), w.start, w.end) for w in record.watched),
        *(((_COVERED, None), w.start, w.end) for w in record.covered),
    ]
    for key, begins, ends in claims:
        start, end = max(begins, window.start), min(ends or window.end, window.end)
        if start < end:
            yield start, key, 1
            yield end, key, -1


def _condition_from_claims(open_claims: Mapping[_ClaimKey, int]) -> Condition:
    """The condition where so many claims of each key hold at once."""
    if open_claims.get((_MONITORED, None)):
        observed = next((c for c in _WORST_FIRST if open_claims.get((_OBSERVED, c))), None)
        if observed is not None:
            return observed
    if open_claims.get((_COVERED, None)):
        return next((c for c in _WORST_FIRST if open_claims.get((_BACKFILLED, c))), Condition.OPERATIONAL)
    return Condition.UNKNOWN


def _merge_periods(periods: Iterable[ConditionPeriod]) -> Iterator[ConditionPeriod]:
    for condition, group in groupby(periods, key=lambda period: period.condition):
        group_periods = list(group)
        yield ConditionPeriod(group_periods[0].start, group_periods[-1].end, condition)
