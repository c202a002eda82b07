"""The next update of an incident: one clock time on a fixed grid, the same in every text about it. No I/O.

The grid is made of whole quarter-hours in the first hour, of half-hours up to six hours, and then of hours, in UTC. It
depends only on when the incident began for us, so that a time does not move until it is reached, not by a restart
either (bot/docs/alerts.md#next-update).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain import Advice, ProviderState, TrackedIncident, Verdict

LEAST_AHEAD = timedelta(minutes=5)  # of the first one
_QUARTER = timedelta(minutes=15)
_STEPS = (  # (up to this age, step)
    (timedelta(hours=1), _QUARTER),
    (timedelta(hours=6), timedelta(minutes=30)),
    (timedelta.max, timedelta(hours=1)),
)
_ALL_HOURLY_AFTER = timedelta(hours=8)  # by then every time of the grid is a whole hour
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_update(began_at: datetime | None, at: datetime) -> datetime:
    """The first time of the grid after ``at``; of every quarter-hour where it is not known when it began."""
    if began_at is None:
        return _after(at, _QUARTER)
    if at - began_at >= _ALL_HOURLY_AFTER:
        return _after(at, timedelta(hours=1))
    time = _at_or_after(began_at + LEAST_AHEAD, _QUARTER)
    while time <= at:
        time = _after(time, next(step for age, step in _STEPS if time - began_at < age))
    return time


def began_at(tracked: TrackedIncident) -> datetime:
    """When an incident began for us: the first alert about it, which evidence may have caused before the page did."""
    return tracked.seen_at - (tracked.lead or timedelta(0))


def with_next_updates(verdicts: Iterable[Verdict], state: ProviderState, at: datetime) -> tuple[Verdict, ...]:
    """The verdicts, each that is not normal with the next update of the oldest incident behind it."""
    begins = {k.incident.id: began_at(k) for k in state.incidents}
    return tuple(_with_next_update(v, begins, at) for v in verdicts)


def _with_next_update(verdict: Verdict, begins: Mapping[str, datetime], at: datetime) -> Verdict:
    if verdict.call is Advice.RETRY_NORMALLY or (verdict.call is Advice.UNKNOWN and not verdict.incidents):
        return verdict
    oldest = min((begins[i] for i in verdict.incidents if i in begins), default=None)
    review_at = next_update(oldest, at)
    is_held = verdict.call in (Advice.HOLD_OFF, Advice.FAIL_OVER)
    reason = f"{verdict.reason} Next update by {review_at:%H:%M} UTC." if is_held else verdict.reason
    return replace(verdict, review_at=review_at, reason=reason)


def _at_or_after(at: datetime, step: timedelta) -> datetime:
    return at + (_EPOCH - at) % step


def _after(at: datetime, step: timedelta) -> datetime:
    return at + step - (at - _EPOCH) % step
