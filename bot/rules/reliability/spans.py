"""Merges claims on a surface's condition, which may overlap, into periods with one condition each and no gaps.

The vendor's dated component transitions take precedence, then our own polls; backfilled claims fill the time without
polls, and the rest is *unknown*. Where claims of one kind overlap, the worst of them counts, and it counts once. What
a text states of an incident that was posted when it was over counts where the others say operational or unknown.
See bot/docs/reliability-figures.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import groupby, pairwise

from bot.domain import Condition
from bot.domain.reliability import ConditionPeriod, SurfaceRecord, TimeWindow

MAX_UNKNOWN_IN_OUTAGE = timedelta(days=1)  # between two bad times; longer unknown time ends an outage
_MOMENT = timedelta(microseconds=1)
_MORE_THAN_A_MONTH = timedelta(days=32)

_Status = tuple[Condition, bool]  # a condition, and whether it is inferred


def condition_periods(record: SurfaceRecord, window: TimeWindow) -> tuple[ConditionPeriod, ...]:
    """The window cut into periods where the condition changes; empty for an empty window."""
    changes = _change_points(record, window)
    periods = (
        ConditionPeriod(start, end, *status)
        for (start, status), (end, _) in zip(changes, [*changes[1:], (window.end, _UNKNOWN)], strict=True)
        if start < end
    )
    return tuple(_merge_periods(periods))


def time_by_condition(periods: Iterable[ConditionPeriod]) -> dict[Condition, timedelta]:
    """The total time in each condition, with every condition as a key."""
    total = dict.fromkeys(Condition, timedelta())
    for period in periods:
        total[period.condition] += period.length
    return total


def known_time(periods: Iterable[ConditionPeriod]) -> timedelta:
    """The total time in any condition but unknown."""
    return sum((p.length for p in periods if p.condition is not Condition.UNKNOWN), timedelta())


def inferred_time(periods: Iterable[ConditionPeriod]) -> timedelta:
    """The total bad time that no component says."""
    return sum((p.length for p in periods if p.inferred and p.condition.is_bad), timedelta())


def outages(periods: Sequence[ConditionPeriod]) -> tuple[ConditionPeriod, ...]:
    """The uninterrupted times in which the condition was bad, each with its worst condition.

    Unknown time of at most a day between two of them does not end an outage.
    """
    merged: list[ConditionPeriod] = []
    is_interrupted, unknown = True, timedelta()
    for period in periods:
        if period.condition.is_bad:
            if is_interrupted or unknown > MAX_UNKNOWN_IN_OUTAGE:
                merged.append(replace(period, inferred=False))
            else:
                worst = max(merged[-1].condition, period.condition, key=lambda c: c.rank)
                merged[-1] = ConditionPeriod(merged[-1].start, period.end, worst)
            is_interrupted, unknown = False, timedelta()
        elif period.condition is Condition.UNKNOWN:
            unknown += period.length
        else:
            is_interrupted = True
    return tuple(merged)


def worst_periods(courses: Iterable[Sequence[ConditionPeriod]]) -> tuple[ConditionPeriod, ...]:
    """Several courses as one: the worst bad condition; else unknown where any is, else the worst of the others."""
    edges = sorted(
        ((at, delta, p) for periods in courses for p in periods for at, delta in ((p.start, 1), (p.end, -1))),
        key=lambda edge: edge[0],
    )
    statuses = sorted({(period.condition, period.inferred) for _, _, period in edges}, key=_provider_order)
    numbers = {status: number for number, status in enumerate(statuses)}
    counts = [0] * len(statuses)
    merged: list[ConditionPeriod] = []
    for (at, delta, period), (until, *_) in pairwise(edges):
        counts[numbers[period.condition, period.inferred]] += delta
        if at < until:
            worst = next((status for status, count in zip(statuses, counts, strict=True) if count), None)
            if worst is not None:
                merged.append(ConditionPeriod(at, until, *worst))
    return tuple(_merge_periods(merged))


def _provider_order(status: _Status) -> tuple[int, bool]:
    condition, inferred = status
    order = -condition.rank if condition.is_bad else {Condition.UNKNOWN: 1, Condition.MAINTENANCE: 2}.get(condition, 3)
    return order, inferred


def split_days(window: TimeWindow, zone: tzinfo) -> tuple[TimeWindow, ...]:
    """The window cut at the zone's midnights: where clocks change, a day has 23 or 25 hours."""
    cuts = [window.start]
    day = window.start.astimezone(zone).date() + timedelta(days=1)
    while (midnight := datetime.combine(day, time(), zone).astimezone(window.start.tzinfo)) < window.end:
        cuts.append(midnight)
        day += timedelta(days=1)
    return tuple(TimeWindow(a, b) for a, b in zip(cuts, [*cuts[1:], window.end], strict=True) if a < b)


def whole_months(window: TimeWindow) -> dict[str, TimeWindow]:
    """The calendar months (UTC) that lie in the window as a whole, by name, such as 2026-03, in time order."""
    months: dict[str, TimeWindow] = {}
    start = _next_month(window.start - _MOMENT)
    while (end := _next_month(start)) <= window.end:
        months[f"{start:%Y-%m}"] = TimeWindow(start, end)
        start = end
    return months


def month_start(at: datetime) -> datetime:
    """The beginning of the calendar month (UTC) of a time."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(at: datetime) -> datetime:
    return month_start(month_start(at) + _MORE_THAN_A_MONTH)


def subtract_windows(window: TimeWindow, taken: Iterable[TimeWindow]) -> tuple[TimeWindow, ...]:
    """What is left of a window without the others, which are in time order and do not overlap."""
    left, start = [], window.start
    for other in taken:
        left.append(TimeWindow(start, min(other.start, window.end)))
        start = max(start, other.end)
    return tuple(w for w in (*left, TimeWindow(start, window.end)) if w.start < w.end)


def clip_periods(periods: Sequence[ConditionPeriod], window: TimeWindow) -> tuple[ConditionPeriod, ...]:
    """The parts of the periods that lie in the window."""
    clipped = (
        replace(period, start=max(period.start, window.start), end=min(period.end, window.end)) for period in periods
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


_POSTED, _OBSERVED, _MONITORED, _BACKFILLED, _COVERED, _STATED = range(6)  # kinds of claims
_ClaimKey = tuple[int, Condition | None, bool]  # the kind; the condition of all but windows; whether it is inferred
_WORST_FIRST = sorted((c for c in Condition if c is not Condition.UNKNOWN), key=lambda c: -c.rank)
_UNKNOWN: _Status = (Condition.UNKNOWN, False)
_TOLD_UNKNOWN: tuple[_ClaimKey, ...] = tuple((_BACKFILLED, Condition.UNKNOWN, inferred) for inferred in (False, True))


def _change_points(record: SurfaceRecord, window: TimeWindow) -> list[tuple[datetime, _Status]]:
    """Each time at which a claim begins or ends, with the status from then on; the first is the window's start."""
    edges = sorted(_claim_edges(record, window), key=lambda edge: edge[0])
    open_claims: dict[_ClaimKey, int] = {}
    changes: list[tuple[datetime, _Status]] = []
    index = 0
    while index < len(edges):
        at = edges[index][0]
        while index < len(edges) and edges[index][0] == at:
            _, key, delta = edges[index]
            open_claims[key] = open_claims.get(key, 0) + delta
            index += 1
        changes.append((at, _status_from_claims(open_claims)))
    if not changes or changes[0][0] > window.start:
        changes.insert(0, (window.start, _UNKNOWN))
    return changes


def _claim_edges(record: SurfaceRecord, window: TimeWindow) -> Iterator[tuple[datetime, _ClaimKey, int]]:
    spans = (
        (kind, span)
        for kind, kind_spans in (
            (_POSTED, record.posted),
            (_OBSERVED, record.seen),
            (_BACKFILLED, record.told),
            (_STATED, record.stated),
        )
        for span in kind_spans
    )
    claims: list[tuple[_ClaimKey, datetime, datetime | None]] = [
        *(((kind, s.condition, s.inferred), s.start, s.end) for kind, s in spans),
        *(((_MONITORED, None, False), w.start, w.end) for w in record.watched),
        *(((_COVERED, None, False), w.start, w.end) for w in record.covered),
    ]
    for key, begins, ends in claims:
        start, end = max(begins, window.start), min(ends or window.end, window.end)
        if start < end:
            yield start, key, 1
            yield end, key, -1


def _status_from_claims(open_claims: Mapping[_ClaimKey, int]) -> _Status:
    """The status where so many claims of each key hold at once; what a text states counts where it is not bad."""
    status = _status_without_texts(open_claims)
    is_well = status[0] in (Condition.OPERATIONAL, Condition.UNKNOWN)
    return (_worst_claim(open_claims, _STATED) or status) if is_well else status


def _status_without_texts(open_claims: Mapping[_ClaimKey, int]) -> _Status:
    posted = _worst_claim(open_claims, _POSTED)
    if posted is not None:
        return posted
    if open_claims.get((_MONITORED, None, False)):
        observed = _worst_claim(open_claims, _OBSERVED)
        if observed is not None:
            return observed
    if open_claims.get((_COVERED, None, False)):
        well = Condition.UNKNOWN if any(map(open_claims.get, _TOLD_UNKNOWN)) else Condition.OPERATIONAL
        return _worst_claim(open_claims, _BACKFILLED) or (well, False)
    return _UNKNOWN


def _worst_claim(open_claims: Mapping[_ClaimKey, int], kind: int) -> _Status | None:
    """The worst condition that claims of a kind hold; inferred where all claims of it are."""
    for condition in _WORST_FIRST:
        if open_claims.get((kind, condition, False)):
            return condition, False
        if open_claims.get((kind, condition, True)):
            return condition, condition.is_bad
    return None


def _merge_periods(periods: Iterable[ConditionPeriod]) -> Iterator[ConditionPeriod]:
    for _, group in groupby(periods, key=lambda period: (period.condition, period.inferred)):
        first, *others = group
        yield replace(first, end=others[-1].end) if others else first
