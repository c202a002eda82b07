"""Heroku Status: what is peculiar to the format."""

import json
from datetime import UTC, datetime

from bot.domain import Condition, Impact, Stage
from bot.formats import FORMATS
from tests.formats.pages import PAGES, conditions_of, first_incident, read, source


def test_herokus_state_counts_and_not_its_resolved():
    item = json.loads(PAGES["heroku", "open"][0])["incidents"][0] | {"state": "resolved", "resolved": False}
    assert FORMATS["heroku"].parse_own(json.dumps(item).encode(), source("heroku")).stage is Stage.RESOLVED


def test_heroku_has_colours():
    assert conditions_of("heroku") == {
        "Apps": Condition.MAJOR_OUTAGE,
        "Data": Condition.OPERATIONAL,
        "Tools": Condition.DEGRADED,
    }


def test_a_maintenance_whose_last_post_says_so_is_over():
    (found,) = read("heroku", "planned").maintenances
    assert found.stage is Stage.COMPLETED


def test_the_systems_of_an_incident_are_its_components():
    found = first_incident("heroku", "planned")
    assert ([(c.name, c.condition) for c in found.components], found.impact) == (
        [("Tools", Condition.DEGRADED)],
        Impact.MINOR,
    )


def test_a_post_that_was_only_touched_has_that_time():
    assert first_incident("heroku", "planned").updates[0].display_at == datetime(2026, 1, 10, 9, 30, tzinfo=UTC)
