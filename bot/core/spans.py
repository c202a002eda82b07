"""What was said of a surface, in spans that may overlap -> its runs: one condition at each instant, without a gap.

The rule, once: our own looks come first, what was told afterwards fills the time in which we did not look, and the rest
is ``unknown``. Where spans of one kind overlap or nest, the worst of them counts, and it counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from itertools import groupby

from bot.model import Condition
from bot.years import Record, Run, Window


def runs(record: Record, window: Window) -> tuple[Run, ...]:
    """The window, cut where the condition changes. Empty where the window is."""
    marks = _marks(record, window)
    pieces = (
        Run(start, end, condition)
        for (start, condition), (end, _) in zip(marks, [*marks[1:], (window.end, None)], strict=True)
        if start < end
    )
    return tuple(_joined(pieces))


def minutes(found: Iterable[Run]) -> dict[Condition, timedelta]:
    """The time in each condition; every condition is in it, and together they are as long as the runs."""
    total = dict.fromkeys(Condition, timedelta())
    for run in found:
        total[run.condition] += run.length
    return total


def outages(found: Iterable[Run]) -> tuple[Run, ...]:
    """Stretches in which something was wrong without a break; each in its worst condition."""
    whole = []
    for is_bad, group in groupby(found, key=lambda run: run.condition.is_bad):
        if is_bad:
            parts = list(group)
            worst = max((p.condition for p in parts), key=lambda c: c.rank)
            whole.append(Run(parts[0].start, parts[-1].end, worst))
    return tuple(whole)


def days(window: Window, zone: tzinfo) -> tuple[Window, ...]:
    """The window cut at the zone's midnights: where clocks change, a day has 23 or 25 hours."""
    cuts = [window.start]
    day = window.start.astimezone(zone).date() + timedelta(days=1)
    while (midnight := datetime.combine(day, time(), zone).astimezone(window.start.tzinfo)) < window.end:
        cuts.append(midnight)
        day += timedelta(days=1)
    return tuple(Window(a, b) for a, b in zip(cuts, [*cuts[1:], window.end], strict=True) if a < b)


def within(found: Sequence[Run], window: Window) -> tuple[Run, ...]:
    """The part of the runs that lies in the window."""
    clipped = (Run(max(r.start, window.start), min(r.end, window.end), r.condition) for r in found)
    return tuple(r for r in clipped if r.start < r.end)


def shared_out(found: Sequence[Run], windows: Sequence[Window]) -> tuple[tuple[Run, ...], ...]:
    """The parts of the runs that lie in each of the windows; both are in time order and without overlap."""
    parts, first = [], 0
    for window in windows:
        while first < len(found) and found[first].end <= window.start:
            first += 1
        last = first
        while last < len(found) and found[last].start < window.end:
            last += 1
        parts.append(within(found[first:last], window))
    return tuple(parts)


def joined(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same time in windows that neither overlap nor touch."""
    whole: list[Window] = []
    for window in sorted(windows, key=lambda w: w.start):
        if whole and window.start <= whole[-1].end:
            whole[-1] = Window(whole[-1].start, max(whole[-1].end, window.end))
        else:
            whole.append(window)
    return tuple(whole)


_SEEN, _WATCHED, _TOLD, _COVERED = range(4)
_WORST_FIRST = sorted((c for c in Condition if c is not Condition.UNKNOWN), key=lambda c: -c.rank)


def _marks(record: Record, window: Window) -> list[tuple[datetime, Condition]]:
    """Every instant at which anything begins or ends, and the condition from then on; the first is the window's."""
    edges = sorted(_edges(record, window), key=lambda edge: edge[0])
    held: dict[tuple[int, Condition | None], int] = {}
    marks: list[tuple[datetime, Condition]] = []
    place = 0
    while place < len(edges):
        at = edges[place][0]
        while place < len(edges) and edges[place][0] == at:
            _, key, step = edges[place]
            held[key] = held.get(key, 0) + step
            place += 1
        marks.append((at, _condition(held)))
    if not marks or marks[0][0] > window.start:
        marks.insert(0, (window.start, Condition.UNKNOWN))
    return marks


def _edges(record: Record, window: Window) -> Iterator[tuple[datetime, tuple[int, Condition | None], int]]:
    spans = [*((_SEEN, s) for s in record.seen), *((_TOLD, s) for s in record.told)]
    claims: list[tuple[tuple[int, Condition | None], datetime, datetime | None]] = [
        *(((kind, s.condition), s.start, s.end) for kind, s in spans),
        *(((_WATCHED, None), w.start, w.end) for w in record.watched),
        *(((_COVERED, None), w.start, w.end) for w in record.covered),
    ]
    for key, begins, ends in claims:
        start, end = max(begins, window.start), min(ends or window.end, window.end)
        if start < end:
            yield start, key, 1
            yield end, key, -1


def _condition(held: Mapping[tuple[int, Condition | None], int]) -> Condition:
    if held.get((_WATCHED, None)):
        seen = next((c for c in _WORST_FIRST if held.get((_SEEN, c))), None)
        if seen is not None:
            return seen
    if held.get((_COVERED, None)):
        return next((c for c in _WORST_FIRST if held.get((_TOLD, c))), Condition.OPERATIONAL)
    return Condition.UNKNOWN


def _joined(pieces: Iterable[Run]) -> Iterator[Run]:
    for condition, group in groupby(pieces, key=lambda run: run.condition):
        parts = list(group)
        yield Run(parts[0].start, parts[-1].end, condition)
