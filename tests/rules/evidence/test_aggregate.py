"""What is remembered of probes, people and traffic: bounded, in order, and deaf to what proves nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import EvidenceBatch, Probe, RequestOutcomes
from bot.rules.evidence import aggregate, traffic
from bot.rules.evidence.aggregate import aggregate_evidence
from tests.support.evidence import API, counted, evidence, reported, tried
from tests.support.polls import ACME, at


def remembered(*pieces, end=None, provider=ACME):
    """What is remembered when each piece comes in at its own time, in order; at ``end`` some more time has passed."""
    found = ()
    for piece in sorted(pieces, key=when):
        found = aggregate_evidence(found, evidence(piece), when(piece), provider)
    return aggregate_evidence(found, EvidenceBatch(), at(end), provider) if end is not None else found


def when(piece):
    return piece.until if isinstance(piece, RequestOutcomes) else piece.at


def test_a_vantage_point_keeps_its_last_five_tries():
    [said] = remembered(*(tried(n) for n in range(9)))
    assert [t.at for t in said.sights[0].tries] == [at(n) for n in range(4, 9)]


def test_vantage_points_are_kept_apart():
    [said] = remembered(tried(0), tried(0, vantage="tokyo", ok=False))
    assert [(s.vantage, s.tries[-1].ok) for s in said.sights] == [("here", True), ("tokyo", False)]


def test_a_run_that_goes_well_is_dated_from_its_first_try():
    [said] = remembered(tried(0, ok=False), tried(1), tried(2), tried(3))
    assert said.sights[0].ok_since == at(1)


def test_three_failures_of_five_are_dated_from_the_first():
    [said] = remembered(tried(0), tried(1, ok=False), tried(2), tried(3, ok=False), tried(4, ok=False))
    assert said.sights[0].bad_since == at(1)


def test_two_failures_of_five_are_no_failing():
    [said] = remembered(tried(0), tried(1, ok=False), tried(2), tried(3, ok=False), tried(4))
    assert said.sights[0].bad_since is None


def test_a_surface_s_own_probe_says_how_many_of_how_many_count():
    probe = Probe(API, "https://api.acme.example/", bad=1, of=2)
    hasty = replace(ACME, surfaces=tuple(replace(s, probe=probe) if s.id == API else s for s in ACME.surfaces))
    [said] = remembered(tried(0), tried(1), tried(2, ok=False), provider=hasty)
    assert (len(said.sights[0].tries), said.sights[0].bad_since) == (2, at(2))


def test_a_fault_of_our_own_is_left_out():
    assert aggregate_evidence((), evidence(replace(tried(0, ok=False), ours=True)), at(0), ACME) == ()


def test_a_failing_that_lasts_keeps_its_date():
    [said] = remembered(*(tried(n, ok=False) for n in range(30)))
    assert said.sights[0].bad_since == at(0)


def test_a_probe_that_was_silent_starts_again():
    [said] = remembered(tried(0), tried(1), tried(9))
    assert said.sights[0].ok_since == at(9)


def test_a_result_that_comes_twice_counts_once():
    once = remembered(tried(0, ok=False))
    assert aggregate_evidence(once, EvidenceBatch(probes=(tried(0, ok=False),)), at(1), ACME) == once


def test_a_result_that_comes_late_is_left_out():
    assert aggregate_evidence((), EvidenceBatch(probes=(tried(0),)), at(16), ACME) == ()


def test_a_clock_that_is_ahead_counts_as_now():
    [said] = aggregate_evidence((), EvidenceBatch(probes=(tried(30),)), at(0), ACME)
    assert said.sights[0].tries[-1].at == at(0)


def test_a_surface_that_nobody_has_is_left_out():
    assert aggregate_evidence((), EvidenceBatch(probes=(tried(0, surface="other"),)), at(0), ACME) == ()


def test_a_person_counts_once():
    [said] = remembered(reported(0), reported(3), reported(4, "ben"))
    assert [(v.reporter, v.at) for v in said.voices] == [("ana", at(3)), ("ben", at(4))]


def test_people_count_for_ten_minutes():
    [said] = remembered(reported(0), end=11)
    assert said.voices == ()


def test_what_people_said_becomes_what_is_usual():
    [said] = remembered(*(reported(n, f"p{n}") for n in range(0, 7 * 1440, 60)), end=7 * 1440 + 11)
    assert aggregate.baseline_reports(said.usual, at(7 * 1440 + 11)) == pytest.approx(1 / 6, rel=0.1)


def test_a_crowd_of_a_young_bot_is_not_usual():
    [said] = remembered(*(reported(0, f"p{n}") for n in range(6)), end=11)
    assert aggregate.baseline_reports(said.usual, at(11)) < 0.1


def test_a_rush_a_week_ago_is_forgotten_to_a_third():
    [said] = remembered(reported(0), end=11)
    assert aggregate.baseline_reports(said.usual, at(7 * 1440)) == pytest.approx(0.3679 / 637, rel=0.01)


def test_failures_of_the_surface_are_counted():
    [said] = remembered(counted(1, ok=90, s503=4, s529=3, timeout=2, connection=1))
    assert (said.tallies[0].ok, said.tallies[0].failed, said.tallies[0].worst) == (90, 10, "503")


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "409", "422", "429", "teapot", "5xx", ""])
def test_a_clients_own_mistakes_and_its_quota_are_not(status):
    [said] = remembered(RequestOutcomes(API, at(0), at(1), 50, {status: 50}))
    assert said.tallies[0].failed == 0


def test_traffic_counts_for_five_minutes():
    [said] = remembered(counted(1), counted(7))
    assert [t.until for t in said.tallies] == [at(7)]


def test_the_same_counts_that_come_twice_count_once():
    once = remembered(counted(1, s500=3))
    assert aggregate_evidence(once, EvidenceBatch(outcomes=(counted(1, s500=3),)), at(1), ACME) == once


PIECES = st.one_of(
    st.builds(tried, st.integers(0, 90), st.booleans(), st.sampled_from([f"v{n}" for n in range(30)])),
    st.builds(reported, st.integers(0, 90), st.integers(0, 400).map(str)),
    st.builds(lambda m, ok, bad: counted(m, ok, s500=bad), st.integers(0, 90), st.integers(0, 9), st.integers(0, 9)),
)


@given(st.lists(PIECES, max_size=120))
def test_it_stays_small_and_in_order(pieces):
    for said in remembered(*pieces):
        assert len(said.sights) <= aggregate.MAX_VANTAGES + 1
        assert len(said.voices) <= aggregate.MAX_REPORTERS
        assert len(said.tallies) <= traffic.MAX_WINDOWS
        for sight in said.sights:
            assert [t.at for t in sight.tries] == sorted({t.at for t in sight.tries})


@given(st.lists(PIECES, max_size=40))
def test_the_same_pieces_give_the_same_memory(pieces):
    assert remembered(*pieces) == remembered(*pieces)


def test_what_is_remembered_is_plain_while_nothing_speaks_against_the_surface():
    [said] = remembered(tried(0), counted(1, s429=80))
    assert aggregate.is_stable(said)


@pytest.mark.parametrize("piece", [tried(0, ok=False), reported(0), counted(0, s500=1)])
def test_what_is_remembered_is_not_plain_once_something_does(piece):
    [said] = remembered(piece)
    assert not aggregate.is_stable(said)


def test_what_a_place_sent_before_evidence_had_a_writer_goes_on():
    before = remembered(*(tried(n, ok=False, vantage="tokyo") for n in range(3)))
    after = aggregate_evidence(before, evidence(tried(3, ok=False, vantage="tokyo", writer="tk")), at(3), ACME)
    assert [(s.writer, s.bad_since) for s in after[0].sights] == [("tk", at(0))]


def test_no_token_takes_up_what_the_bot_s_own_probe_saw():
    before = remembered(*(tried(n, ok=False) for n in range(3)))
    after = aggregate_evidence(before, evidence(tried(3, vantage="here", writer="tk")), at(3), ACME)
    assert [(s.writer, s.tries[-1].ok) for s in after[0].sights] == [("", False), ("tk", True)]
