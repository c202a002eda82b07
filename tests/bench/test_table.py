"""The bench's own arithmetic: what a row says of what was measured."""

import pytest

from tests.bench.table import Row, merged, percentile, table


def test_a_row_says_how_many_times_as_much_as_the_yardstick_ours_took():
    assert Row("looks", 3.0, "ms", yard=2.0, than="httpx").ratio == 1.5


@pytest.mark.parametrize(("ours", "verdict"), [(9.9, "yes"), (10.0, "yes"), (10.1, "NO"), (None, "not run")])
def test_a_target_is_met_where_ours_is_no_more(ours, verdict):
    assert Row("looks", ours, "ms", target=10).verdict == verdict


def test_a_row_without_a_target_is_neither_met_nor_missed():
    assert Row("looks", 1.0, "ms").verdict == ""


def test_a_row_that_was_not_run_says_why():
    assert Row("peers", None, "ms", 1, note="not installed").cells()[-2:] == ("not run", "not installed")


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_the_value_that_so_many_do_not_exceed(share, value):
    assert percentile(range(100, 0, -1), share) == value


def test_of_one_value_every_percentile_is_that_value():
    assert percentile([7], 0.99) == 7


def test_of_nothing_there_is_no_percentile():
    with pytest.raises(ValueError, match="no percentile"):
        percentile([], 0.5)


def test_the_table_has_a_line_for_every_row_below_its_head():
    lines = table([Row("a", 1, "ms"), Row("b", None, "ms")]).splitlines()
    assert (len(lines), len({len(line) for line in lines})) == (4, 1)


def run(ours, yard=None):
    return [Row("looks", ours, "ms", 2, yard, "httpx" if yard else "", "first round in 10 s")]


def test_of_several_runs_the_median_counts():
    assert merged([run(1.0), run(9.0), run(2.0)])[0].ours == 2.0


def test_of_several_runs_the_range_is_in_the_note():
    assert merged([run(1.0, 4.0), run(9.0, 5.0), run(2.0, 3.0)])[0].note == "3 runs: 1 to 9, 3 to 5"


def test_one_run_is_printed_as_it_is():
    assert merged([run(1.0, 4.0)]) == run(1.0, 4.0)


def test_a_run_that_failed_does_not_count():
    assert merged([run(1.0), run(None), run(3.0)])[0].note == "2 runs: 1 to 3"
