"""Rootly pages: what is peculiar to the format."""

import json

import pytest

from bot.domain import Stage
from bot.errors import ParseError
from bot.formats import FORMATS
from bot.formats.detection import detect_formats
from tests.formats.pages import NOON, PAGES, read, source


def test_rootlys_list_tells_how_incidents_ended_that_it_still_has():
    found = read("rootly", "open").incidents
    assert {i.id: i.stage for i in found} == {"ri1": Stage.INVESTIGATING, "ri0": Stage.RESOLVED}


def test_an_incident_that_only_the_first_of_rootlys_answers_lists_is_read():
    first, second = (json.loads(body) for body in PAGES["rootly", "open"])
    first["incidents"] = [{**second["incidents"][0], "id": "ri9"}]
    bodies = (json.dumps(first).encode(), PAGES["rootly", "open"][1])
    assert "ri9" in {i.id for i in FORMATS["rootly"].parse(bodies, source("rootly"), NOON).incidents}


def test_rootly_without_a_list_of_incidents_is_no_all_clear():
    with pytest.raises(ParseError):
        FORMATS["rootly"].parse((PAGES["rootly", "open"][0], b'{"page": {}}'), source("rootly"), NOON)


def test_a_page_with_its_incidents_is_rootlys():
    assert "rootly" in detect_formats(PAGES["rootly", "one-list"][0])
