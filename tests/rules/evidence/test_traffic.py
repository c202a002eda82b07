"""The team's own requests: judged client by client, with one voice for each writer."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.evidence import traffic
from bot.rules.evidence.aggregate import aggregate_evidence
from tests.support.evidence import counted, evidence
from tests.support.polls import ACME, at


def windows(*pieces, minute=0):
    [state] = aggregate_evidence((), evidence(*pieces), at(minute), ACME)
    return state.tallies


def voices(*pieces):
    return traffic.voices(windows(*pieces), at(0))


def fleet(count, failing, **how):
    """So many clients of one token, of which the first fail entirely."""
    return [
        counted(0, 0 if n < failing else 10, client=f"eu-{n:03}", s503=10 if n < failing else 0, **how)
        for n in range(count)
    ]


def test_a_client_counts_the_same_whatever_the_number_of_its_requests():
    [voice] = voices(counted(0, 1_000_000, client="a", writer="t"), counted(0, 0, client="b", writer="t", s503=40))
    assert (voice.mean, voice.median, voice.share) == (0.5, 0.5, 0.5)


def test_a_client_with_few_requests_counts_in_proportion():
    [voice] = voices(counted(0, 100, client="a", writer="t"), counted(0, 0, client="b", writer="t", s503=5))
    assert voice.mean == pytest.approx(0.2)


def test_a_client_with_most_of_the_requests_is_not_hidden_by_many_small_ones():
    small = [counted(0, 20, client=f"c{n}", writer="t") for n in range(20)]
    [voice] = voices(*small, counted(0, 9_000, client="big", writer="t", s503=1_000))
    assert (voice.mean < traffic.MIN_FAILURE_SHARE, voice.is_significant) == (True, True)


def test_a_region_that_fails_entirely_is_a_quarter_of_the_fleet():
    [voice] = voices(*fleet(200, 50, writer="fleet"))
    assert (voice.share, voice.median, len(voice.clients)) == (pytest.approx(0.25), 0, 200)


def test_writers_are_not_added_up():
    found = voices(counted(0, 100, writer="a"), counted(0, 0, writer="b", s503=100))
    assert sorted(v.share for v in found) == [0, 1]


def test_the_worst_voice_is_one_that_fails_significantly():
    found = voices(counted(0, 60, writer="a", s503=40), counted(0, 0, writer="b", s503=1))
    assert traffic.worst_voice(found).share == 0.4


def test_one_request_of_a_writer_with_few_makes_no_outage():
    assert traffic.median_share(voices(counted(0, 90, writer="a", s503=10), counted(0, 0, writer="b", s503=1))) == 0.1


def test_one_failure_after_many_answers_makes_no_outage():
    pieces = [
        counted(0, 90, writer="a", s503=10),
        counted(-4, 100, writer="b"),
        counted(0, 0, writer="b", s503=1),
    ]
    now = traffic.voices(windows(*pieces), at(0), timedelta(minutes=3))
    assert traffic.median_share(now) == 0.1


def test_writers_with_few_requests_that_all_fail_are_one_voice():
    pieces = [counted(0, 0, writer=f"w{n}", s503=10) for n in range(3)]
    assert traffic.median_share(voices(counted(0, 100, writer="a"), *pieces)) == 1


def test_of_two_voices_the_worse_counts():
    assert traffic.median_share(voices(counted(0, 100, writer="a"), counted(0, 5, writer="b", s503=95))) == 0.95


def test_of_three_voices_the_median_counts():
    found = voices(counted(0, 100, writer="a"), counted(0, 100, writer="b"), counted(0, 0, writer="c", s503=100))
    assert traffic.median_share(found) == 0


def test_writers_with_few_requests_are_judged_together():
    [voice] = voices(*(counted(0, 3 if n % 4 else 0, writer=f"t{n}", s503=0 if n % 4 else 3) for n in range(80)))
    assert (voice.requests, voice.share) == (240, pytest.approx(0.25))


def test_an_empty_span_is_not_remembered():
    [kept] = windows(counted(0, 5), *(counted(0, 0, client=f"z{n}") for n in range(60)))
    assert kept.ok == 5


def test_a_writer_corrects_its_own_counts():
    once = windows(counted(0, 10, client="a", writer="t"))
    [kept] = traffic.add_windows(once, windows(counted(0, 7, client="a", writer="t", s503=3)), at(0))
    assert (kept.ok, kept.failed) == (7, 3)


def test_a_writer_does_not_overwrite_another_one():
    assert [
        w.failed for w in windows(counted(0, 0, client="a", writer="t", s503=9), counted(0, 9, client="a", writer="u"))
    ] == [9, 0]


def test_without_a_writer_the_worse_of_two_counts_stays():
    [kept] = windows(counted(0, 0, client="a", s503=9), counted(0, 9, client="a"))
    assert kept.failed == 9


def test_the_clients_of_a_large_fleet_are_sampled_whatever_their_names():
    failing = [counted(0, 0, client=f"a{n:04}", writer="t", s503=10) for n in range(500)]
    well = [counted(0, 10, client=f"z{n:04}", writer="t") for n in range(500)]
    [voice] = voices(*failing, *well)
    assert (len(voice.clients), voice.share) == (traffic.MAX_CLIENTS, pytest.approx(0.5, abs=0.1))


def test_a_writer_with_many_clients_pushes_out_none_of_another_one():
    crowd = [counted(0, 10, client=f"a{n:04}", writer="liar") for n in range(400)]
    kept = windows(*crowd, counted(0, 0, client="shop", writer="honest", s503=30))
    assert [w.failed for w in kept if w.writer == "honest"] == [30]


def test_of_a_client_that_counts_often_the_oldest_spans_are_added_up():
    found = ()
    for n in range(60):
        second = timedelta(seconds=5 * n)
        one = counted(-5, 1, client="a", writer="t")
        span = traffic.to_window(one, at(0), {})
        moved = type(span)(span.since + second, span.until + second, 1, 0, "", "a", "t")
        found = traffic.add_windows(found, [moved], at(-5) + second)
    assert (len(found), sum(w.ok for w in found)) == (traffic.MAX_WINDOWS, 60)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=30))
def test_the_median_and_the_mean_lie_between_the_best_client_and_the_worst(counts):
    found = voices(
        counted(0, 1), *(counted(0, ok, client=f"c{n}", writer="t", s503=bad) for n, (ok, bad) in enumerate(counts))
    )
    for voice in found:
        shares = [c.share for c in voice.clients]
        assert min(shares) - 1e-9 <= voice.median <= max(shares) + 1e-9
        assert min(shares) - 1e-9 <= voice.mean <= max(shares) + 1e-9
