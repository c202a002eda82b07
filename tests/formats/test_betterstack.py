"""Better Stack pages: what is peculiar to the format."""

import json
from datetime import timedelta

import pytest

from bot.domain import Condition, Impact, Stage
from bot.formats import FORMATS
from tests.formats.pages import NOON, PAGES, conditions_of, first_incident, read, source


def test_better_stacks_report_without_an_end_is_over_when_it_is_resolved():
    assert {i.id: i.stage for i in read("betterstack", "open").incidents} == {
        "acme-501": Stage.INVESTIGATING,
        "acme-502": Stage.RESOLVED,
    }


def test_better_stacks_unmonitored_resources_are_not_known():
    assert conditions_of("betterstack", "clear") == {"API": Condition.OPERATIONAL, "Docs": Condition.UNKNOWN}


def monitored(minutes, *, kind="automatic", state="downtime", **more):
    """The names of the incidents, where a monitor has posted one so many minutes ago."""
    page = json.loads(PAGES["betterstack", "clear"][0])
    starts = (NOON - timedelta(minutes=minutes)).isoformat()
    about = {"title": "Down", "report_type": kind, "starts_at": starts, "ends_at": None, "aggregate_state": state}
    page["included"].append({"id": "7", "type": "status_report", "attributes": about})
    found = FORMATS["betterstack"].parse((json.dumps(page).encode(),), source("betterstack", **more), NOON)
    return [i.name for i in found.incidents]


@pytest.mark.parametrize(("minutes", "count"), [(0, 0), (1.9, 0), (2, 1), (60, 1)])
def test_what_a_monitor_posts_by_itself_counts_once_it_is_two_minutes_old(minutes, count):
    assert len(monitored(minutes)) == count


def test_what_a_person_posts_counts_at_once():
    assert monitored(0, kind="manual") == ["Down"]


def test_what_a_monitor_has_ended_again_is_for_the_timeline():
    assert monitored(1, state="resolved") == ["Down"]


@pytest.mark.parametrize(("least", "count"), [(0, 1), (10, 0)])
def test_how_old_it_must_be_may_be_said_otherwise(least, count):
    assert len(monitored(5, min_minutes=least)) == count


def test_a_maintenance_that_is_resolved_is_over_without_an_end():
    (found,) = read("betterstack", "ended").maintenances
    assert (found.stage, found.impact) == (Stage.COMPLETED, Impact.MAINTENANCE)


def test_a_post_that_says_that_a_maintenance_ended_ends_it():
    (found,) = read("betterstack", "ended").maintenances
    assert [u.stage for u in found.updates] == [Stage.IN_PROGRESS, Stage.COMPLETED]


def test_the_impact_of_a_report_that_is_over_is_the_worst_of_its_posts():
    assert first_incident("betterstack", "ended").impact is Impact.CRITICAL


def test_what_is_calculated_from_monitors_is_posted_by_itself():
    assert monitored(1, kind="calculated") == []


def test_an_entry_without_a_type_may_have_been_a_report():
    page = json.loads(PAGES["betterstack", "open"][0])
    page["included"].append({"id": "9"})
    found = FORMATS["betterstack"].parse((json.dumps(page).encode(),), source("betterstack"), NOON)
    assert found.is_partial
    assert found.incidents == read("betterstack", "open").incidents
