"""History pages as JSON and as HTML, and what is none."""

import json
from html import escape

import pytest

from bot.errors import ParseError
from bot.formats import statuspage_index

PAGE = {
    "months": [{"name": "March", "incidents": [{"code": "a1"}, {"code": "b2"}]}, {"name": "April", "incidents": []}]
}


def test_the_codes_of_a_json_page_come_in_its_order():
    assert statuspage_index.incident_codes(json.dumps(PAGE).encode()) == ("a1", "b2")


def test_the_page_for_people_has_the_same_in_an_attribute():
    html = f'<html><div data-react-class="X" data-react-props="{escape(json.dumps(PAGE))}"></div></html>'
    assert statuspage_index.incident_codes(html.encode()) == ("a1", "b2")


def test_months_without_incidents_are_a_page_and_no_months_are_the_end():
    assert statuspage_index.incident_codes(b'{"months": [{"incidents": []}]}') == ()
    assert statuspage_index.incident_codes(b'{"months": []}') is None


@pytest.mark.parametrize("raw", [b"<html></html>", b"{}", b"\xff\xfe", b'{"months": 3}', b"[]"])
def test_anything_else_is_refused(raw):
    with pytest.raises(ParseError):
        statuspage_index.incident_codes(raw)


def test_the_newest_incidents_come_with_their_page():
    page, listed = statuspage_index.read_incident_list(b'{"page": {"id": "p"}, "incidents": [{"id": "a1"}]}')
    assert (page, listed) == ({"id": "p"}, ({"id": "a1"},))


@pytest.mark.parametrize("raw", [b"{}", b'{"page": {}}', b'{"incidents": []}'])
def test_an_answer_without_page_or_list_is_refused(raw):
    with pytest.raises(ParseError):
        statuspage_index.read_incident_list(raw)
