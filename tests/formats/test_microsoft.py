"""Microsoft's public status: what is peculiar to the format."""

from dataclasses import replace

import pytest

from bot.domain import Condition, Impact, Stage
from bot.formats import FORMATS, detection
from tests.formats.pages import NOON, PAGES, conditions_of, read, source


def test_each_post_is_a_component_in_the_state_that_it_states():
    assert conditions_of("microsoft") == {
        "Mail": Condition.DEGRADED,
        "Drive": Condition.OPERATIONAL,
        "Lists": Condition.OPERATIONAL,
    }


def test_a_post_about_trouble_is_an_incident_and_one_that_it_is_over_ends_it():
    assert [(i.name, i.stage, i.impact) for i in read("microsoft", "open").incidents] == [
        ("Mail: trouble", Stage.INVESTIGATING, Impact.MINOR),
        ("Lists: trouble", Stage.RESOLVED, Impact.UNKNOWN),
    ]


def test_the_time_is_when_the_post_was_written_and_not_when_it_was_asked_for():
    found = read("microsoft", "open").incidents[0]
    assert f"{found.updates[0].display_at:%H:%M}" == "09:50"


@pytest.mark.parametrize(
    ("path", "name"),
    [("/api/posts/azure", "Azure"), ("/api/posts/mac", "Microsoft 365 admin center"), ("", "Microsoft 365")],
)
def test_a_surface_with_a_single_post_has_its_name(path, name):
    found = FORMATS["microsoft"].parse(PAGES["microsoft", "single"], source("microsoft", path=path), NOON)
    assert [(c.name, c.condition) for c in found.components] == [(name, Condition.MAJOR_OUTAGE)]


def test_a_state_that_no_version_knows_is_no_all_clear():
    raw = PAGES["microsoft", "open"][0].replace(b"ServiceDegradation", b"Purple")
    found = FORMATS["microsoft"].parse((raw,), source("microsoft"), NOON)
    assert (found.components[0].condition, found.is_partial) == (Condition.UNKNOWN, True)


def test_it_is_looked_for_at_microsofts_host_only():
    options = replace(source("microsoft"), url="")
    hosts = ("https://status.cloud.microsoft", "https://status.example.com")
    kinds = [{g.kind for g in detection.guess_sources(host, options)} for host in hosts]
    assert ["microsoft" in found for found in kinds] == [True, False]
