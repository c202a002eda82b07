"""Growth: the exponent of a curve, and what is said of one that is not linear."""

import pytest

from tests.bench.growth import MOST, complaints, exponent
from tests.bench.table import Row


@pytest.mark.parametrize(("took", "expected"), [((5, 10), 1), ((5, 20), 2), ((5, 5), 0)])
def test_the_exponent_is_of_the_two_largest_sizes(took, expected):
    assert exponent((1, 1000, 2000), (1, *took)) == pytest.approx(expected)


def test_what_grows_faster_than_linearly_is_said():
    row = Row("growth: status, by years", MOST + 0.1, "", MOST, note="1: 2.00 ms, 3: 9.00 ms")
    assert complaints([row]) == ["NOT LINEAR: growth: status, by years (1: 2.00 ms, 3: 9.00 ms)"]


def test_what_is_linear_is_not_said():
    assert complaints([Row("growth: status, by years", 1.0, "", MOST)]) == []


def test_what_misses_another_target_is_not_said():
    assert complaints([Row("look to POST", 12.0, "ms", 10)]) == []
