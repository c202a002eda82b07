"""What channels are told of an incident, and when they are told again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import (
    Advice,
    Condition,
    Impact,
    Incident,
    IncidentEnding,
    ProviderState,
    Stage,
    SurfaceState,
    TrackedIncident,
    Verdict,
)
from bot.rules.changes.announcements import announce, compare, is_unresolved
from tests.support.polls import at

OPEN = TrackedIncident(Incident("i1", "Errors", Stage.INVESTIGATING, Impact.MAJOR, at(0)), at(0), ("acme-api",))
HELD, SLOW, NORMAL = Advice.HOLD_OFF, Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY
RED, AMBER, GREEN = Condition.MAJOR_OUTAGE, Condition.DEGRADED, Condition.OPERATIONAL


def state(**surfaces):
    named = {f"acme-{name}": value for name, value in surfaces.items()}
    return ProviderState(
        "acme",
        states=tuple(SurfaceState(s, condition, at(0)) for s, (condition, _) in named.items()),
        verdicts=tuple(Verdict(s, advice, at(0), 0.0, "", "down") for s, (_, advice) in named.items()),
    )


TOLD = announce(OPEN, state(api=(RED, HELD)), at(0))


def change(now, minute, tracked=TOLD):
    """How what was told differs afterwards; None where nothing was said."""
    after = announce(tracked, now, at(minute))
    return None if after.announced_at == tracked.announced_at else compare(tracked.announced, after.announced)


def test_the_opening_is_what_is_told_first():
    assert (TOLD.announced_at, [a.advice for a in TOLD.announced]) == (at(0), [HELD])


def test_nothing_new_is_not_told():
    assert change(state(api=(RED, HELD)), 60) is None


def test_a_better_advice_waits_for_five_minutes():
    assert change(state(api=(GREEN, SLOW)), 4) is None
    assert change(state(api=(GREEN, SLOW)), 5).raised == ("acme-api",)


def test_a_worse_condition_is_told_at_once():
    amber = announce(OPEN, state(api=(AMBER, HELD)), at(0))
    assert change(state(api=(RED, HELD)), 1, amber).worse == ("acme-api",)


def test_a_lower_advice_is_told_at_once():
    slow = announce(TOLD, state(api=(GREEN, SLOW)), at(5))
    assert change(state(api=(GREEN, HELD)), 6, slow).lowered == ("acme-api",)


def test_one_more_surface_is_told_at_once():
    wide = TOLD.__class__(OPEN.incident, at(0), ("acme-api", "acme-web"), announced=TOLD.announced, announced_at=at(0))
    assert change(state(api=(RED, HELD), web=(RED, HELD)), 1, wide).new == ("acme-web",)


def test_what_comes_and_goes_while_the_advice_is_not_to_retry_is_not_told():
    tracked = TOLD
    for minute in range(1, 60):
        tracked = announce(tracked, state(api=((GREEN, RED)[minute % 2], HELD)), at(minute))
    assert tracked.announced_at == at(0)


def test_from_slow_to_normal_is_not_told_while_it_is_open():
    slow = announce(TOLD, state(api=(GREEN, SLOW)), at(5))
    assert change(state(api=(GREEN, NORMAL)), 60, slow) is None


def test_an_unknown_advice_says_nothing_new():
    assert change(state(api=(RED, Advice.UNKNOWN)), 60) is None


def closed(tracked=TOLD):
    return TrackedIncident(
        tracked.incident,
        tracked.seen_at,
        tracked.surfaces,
        closed_at=at(30),
        ending=IncidentEnding.RESOLVED,
        announced=tracked.announced,
        announced_at=tracked.announced_at,
    )


def test_it_is_all_clear_once_every_surface_is_normal_after_the_end():
    waiting = announce(closed(), state(api=(GREEN, SLOW)), at(36))
    assert (waiting.cleared_at, is_unresolved(waiting)) == (None, True)
    clear = announce(waiting, state(api=(GREEN, NORMAL)), at(50))
    assert (clear.cleared_at, is_unresolved(clear)) == (at(50), False)


@pytest.mark.parametrize(("minutes", "is_announced"), [(5, False), (6, True)])
def test_what_the_all_clear_will_say_within_five_minutes_is_left_to_it(minutes, is_announced):
    slow = state(api=(GREEN, SLOW))
    [verdict] = slow.verdicts
    soon = replace(slow, verdicts=(replace(verdict, changes_at=at(36 + minutes)),))
    assert (announce(closed(), soon, at(36)).announced_at == at(36)) is is_announced


@pytest.mark.parametrize("later", [1, 60])
def test_after_the_all_clear_nothing_is_told(later):
    clear = announce(closed(), state(api=(GREEN, NORMAL)), at(50))
    assert announce(clear, state(api=(RED, HELD)), at(50) + timedelta(minutes=later)) == clear
