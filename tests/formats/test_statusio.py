"""Status.io pages: what is peculiar to the format."""

import json

import pytest

from bot.domain import Condition
from bot.formats import FORMATS
from tests.formats.pages import NOON, PAGES, conditions_of, first_incident, source


def test_statusio_reads_codes():
    assert conditions_of("statusio") == {"Registry": Condition.MAJOR_OUTAGE, "Website": Condition.DEGRADED}


def test_statusios_component_without_a_code_is_as_bad_as_its_worst_place():
    body = json.loads(PAGES["statusio", "open"][0])
    del body["result"]["status"][0]["status_code"]
    parsed = FORMATS["statusio"].parse((json.dumps(body).encode(),), source("statusio"), NOON)
    assert parsed.components[0].condition is Condition.MAJOR_OUTAGE


@pytest.mark.parametrize(
    ("places", "condition"),
    [((100, 500), "major_outage"), ((100, 300), "degraded"), ((100, 100), "operational"), ((100, 777), "unknown")],
)
def test_statusios_green_component_is_as_bad_as_its_worst_place(places, condition):
    body = json.loads(PAGES["statusio", "open"][0])
    containers = [{"id": f"k{code}", "status_code": code} for code in places]
    body["result"]["status"][0] |= {"status_code": 100, "containers": containers}
    parsed = FORMATS["statusio"].parse((json.dumps(body).encode(),), source("statusio"), NOON)
    assert parsed.components[0].condition == condition


def test_a_message_moves_only_the_components_that_it_names():
    found = first_incident("statusio", "messages")
    assert [[m.component_id for m in u.transitions] for u in found.updates] == [["c1", "c2"], ["c1"]]
