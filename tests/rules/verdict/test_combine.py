"""A test for every row of bot/docs/verdict-rules.md#combining-evidence, then what holds for all of them."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.domain import Advice, Stage, VerdictParameters
from bot.rules.verdict.combine import COMBINATION_RULES
from tests.support.evidence import counted, lived, probed, reported, tracked, tried, verdict
from tests.support.polls import RED, RULES, incident, page, update

RANK = list(Advice)


def told(done):
    found = verdict(done)
    return found.call, found.reason_code, found.exposure


def fails_from(minute):
    return lambda now: now < minute


def answers_from(minute):
    return lambda now: now >= minute


def crowd(n=5):
    return lambda minute: [reported(minute, f"p{k}") for k in range(n)] if minute == 0 else []


def few(minute):
    """Two people who report it at three minutes past."""
    return [reported(minute, f"p{n}") for n in range(2)] if minute == 3 else []


def traffic(ok, **errors):
    """Requests that all go well until noon, and then fare like this."""
    return lambda minute: [counted(minute, ok, **errors) if minute > 0 else counted(minute)]


def both(*seens):
    return lambda minute: [piece for seen in seens for piece in seen(minute)]


def outage(start=0, monitoring=None, resolved=None):
    """A page that shows an incident on the API from its start on."""

    def shown(minute):
        if minute < start:
            return page()
        posts = [update("u1", minutes=start, api=RED)]
        if monitoring is not None and minute >= monitoring:
            posts.append(update("u2", Stage.MONITORING, "A fix is in.", monitoring))
        if resolved is not None and minute >= resolved:
            posts.append(update("u3", Stage.RESOLVED, "Over.", resolved))
        return page(incident(*posts), api=RED) if len(posts) == 1 else page(incident(*posts))

    return shown


def blind(after):
    return lambda minute: page() if minute <= after else None


# --- a quiet page -----------------------------------------------------------------------------------------------------


def test_quiet_and_nobody_else_looks_is_normal():
    assert told(lived(0)) == (Advice.RETRY_NORMALLY, "quiet", 1)


def test_quiet_and_a_probe_that_answers_is_normal():
    assert told(lived(0, seen=probed(fails_from(99)))) == (Advice.RETRY_NORMALLY, "quiet", 1)


def test_quiet_and_a_probe_that_fails_from_two_places_is_suspected_after_three_minutes():
    seen = probed(fails_from(0), "here", "tokyo")
    assert [verdict(lived(m, seen=seen)).reason_code for m in (2, 3)] == ["quiet", "suspected"]


def test_what_is_suspected_is_held_until_the_evidence_changes():
    found = verdict(lived(3, seen=probed(fails_from(0), "here", "tokyo")))
    assert (found.call, found.changes_at) == (Advice.HOLD_OFF, None)


def test_a_probe_from_one_place_holds_where_no_other_answers():
    assert told(lived(3, seen=probed(fails_from(0)))) == (Advice.HOLD_OFF, "suspected", 0)


def test_a_probe_from_one_place_holds_nothing_off_where_another_answers():
    seen = both(probed(fails_from(0), "tokyo"), probed(fails_from(99), "here"))
    assert told(lived(9, seen=seen)) == (Advice.RETRY_GENTLY, "brownout", 0.5)


def test_a_place_that_is_not_known_yet_changes_nothing_where_a_known_one_answers():
    seen = both(lambda m: [tried(m, m < 0, "tokyo", writer="new")], probed(fails_from(99), "here"))
    assert told(lived(9, seen=seen)) == (Advice.RETRY_NORMALLY, "quiet", 1)


def test_a_probe_that_fails_now_and_then_changes_nothing():
    seen = probed(lambda minute: minute % 3 != 0)
    assert told(lived(30, seen=seen)) == (Advice.RETRY_NORMALLY, "quiet", 1)


def test_a_probe_that_falls_silent_says_nothing_any_more():
    seen = both(lambda m: [tried(m, ok=False)] if 0 <= m <= 3 else [])
    assert [verdict(lived(m, seen=seen)).reason_code for m in (6, 7, 8)] == ["suspected", "settling", "settling"]


def test_a_crowd_is_reported():
    assert told(lived(0, seen=crowd())) == (Advice.RETRY_GENTLY, "reported", 0.1)


def test_four_people_are_no_crowd():
    assert told(lived(0, seen=crowd(4))) == (Advice.RETRY_NORMALLY, "quiet", 1)


def test_a_crowd_is_five_times_the_usual():
    def usual(minute):
        return [reported(minute, f"u{minute}{k}") for k in range(2) if minute % 5 == 0]

    world = lived(-1, seen=usual, start=-3 * 1440)[-1].state
    found = [lived(0, seen=crowd(n), start=0, world=world)[-1].state.verdict("acme-api").call for n in (5, 25)]
    assert found == [Advice.RETRY_NORMALLY, Advice.RETRY_GENTLY]


def test_a_crowd_and_a_probe_that_answers_is_half():
    assert told(lived(0, seen=both(crowd(), probed(fails_from(99))))) == (Advice.RETRY_GENTLY, "reported", 0.5)


def test_a_crowd_is_over_after_ten_quiet_minutes_and_normal_a_quarter_of_an_hour_later():
    found = [verdict(lived(m, seen=crowd())).reason_code for m in (10, 11, 25, 26)]
    assert found == ["reported", "seen_recently", "seen_recently", "quiet"]


def test_nearly_all_requests_that_fail_hold_like_a_probe():
    seen = lambda m: [counted(m, 1, s503=60)] if m > 0 else [counted(m)]  # noqa: E731
    assert [verdict(lived(m, seen=seen)).reason_code for m in (2, 3)] == ["quiet", "suspected"]


def test_a_part_of_the_requests_that_fails_is_a_brownout():
    seen = lambda m: [counted(m, 80, s529=20)] if m > 0 else [counted(m)]  # noqa: E731
    assert told(lived(9, seen=seen)) == (Advice.RETRY_GENTLY, "brownout", 0.4)


def test_a_brownout_leaves_less_the_more_fails():
    shares = [lived(9, seen=traffic(100 - n, s500=n))[-1] for n in (10, 30, 60, 80)]
    assert [s.state.verdict("acme-api").exposure for s in shares] == [0.45, 0.35, 0.2, 0.1]


def test_a_brownout_leaves_no_more_than_the_ramp_does():
    shown, seen = outage(monitoring=30), traffic(80, s503=20)
    _, code, exposure = told(lived(40, shown=shown, seen=lambda m: seen(m) if m > 36 else []))
    assert (code, exposure < 0.2) == ("brownout", True)


def test_a_brownout_changes_at_no_time_that_is_known():
    seen = traffic(80, s503=20)
    done = lived(85, shown=outage(monitoring=30), seen=lambda m: seen(m) if m > 79 else [])
    assert (verdict(done).reason_code, verdict(done).changes_at) == ("brownout", None)


def test_own_429s_are_no_brownout():
    assert told(lived(9, seen=lambda m: [counted(m, 80, s429=200)])) == (Advice.RETRY_NORMALLY, "quiet", 1)


# --- a bad page -------------------------------------------------------------------------------------------------------


def test_bad_and_a_probe_that_fails_is_the_pages_hold():
    assert told(lived(5, shown=outage(), seen=probed(fails_from(0)))) == (Advice.HOLD_OFF, "down", 0)


def test_bad_but_answering_for_ten_minutes_is_the_least_of_gentle():
    found = [verdict(lived(m, shown=outage(), seen=probed(answers_from(2)))) for m in (11, 12)]
    assert [(v.call, v.reason_code, v.exposure) for v in found] == [
        (Advice.HOLD_OFF, "down", 0),
        (Advice.RETRY_GENTLY, "bad_but_answering", 0.1),
    ]


def test_bad_and_a_probe_that_answers_is_held_where_requests_fail():
    seen = both(probed(fails_from(99)), traffic(80, s500=20))
    assert verdict(lived(15, shown=outage(), seen=seen)).call is Advice.HOLD_OFF


# --- recovering and resolved ------------------------------------------------------------------------------------------


def test_recovering_and_a_probe_that_answers_is_normal_after_half_an_hour():
    """Three answers of five take two minutes more."""
    shown, seen = outage(monitoring=30), probed(answers_from(30))
    found = [verdict(lived(m, shown=shown, seen=seen)).call for m in (61, 62)]
    assert found == [Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY]


def test_recovering_without_a_probe_is_normal_after_an_hour():
    found = [verdict(lived(m, shown=outage(monitoring=30))).call for m in (88, 89)]
    assert found == [Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY]


def test_resolved_and_a_probe_that_answers_is_normal_after_five_minutes():
    shown, seen = outage(monitoring=30, resolved=40), probed(answers_from(30))
    found = [verdict(lived(m, shown=shown, seen=seen)).call for m in (44, 45)]
    assert found == [Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY]


def test_people_who_still_report_keep_the_long_dwell():
    talk = lambda m: [reported(m, "ana"), reported(m, "ben")]  # noqa: E731
    shown = outage(monitoring=30, resolved=40)
    assert verdict(lived(45, shown=shown, seen=both(probed(answers_from(30)), talk))).call is Advice.RETRY_GENTLY


def test_recovering_and_a_probe_that_fails_is_contradicted():
    found = verdict(lived(40, shown=outage(monitoring=30), seen=probed(lambda m: m < 0)))
    assert (found.call, found.reason_code) == (Advice.HOLD_OFF, "contradicted")


def test_after_a_contradiction_the_dwell_starts_again():
    """Bad until minute 40 by the probe, though monitoring since 30: gentle comes three minutes after it, not after 33."""
    shown, seen = outage(monitoring=30), probed(lambda m: m < 0 or m > 38)
    codes = {m: verdict(lived(m, shown=shown, seen=seen)).reason_code for m in (38, 42, 50)}
    assert codes == {38: "contradicted", 42: "settling", 50: "recovering"}


# --- a page that can't be read ----------------------------------------------------------------------------------------


def test_stale_and_nobody_else_looks_is_unknown():
    assert told(lived(16, shown=blind(0)))[:2] == (Advice.UNKNOWN, "stale_unknown")


def test_unread_but_answering_is_half_at_most():
    assert told(lived(16, shown=blind(0), seen=probed(fails_from(99)))) == (
        Advice.RETRY_GENTLY,
        "unread_but_answering",
        0.5,
    )


def test_unread_but_answering_for_a_moment_is_a_tenth():
    seen = lambda m: [tried(m)] if m >= 20 else []  # noqa: E731
    assert told(lived(21, shown=blind(0), seen=seen))[2] == 0.1


def test_unread_but_answering_is_a_tenth_while_a_crowd_says_otherwise():
    people = lambda m: [reported(m, f"p{n}") for n in range(5)] if m == 19 else []  # noqa: E731
    found = told(lived(20, shown=blind(0), seen=both(probed(lambda _: True), people)))
    assert found == (Advice.RETRY_GENTLY, "unread_but_answering", 0.1)


def test_unread_after_it_was_bad_needs_ten_minutes():
    shown = lambda m: outage(-9)(m) if m <= 0 else None  # noqa: E731
    found = [told(lived(m, shown=shown, seen=probed(answers_from(20)))) for m in (29, 30)]
    assert found == [(Advice.UNKNOWN, "stale_unknown", 0), (Advice.RETRY_GENTLY, "unread_but_answering", 0.1)]


@pytest.mark.parametrize("minute", [8, 20])
def test_failing_unread_is_held(minute):
    assert told(lived(minute, shown=blind(0), seen=probed(fails_from(0)))) == (Advice.HOLD_OFF, "failing_unread", 0)


# --- what is said -----------------------------------------------------------------------------------------------------


def test_a_reason_says_who_saw_what_and_when():
    all_of_it = both(
        probed(fails_from(0), "here", "tokyo"),
        crowd(6),
        traffic(66, s503=34),
    )
    said = [
        lived(4, seen=probed(fails_from(0), "here", "tokyo")),
        lived(4, seen=probed(fails_from(0))),
        lived(4, seen=all_of_it),
        lived(0, seen=crowd()),
        lived(9, seen=traffic(80, s529=20)),
        lived(9, seen=both(probed(fails_from(0), "tokyo"), probed(fails_from(99), "here"))),
        lived(15, shown=outage(), seen=probed(answers_from(2))),
        lived(5, shown=outage(), seen=probed(fails_from(0))),
        lived(40, shown=outage(monitoring=30), seen=probed(lambda m: m < 0)),
        lived(20, shown=blind(0), seen=probed(fails_from(99))),
        lived(0, seen=probed(fails_from(99))),
        lived(12, seen=crowd()),
    ]
    assert [verdict(done).reason for done in said] == snapshot(
        [
            "Don't retry: our probe fails from 2 places (here, tokyo) since 12:00 UTC (HTTP 503). Next update by 12:15 UTC.",
            "Don't retry: our probe fails from one place only (here) since 12:00 UTC (HTTP 503). Next update by 12:15 UTC.",
            "Don't retry: our probe fails from 2 places (here, tokyo) since 12:00 UTC (HTTP 503), 6 people report it (10 min). Next update by 12:15 UTC.",
            "Retry slowly (10% load): 5 people report it (10 min); Acme's page shows no incident for it (checked 12:00 UTC).",
            "Retry slowly (40% load): your traffic: 20% errors of 500 since 12:00 UTC, mostly 529.",
            "Retry slowly (50% load): our probe fails from tokyo since 12:00 UTC (HTTP 503) and passes from here.",
            "Retry slowly (10% load): our probe passes since 12:02 UTC; outage on Acme's page, investigating since 12:00 UTC.",
            "Don't retry: outage on Acme's page, investigating since 12:00 UTC. Next update by 12:15 UTC.",
            "Don't retry: our probe fails from one place only (here) since 12:00 UTC (HTTP 503). Next update by 12:45 UTC.",
            "Retry slowly (50% load): our probe passes since 11:00 UTC; the last good check of Acme's page was at 12:00 UTC.",
            "Safe to retry: Acme's page shows no incident for it (checked 12:00 UTC); our probe passes since 11:00 UTC.",
            "Retry slowly (50% load): our probes, traffic and reports show no errors since 12:10 UTC; Acme's page shows no incident for it.",
        ]
    )


def test_a_few_people_agree_with_a_page_that_admits_it():
    few = lived(5, shown=outage(), seen=lambda minute: crowd(3)(0) if minute == 5 else [])
    assert "; 3 people report it" in verdict(few).reason


def test_tracked_trouble_is_like_many_reports():
    spike = lived(4, seen=lambda minute: [tracked(minute, minute >= 0)])
    assert told(spike) == (Advice.RETRY_GENTLY, "tracked", 0.1)


def test_every_line_of_the_table_is_tested_here():
    tests = " ".join(name for name in globals() if name.startswith("test_"))
    assert [row.name for row in COMBINATION_RULES if row.name not in tests] == []


def test_reports_leave_no_more_than_the_ramp_after_errors_does():
    """Requests failed for a moment at minute 21; many report at minute 30, while a probe answers."""
    failed, people = [counted(21, 31, s500=37), tried(22), tried(30)], [reported(22 + n, f"p{n}") for n in range(9)]
    alone, found = (verdict(live(outage(monitoring=8, resolved=9), p)) for p in (failed, [*failed, *people]))
    assert (found.reason_code, found.exposure <= min(alone.exposure, 0.3)) == ("reported", True)


def test_failures_after_a_gap_start_anew_whatever_a_probe_says_meanwhile():
    """Requests that fail at minutes 0 and 29 are two failures, with a probe's failure between them or without."""
    pieces = [counted(0, 0, s500=20), counted(29, 0, s500=20)]
    found = [verdict(live(lambda _: page(), seen)) for seen in (pieces, [*pieces, tried(5, ok=False)])]
    assert [v.reason_code for v in found] == ["quiet", "quiet"]


def test_a_few_failures_of_another_client_do_not_hide_what_fails():
    many = [counted(m, 50, s500=50) for m in range(20, 31)]
    few = [replace(counted(m, 0, s500=1), client="b") for m in (28, 29, 30)]
    assert [verdict(live(lambda _: page(), p)).reason_code for p in (many, many + few)] == ["brownout", "brownout"]


def test_requests_that_have_just_begun_to_fail_do_not_go_well():
    reason = verdict(live(lambda _: page(), [counted(29, 0, s500=20)])).reason
    assert "your traffic: 100% errors of 20, just begun" in reason


def test_failures_too_few_to_count_are_not_called_well():
    assert (
        "your traffic: 10% errors of 40, too few to count"
        in verdict(live(lambda _: page(), [counted(28, 36, s500=4)])).because
    )


# --- what holds for all of it -----------------------------------------------------------------------------------------

PAGES = st.sampled_from(
    [
        lambda _: page(),
        outage(),
        outage(monitoring=10),
        outage(monitoring=5, resolved=12),
        outage(monitoring=8, resolved=9),
        blind(0),
        blind(12),
    ]
)
PIECES = st.one_of(
    st.builds(tried, st.integers(-20, 30), st.booleans(), st.sampled_from(["here", "tokyo", "paris"])),
    st.builds(reported, st.integers(20, 30), st.integers(0, 12).map(str)),
    st.builds(
        lambda m, ok, bad: counted(m, ok, s500=bad), st.integers(-20, 30), st.integers(0, 40), st.integers(0, 40)
    ),
)
FAILURES = st.one_of(
    st.builds(tried, st.integers(-20, 30), st.just(False), st.sampled_from(["here", "tokyo", "lima"])),
    st.builds(
        lambda m, bad, client: replace(counted(m, 0, s500=bad), client=client),
        st.integers(-20, 30),
        st.integers(0, 40),
        st.sampled_from(["b", "c"]),
    ),
)
MOMENT = 30


def badness(done):
    """Hold and unknown both let nothing through."""
    found = verdict(done)
    return min(RANK.index(found.call), RANK.index(Advice.HOLD_OFF)), -found.exposure


def live(shown, pieces, rules=RULES):
    return lived(MOMENT, shown=shown, seen=lambda m: [p for p in pieces if _when(p) == m], start=-21, rules=rules)


def _when(piece):
    return round(((piece.until if hasattr(piece, "until") else piece.at) - page_noon()).total_seconds() / 60)


def page_noon():
    return tried(0).at


@settings(max_examples=40)
@given(
    PAGES,
    st.lists(PIECES, max_size=40),
    st.lists(st.builds(reported, st.integers(20, 30), st.text(max_size=2)), max_size=12),
)
def test_no_report_ever_gives_a_better_verdict(shown, pieces, more):
    assert badness(live(shown, [*pieces, *more])) >= badness(live(shown, pieces))


@settings(max_examples=40)
@given(PAGES, st.lists(PIECES, max_size=40), st.lists(FAILURES, max_size=12))
@example(
    lambda _: page(),
    [counted(m, 50, s500=50) for m in range(20, 31)],
    [replace(counted(30, 0, s500=1), client="b")],
)
@example(lambda _: page(), [counted(0, 0, s500=20), counted(29, 0, s500=20)], [tried(5, ok=False)])
def test_no_failure_ever_gives_a_better_verdict(shown, pieces, more):
    assert badness(live(shown, [*pieces, *more])) >= badness(live(shown, pieces))


@settings(max_examples=40)
@given(
    PAGES,
    st.lists(st.builds(tried, st.integers(-20, 30), st.just(True), st.sampled_from(["here", "tokyo"])), max_size=60),
)
def test_a_probe_that_answers_raises_no_further_than_the_table(shown, answers):
    alone, found = verdict(live(shown, [])), verdict(live(shown, answers))
    most = {Advice.HOLD_OFF: 0.1, Advice.UNKNOWN: 0.5}.get(alone.call, 1.0)
    assert found.exposure <= most


@settings(max_examples=40)
@given(PAGES, st.lists(PIECES, max_size=40))
def test_nothing_is_normal_on_old_data(shown, pieces):
    for done in live(shown, pieces):
        found, seen_at = done.state.verdict("acme-api"), done.state.seen_at
        if found.call is Advice.RETRY_NORMALLY:
            assert done.at - seen_at <= VerdictParameters().stale_gentle


def test_reports_of_a_few_people_stand_beside_a_page_that_shows_an_incident():
    assert "; 2 people report it" in verdict(lived(5, shown=outage(), seen=few)).reason


def test_reports_of_a_few_people_stand_beside_a_page_that_shows_none():
    assert "; 2 people report it" in verdict(lived(5, seen=few)).reason
