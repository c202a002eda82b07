"""The present state for every interface: nothing of it is older than it says."""

from dataclasses import replace

import pytest

from bot.domain import Advice
from tests.support.scenario import ACME, GLOBEX, incident


@pytest.mark.parametrize(("minutes", "call"), [(2, Advice.FAIL_OVER), (6, Advice.HOLD_OFF)])
def test_a_surface_whose_page_was_not_read_lately_is_no_alternative(town, minutes, call):
    town.breaks()
    town.minute += minutes
    town._look(ACME, town._snapshot(ACME))
    [states] = [state for provider, state in town.desk().snapshot() if provider.id == "acme"]
    assert states.verdict("acme-api").call is call


def test_what_was_not_read_lately_is_shown_as_unknown(town):
    town.look(until=15)
    town.minute += 6
    conditions = {s.condition for _, state in town.desk().snapshot() for s in state.states}
    assert conditions == {"unknown"}


def test_one_provider_alone_is_judged_by_others_as_of_now_too(town):
    town.breaks()
    town.minute += 6
    town._look(ACME, town._snapshot(ACME))
    assert town.desk().provider_state(ACME).verdict("acme-api").call is Advice.HOLD_OFF
    assert town.desk().provider_state(GLOBEX).verdict("globex-api").call is Advice.RETRY_GENTLY


@pytest.mark.parametrize(("watched", "last"), [((ACME, GLOBEX), "g-1"), ((ACME,), "i-1")])
def test_the_last_incident_is_one_of_a_watched_provider(town, watched, last):
    town.breaks()
    newer = incident((14, "investigating", "We see errors."), identity="g-1")
    town._look(GLOBEX, replace(town._snapshot(GLOBEX), incidents=(newer,)))
    _, tracked, _ = replace(town.desk(), providers=watched).find_incident("last")
    assert tracked.incident.id == last
