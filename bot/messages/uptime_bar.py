"""The daily bar of an uptime answer: one symbol for each day, and the same in words. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from bot.domain import Condition
from bot.domain.reliability import DayStatus
from bot.messages import block_kit, formatting, newer_blocks

DAYS_PER_ROW = 30
_WEEK, _YEAR = 7, 365  # days
_DAY = timedelta(days=1)
_MIN_BARS, _MAX_UNKNOWN = 3, 0.1  # of a chart: the fewest bars, and the largest share of hours without data
LEGEND = ", ".join(
    f"{formatting.CONDITION_SYMBOLS[c]} {formatting.CONDITION_WORDS[c]}" for c in formatting.CONDITION_SYMBOLS
)
_WORST_FIRST = (Condition.MAJOR_OUTAGE, Condition.PARTIAL_OUTAGE, Condition.DEGRADED, Condition.MAINTENANCE)


def uptime_rows(days: Sequence[DayStatus]) -> Iterator[str]:
    """One symbol for each day, 30 in a row after the row's first date.

    Consecutive rows without any known day are merged into one line that says so.
    """
    rows_of_days = (days[start : start + DAYS_PER_ROW] for start in range(0, len(days), DAYS_PER_ROW))
    for is_unknown, group in groupby(rows_of_days, key=_is_unknown):
        rows = list(group)
        if is_unknown:
            yield f"{rows[0][0].day} no data to {rows[-1][-1].day}"
        else:
            yield from (f"{row[0].day} {''.join(formatting.CONDITION_SYMBOLS[d.worst] for d in row)}" for row in rows)


def uptime_chart(name: str, days: Sequence[DayStatus]) -> block_kit.Block | None:
    """The hours that were not operational, by week, or by a longer span where weeks are too many.

    It begins with the first day that is known. Later hours without data are bars of their own. None where no hour is
    known to be bad, where too much is unknown, or where there are few bars: the daily bar says more then.
    """
    first = next((n for n, day in enumerate(days) if _unknown_time(day) < _DAY), len(days))
    days = days[first:]
    gaps = sum(map(_unknown_time, days), timedelta())
    is_known = gaps <= _MAX_UNKNOWN * len(days) * _DAY
    if not is_known or len(days) <= (_MIN_BARS - 1) * _WEEK or not any(day.bad_time for day in days):
        return None
    length = max(-(-len(days) // newer_blocks.MAX_CATEGORIES), _WEEK)
    spans = [days[start : start + length] for start in range(0, len(days), length)]
    is_long = len(days) > _YEAR
    labels = [f"{s[0].day.day} {s[0].day:%b %Y}" if is_long else f"{s[0].day.day} {s[0].day:%b}" for s in spans]
    bad = [_hours(sum((day.bad_time for day in span), timedelta())) for span in spans]
    unknown = [_hours(sum(map(_unknown_time, span), timedelta())) for span in spans]
    series = [("not operational", bad), *([("no data", unknown)] if any(unknown) else [])]
    axis = "week from (UTC)" if length == _WEEK else f"{length} days from (UTC)"
    return newer_blocks.bar_chart(f"{name}: hours not operational", labels, series, (axis, "hours"))


def _unknown_time(day: DayStatus) -> timedelta:
    is_all_unknown = day.worst is Condition.UNKNOWN and not day.unknown_time
    return _DAY if is_all_unknown else day.unknown_time


def _hours(time: timedelta) -> float:
    return round(time / timedelta(hours=1), 1)


def describe_days(days: Sequence[DayStatus]) -> str:
    """The bar in a sentence: the number of days by worst condition."""
    counts = {c: sum(d.worst is c for d in days) for c in (*_WORST_FIRST, Condition.UNKNOWN, Condition.OPERATIONAL)}
    counts_text = [f"{formatting.CONDITION_WORDS[c]} {n}{_part_text(c, days)}" for c, n in counts.items() if n]
    bad_days = [d for d in days if d.worst.is_bad]
    last = f"; last affected {bad_days[-1].day}" if bad_days else ""
    return f"{', '.join(counts_text)} of {len(days)} days{last}"


def _part_text(condition: Condition, days: Sequence[DayStatus]) -> str:
    """How many of the unknown days are unknown only in part."""
    parts = sum(d.worst is Condition.UNKNOWN and bool(d.unknown_time) for d in days)
    return f" ({parts} of them in part)" if parts and condition is Condition.UNKNOWN else ""


def _is_unknown(days: Sequence[DayStatus]) -> bool:
    return all(d.worst is Condition.UNKNOWN for d in days)
