"""incident.io's proxy and widget: what is peculiar to the format."""

import json
from datetime import UTC, datetime

from bot.domain import Condition, Impact, Stage
from bot.formats import FORMATS, incidentio_native
from tests.formats.pages import NOON, PAGES, first_incident, source


def test_the_proxy_is_asked_for_with_the_pages_own_host():
    assert FORMATS["incidentio-proxy"].paths_of(source("incidentio-proxy")) == ("/proxy/status.example.com",)


def test_the_proxys_impacts_are_told_with_the_first_post():
    (moved,) = first_incident("incidentio-proxy").updates[0].transitions
    assert (moved.name, moved.new) == ("API", Condition.PARTIAL_OUTAGE)


def test_another_message_of_the_widget_is_another_update():
    body = json.loads(PAGES["incidentio-widget", "open"][0])
    before = first_incident("incidentio-widget").updates[0].id
    body["ongoing_incidents"][0]["last_update_at"] = "2026-01-10T10:01:00Z"
    parsed = FORMATS["incidentio-widget"].parse((json.dumps(body).encode(),), source("incidentio-widget"), NOON)
    assert parsed.incidents[0].updates[0].id != before


def test_flashduty_has_the_widget_with_names_of_its_own():
    found = first_incident("incidentio-widget", "flashduty")
    assert (found.name, found.stage, found.impact, [c.condition for c in found.components]) == (
        "Slow calls",
        Stage.IDENTIFIED,
        Impact.MINOR,
        [Condition.DEGRADED, Condition.PARTIAL_OUTAGE],
    )


def test_the_start_that_the_page_states_is_the_incidents():
    assert first_incident("incidentio-widget", "flashduty").started_at == datetime(2026, 1, 10, 9, tzinfo=UTC)


def test_components_of_one_name_are_distinguished_by_their_group():
    def group(name, component):
        return {"group": {"name": name, "components": [{"component_id": component, "name": "Login"}]}}

    summary = {
        "components": [{"id": "a", "name": "Login"}, {"id": "b", "name": "Login"}, {"id": "c", "name": "Search"}],
        "affected_components": [],
        "ongoing_incidents": [],
        "structure": {"items": [group("Chat", "a"), group("Video", "b"), {"component": {"component_id": "c"}}]},
    }
    page = incidentio_native.parse_proxy(json.dumps({"summary": summary}).encode())
    assert [c.name for c in page.components] == ["Chat: Login", "Video: Login", "Search"]
