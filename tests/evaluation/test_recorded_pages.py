"""Recorded polls of every format: the format is the provider's, or is recognised by the body."""

import json
from datetime import UTC, datetime

import pytest

from bot.domain import Source, VerdictParameters
from bot.errors import ParseError
from bot.evaluation.recorded_pages import parse_poll, recognise
from bot.evaluation.verdicts import as_json, evaluate
from bot.formats import FORMATS, aws
from bot.formats.recordings import RecordedPoll
from tests.formats.pages import NOON as PAGES_AT
from tests.formats.pages import PAGES
from tests.support.acme import ACME

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
STARTED = "2026-05-04T11:05:00Z"
GOOGLE = [
    {
        "id": "g1",
        "number": "1",
        "begin": "2026-05-04T11:00:00Z",
        "created": STARTED,
        "modified": STARTED,
        "external_desc": "Errors in Cloud Run",
        "status_impact": "SERVICE_DISRUPTION",
        "severity": "medium",
        "affected_products": [{"title": "Cloud Run", "id": "run"}],
        "updates": [{"when": STARTED, "created": STARTED, "text": "We look.", "status": "SERVICE_DISRUPTION"}],
        "uri": "incidents/g1",
    }
]
FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Acme</title><link>https://acme.example</link>
<item><title>Errors</title><guid>e1</guid><pubDate>Mon, 04 May 2026 11:00:00 GMT</pubDate>
<description>Investigating - we look into it.</description></item></channel></rss>"""


def poll(body):
    return RecordedPoll(NOON, body)


def source(kind):
    return Source("acme", "acme", kind, "https://status.acme.example")


@pytest.mark.parametrize(("kind", "body"), [("google", GOOGLE), ("feed", FEED)])
def test_a_page_of_the_providers_format_is_read(kind, body):
    assert len(parse_poll(poll(body), source(kind)).incidents) == 1


@pytest.mark.parametrize("body", [GOOGLE, FEED])
def test_a_format_is_recognised_without_a_provider(body):
    assert len(parse_poll(poll(body)).incidents) == 1


def test_a_statuspage_body_is_read_whatever_the_providers_format():
    body = {"page": {"id": "p", "name": "Acme"}, "components": [], "incidents": []}
    assert parse_poll(poll(body), source("google")).page_name == "Acme"


@pytest.mark.parametrize("body", [None, 7, {}, "no page", [1]])
def test_a_body_that_is_no_page_is_refused(body):
    with pytest.raises(ParseError):
        parse_poll(poll(body))


def test_a_format_of_several_paths_takes_a_list_of_their_bodies():
    kind = next(kind for kind, found in FORMATS.items() if len(found.paths) == 2)
    with pytest.raises(ParseError, match="list of the 2 bodies"):
        parse_poll(poll({"a": 1}), source(kind))


def test_a_recording_of_another_format_is_scored():
    told = as_json(evaluate([("acme", [poll(GOOGLE)])], ACME, lambda _: VerdictParameters(), {}))
    assert json.loads(json.dumps(told))["truth"] == {"A": {}, "C": {}}


def decoded(body):
    try:
        return json.loads(aws.to_utf8(body))
    except ValueError:
        return body.decode()


def recorded(kind, name):
    """What a recorder keeps of a poll of this format: one body, or a list of them."""
    bodies = [decoded(body) for body in PAGES[kind, name]]
    return bodies[0] if len(bodies) == 1 else bodies


OPEN = {"statuspage": "mid-incident", "feed": "statuspage"}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_recording_of_any_format_is_recognised_by_its_first_poll_that_shows_something(kind):
    polls = [RecordedPoll(PAGES_AT, body) for body in (None, recorded(kind, OPEN.get(kind, "open")))]
    found, snapshot = recognise(polls)
    assert found == kind
    assert any(not i.stage.is_closed for i in snapshot.incidents) or kind == "aws"  # which needs to know the region


def test_polls_of_nothing_known_are_not_recognised():
    assert recognise([RecordedPoll(PAGES_AT, body) for body in (None, {}, [], "x", [1, 2])]) is None
