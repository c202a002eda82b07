"""Transitions with times beat polls: minutes by hand."""

from datetime import UTC, datetime, timedelta

from bot.domain import Condition, Surface
from bot.domain.reliability import ConditionClaim, DatedTransition
from bot.rules.reliability.posted import posted_claims

GOOD, SLOW, DOWN = Condition.OPERATIONAL, Condition.DEGRADED, Condition.MAJOR_OUTAGE
API = Surface("api", "p", "API", components=("c1", "API"), parts=("c2",))


def at(minute):
    return datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(minutes=minute)


def move(minute, old, new, component="c1", seen=None):
    return DatedTransition(at(minute), component, "API", old, new, at(seen) if seen is not None else None)


def test_a_bad_time_is_from_its_transition_to_the_next():
    assert posted_claims([move(0, GOOD, DOWN), move(30, DOWN, GOOD)], (), API) == (ConditionClaim(at(0), at(30), DOWN),)


def test_an_end_that_a_poll_saw_four_minutes_later_is_that_of_the_transition():
    seen = [ConditionClaim(at(4), at(34), DOWN), ConditionClaim(at(34), None, GOOD)]
    claims = posted_claims([move(0, GOOD, DOWN), move(30, DOWN, GOOD)], seen, API)
    assert claims[1:] == (ConditionClaim(at(30), at(34), GOOD),)


def test_a_component_that_stays_red_for_longer_than_a_poll_is_red():
    seen = [ConditionClaim(at(4), at(50), DOWN), ConditionClaim(at(50), None, GOOD)]
    assert len(posted_claims([move(0, GOOD, DOWN), move(30, DOWN, GOOD)], seen, API)) == 1


def test_a_transition_without_a_successor_holds_until_a_poll_had_seen_it():
    assert posted_claims([move(0, GOOD, DOWN, seen=5)], (), API) == (ConditionClaim(at(0), at(5), DOWN),)


def test_a_month_between_an_outage_and_the_next_transition_from_green_is_no_outage():
    claims = posted_claims([move(0, GOOD, DOWN, seen=5), move(43200, GOOD, SLOW, seen=43205)], (), API)
    assert [c.end for c in claims] == [at(5), at(43205)]


def test_a_component_from_operational_to_operational_claims_nothing():
    assert posted_claims([move(0, GOOD, GOOD), move(30, GOOD, GOOD)], (), API) == ()


def test_a_component_of_one_feature_degrades_its_service_at_most():
    claims = posted_claims([move(0, GOOD, DOWN, "c2"), move(30, DOWN, GOOD, "c2")], (), API)
    assert claims == (ConditionClaim(at(0), at(30), SLOW),)


def test_a_component_of_another_service_claims_nothing():
    other = DatedTransition(at(0), "x", "Web", GOOD, DOWN, at(5))
    assert posted_claims([other], (), API) == ()


def test_an_update_that_repeats_a_bad_condition_ends_nothing():
    seen = [ConditionClaim(at(4), at(34), DOWN)]
    claims = posted_claims([move(0, GOOD, DOWN), move(30, DOWN, DOWN)], seen, API)
    assert claims == (ConditionClaim(at(0), at(30), DOWN),)
