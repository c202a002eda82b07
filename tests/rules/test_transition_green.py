"""Green without a word, and states that nobody knows: neither is an all-clear."""

from dataclasses import replace

import pytest

from bot.domain import Advice, Component, ComponentTransition, Condition, EventKind, NoticeKind, Stage, Surface
from bot.rules import transition
from bot.rules.alerting.decide import decide
from tests.support.polls import ACME, API, GREEN, RED, RULES, at, incident, page, poll_page, update, watched

LISTED = (Component("c-api", "API", RED),)
UNKNOWN = Condition.UNKNOWN


def verdict(change, surface="acme-api"):
    return change.state.verdict(surface)


def silent(minutes=0):
    """A post that names no component."""
    return update("u1", body="We are looking into errors.", minutes=minutes)


def test_green_in_the_list_alone_is_held_while_the_incident_goes_on():
    """The page shows the component red, and no update of the incident ever named it."""
    shown = incident(silent(), components=LISTED)
    *_, last = watched(poll_page(0, page(shown, api=RED)), *(poll_page(m, page(shown)) for m in (10, 11, 12, 30, 90)))
    assert (verdict(last).call, verdict(last).reason_code) == (Advice.HOLD_OFF, "unconfirmed")


def test_what_is_held_for_its_colour_is_free_once_the_vendor_says_more():
    shown = incident(silent(), components=LISTED)
    over = incident(silent(), update("u2", Stage.RESOLVED, "Over.", 20), components=LISTED)
    *_, last = watched(
        poll_page(0, page(shown, api=RED)),
        poll_page(10, page(shown)),
        *(poll_page(m, page(over)) for m in range(20, 60)),
    )
    assert verdict(last).call is Advice.RETRY_NORMALLY


def test_a_transition_from_green_to_green_clears_nothing():
    green_again = replace(
        update("u2", body="We continue to look into it.", minutes=5),
        transitions=(ComponentTransition("c-api", "API", GREEN, GREEN),),
    )
    shown = incident(update("u1", api=RED), green_again)
    *_, last = watched(poll_page(0, page(incident(), api=RED)), *(poll_page(m, page(shown)) for m in (5, 6, 30)))
    assert (verdict(last).call, verdict(last).reason_code) == (Advice.HOLD_OFF, "unconfirmed")


def test_a_transition_from_red_to_green_is_the_vendors_word():
    back = replace(
        update("u2", body="The API works again.", minutes=5),
        transitions=(ComponentTransition("c-api", "API", RED, GREEN),),
    )
    shown = incident(update("u1", api=RED), back)
    *_, last = watched(poll_page(0, page(incident(), api=RED)), *(poll_page(m, page(shown)) for m in range(5, 30)))
    assert verdict(last).call is Advice.RETRY_GENTLY


@pytest.mark.parametrize("before", [GREEN, RED])
def test_a_component_of_unknown_state_makes_its_surface_unknown(before):
    *_, last = watched(poll_page(0, page(api=before)), *(poll_page(m, page(api=UNKNOWN)) for m in range(1, 30)))
    assert (verdict(last).call, last.state.surface_state("acme-api").condition) == (Advice.UNKNOWN, UNKNOWN)


def test_another_surface_stays_as_it_is():
    *_, last = watched(poll_page(0, page(api=UNKNOWN)))
    assert verdict(last, "acme-web").call is Advice.RETRY_NORMALLY


def test_an_outage_that_nobody_posted_does_not_end_with_a_state_that_nobody_knows():
    red = [poll_page(m, page(api=RED)) for m in range(5)]
    *_, last = watched(*red, poll_page(5, page(api=UNKNOWN)))
    assert EventKind.TROUBLE_ENDED not in {e.kind for e in last.events}


def test_a_time_of_unknown_state_is_no_clean_time():
    *_, last = watched(
        poll_page(0, page()), *(poll_page(m, page(api=UNKNOWN)) for m in range(1, 30)), poll_page(30, page())
    )
    assert verdict(last).call is Advice.RETRY_GENTLY


# --- a login that runs on the web site --------------------------------------------------------------------------------

LOGIN = Surface("acme-login", "acme", "Acme Login", words=("login",), is_login=True, needs=("acme-web",))
WEB = ACME.surfaces[0]
CODE = Surface("acme-code", "acme", "Acme Code", words=("code",), needs=("acme-login",))
SIGNED_IN = replace(RULES, provider=replace(ACME, surfaces=(WEB, API, LOGIN, CODE)))


def signed_in(colour):
    """Verdicts by surface while the web site has this colour, after an hour of good polls."""
    state = transition.ProviderState("acme")
    shown = incident(replace(update(body="The website fails."), transitions=None), components=())
    for minute in range(-60, 11):
        saw = page(shown, web=colour) if minute >= 0 and colour is not GREEN else page()
        state = transition.apply_poll(state, poll_page(minute, saw), SIGNED_IN).state
    return {v.surface: v for v in state.verdicts}


def test_a_login_is_doubted_while_the_site_that_it_runs_on_is_down_for_everybody():
    found = signed_in(RED)
    assert (found["acme-login"].call, found["acme-login"].inferred) == (Advice.RETRY_GENTLY, True)
    assert "it runs on Acme Web, which has an outage" in found["acme-login"].reason


def test_what_signs_in_through_it_is_doubted_too_and_the_api_is_not():
    found = signed_in(RED)
    assert (found["acme-code"].call, found["acme-api"].call) == (Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY)


def test_a_site_that_is_only_degraded_says_nothing_of_the_login():
    assert signed_in(Condition.DEGRADED)["acme-login"].call is Advice.RETRY_NORMALLY


def test_times_are_those_of_the_polls():
    assert signed_in(GREEN)["acme-login"].as_of == at(10)


def test_the_operators_are_told_once_of_a_state_that_nobody_knows():
    odd = replace(page(api=UNKNOWN), problems=("a component has the state \u201cpurple\u201d: it counts as unknown",))
    *_, first, second = watched(poll_page(0, page()), poll_page(1, odd), poll_page(2, odd))
    told = [decide(change, ACME, blind_after=3).for_owner for change in (first, second)]
    assert [[n.kind for n in notices] for notices in told] == [[NoticeKind.ODD], []]


def test_the_timeline_does_not_say_that_a_component_of_unknown_state_is_gone():
    *_, last = watched(poll_page(0, page()), poll_page(1, page(api=UNKNOWN)))
    [event] = [e for e in last.events if e.kind is EventKind.SURFACE_CHANGED]
    assert event.reason_code == "component_unknown"
