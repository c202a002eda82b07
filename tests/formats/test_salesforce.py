"""Salesforce Trust: what is peculiar to the format."""

import json

from bot.domain import Stage
from bot.formats import FORMATS
from tests.formats.pages import NOON, PAGES, first_incident, read, source


def test_salesforce_has_no_titles_so_one_is_made():
    assert first_incident("salesforce").name == "Service disruption: coreService"


def test_salesforces_impact_with_an_end_is_over():
    body = json.loads(PAGES["salesforce", "open"][0])
    body["Incidents"][0]["IncidentImpacts"][0]["endTime"] = "2026-01-10T10:00:00.000Z"
    parsed = FORMATS["salesforce"].parse((json.dumps(body).encode(),), source("salesforce"), NOON)
    assert parsed.incidents[0].stage is Stage.RESOLVED


def test_stages_stand_inside_of_longer_words():
    found = first_incident("salesforce", "product")
    assert [u.stage for u in found.updates] == [Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING]


def test_an_incident_of_two_instances_of_a_list_is_one():
    (found,) = read("salesforce", "product").incidents
    assert [c.id for c in found.components] == ["North", "South"]


def test_a_maintenance_that_is_called_resolved_is_over():
    assert [m.stage for m in read("salesforce", "product").maintenances] == [Stage.COMPLETED]
