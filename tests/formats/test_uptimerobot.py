"""UptimeRobot: what is peculiar to the format."""

import json
from datetime import UTC, datetime

from bot.domain import Condition, Stage
from bot.formats import FORMATS
from tests.formats.pages import NOON, PAGES, conditions_of, first_incident, read, source


def test_a_monitors_class_is_its_condition_and_a_paused_one_says_nothing():
    assert conditions_of("uptimerobot") == {
        "Website & shop": Condition.OPERATIONAL,
        "API": Condition.MAJOR_OUTAGE,
        "Search": Condition.DEGRADED,
        "Staging": Condition.UNKNOWN,
    }


def test_an_event_without_an_end_is_open_since_its_time():
    found = first_incident("uptimerobot")
    assert (found.name, found.stage) == ("API does not answer", Stage.INVESTIGATING)
    assert found.created_at == datetime(2026, 1, 10, 9, 50, tzinfo=UTC)


def test_an_event_with_an_end_ended_then():
    ended = read("uptimerobot", "open").incidents[1]
    assert (ended.stage, ended.updates[-1].display_at) == (Stage.RESOLVED, datetime(2026, 1, 10, 8, 20, tzinfo=UTC))


def test_that_a_monitor_is_up_again_is_no_incident():
    assert [i.name for i in read("uptimerobot", "open").incidents] == ["API does not answer", "Search was slow"]


def test_a_list_of_thirty_monitors_may_go_on_so_it_proves_no_absence():
    assert FORMATS["uptimerobot"].complete_below == 30


def test_the_monitors_of_older_pages_are_below_psp():
    body = json.loads(PAGES["uptimerobot", "open"][0])
    older = {"statistics": body["statistics"], "psp": {"name": "Acme", "monitors": body["data"]}}
    bodies = (json.dumps(older).encode(), PAGES["uptimerobot", "open"][1])
    page = FORMATS["uptimerobot"].parse(bodies, source("uptimerobot"), NOON)
    assert (page.page_name, len(page.components)) == ("Acme", 4)


def announced():
    return read("uptimerobot", "announced").incidents


def test_an_announcement_is_an_incident_at_the_time_and_with_the_end_that_it_writes():
    assert [(i.name, i.stage, f"{i.updates[-1].display_at:%H:%M}") for i in announced()] == [
        ("Hosts do not answer", Stage.INVESTIGATING, "09:50"),
        ("Mail was late", Stage.RESOLVED, "06:30"),
    ]


def test_events_have_no_ids_and_are_known_by_their_time():
    assert [i.id for i in announced()] == ["acme-1768038600", "acme-1768021200"]


def test_a_monitor_that_was_down_is_open_trouble_while_one_is_not_up():
    raw = PAGES["uptimerobot", "announced"][0].replace(b'"success"', b'"danger"')
    found = FORMATS["uptimerobot"].parse((raw, PAGES["uptimerobot", "announced"][1]), source("uptimerobot"), NOON)
    assert "host.example.org" in {i.name for i in found.incidents if not i.stage.is_closed}


def test_a_list_that_goes_on_proves_no_end():
    raw = PAGES["uptimerobot", "announced"][1].replace(b'"total": 4', b'"total": 40')
    found = FORMATS["uptimerobot"].parse((PAGES["uptimerobot", "announced"][0], raw), source("uptimerobot"), NOON)
    assert found.is_partial


def test_what_happened_to_a_monitor_may_be_its_label():
    feed = json.loads(PAGES["uptimerobot", "open"][1])
    feed["results"] = [{"ts": 1768040000, "label": "up", "monitor": "API", "title": "API is up"}]
    bodies = (PAGES["uptimerobot", "open"][0], json.dumps(feed).encode())
    assert FORMATS["uptimerobot"].parse(bodies, source("uptimerobot"), NOON).incidents == ()
