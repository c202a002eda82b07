"""Conditions as they are shown: none is older than it may be."""

from datetime import timedelta

import pytest

from bot.domain import Condition, VerdictParameters
from bot.rules import transition
from tests.support import acme
from tests.support.acme import NOON
from tests.support.pages import DOWN, page


@pytest.mark.parametrize(
    ("minutes", "api", "web"),
    [
        (5, Condition.MAJOR_OUTAGE, Condition.OPERATIONAL),
        (6, Condition.MAJOR_OUTAGE, Condition.UNKNOWN),
        (16, Condition.UNKNOWN, Condition.UNKNOWN),
        (-2, Condition.MAJOR_OUTAGE, Condition.UNKNOWN),
    ],
)
def test_a_condition_is_shown_no_longer_than_it_may_be(minutes, api, web):
    state = acme.poll_page(acme.poll_page(None, page(), NOON).state, DOWN, NOON).state
    shown = transition.with_unknown_conditions(state, NOON + timedelta(minutes=minutes), VerdictParameters())
    assert (shown.surface_state("acme-api").condition, shown.surface_state("acme-web").condition) == (api, web)
