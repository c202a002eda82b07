"""What a writer that lies can do, and what honest fleets look like: the worst fresh evidence of an honest one wins."""

from dataclasses import replace

import pytest

from bot.domain import Advice, NoticeKind
from bot.rules.alerting import decide
from bot.rules.evidence.aggregate import (
    KNOWN_AFTER,
    KNOWN_RESULTS,
    MAX_VANTAGES,
    aggregate_evidence,
    is_known_place,
)
from bot.rules.evidence.signals import SignalKind, evaluate_signals
from tests.support.evidence import counted, evidence, lived, probed, reported, tried, verdict
from tests.support.polls import ACME, RED, at, incident, page, update

DAY = 1440
TOTAL = page(incident(update("u1", api=RED), iid="i1"), api=RED)


def all_of(*seens):
    return lambda minute: [piece for seen in seens for piece in seen(minute)]


def failing(minute, share=95):
    """An honest client, of whose hundred requests in a minute so many fail from noon on."""
    return [counted(minute, 100 - share, client="shop", writer="honest", s529=share)] if minute > 0 else []


def told(minutes=12, **how):
    found = verdict(lived(minutes, **how))
    return found.call, found.reason_code


# --- traffic ----------------------------------------------------------------------------------------------------------

LIES = {
    "a thousand million requests that went well": lambda m: [counted(m, 10**9, client="x", writer="liar")],
    "the same client and span, without its failures": lambda m: [counted(m, 100, client="shop", writer="liar")],
    "sixty empty spans": lambda m: [counted(m, 0, client=f"z{n}", writer="liar") for n in range(60)],
    "three hundred clients": lambda m: (
        [counted(m, 30, client=f"a{n}", writer="liar") for n in range(300)] if m > 4 else []
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_requests_that_fail_hold_whatever_another_token_counts(lie):
    assert told(seen=all_of(failing, LIES[lie])) == (Advice.HOLD_OFF, "suspected")


def fleet(count, failing_clients, **more):
    """A fleet that counts ten requests a minute and client, under one token; the first of the alphabet fail."""

    def seen(minute):
        bad = range(failing_clients) if minute > 0 else ()
        return [
            counted(minute, 0 if n in bad else 10, client=f"ap-{n:03}", s503=10 if n in bad else 0, **more)
            for n in range(count)
        ]

    return seen


@pytest.mark.parametrize(("count", "failing_clients"), [(200, 50), (120, 60), (80, 20), (200, 100), (40, 10), (20, 1)])
@pytest.mark.parametrize("writer", ["fleet", ""])
def test_a_region_that_fails_makes_the_advice_gentle(count, failing_clients, writer):
    found = verdict(lived(6, seen=fleet(count, failing_clients, writer=writer), start=-2))
    assert (found.call, found.reason_code) == (Advice.RETRY_GENTLY, "brownout")
    assert f"errors at {failing_clients} of {count} clients since 12:00 UTC" in found.reason
    assert "worst 100% errors" in found.reason


def test_a_fleet_that_fails_holds():
    assert told(6, seen=fleet(120, 119, writer="fleet"), start=-2) == (Advice.HOLD_OFF, "suspected")


def test_one_client_of_two_hundred_is_no_outage():
    assert told(6, seen=fleet(200, 1, writer="fleet"), start=-20) == (Advice.RETRY_NORMALLY, "quiet")


# --- probes -----------------------------------------------------------------------------------------------------------


def here(fails_from):
    return lambda minute: [tried(minute, minute < fails_from)]


def invented(count, ok=True, writer="liar"):
    return lambda minute: [tried(minute, ok, f"m{n:02}", writer=writer) for n in range(count)]


def a_day_later(world):
    """The state as if its places had sent results for a day."""
    [state] = world.testimonies
    places = (replace(p, since=p.since - KNOWN_AFTER, results=KNOWN_RESULTS) for p in state.places)
    return replace(world, testimonies=(replace(state, places=tuple(places)),))


@pytest.mark.parametrize("count", [1, 16, 40])
def test_a_place_that_a_token_invents_does_not_clear_what_fails_here(count):
    assert told(20, seen=all_of(here(0), invented(count))) == (Advice.HOLD_OFF, "suspected")


def test_a_token_that_was_there_for_a_day_clears_no_more_than_half_of_it():
    seen = all_of(here(0), invented(16))
    found = verdict(lived(20, seen=seen, start=0, world=a_day_later(lived(-1, seen=seen)[-1].state)))
    assert (found.call, found.exposure) == (Advice.RETRY_GENTLY, 0.5)


def test_a_place_that_a_token_invents_does_not_lift_what_the_page_says():
    seen, shown = invented(1), lambda minute: TOTAL if minute >= 0 else page()
    assert told(40, seen=seen, shown=shown) == (Advice.HOLD_OFF, "down")


def test_places_that_a_token_invents_push_out_no_known_one_that_fails_with_the_page():
    seen, shown = all_of(here(0), invented(16)), lambda minute: TOTAL if minute >= 0 else page()
    done = lived(40, seen=seen, shown=shown)
    [state] = done[-1].state.testimonies
    assert "here" in {s.vantage for s in state.sights}
    assert (verdict(done).call, verdict(done).reason_code) == (Advice.HOLD_OFF, "down")


def test_a_place_that_a_token_invents_hides_no_failing_requests_of_an_unread_page():
    shown = lambda minute: page() if minute < 0 else None  # noqa: E731
    assert told(20, seen=all_of(failing, invented(1)), shown=shown)[0] in (Advice.HOLD_OFF, Advice.UNKNOWN)


def test_a_place_that_a_token_invents_does_not_stand_in_for_the_page():
    shown = lambda minute: page() if minute < 0 else None  # noqa: E731
    assert told(30, seen=invented(1), shown=shown) == (Advice.UNKNOWN, "stale_unknown")


def test_places_that_a_token_invents_hold_nothing_where_a_known_one_answers():
    assert told(30, seen=all_of(here(99), invented(2, ok=False))) == (Advice.RETRY_NORMALLY, "quiet")


def test_all_places_of_one_token_are_one_place():
    before = a_day_later(lived(-1, seen=all_of(here(99), invented(5)))[-1].state)
    found = verdict(lived(20, seen=all_of(here(99), invented(5, ok=False)), start=0, world=before))
    assert (found.call, found.exposure) == (Advice.RETRY_GENTLY, 0.5)


def test_two_places_that_were_made_known_hold():
    assert told(9, seen=all_of(here(99), probed(lambda m: m < 0, "tokyo", "paris"))) == (Advice.HOLD_OFF, "suspected")


def test_a_place_is_known_after_a_day_of_results():
    found = ()
    for minute in range(0, DAY + 1, 10):
        found = aggregate_evidence(found, evidence(*invented(1)(minute)), at(minute), ACME)
    [place] = found[0].places
    assert [is_known_place(place, at(minute)) for minute in (DAY - 1, DAY)] == [False, True]


def test_a_token_that_names_many_places_keeps_those_that_it_named_first():
    done = lived(3, seen=lambda m: [tried(m, vantage=f"m{m}-{n}", writer="liar") for n in range(16)], start=0)
    [state] = done[-1].state.testimonies
    assert {p.vantage for p in state.places} == {f"m0-{n}" for n in range(MAX_VANTAGES)}


def test_a_place_takes_no_other_place_s_name():
    seen = all_of(here(99), probed(lambda m: m < 0, "tokyo"), lambda m: [tried(m, vantage="tokyo", writer="liar")])
    [state] = [t for t in lived(9, seen=seen)[-1].state.testimonies if t.sights]
    assert sorted((s.vantage, s.writer, s.tries[-1].ok) for s in state.sights) == [
        ("here", "", True),
        ("tokyo", "liar", True),
        ("tokyo", "token-tokyo", False),
    ]


# --- a probe that is stuck --------------------------------------------------------------------------------------------


def stuck(minute):
    return [tried(minute, minute < 0), counted(minute, 10_000, client="shop", writer="shop")]


def questions(done):
    return [n for s in done for n in decide.decide(s, ACME, blind_after=3).for_owner if n.kind is NoticeKind.PROBE]


def test_a_stuck_probe_makes_the_advice_gentle_where_requests_go_well():
    assert {v.call for s in lived(60, seen=stuck) if s.at > at(3) for v in [s.state.verdict("acme-api")]} == {
        Advice.RETRY_GENTLY
    }


def test_requests_that_go_well_only_since_a_moment_lift_no_hold():
    seen = all_of(here(0), lambda m: [counted(m, 10**9, writer="liar")] if m > 4 else [])
    assert told(9, seen=seen) == (Advice.HOLD_OFF, "suspected")


def test_the_operators_are_asked_about_a_stuck_probe_after_an_hour_and_once():
    [asked] = questions(lived(600, seen=stuck))
    assert (asked.at, asked.since, "Acme API (acme-api) fails from here" in asked.why) == (at(63), at(3), True)


def test_a_probe_that_fails_for_real_asks_nobody():
    assert questions(lived(180, seen=here(0))) == []


def test_a_stuck_probe_that_is_mended_asks_nobody_again():
    done = lived(400, seen=lambda m: stuck(m) if m < 100 or m > 200 else [tried(m)])
    assert len(questions(done)) == 1


# --- people -----------------------------------------------------------------------------------------------------------


def names(count, **who):
    """So many new names at a time."""
    return lambda m: [reported(m, f"u{m}-{n}", **who) for n in range(count)]


def crowd(minute):
    return [reported(minute, f"real-{n}") for n in range(30)] if minute == 0 else []


def test_a_token_is_one_voice_whomever_it_names():
    assert told(9, seen=names(100, writer="liar", speaks_for=1)) == (Advice.RETRY_NORMALLY, "quiet")


def test_a_token_speaks_for_as_many_people_as_it_was_made_for():
    assert told(9, seen=names(3, writer="portal", speaks_for=6)) == (Advice.RETRY_GENTLY, "reported")


def heard(*seens):
    """What people signal at noon, after two days of this."""
    found = ()
    for minute in range(-2 * DAY, 1, 10):
        found = aggregate_evidence(found, evidence(*all_of(*seens)(minute)), at(minute), ACME)
    return evaluate_signals(found[0], at(0)).people.says


@pytest.mark.parametrize("people", [1, 200])
def test_a_token_does_not_raise_what_is_usual(people):
    assert heard(names(150, writer="liar", speaks_for=people), crowd) is SignalKind.CROWD


def test_a_crowd_of_every_day_hides_no_larger_one():
    assert heard(lambda m: names(60)(m) if m < 0 else [], crowd) is SignalKind.CROWD


def test_a_few_people_of_every_day_are_usual():
    assert heard(names(5)) is SignalKind.SOME


def test_names_of_a_token_push_no_person_out():
    seen = all_of(names(300, writer="liar", speaks_for=1000), lambda m: [reported(m, f"p{n}") for n in range(5)])
    [state] = lived(0, seen=seen, start=-1)[-1].state.testimonies
    assert sum(not v.writer for v in state.voices) == 5
