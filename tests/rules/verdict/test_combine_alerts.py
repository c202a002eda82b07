"""Alerts of the team's own count like its requests; outage trackers like people: they lower, and raise nothing."""

import pytest

from bot.domain import Advice, Condition, EventKind
from tests.support.evidence import API, alerted, counted, lived, probed, tracked, verdict
from tests.support.polls import RED, incident, page, update


def told(done):
    found = verdict(done)
    return found.call, found.reason_code, found.exposure


def at_minutes(*pieces):
    """Each piece at its minute."""

    def seen(minute):
        return [piece for when, piece in pieces if when == minute]

    return seen


def spike(first, last=99, **more):
    """A tracker that shows trouble from the first to the last minute, and none at other times."""
    return lambda minute: [tracked(minute, first <= minute <= last, **more)]


# --- alerts -----------------------------------------------------------------------------------------------------------


def test_an_alert_that_fires_for_three_minutes_limits_the_load():
    assert told(lived(4, seen=at_minutes((0, alerted(0))))) == (Advice.RETRY_GENTLY, "brownout", 0.375)


def test_a_critical_alert_holds_off_and_makes_it_suspected():
    done = lived(4, seen=at_minutes((0, alerted(0, is_critical=True))))
    assert told(done) == (Advice.HOLD_OFF, "suspected", 0.0)
    assert any(e.kind is EventKind.SUSPECTED for step in done for e in step.events)


def test_a_short_alert_changes_nothing():
    assert told(lived(2, seen=at_minutes((0, alerted(0, is_critical=True)))))[0] is Advice.RETRY_NORMALLY


def test_an_alert_that_has_fired_for_long_counts_at_once():
    assert told(lived(0, seen=at_minutes((0, alerted(0, is_critical=True, since=-10)))))[0] is Advice.HOLD_OFF


def test_the_reason_names_the_alert_and_claims_no_requests():
    reason = verdict(lived(4, seen=at_minutes((0, alerted(0))))).reason
    assert "your alert fires since 12:00 UTC (CheckoutErrors)" in reason
    assert "errors of" not in reason


def test_an_alert_that_is_resolved_counts_no_more():
    done = lived(20, seen=at_minutes((0, alerted(0)), (10, alerted(10, is_firing=False))))
    assert "alert" not in verdict(done).reason


def test_an_alert_that_is_not_sent_again_ends_after_an_hour():
    assert told(lived(55, seen=at_minutes((0, alerted(0)))))[1] == "brownout"
    assert told(lived(80, seen=at_minutes((0, alerted(0)))))[1] != "brownout"


def test_one_token_with_many_alerts_is_one_voice_beside_others():
    many = [alerted(1, f"Alert{n}", is_critical=True, writer="loud", since=0) for n in range(30)]
    calm = lambda minute: [counted(minute, writer=w) for w in ("shop", "jobs")] + (many if minute == 1 else [])  # noqa: E731
    assert told(lived(6, seen=calm))[0] is Advice.RETRY_GENTLY  # of three tokens, the median counts


def test_one_token_has_at_most_thirty_two_alerts():
    many = [(0, alerted(0, f"Alert{n}", writer="loud")) for n in range(40)]
    [state] = [t for t in lived(1, seen=at_minutes(*many))[-1].state.testimonies if t.surface == API]
    assert sum(bool(t.alert) for t in state.tallies) == 32


def test_one_token_resolves_no_alert_of_another():
    done = lived(6, seen=at_minutes((0, alerted(0, writer="a")), (3, alerted(3, is_firing=False, writer="b"))))
    assert told(done)[1] == "brownout"


# --- trackers ---------------------------------------------------------------------------------------------------------


def test_tracked_trouble_limits_the_load_before_the_page_says_anything():
    assert told(lived(4, seen=spike(0))) == (Advice.RETRY_GENTLY, "tracked", 0.1)


def test_a_trackers_spike_makes_the_service_suspected_and_is_named():
    done = lived(4, seen=spike(0))
    [event] = [e for step in done for e in step.events if e.kind is EventKind.SUSPECTED]
    assert (event.condition, event.reason) == (
        Condition.DEGRADED,
        "Downdetector: 8 times the usual reports since 12:00 UTC",
    )


def test_the_lead_over_the_page_is_kept():
    def shown(minute):
        return page(incident(update("u1", minutes=12, api=RED)), api=RED) if minute >= 12 else page()

    state = lived(13, shown=shown, seen=spike(0))[-1].state
    [vendor] = [k for k in state.incidents if not k.incident.is_suspected and k.suspicions]
    assert vendor.lead.total_seconds() == 9 * 60  # suspected at 12:03, posted at 12:12


def test_a_short_spike_is_nothing():
    assert told(lived(2, seen=spike(0)))[1] == "quiet"


def test_trackers_that_lie_alone_never_hold_and_never_raise():
    def lies(minute):
        return [tracked(minute, tracker=f"T{n}") for n in range(9)]

    assert {told(lived(m, seen=lies))[0] for m in (4, 60)} == {Advice.RETRY_GENTLY}


def test_trackers_that_call_a_bad_page_fine_change_nothing():
    def shown(minute):
        return page(incident(update("u1", minutes=0, api=RED)), api=RED) if minute >= 0 else page()

    fine = lived(30, shown=shown, seen=lambda minute: [tracked(minute, is_trouble=False, text="normal")])
    assert (verdict(fine).call, verdict(fine).exposure) == (Advice.HOLD_OFF, 0.0)


def test_a_probe_that_answers_beside_a_spike_leaves_half_of_the_load():
    both = lambda minute: [*spike(0)(minute), *probed(lambda _: True)(minute)]  # noqa: E731
    assert told(lived(4, seen=both)) == (Advice.RETRY_GENTLY, "tracked", 0.5)


@pytest.mark.parametrize("after", [20, 40])
def test_a_tracker_that_can_not_be_read_any_more_counts_for_fifteen_minutes(after):
    def seen(minute):
        return [tracked(minute, True)] if 0 <= minute <= 5 else [tracked(minute, None)]

    is_tracked = told(lived(after, seen=seen))[1] == "tracked"
    assert is_tracked is (after == 20)


def test_the_answer_for_programs_lists_trackers_only_where_there_are_some():
    assert "trackers" not in str(verdict(lived(1)))
    assert "Downdetector" in verdict(lived(4, seen=spike(0))).reason
