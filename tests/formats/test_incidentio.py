"""incident.io pages in the Statuspage form: what is peculiar to the format."""

from bot.formats import FORMATS
from bot.formats.base import Absence
from tests.formats.pages import first_incident, read


def test_the_shims_missing_list_is_an_empty_one():
    assert read("incidentio", "clear").incidents == ()


def test_the_shim_says_of_no_component_that_an_incident_hits_it():
    assert [u.transitions for u in first_incident("incidentio").updates] == [None, None]


def test_the_shims_incidents_are_asked_for_in_the_list_alone():
    kind = FORMATS["incidentio"]
    assert (kind.absence, kind.own_path, kind.all_path) == (Absence.ASK, None, "/api/v2/incidents.json")
