"""The list of incidents: filters, order, pages, and the newest post of each."""

import pytest

from bot.storage.incident_list import IncidentFilter, IncidentState

ALL = ("acme", "globex")


def titles(scenario, limit=10, offset=0, providers=ALL, **wanted):
    return [
        i.title for i in scenario.repository.archive.list_incidents(providers, IncidentFilter(**wanted), limit, offset)
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, True),
        ({"provider": "acme"}, True),
        ({"provider": "globex"}, False),
        ({"surface": "acme-api"}, True),
        ({"surface": "acme-web"}, False),
        ({"state": IncidentState.RESOLVED}, True),
        ({"state": IncidentState.OPEN}, False),
        ({"state": IncidentState.MAINTENANCE}, False),
        ({"year": 2026}, True),
        ({"year": 2027}, False),
        ({"ids": ["i-1"]}, True),
        ({"ids": []}, False),
    ],
)
def test_each_filter_keeps_what_it_names(scenario, wanted, found):
    scenario.is_over()
    assert (titles(scenario, **wanted) == ["Errors on the API"]) is found


def test_a_provider_that_is_no_longer_watched_has_no_incidents(scenario):
    assert titles(scenario.breaks(), providers=("globex",)) == []


def test_a_page_begins_after_the_one_before(scenario):
    scenario.breaks()
    assert (titles(scenario, limit=1), titles(scenario, limit=1, offset=1)) == (["Errors on the API"], [])


def test_the_newest_post_comes_with_the_incident(scenario):
    [listed] = scenario.is_over().repository.archive.list_incidents(ALL, IncidentFilter(), 1)
    assert listed.last_text == "This is over."


def test_the_years_go_back_to_the_first_incident(scenario):
    assert (scenario.repository.archive.incident_years(), scenario.breaks().repository.archive.incident_years()) == (
        (),
        (2026,),
    )
