"""Zendesk's own page: what is peculiar to the format."""

import json

import pytest

from bot.domain import Condition, Impact, Stage
from bot.errors import ParseError
from bot.formats import FORMATS
from tests.formats.pages import NOON, PAGES, read, source


def effects(incident):
    return [(m.name, m.new) for m in incident.updates[0].transitions]


def test_an_incident_has_its_posts_and_the_effect_on_each_service():
    found = read("zendesk", "open").incidents[0]
    assert [(u.stage, u.body) for u in found.updates] == [
        (Stage.INVESTIGATING, "Tickets stay white."),
        (Stage.IDENTIFIED, "The cause is known."),
    ]
    assert effects(found) == [("Support", Condition.MAJOR_OUTAGE), ("Chat", Condition.DEGRADED)]
    assert found.impact is Impact.MAJOR


def test_the_time_of_the_end_counts_and_not_a_status_that_stayed():
    assert [i.stage for i in read("zendesk", "open").incidents] == [Stage.IDENTIFIED, Stage.RESOLVED]


def test_a_status_that_says_resolved_without_a_time_of_the_end_ends_nothing():
    body = json.loads(PAGES["zendesk", "open"][0])
    body["data"][0]["attributes"]["status"] = "resolved"
    raw = (json.dumps(body).encode(), PAGES["zendesk", "open"][1])
    assert FORMATS["zendesk"].parse(raw, source("zendesk"), NOON).incidents[0].stage is Stage.MONITORING


def test_planned_maintenance_is_a_list_of_its_own():
    (found,) = read("zendesk", "open").maintenances
    assert (found.name, found.stage, f"{found.scheduled_for:%d %H:%M}") == (
        "A new database",
        Stage.SCHEDULED,
        "12 02:00",
    )


def test_the_pages_own_data_have_the_same_fields_in_other_letters():
    (found,) = read("zendesk", "page-data").incidents
    assert (found.name, found.stage, effects(found)) == (
        "Search is slow",
        Stage.MONITORING,
        [("Knowledge", Condition.DEGRADED)],
    )


@pytest.mark.parametrize("body", [{"data": []}, {"data": [], "included": [], "page": {}}, {"data": [{"id": "1"}]}])
def test_other_lists_do_not_look_like_it(body):
    assert not FORMATS["zendesk"].fits(body)


@pytest.mark.parametrize("key", ["error", "errors"])
def test_an_error_beside_an_empty_list_is_no_all_clear(key):
    raw = json.dumps({key: [{"status": "503"}], "data": [], "included": []}).encode()
    with pytest.raises(ParseError):
        FORMATS["zendesk"].parse((raw, raw), source("zendesk"), NOON)
