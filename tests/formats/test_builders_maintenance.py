"""Maintenances without a state of their own, in the formats that have them: what is peculiar to the format."""

from datetime import timedelta

import pytest

from bot.domain import Stage
from tests.formats.pages import NOON, read


@pytest.mark.parametrize(
    ("hours", "stage"),
    [(-3, Stage.SCHEDULED), (0, Stage.IN_PROGRESS), (3, Stage.COMPLETED)],
    ids=["before", "in", "after"],
)
@pytest.mark.parametrize("kind", ["betterstack", "openstatus"])
def test_a_maintenance_without_a_state_goes_by_the_clock(kind, hours, stage):
    (found,) = read(kind, "open", NOON + timedelta(hours=hours)).maintenances
    assert found.stage is stage
