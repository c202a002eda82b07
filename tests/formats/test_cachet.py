"""Cachet pages: what is peculiar to the format."""

import json

from bot.domain import Condition, Stage
from bot.formats import FORMATS
from tests.formats.pages import PAGES, conditions_of, first_incident, read, source


def test_cachet_reads_numbers_in_strings():
    assert (conditions_of("cachet-v1")["API"], first_incident("cachet-v1").stage) == (
        Condition.MAJOR_OUTAGE,
        Stage.IDENTIFIED,
    )


def test_cachets_own_page_is_asked_for_by_the_bare_number():
    assert FORMATS["cachet-v1"].own_path(first_incident("cachet-v1"), source("cachet-v1")) == "/api/v1/incidents/12"


def test_cachets_own_page_is_read():
    item = json.loads(PAGES["cachet-v1", "open"][1])["data"][1]
    raw = json.dumps({"data": item}).encode()
    assert FORMATS["cachet-v1"].parse_own(raw, source("cachet-v1")).stage is Stage.RESOLVED


def test_the_latest_status_is_the_one_that_the_page_shows():
    assert conditions_of("cachet-v3", "updates") == {"API": Condition.MAJOR_OUTAGE, "Site": Condition.UNKNOWN}


def test_updates_that_are_included_are_the_incidents():
    found = first_incident("cachet-v3", "updates")
    assert [(u.stage, u.body) for u in found.updates] == [
        (Stage.INVESTIGATING, "We look into it."),
        (Stage.IDENTIFIED, "A cable was cut."),
        (Stage.MONITORING, "It is mended."),
    ]


def test_related_components_are_the_affected_ones():
    assert [c.name for c in first_incident("cachet-v3", "updates").components] == ["API"]


def test_a_stage_that_was_never_set_makes_no_maintenance():
    found = read("cachet-v3", "updates")
    assert ([i.stage for i in found.incidents], found.maintenances) == ([Stage.MONITORING, Stage.UNKNOWN], ())
