"""What was last announced of an incident, and when something is announced again. No I/O.

A broadcast says how the present differs from what was last announced. What is worse is announced at once. What is
better waits until five minutes after the last broadcast, so that what comes and goes in between is not announced. What
the all clear will say within five minutes is left to it (bot/docs/alerts.md#what-is-broadcast).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain import Advice, AnnouncedSurface, ProviderState, TrackedIncident, Verdict

BETTER_NEWS_AFTER = timedelta(minutes=5)  # after the last broadcast
LEFT_TO_ALL_CLEAR = timedelta(minutes=5)  # before it
_LEVELS = {Advice.RETRY_NORMALLY: 0, Advice.RETRY_GENTLY: 1, Advice.HOLD_OFF: 2, Advice.FAIL_OVER: 2}


@dataclass(frozen=True, slots=True)
class Difference:
    """How surfaces differ from what was last announced, by their ids.

    ``new`` were not known to be affected, ``again`` were no longer bad and are bad again, ``worse`` have a worse
    condition, ``lowered`` and ``raised`` have another advice; *raised* only counts from *don't retry*.
    """

    new: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    lowered: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()

    @property
    def is_worse(self) -> bool:
        """True where anything is worse."""
        return bool(self.new or self.again or self.worse or self.lowered)


def announce(tracked: TrackedIncident, state: ProviderState, at: datetime) -> TrackedIncident:
    """The incident with what is announced now, if anything, in ``announced``."""
    if tracked.joined or tracked.is_retroactive or (tracked.cleared_at and not tracked.is_open):
        return tracked
    if not tracked.is_open and tracked.announced_at is None and len(tracked.freed) == len(tracked.surfaces):
        return tracked
    present = {a.surface: a for a in _present(tracked, state)}
    if tracked.announced_at is None:
        return replace(tracked, announced=tuple(present.values()), announced_at=at)
    announced = {a.surface: a for a in tracked.announced}
    # a page or an evidence that is too old says nothing new
    present = {s: announced.get(s, a) if a.advice is Advice.UNKNOWN else a for s, a in present.items()}
    if not tracked.is_open and all(_LEVELS.get(a.advice) == 0 for a in present.values()):
        return replace(tracked, announced=tuple(present.values()), announced_at=at, cleared_at=at)
    difference = compare(tracked.announced, tuple(present.values()))
    is_due = at - tracked.announced_at >= BETTER_NEWS_AFTER
    may_announce_better = is_due and not _is_all_clear_near(tracked, state, at)
    if difference.is_worse or (difference.raised and may_announce_better):
        return replace(tracked, announced=tuple(present.values()), announced_at=at)
    folded = tuple(_after_silent_change(announced[s], a) for s, a in present.items() if s in announced)
    return tracked if folded == tracked.announced else replace(tracked, announced=folded)


def _is_all_clear_near(tracked: TrackedIncident, state: ProviderState, at: datetime) -> bool:
    """True after the end of an incident whose surfaces are all safe to retry within minutes, if nothing new is seen."""
    verdicts = [state.verdict(surface) for surface in tracked.surfaces]
    return not tracked.is_open and all(v is not None and _is_normal_by(v, at + LEFT_TO_ALL_CLEAR) for v in verdicts)


def _is_normal_by(verdict: Verdict, time: datetime) -> bool:
    if verdict.call is Advice.RETRY_GENTLY:
        return verdict.changes_at is not None and verdict.changes_at <= time
    return verdict.call is Advice.RETRY_NORMALLY


def compare(announced: tuple[AnnouncedSurface, ...], present: tuple[AnnouncedSurface, ...]) -> Difference:
    """How the surfaces differ from what was announced."""
    before = {a.surface: a for a in announced}
    known = [(before[a.surface], a) for a in present if a.surface in before]
    return Difference(
        new=tuple(a.surface for a in present if a.surface not in before and (a.condition.is_bad or _level(a) > 0)),
        again=tuple(a.surface for b, a in known if a.condition.is_bad and not b.condition.is_bad),
        worse=tuple(
            a.surface
            for b, a in known
            if b.condition.is_bad and a.condition.is_bad and a.condition.rank > b.condition.rank
        ),
        lowered=tuple(a.surface for b, a in known if _level(a) > _level(b)),
        raised=tuple(a.surface for b, a in known if _level(a) < _level(b) == _LEVELS[Advice.HOLD_OFF]),
    )


def _level(announced: AnnouncedSurface) -> int:
    return _LEVELS.get(announced.advice, 0)


def _present(tracked: TrackedIncident, state: ProviderState) -> Iterator[AnnouncedSurface]:
    for surface in tracked.surfaces:
        surface_state, verdict = state.surface_state(surface), state.verdict(surface)
        if surface_state and verdict:
            yield AnnouncedSurface(surface, surface_state.condition, verdict.call)


def _after_silent_change(announced: AnnouncedSurface, present: AnnouncedSurface) -> AnnouncedSurface:
    """What counts as announced after a change that needs no broadcast: what is better and not held any more.

    While the advice is not to retry, a component that flickers announces nothing new.
    """
    held = _LEVELS[Advice.HOLD_OFF]
    if _level(announced) >= held or _level(present) >= held:
        return announced
    is_better = _level(present) <= _level(announced) and present.condition.rank <= announced.condition.rank
    return present if is_better else announced


def is_unresolved(tracked: TrackedIncident) -> bool:
    """True until all surfaces of an incident are safe to retry again after its end."""
    if tracked.is_open:
        return True
    return tracked.cleared_at is None and set(tracked.surfaces) != set(tracked.freed)
