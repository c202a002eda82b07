"""How right the verdicts of a window were, against what came."""

from datetime import UTC, datetime, timedelta

from bot.domain import Advice, Condition
from bot.domain.reliability import ConditionPeriod, VerdictAccuracy
from bot.rules.reliability.verdict_accuracy import measure_verdict_accuracy

T0 = datetime(2026, 3, 2, 12, tzinfo=UTC)


def calls(*steps):
    """(minute, call) each; the last one holds to minute 300."""
    times = [*(m for m, _ in steps), 300]
    return [(at(a), at(b), call) for a, b, (_, call) in zip(times, times[1:], steps, strict=False)]


def at(minute):
    return T0 + timedelta(minutes=minute)


def run(start, end, condition=Condition.MAJOR_OUTAGE):
    return ConditionPeriod(at(start), at(end), condition)


HELD = calls((0, Advice.RETRY_NORMALLY), (10, Advice.HOLD_OFF), (40, Advice.RETRY_GENTLY), (100, Advice.RETRY_NORMALLY))


WELL = run(40, 300, Condition.OPERATIONAL)


def test_an_opening_is_counted_once_however_it_widens():
    assert measure_verdict_accuracy(HELD, [run(10, 40), WELL]) == VerdictAccuracy(1, 0, timedelta(minutes=30))


def test_an_opening_is_early_where_it_is_bad_again_within_the_hour():
    assert measure_verdict_accuracy(HELD, [run(10, 40), run(90, 95)]).early == 1


def test_a_relapse_after_the_hour_is_another_story():
    assert measure_verdict_accuracy(HELD, [run(10, 40), run(100, 130)]).early == 0


def test_good_runs_make_nothing_early():
    assert measure_verdict_accuracy(HELD, [run(40, 300, Condition.OPERATIONAL)]).early == 0


def test_what_was_never_held_is_no_opening():
    assert measure_verdict_accuracy(calls((0, Advice.UNKNOWN), (5, Advice.RETRY_NORMALLY)), []) == VerdictAccuracy()


def test_a_hold_that_goes_on_counts_as_time():
    assert measure_verdict_accuracy(calls((0, Advice.HOLD_OFF)), []) == VerdictAccuracy(0, 0, timedelta(hours=5))


def test_an_opening_whose_hour_is_not_over_is_told_apart():
    assert measure_verdict_accuracy(HELD, [run(10, 40), run(40, 70, Condition.OPERATIONAL)]).recent == 1
    assert measure_verdict_accuracy(HELD, [run(10, 40), run(40, 100, Condition.OPERATIONAL)]).recent == 0
    assert measure_verdict_accuracy(HELD, [run(10, 40), run(60, 70)]) == VerdictAccuracy(1, 1, timedelta(minutes=30), 0)


def test_sums_add_up():
    assert VerdictAccuracy(1, 1, timedelta(hours=1)).merged_with(
        VerdictAccuracy(2, 0, timedelta(hours=2))
    ) == VerdictAccuracy(3, 1, timedelta(hours=3))
