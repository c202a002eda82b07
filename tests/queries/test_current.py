"""The present state for every interface: nothing of it is older than it says."""

from dataclasses import replace

import pytest

from bot.domain import Advice
from tests.support.scenario import ACME, GLOBEX, incident


@pytest.mark.parametrize(("minutes", "call"), [(2, Advice.FAIL_OVER), (6, Advice.HOLD_OFF)])
def test_a_surface_whose_page_was_not_read_lately_is_no_alternative(scenario, minutes, call):
    scenario.breaks()
    scenario.minute += minutes
    scenario._look(ACME, scenario._snapshot(ACME))
    [states] = [state for provider, state in scenario.queries().snapshot() if provider.id == "acme"]
    assert states.verdict("acme-api").call is call


def test_what_was_not_read_lately_is_shown_as_unknown(scenario):
    scenario.poll_page(until=15)
    scenario.minute += 6
    conditions = {s.condition for _, state in scenario.queries().snapshot() for s in state.states}
    assert conditions == {"unknown"}


def test_one_provider_alone_is_judged_by_others_as_of_now_too(scenario):
    scenario.breaks()
    scenario.minute += 6
    scenario._look(ACME, scenario._snapshot(ACME))
    assert scenario.queries().provider_state(ACME).verdict("acme-api").call is Advice.HOLD_OFF
    assert scenario.queries().provider_state(GLOBEX).verdict("globex-api").call is Advice.RETRY_GENTLY


@pytest.mark.parametrize(("watched", "last"), [((ACME, GLOBEX), "g-1"), ((ACME,), "i-1")])
def test_the_last_incident_is_one_of_a_watched_provider(scenario, watched, last):
    scenario.breaks()
    newer = incident((14, "investigating", "We see errors."), identity="g-1")
    scenario._look(GLOBEX, replace(scenario._snapshot(GLOBEX), incidents=(newer,)))
    _, tracked, _ = replace(scenario.queries(), providers=watched).find_incident("last")
    assert tracked.incident.id == last
