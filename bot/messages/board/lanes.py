"""Two aligned lanes per service, status above advice, as the geometry of a picture. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain import Advice
from bot.domain.reliability import ConditionPeriod, TimeWindow
from bot.messages import formatting, words
from bot.messages.board.bars import status_class
from bot.messages.words import CONDITION_STATUS

LANE_WIDTH = 1000  # units of the picture
_MAX_TICKS = 6
_TICK_STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400, 43200, 129600)
)


@dataclass(frozen=True, slots=True)
class LaneSpan:
    """A stretch of a lane: where it is, its CSS class, and what it says."""

    x: float
    width: float
    look: str
    title: str


@dataclass(frozen=True, slots=True)
class ServiceLanes:
    """One service in a window: its status and its advice, in the same scale; ``label`` says both in words."""

    name: str
    status: tuple[LaneSpan, ...]
    advice: tuple[LaneSpan, ...]
    label: str


@dataclass(frozen=True, slots=True)
class LaneTick:
    """A time on the axis."""

    x: float
    text: str


def service_lanes(
    name: str,
    periods: Sequence[ConditionPeriod],
    calls: Sequence[tuple[datetime, datetime, Advice]],
    window: TimeWindow,
) -> ServiceLanes:
    """The lanes of a service from its condition periods and the advice that was given."""
    statuses = ((p.start, p.end, CONDITION_STATUS[p.condition]) for p in periods)
    status = tuple(_spans(((a, b, status_class(s), str(s)) for a, b, s in statuses), window))
    advice = tuple(_spans(((a, b, call, words.ADVICE_STYLES[call].phrase) for a, b, call in calls), window))
    status_text = "; ".join(span.title for span in status) or "nothing known"
    advice_text = "; ".join(span.title for span in advice) or "none given"
    return ServiceLanes(name, status, advice, f"{name}. Status: {status_text}. Advice: {advice_text}.")


def axis_ticks(window: TimeWindow) -> Iterator[LaneTick]:
    """At most seven round times in the window, in UTC."""
    if not window.length:
        return
    longest = _TICK_STEPS[-1]
    many = longest * -(-window.length // (longest * _MAX_TICKS))
    step = next((s for s in _TICK_STEPS if window.length / s <= _MAX_TICKS), many)
    midnight = window.start.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * -(-(window.start - midnight) // step)
    while at < window.end:
        is_day = at.hour == at.minute == 0 and step >= timedelta(hours=6)
        yield LaneTick(_position(at, window), f"{at.day} {at:%b}" if is_day else f"{at:%H:%M}")
        at += step


def _spans(parts: Iterable[tuple[datetime, datetime, str, str]], window: TimeWindow) -> Iterator[LaneSpan]:
    """The parts (start, end, CSS class, words) that lie in the window."""
    for start, end, look, what in parts:
        a, b = max(start, window.start), min(end, window.end)
        if a < b:
            x = _position(a, window)
            width = max(round(_position(b, window) - x, 1), 1.0)
            yield LaneSpan(x, width, look, f"{what} {_range_text(a, b, window.end)}")


def _range_text(a: datetime, b: datetime, end: datetime) -> str:
    until = "until now" if b == end else f"to {formatting.format_datetime(b)}"
    return f"from {formatting.format_datetime(a)} {until}"


def _position(at: datetime, window: TimeWindow) -> float:
    return round((at - window.start) / window.length * LANE_WIDTH, 1)
