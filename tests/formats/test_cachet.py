"""Cachet pages: what is peculiar to the format."""

import json

from bot.domain import Condition, Stage
from bot.formats import FORMATS
from tests.formats.pages import NOON, PAGES, conditions_of, first_incident, read, source


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
    assert [i.stage for i in found.incidents] == [Stage.MONITORING, Stage.UNKNOWN]
    assert "Something is odd" not in {m.name for m in found.maintenances}


def test_version_3_lists_its_planned_maintenance_apart():
    assert [(m.name, m.stage, f"{m.scheduled_for:%d %H:%M}") for m in read("cachet-v3", "updates").maintenances] == [
        ("A new disk", Stage.IN_PROGRESS, "10 09:00"),
        ("A new rack", Stage.SCHEDULED, "12 02:00"),
        ("An old rack", Stage.COMPLETED, "09 02:00"),
    ]


def test_a_maintenance_of_version_3_has_its_posts_and_components():
    first = read("cachet-v3", "updates").maintenances[0]
    assert ([u.body for u in first.updates], [c.name for c in first.components]) == (
        ["Reads go on.", "It has begun."],
        ["Site"],
    )


def test_a_list_of_maintenance_that_was_not_read_says_nothing():
    bodies = PAGES["cachet-v3", "updates"][:2]
    assert FORMATS["cachet-v3"].parse(bodies, source("cachet-v3"), NOON).maintenances is None
