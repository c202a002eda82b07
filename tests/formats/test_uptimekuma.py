"""Uptime Kuma pages: what is peculiar to the format."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import Condition, Stage
from bot.formats import FORMATS
from tests.formats.pages import PAGES, read, source

LAST_HEARTBEAT = datetime(2026, 1, 10, 9, 50, tzinfo=UTC)


def test_kumas_last_heartbeat_counts():
    found = read("uptimekuma", "open", LAST_HEARTBEAT)
    assert {c.name: c.condition for c in found.components} == {
        "API": Condition.MAJOR_OUTAGE,
        "Website": Condition.UNKNOWN,
        "Jobs": Condition.MAINTENANCE,
    }


def test_a_slug_is_quoted_into_every_path():
    kuma = replace(source("uptimekuma"), page="a/b")
    assert FORMATS["uptimekuma"].paths_of(kuma) == ("/api/status-page/a%2Fb", "/api/status-page/heartbeat/a%2Fb")


@pytest.mark.parametrize(("minutes", "condition"), [(5, "operational"), (11, "unknown"), (3 * 24 * 60, "unknown")])
def test_a_monitor_that_nobody_tries_any_more_is_unknown(minutes, condition):
    found = read("uptimekuma", "clear", datetime(2026, 1, 10, 9, 50, tzinfo=UTC) + timedelta(minutes=minutes))
    assert {c.condition for c in found.components} == {condition}


def conditions(heartbeats, at):
    """The conditions of the page's monitors where each has these heartbeats: status, and minutes before the last."""
    listed = [
        {"status": status, "time": f"{LAST_HEARTBEAT - timedelta(minutes=ago):%F %T}"} for status, ago in heartbeats
    ]
    page = json.loads(PAGES["uptimekuma", "clear"][1])
    page["heartbeatList"] = dict.fromkeys(page["heartbeatList"], listed)
    bodies = (PAGES["uptimekuma", "clear"][0], json.dumps(page).encode())
    return {c.condition for c in FORMATS["uptimekuma"].parse(bodies, source("uptimekuma"), at).components}


@pytest.mark.parametrize(("hours", "condition"), [(1, "operational"), (49, "operational"), (51, "unknown")])
def test_the_only_heartbeat_counts_for_two_of_the_longest_pauses(hours, condition):
    assert conditions([(1, 0)], LAST_HEARTBEAT + timedelta(hours=hours)) == {condition}


def test_the_newest_heartbeat_counts_in_any_order():
    assert conditions([(0, 0), (1, 1), (1, 2)], LAST_HEARTBEAT) == {"major_outage"}


def test_the_same_heartbeats_mean_less_as_time_passes():
    assert FORMATS["uptimekuma"].timed


def test_a_pending_monitor_that_was_down_is_down():
    found = read("uptimekuma", "local-times", datetime(2026, 1, 10, 10, 3, tzinfo=UTC))
    assert [c.condition for c in found.components] == [Condition.MAJOR_OUTAGE, Condition.UNKNOWN]


def test_a_slot_without_a_zone_is_in_the_maintenances():
    found = read("uptimekuma", "local-times").maintenances[0]
    assert (found.scheduled_for, found.scheduled_until) == (
        datetime(2026, 1, 10, 9, tzinfo=UTC),
        datetime(2026, 1, 10, 11, tzinfo=UTC),
    )


def test_a_maintenance_by_hand_has_no_slot():
    found = read("uptimekuma", "local-times").maintenances[1]
    assert (found.name, found.stage, found.scheduled_for) == ("A new lamp", Stage.IN_PROGRESS, None)


@pytest.mark.parametrize(("zone", "hour"), [("No/Where", 5), ("Asia/Tokyo", 1)])
def test_a_zone_that_nobody_knows_has_its_offset(zone, hour):
    pages = PAGES["uptimekuma", "local-times"]
    page = pages[0].decode().replace("Europe/Berlin", zone).replace("+01:00", "+05:00")
    found = FORMATS["uptimekuma"].parse((page.encode(), pages[1]), source("uptimekuma"), LAST_HEARTBEAT)
    assert found.maintenances[0].scheduled_for == datetime(2026, 1, 10, hour, tzinfo=UTC)
