"""Times of day in a vendor's text, such as "10:05 UTC" or "11:50 PM PT on May 22nd", and when they were. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

_PACIFIC, _EASTERN = ZoneInfo("America/Los_Angeles"), ZoneInfo("America/New_York")
# Vendors write PST in summer too: each name is the local time of its place on that day. Names of several places (CST,
# IST, BST) are left out.
_ZONES: dict[str, ZoneInfo] = {
    **dict.fromkeys(("utc", "gmt", "z"), ZoneInfo("UTC")),
    **dict.fromkeys(("pt", "pst", "pdt", "pacific", "us/pacific", "america/los_angeles"), _PACIFIC),
    **dict.fromkeys(("et", "est", "edt", "eastern", "us/eastern", "america/new_york"), _EASTERN),
    **dict.fromkeys(("cet", "cest"), ZoneInfo("Europe/Paris")),
    "jst": ZoneInfo("Asia/Tokyo"),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NOON = 12

ABOUT = r"(?:(?:~|about|around|approximately|approx\.?|roughly|at)\s*)*"
ZONE = (
    r"(?:US/Pacific|US/Eastern|America/Los_Angeles|America/New_York"
    r"|(?:Pacific|Eastern)(?:\s+(?:Standard\s+|Daylight\s+)?Time)?|UTC|GMT|Z|P[SD]?T|E[SD]?T|CES?T|JST)(?![\w/+-]|:\d)"
)
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_WEEKDAY = f"(?:{'|'.join(_WEEKDAYS)})"
DAY = (
    rf"(?:(?:{_WEEKDAY},?\s+)?(?:\d{{4}}-\d\d-\d\d"
    rf"|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?![\d:])(?:,?\s+20\d\d(?!\d))?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?:,?\s+20\d\d(?!\d))?)"
    rf"|today|yesterday|{_WEEKDAY})"
)
_CLOCK = r"\d{1,2}(?::\d\d(?::\d\d)?)?(?:\s*[ap]m)?"


def moment_pattern(name: str) -> str:
    """The pattern of a time with its day and zone, each if given, also ``16:23UTC``; its groups begin with ``name``."""
    return (
        rf"(?:(?:(?:on|at)\s+)?(?P<{name}before>{DAY})(?:,|\s|T(?=\d)|\bat\b|(?P<{name}lead>\bfrom\b|\bbetween\b))*)?{ABOUT}"
        rf"(?<![\w.:/])(?P<{name}clock>{_CLOCK})(?![:%]|\.\d|(?!{ZONE})\w)(?:\s*\(?(?P<{name}zone>{ZONE})\)?)?"
        rf"(?:\s*,?\s*\(?(?:on\s+)?(?P<{name}after>{DAY})\)?)?"
    )


@dataclass(frozen=True, slots=True)
class StatedMoment:
    """A time as it stands in a text: ``half`` is am, pm or empty; ``day`` and ``zone`` are empty where it has none."""

    clock: str
    half: str
    zone: str
    day: str

    @property
    def is_exact(self) -> bool:
        """Whether it is a time of day by itself, and no bare number."""
        return bool(self.half) or ":" in self.clock

    @property
    def is_of_24_hours(self) -> bool:
        """Whether its hour is one of 24: in UTC, with a leading zero, or after noon."""
        hour = self.clock.partition(":")[0]
        return not self.half and (self.zone in ("utc", "gmt", "z") or hour.startswith("0") or int(hour) > _NOON)

    @property
    def time(self) -> time | None:
        """Its time of day; None where there is no such time."""
        hour, minute, second = (*map(int, self.clock.split(":")), 0, 0)[:3]
        if self.half and hour <= _NOON:
            hour = hour % _NOON + _NOON * (self.half == "pm")
        is_possible = hour < 24 and max(minute, second) < 60 and (self.half != "am" or hour < _NOON)  # noqa: PLR2004
        return time(hour, minute, second) if is_possible else None

    def on(self, day: date) -> datetime | None:
        """The time (UTC) on a day in its zone; None where there is no such time or zone."""
        at, zone = self.time, _ZONES.get(self.zone)
        return None if at is None or zone is None else datetime.combine(day, at, zone).astimezone(UTC)

    def local_day(self, at: datetime) -> date:
        """The day in its zone."""
        return at.astimezone(_ZONES.get(self.zone, ZoneInfo("UTC"))).date()


def found_moment(match: re.Match[str], name: str) -> StatedMoment:
    """The time that ``moment_pattern(name)`` matched."""
    clock = match[f"{name}clock"].casefold().replace(" ", "")
    half = clock[-2:] if clock.endswith("m") else ""
    day = match[f"{name}before"] or match[f"{name}after"] or ""
    return StatedMoment(clock.removesuffix(half), half, zone_name(match[f"{name}zone"] or ""), day)


def zone_name(text: str) -> str:
    """The name of a zone in lower case, without *time*."""
    return re.sub(r"\s+(?:standard |daylight )?time$", "", " ".join(text.casefold().split()))


def with_zones(first: StatedMoment, second: StatedMoment, zone: str) -> tuple[StatedMoment, StatedMoment]:
    """Both with a zone, where one of them or the text (``zone``) has one."""
    return (
        replace(first, zone=first.zone or second.zone or zone),
        replace(second, zone=second.zone or first.zone or zone),
    )


def readings(first: StatedMoment, second: StatedMoment) -> list[tuple[StatedMoment, StatedMoment]]:
    """The ways to read two times as am or pm: one, or two where neither says it and the hours may be of twelve.

    Where only one says it, the other is of the half of the day that makes the shorter window.
    """
    if first.half or second.half:
        halves = ("am", "pm")
        pairs = [
            (replace(first, half=first.half or half), replace(second, half=second.half or half)) for half in halves
        ]
        return [min(pairs, key=lambda pair: _minutes_between(*pair))]
    if first.is_of_24_hours or second.is_of_24_hours:
        return [(first, second)]
    return [(replace(first, half=half), replace(second, half=half)) for half in ("am", "pm")]


def _minutes_between(first: StatedMoment, second: StatedMoment) -> int:
    a, b, day = first.time, second.time, 24 * 60
    return (b.hour * 60 + b.minute - a.hour * 60 - a.minute) % day if a and b else day


def named_day(text: str, posted_on: date) -> date | None:
    """The day that a text names, seen from the day of the post; None where there is no such day.

    A day without a year is the nearest to the post, a weekday the last one. A date with another's weekday is none.
    """
    name = " ".join(text.casefold().replace(",", " ").replace(".", " ").split())
    first, _, rest = name.partition(" ")
    if name in ("today", "yesterday"):
        return posted_on - timedelta(days=name == "yesterday")
    if name in _WEEKDAYS:
        return posted_on - timedelta(days=(posted_on.weekday() - _WEEKDAYS.index(name)) % 7)
    found = _dated(rest if first in _WEEKDAYS else name, posted_on)
    is_other_weekday = found is not None and first in _WEEKDAYS and found.weekday() != _WEEKDAYS.index(first)
    return None if is_other_weekday else found


def _dated(name: str, posted_on: date) -> date | None:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", name):
        return _date(*map(int, name.split("-")))
    words = [re.sub(r"(?<=\d)(?:st|nd|rd|th)$", "", word) for word in name.split()]
    month = next(_MONTHS.index(w[:3]) + 1 for w in words if w[:3] in _MONTHS)
    day, *years = [int(w) for w in words if w.isdigit()]
    found = [_date(year, month, day) for year in years or range(posted_on.year - 1, posted_on.year + 2)]
    return min(chain.from_iterable([d] if d else [] for d in found), key=lambda d: abs(d - posted_on), default=None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
