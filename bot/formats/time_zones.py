"""Names of time zones as vendors write them after a time, such as ``CET`` or ``PDT``.

RFC 822 knows those of North America only; of names that several places use, the one that feeds of status pages mean
counts: IST is India's and BST is Britain's (bot/docs/status-page-formats.md#times).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

_MINUTES_EAST = {
    **dict.fromkeys(("UTC", "GMT", "UT", "Z", "WET"), 0),
    **dict.fromkeys(("CET", "MET", "BST", "WEST", "WAT"), 60),
    **dict.fromkeys(("CEST", "MEST", "EET", "SAST", "CAT"), 120),
    **dict.fromkeys(("EEST", "MSK", "EAT", "TRT", "IDT"), 180),
    "GST": 240,
    "PKT": 300,
    "IST": 330,
    "NPT": 345,
    "ICT": 420,
    "WIB": 420,
    **dict.fromkeys(("SGT", "HKT", "PHT", "MYT", "AWST"), 480),
    "JST": 540,
    "KST": 540,
    "ACST": 570,
    "AEST": 600,
    "ACDT": 630,
    "AEDT": 660,
    "NZST": 720,
    "NZDT": 780,
    "NDT": -150,
    "BRT": -180,
    "ART": -180,
    "ADT": -180,
    "CLST": -180,
    "NST": -210,
    "AST": -240,
    "CLT": -240,
    "EDT": -240,
    "EST": -300,
    "CDT": -300,
    "CST": -360,
    "MDT": -360,
    "MST": -420,
    "PDT": -420,
    "PST": -480,
    "AKDT": -480,
    "AKST": -540,
    "HST": -600,
}
# without S or D: whichever holds in that place at that time
_PLACES = {"ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles"}
_TRAILING_NAME = re.compile(r"^(?P<time>.*\d)\s*\(?(?P<name>[A-Za-z]{1,5})\)?$", re.DOTALL)


def split_zone(text: str) -> tuple[str, str]:
    """A time and the name of the zone behind it, in capitals; an empty name where there is none."""
    match = _TRAILING_NAME.match(text.strip())
    return (match["time"].strip(), match["name"].upper()) if match else (text.strip(), "")


def to_utc(local: datetime, zone: str) -> datetime | None:
    """The time in UTC of a clock in the named zone that shows ``local``; None where the name is not known."""
    name = zone.upper()
    try:
        if name in _PLACES:
            return local.replace(tzinfo=ZoneInfo(_PLACES[name])).astimezone(UTC)
        minutes = _MINUTES_EAST.get(name)
        return None if minutes is None else local.replace(tzinfo=timezone(timedelta(minutes=minutes))).astimezone(UTC)
    except OverflowError:
        return None
