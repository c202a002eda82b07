"""Apple's system status: what is peculiar to the format."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain import Condition, Stage
from bot.formats import FORMATS, detection
from tests.formats.pages import NOON, PAGES, conditions_of, read, source


def test_a_service_is_as_its_open_events_say_and_well_without_one():
    assert conditions_of("apple") == {
        "App Store": Condition.MAJOR_OUTAGE,
        "Photos": Condition.MAJOR_OUTAGE,
        "Mail": Condition.OPERATIONAL,
        "Maps": Condition.OPERATIONAL,
        "Wallet": Condition.OPERATIONAL,
    }


def test_an_event_that_stands_at_two_services_is_one_incident_of_both():
    found = read("apple", "open").incidents[0]
    assert (found.name, [c.name for c in found.components]) == ("App Store, Photos: Outage", ["App Store", "Photos"])


def test_an_event_that_is_resolved_ended_when_it_says():
    ended = read("apple", "open").incidents[1]
    assert (ended.stage, ended.updates[-1].display_at) == (Stage.RESOLVED, datetime(2026, 1, 10, 8, tzinfo=UTC))


def test_planned_work_is_a_maintenance_with_its_times():
    (planned,) = read("apple", "open").maintenances
    assert (planned.stage, planned.scheduled_for) == (Stage.SCHEDULED, datetime(2026, 1, 11, 9, 50, tzinfo=UTC))


@pytest.mark.parametrize("end", [b");", b")", b");\n"])
def test_the_developers_page_is_the_same_inside_a_call(end):
    called = b"jsonCallback(" + PAGES["apple", "open"][0] + end
    assert detection.detect_formats(called) == ("apple",)
    assert FORMATS["apple"].parse((called,), source("apple"), NOON) == read("apple", "open")


def test_the_developers_page_is_at_a_path_of_its_own():
    path = "/support/systemstatus/data/developer/system_status_en_US.js"
    assert FORMATS["apple"].paths_of(replace(source("apple"), path=path)) == (path,)


def test_an_event_without_milliseconds_has_the_time_that_is_written():
    raw = PAGES["apple", "open"][0].replace(b'"epochStartDate": 1768038600000', b'"epochStartDate": null')
    found = FORMATS["apple"].parse((raw,), source("apple"), NOON).incidents[0]
    assert found.created_at == datetime(2026, 1, 10, 9, 50, tzinfo=UTC)
