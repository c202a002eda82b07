"""Cloudflare's status API: what is peculiar to the format."""

import json
from datetime import UTC, datetime

from bot.domain import Condition, Stage
from bot.formats import FORMATS
from tests.formats.pages import PAGES, first_incident, read, source


def test_cloudflares_own_page_of_an_incident_is_read():
    item = json.loads(PAGES["cloudflare", "open"][0])["result"]["incidents"][0] | {"status": "resolved"}
    raw = json.dumps({"success": True, "result": item}).encode()
    assert FORMATS["cloudflare"].parse_own(raw, source("cloudflare")).stage is Stage.RESOLVED


def test_what_is_open_is_read_with_its_last_post():
    found = first_incident("cloudflare", "active")
    assert (found.id, found.stage, found.updates[0].body) == ("a1", Stage.IDENTIFIED, "The cause is known.")


def test_a_component_that_is_only_named_has_the_pages_condition():
    assert [c.condition for c in first_incident("cloudflare", "active").components] == [Condition.MAJOR_OUTAGE]


def test_what_ended_lately_is_read_as_ended():
    assert read("cloudflare", "active").incidents[1].stage is Stage.RESOLVED


def test_a_planned_maintenance_is_read_with_its_times():
    (found,) = read("cloudflare", "active").maintenances
    assert (found.stage, found.scheduled_for) == (Stage.SCHEDULED, datetime(2026, 1, 12, 2, tzinfo=UTC))
