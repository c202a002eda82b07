"""The bench of evidence: one day, what each kind of evidence adds to it, and days drawn from the recordings."""

from random import Random

import pytest

from bot.domain import Stage
from tests.bench import evidence
from tests.bench.outages import THE_DAY, draw, read


@pytest.fixture(scope="module")
def day():
    return {name: days[0] for name, days in evidence.scores([THE_DAY], 1).items()}


def test_the_page_is_blind_until_it_admits_it(day):
    assert day["page only"].blind == 20


def test_a_probe_is_blind_for_three_minutes(day):
    assert day["+ probe"].blind == 3


@pytest.mark.parametrize("column", [c for c in evidence.COLUMNS if c != "page only"])
def test_no_evidence_makes_it_blinder(day, column):
    assert day[column].blind < day["page only"].blind


def test_all_evidence_together_are_hardly_blinder_than_the_best_of_them(day):
    """A minute, in which healthy traffic makes a lone probe's word a gentle one (bot/docs/evidence.md)."""
    assert day["+ all"].blind <= 1 + min(day[c].blind for c in ("+ probe", "+ people", "+ traffic"))


def test_with_a_probe_nothing_bad_is_called_normal_after_that(day):
    assert (day["+ probe"].false_safe, day["+ all"].false_safe) == (0, 0)


def test_a_probe_lets_less_load_into_the_relapse_that_the_page_never_shows(day):
    assert day["+ probe"].weighted < day["page only"].weighted / 5


def test_the_page_shows_what_the_outage_says():
    shown = {m: [i.stage for i in evidence.page(THE_DAY, m).incidents] for m in (19, 20, 50, 100)}
    assert shown == {19: [], 20: [Stage.INVESTIGATING], 50: [Stage.MONITORING], 100: [Stage.RESOLVED]}


def test_requests_follow_the_verdict():
    sent = [evidence.evidence(THE_DAY, 5, ["traffic"], g, Random(1)).outcomes for g in (1.0, 0.5, 0.0)]  # noqa: S311
    assert [[o.total for o in one] for one in sent] == [[40], [20], []]


def test_the_same_seed_draws_the_same_days(shared):
    recorded = read(shared)
    assert [draw(recorded, Random(3)) for _ in range(2)] == [draw(recorded, Random(3))] * 2  # noqa: S311


def test_drawn_days_are_in_order_and_end(shared):
    recorded, dice = read(shared), Random(5)  # noqa: S311
    for outage in (draw(recorded, dice) for _ in range(300)):
        assert outage.bad[0][0] == 0
        assert all(start < stop for start, stop in outage.bad)
        assert [m for m, _ in outage.said] == sorted(m for m, _ in outage.said)
        assert outage.said[-1][1] is Stage.RESOLVED


def test_lags_are_those_that_the_research_measured(shared):
    lags = sorted(read(shared).lags)
    assert 10 <= lags[len(lags) // 2] <= 20


def test_over_drawn_days_no_evidence_makes_it_blinder(shared):
    recorded, dice = read(shared), Random(11)  # noqa: S311
    found = evidence.scores([draw(recorded, dice) for _ in range(8)], 11)
    blind = {name: sum(s.blind for s in days) for name, days in found.items()}
    assert all(blind[name] <= blind["page only"] for name in blind)
    assert blind["+ all"] <= min(blind.values())
