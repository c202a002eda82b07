"""The components that a feed's entry names, in the places where generators have them."""

import pytest

from bot.domain import Condition
from bot.formats import FORMATS
from bot.formats.feed_components import read_components
from tests.formats.pages import NOON, PAGES, read, source

LINK = "https://status.acme.example/api-eu/INC1"


def found(title="", text="", link=LINK):
    return [(c.name, c.condition) for c in read_components(title, text, link)]


def test_incident_ios_list_has_a_state_for_each():
    text = "Status: Identified\nSome calls fail.\nAffected components\nAPI (Partial outage)\nLogin (EU) (Operational)"
    assert found(text=text) == [("API", Condition.PARTIAL_OUTAGE), ("Login (EU)", Condition.OPERATIONAL)]


def test_flashdutys_line_has_names_alone():
    text = "Status: resolved\nIt is over.\nAffected components: Chat (web, app), Search"
    assert found(text=text) == [("Chat (web, app)", Condition.UNKNOWN), ("Search", Condition.UNKNOWN)]


def test_a_component_in_brackets_counts_where_the_address_has_a_part_for_it():
    assert found("[API (eu)] Calls fail") == [("API (eu)", Condition.UNKNOWN)]


@pytest.mark.parametrize(
    ("title", "link"),
    [
        ("[Resolved] Calls fail", LINK),
        ("[API] Calls fail", "https://status.acme.example/incidents/INC1"),
        ("[API] Calls fail", None),
        ("[API]", LINK),
        ("[API] Calls fail", "http://[x/y/z"),
    ],
)
def test_other_brackets_are_no_component(title, link):
    assert found(title, link=link) == []


@pytest.mark.parametrize("text", ["We look at the affected components now.", "Affected components\nWe look into it."])
def test_the_words_inside_a_text_are_no_list(text):
    assert found(text=text) == []


def test_the_newest_post_of_an_entry_says_how_its_components_are():
    (incident,) = read("feed", "incidentio").incidents
    assert [c.name for c in incident.components] == ["API"]
    assert [(m.name, m.new) for m in incident.updates[-1].transitions] == [("API", Condition.PARTIAL_OUTAGE)]


def test_an_entry_of_statusiq_is_a_component_and_no_incident():
    snapshot = read("feed", "statusiq")
    assert [(c.id, c.name, c.condition) for c in snapshot.components] == [
        ("api", "api", Condition.OPERATIONAL),
        ("images", "images", Condition.MAJOR_OUTAGE),
        ("site", "site", Condition.OPERATIONAL),
    ]
    assert snapshot.incidents == ()


def test_a_component_of_statusiq_in_a_state_that_no_version_knows_is_unknown():
    raw = PAGES["feed", "statusiq"][0].replace(b"images - Down", b"images - Purple")
    found = FORMATS["feed"].parse((raw,), source("feed"), NOON)
    assert [c.condition for c in found.components if c.id == "images"] == [Condition.UNKNOWN]
