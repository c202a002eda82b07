"""What the value of a tracker means; nonsense is unknown, whatever it is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.evidence.tracker import MIN_LEARNED, TrackerLimit, judge_value

OVER = TrackerLimit(over=100)
RATIO = TrackerLimit(times_usual=5)
STATE = TrackerLimit(trouble=("down", "major"))


def judged(value, limit, **more):
    found = judge_value(value, limit, **more)
    return found.is_trouble, found.text


@pytest.mark.parametrize(
    ("value", "limit", "more", "found"),
    [
        (101, OVER, {}, (True, "101 reports (limit 100)")),
        (100, OVER, {}, (False, "100 reports (limit 100)")),
        ("101.5", OVER, {}, (True, "101.50 reports (limit 100)")),
        (80, RATIO, {"usual": 10}, (True, "8 times the usual reports")),
        (40, RATIO, {"usual": 10}, (False, "4 times the usual reports")),
        (9, RATIO, {"usual": 0}, (True, "9 times the usual reports")),
        (2, RATIO, {"usual": 0}, (False, "2 times the usual reports")),
        (80, RATIO, {"learned": [10.0] * MIN_LEARNED}, (True, "8 times the usual reports")),
        ("DOWN", STATE, {}, (True, "DOWN")),
        ("up", STATE, {}, (False, "up")),
        (True, TrackerLimit(trouble=("true",)), {}, (True, "true")),
    ],
)
def test_a_value_is_trouble_by_its_limit(value, limit, more, found):
    assert judged(value, limit, **more) == found


@pytest.mark.parametrize(
    "value",
    [None, "", "many", [], {}, True, math.nan, math.inf, -math.inf, 10**400, 1e300, "nan", "1" * 40, "\uff19"],
    ids=repr,
)
@pytest.mark.parametrize("limit", [OVER, RATIO], ids=["over", "times_usual"])
def test_what_is_no_number_is_unknown(value, limit):
    assert judge_value(value, limit, usual=1).is_trouble is None


@pytest.mark.parametrize("value", [None, 1, "", " ", [], {}, "x" * 61])
def test_what_is_no_state_is_unknown(value):
    assert judge_value(value, STATE).is_trouble is None


def test_what_is_usual_has_to_be_learned_first():
    found = judge_value(80, RATIO, learned=[10.0] * (MIN_LEARNED - 1))
    assert (found.is_trouble, found.why) == (None, "what is usual is not known yet: 11 of 12 readings")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), st.lists))
def test_no_value_raises_or_makes_a_long_text(value):
    for limit in (OVER, RATIO, STATE):
        found = judge_value(value, limit, usual=value, learned=[1.0] * MIN_LEARNED)
        assert len(found.text) <= 100
        assert found.text.isprintable()
