"""Instatus pages: what is peculiar to the format."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain import Stage
from bot.formats import FORMATS
from tests.formats.pages import NOON, PAGES, read, source


def test_instatus_reads_dates_as_javascript_writes_them():
    assert read("instatus", "open").incidents[1].created_at == datetime(2026, 1, 10, 9, 40, tzinfo=UTC)


def test_instatus_knows_how_long_a_maintenance_takes():
    (found,) = read("instatus", "open").maintenances
    assert found.scheduled_until - found.scheduled_for == timedelta(minutes=60)


def test_a_group_of_a_newer_instatus_page_holds_its_components():
    page = json.loads(PAGES["instatus", "open"][1])
    page["components"] = [{"id": "g", "name": "Platform", "isParent": True, "children": page["components"]}]
    bodies = (PAGES["instatus", "open"][0], json.dumps(page).encode())
    found = FORMATS["instatus"].parse(bodies, source("instatus"), NOON)
    assert [c.name for c in found.components] == ["Platform", "API", "Website", "Jobs"]


def test_a_newer_instatus_page_has_both_of_its_paths_elsewhere():
    newer = replace(source("instatus"), path="/v3/summary.json")
    assert FORMATS["instatus"].paths_of(newer) == ("/v3/summary.json", "/v3/components.json")


def test_maintenances_that_are_planned_may_have_a_list_of_their_own():
    assert [(m.id, m.stage) for m in read("instatus", "planned").maintenances] == [("m1", Stage.SCHEDULED)]


def test_a_status_of_several_words_is_one_of_instatus():
    assert FORMATS["instatus"].fits(json.loads(PAGES["instatus", "planned"][0]))
