"""The 90-day strip of the board: one bar per day (UTC), in the colour of the day's worst status. No I/O.

Days that are alike are one path, so that a strip takes about a kilobyte; each day with trouble, maintenance or without
data is a bar of its own, with a text that names the day, its worst status and how long it was not operational.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain import Condition
from bot.domain.reliability import DayStatus, ReliabilityFigures
from bot.messages import formatting, uptime_bar
from bot.messages.reliability import MIN_DATA
from bot.messages.words import CONDITION_STATUS, Status

STRIP_DAYS = 90
BAR_PITCH, BAR_WIDTH, BAR_HEIGHT = 5, 4, 24  # in units of the picture
_NO_DATA = "no-data"
_PLAIN = (Condition.OPERATIONAL, Condition.UNKNOWN)  # days that share one path


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day that is not simply operational: its place, the CSS class of its status, and its text."""

    x: int
    look: str
    title: str
    is_outlined: bool


@dataclass(frozen=True, slots=True)
class DayStrip:
    """A strip of days, oldest first.

    ``well`` and ``unknown`` are the paths of all operational days and of all days without data; ``label`` says the same
    as the picture in a sentence. ``share`` is the operational share, or that there is too little data for one;
    ``known`` is how much data there is.
    """

    width: int
    well: str
    unknown: str
    bars: tuple[DayBar, ...]
    label: str
    share: str
    known: str
    first: str


def day_strip(name: str, days: Sequence[DayStatus], figures: ReliabilityFigures | None) -> DayStrip:
    """The strip of one service; ``figures`` are those of the same days, None where they are not given."""
    days = days[-STRIP_DAYS:]
    offset = STRIP_DAYS - len(days)
    last = max(len(days) - 1, 0)
    bars = tuple(
        _day_bar(offset + n, day, is_today=n == last)
        for n, day in enumerate(days)
        if day.worst not in _PLAIN or n == last
    )
    return DayStrip(
        width=STRIP_DAYS * BAR_PITCH,
        well=_path_of(Condition.OPERATIONAL, days[:last], offset),
        unknown=_path_of(Condition.UNKNOWN, days[:last], offset),
        bars=bars,
        label=f"{name}, {uptime_bar.describe_days(days)}" if days else f"{name}: no data",
        share=share_text(figures) if figures else "",
        known=known_text(figures) if figures else "",
        first=_day_text(days[0]) if days else "",
    )


def worst_days(services: Sequence[Sequence[DayStatus]]) -> tuple[DayStatus, ...]:
    """For each day the worst of several services: of a provider. A day is unknown if all are."""
    listed = [days for days in services if days]
    if not listed:
        return ()
    length = min(len(days) for days in listed)
    return tuple(map(_worst_of, zip(*(days[-length:] for days in listed), strict=True)))


def share_text(figures: ReliabilityFigures) -> str:
    """The operational share of the known time; below a day of data, that there is too little."""
    known = figures.window.length - figures.unknown_time
    if figures.availability is None or known < MIN_DATA:
        return "too little data" if known else "no data"
    digits = 2 if figures.availability >= 99.9 else 1  # noqa: PLR2004  (so that 99.96 is not 100.0)
    return "100%" if figures.availability >= 100 else f"{_floored(figures.availability, digits)}%"  # noqa: PLR2004


def known_text(figures: ReliabilityFigures) -> str:
    """How much data there is: days with one digit from a day on, else a duration; empty for none."""
    known = figures.window.length - figures.unknown_time
    if known < MIN_DATA:
        return f"{formatting.format_duration(known.total_seconds())} of data" if known else ""
    return f"{known / timedelta(days=1):.1f} days of data".replace(".0 days", " days")


def bad_day_texts(days: Sequence[DayStatus]) -> list[str]:
    """Every day that was not fully operational, the newest first."""
    return [_day_bar(0, day, is_today=False).title for day in reversed(days) if day.worst.is_bad]


def lowest_share(figures: Iterable[ReliabilityFigures]) -> ReliabilityFigures | None:
    """The figures of the service with the lowest known availability."""
    known = [f for f in figures if f.availability is not None and f.window.length - f.unknown_time >= MIN_DATA]
    return min(known, key=lambda f: f.availability or 0.0, default=None)


def status_class(status: Status) -> str:
    """The status as a CSS class."""
    return status.replace(" ", "-")


def _worst_of(same_day: Sequence[DayStatus]) -> DayStatus:
    known = [day for day in same_day if day.worst is not Condition.UNKNOWN]
    worst = max(known or same_day, key=lambda day: (day.worst.rank, day.bad_time))
    return replace(worst, bad_time=max(day.bad_time for day in same_day))


def _day_bar(position: int, day: DayStatus, *, is_today: bool) -> DayBar:
    status = CONDITION_STATUS[day.worst]
    is_unknown = status is Status.UNKNOWN
    gap = f" for {formatting.format_duration(day.unknown_time.total_seconds())}" if day.unknown_time else ""
    what = f"no data{gap}" if is_unknown else str(status)
    bad_s = day.bad_time.total_seconds()
    lasted = f", {formatting.format_duration(bad_s)}" if bad_s and status.is_bad else ""
    look = _NO_DATA if is_unknown else status_class(status)
    return DayBar(position * BAR_PITCH, look, f"{_day_text(day)}: {what}{lasted}", is_today)


def _path_of(condition: Condition, days: Sequence[DayStatus], offset: int) -> str:
    return "".join(_bar_path(offset + n) for n, day in enumerate(days) if day.worst is condition)


def _bar_path(position: int) -> str:
    return f"M{position * BAR_PITCH} 0h{BAR_WIDTH}v{BAR_HEIGHT}h-{BAR_WIDTH}z"


def _day_text(day: DayStatus) -> str:
    return f"{day.day.day} {day.day:%b}"


def _floored(percent: float, digits: int) -> str:
    """Rounded down, so that no outage is rounded away."""
    factor = 10**digits
    return f"{int(percent * factor + 1e-6) / factor:.{digits}f}"
