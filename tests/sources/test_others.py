"""What is peculiar to a format, for the formats that need only a few words."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import ParseError
from bot.model import Condition, Stage
from bot.sources import KINDS
from bot.sources.kind import Absence
from tests.sources.pages import NOON, PAGES, read, source


def first(kind, name="open", at=NOON):
    return read(kind, name, at).incidents[0]


def conditions(kind, name="open"):
    return {c.name: c.condition for c in read(kind, name).components}


# --- incident.io ------------------------------------------------------------------------------------------------------


def test_the_shims_missing_list_is_an_empty_one():
    assert read("incidentio", "clear").incidents == ()


def test_the_shim_says_of_no_component_that_an_incident_hits_it():
    assert [u.transitions for u in first("incidentio").updates] == [None, None]


def test_the_shims_incidents_are_asked_for_in_the_list_alone():
    kind = KINDS["incidentio"]
    assert (kind.absence, kind.own_path, kind.all_path) == (Absence.ASK, None, "/api/v2/incidents.json")


def test_the_proxy_is_asked_for_with_the_pages_own_host():
    assert KINDS["incidentio-proxy"].paths_of(source("incidentio-proxy")) == ("/proxy/status.example.com",)


def test_the_proxys_impacts_are_told_with_the_first_post():
    (moved,) = first("incidentio-proxy").updates[0].transitions
    assert (moved.name, moved.new) == ("API", Condition.PARTIAL_OUTAGE)


def test_another_message_of_the_widget_is_another_update():
    body = json.loads(PAGES["incidentio-widget", "open"][0])
    before = first("incidentio-widget").updates[0].id
    body["ongoing_incidents"][0]["last_update_at"] = "2026-01-10T10:01:00Z"
    parsed = KINDS["incidentio-widget"].parse((json.dumps(body).encode(),), source("incidentio-widget"), NOON)
    assert parsed.incidents[0].updates[0].id != before


# --- the others -------------------------------------------------------------------------------------------------------


def test_instatus_reads_dates_as_javascript_writes_them():
    assert read("instatus", "open").incidents[1].created_at == datetime(2026, 1, 10, 9, 40, tzinfo=UTC)


def test_instatus_knows_how_long_a_maintenance_takes():
    (found,) = read("instatus", "open").maintenances
    assert found.scheduled_until - found.scheduled_for == timedelta(minutes=60)


def test_better_stacks_report_without_an_end_is_over_when_it_is_resolved():
    assert {i.id: i.stage for i in read("betterstack", "open").incidents} == {
        "acme-501": Stage.INVESTIGATING,
        "acme-502": Stage.RESOLVED,
    }


@pytest.mark.parametrize(
    ("hours", "stage"),
    [(-3, Stage.SCHEDULED), (0, Stage.IN_PROGRESS), (3, Stage.COMPLETED)],
    ids=["before", "in", "after"],
)
@pytest.mark.parametrize("kind", ["betterstack", "openstatus"])
def test_a_maintenance_without_a_state_goes_by_the_clock(kind, hours, stage):
    (found,) = read(kind, "open", NOON + timedelta(hours=hours)).maintenances
    assert found.stage is stage


def test_better_stacks_unmonitored_resources_are_not_known():
    assert conditions("betterstack", "clear") == {"API": Condition.OPERATIONAL, "Docs": Condition.UNKNOWN}


def test_statusio_reads_codes():
    assert conditions("statusio") == {"Registry": Condition.MAJOR_OUTAGE, "Website": Condition.DEGRADED}


def test_statusios_component_without_a_code_is_as_bad_as_its_worst_place():
    body = json.loads(PAGES["statusio", "open"][0])
    del body["result"]["status"][0]["status_code"]
    parsed = KINDS["statusio"].parse((json.dumps(body).encode(),), source("statusio"), NOON)
    assert parsed.components[0].condition is Condition.MAJOR_OUTAGE


def test_cachet_reads_numbers_in_strings():
    assert (conditions("cachet-v1")["API"], first("cachet-v1").stage) == (Condition.MAJOR_OUTAGE, Stage.IDENTIFIED)


def test_cachets_own_page_is_asked_for_by_the_bare_number():
    assert KINDS["cachet-v1"].own_path(first("cachet-v1"), source("cachet-v1")) == "/api/v1/incidents/12"


def test_cachets_own_page_is_read():
    item = json.loads(PAGES["cachet-v1", "open"][1])["data"][1]
    raw = json.dumps({"data": item}).encode()
    assert KINDS["cachet-v1"].parse_own(raw, source("cachet-v1")).stage is Stage.RESOLVED


def test_herokus_state_counts_and_not_its_resolved():
    item = json.loads(PAGES["heroku", "open"][0])["incidents"][0] | {"state": "resolved", "resolved": False}
    assert KINDS["heroku"].parse_own(json.dumps(item).encode(), source("heroku")).stage is Stage.RESOLVED


def test_heroku_has_colours():
    assert conditions("heroku") == {
        "Apps": Condition.MAJOR_OUTAGE,
        "Data": Condition.OPERATIONAL,
        "Tools": Condition.DEGRADED,
    }


def test_salesforce_has_no_titles_so_one_is_made():
    assert first("salesforce").name == "Service disruption: coreService"


def test_salesforces_impact_with_an_end_is_over():
    body = json.loads(PAGES["salesforce", "open"][0])
    body["Incidents"][0]["IncidentImpacts"][0]["endTime"] = "2026-01-10T10:00:00.000Z"
    parsed = KINDS["salesforce"].parse((json.dumps(body).encode(),), source("salesforce"), NOON)
    assert parsed.incidents[0].stage is Stage.RESOLVED


def test_cloudflares_own_page_of_an_incident_is_read():
    item = json.loads(PAGES["cloudflare", "open"][0])["result"]["incidents"][0] | {"status": "resolved"}
    raw = json.dumps({"success": True, "result": item}).encode()
    assert KINDS["cloudflare"].parse_own(raw, source("cloudflare")).stage is Stage.RESOLVED


def test_statuspals_services_below_services_are_components():
    assert conditions("statuspal") == {
        "Web": Condition.MAJOR_OUTAGE,
        "Login": Condition.MAJOR_OUTAGE,
        "API": Condition.OPERATIONAL,
    }


def test_rootlys_list_alone_tells_how_incidents_ended():
    found = KINDS["rootly"].parse_all((PAGES["rootly", "open"][1],), source("rootly"), NOON).incidents
    assert {i.id: i.stage for i in found} == {"ri1": Stage.INVESTIGATING, "ri0": Stage.RESOLVED}


def test_rootly_without_a_list_of_incidents_is_no_all_clear():
    with pytest.raises(ParseError):
        KINDS["rootly"].parse((PAGES["rootly", "open"][0], b'{"page": {}}'), source("rootly"), NOON)


def test_kumas_last_heartbeat_counts():
    assert conditions("uptimekuma") == {
        "API": Condition.MAJOR_OUTAGE,
        "Website": Condition.UNKNOWN,
        "Jobs": Condition.MAINTENANCE,
    }


def test_a_slug_is_quoted_into_every_path():
    kuma = replace(source("uptimekuma"), page="a/b")
    assert KINDS["uptimekuma"].paths_of(kuma) == ("/api/status-page/a%2Fb", "/api/status-page/heartbeat/a%2Fb")


def test_a_path_of_the_source_takes_the_place_of_the_formats_own():
    azure = replace(source("feed"), path="/en-us/status/feed/")
    assert KINDS["feed"].paths_of(azure) == ("/en-us/status/feed/",)


# --- what came later --------------------------------------------------------------------------------------------------


def test_a_group_of_a_newer_instatus_page_holds_its_components():
    page = json.loads(PAGES["instatus", "open"][1])
    page["components"] = [{"id": "g", "name": "Platform", "isParent": True, "children": page["components"]}]
    bodies = (PAGES["instatus", "open"][0], json.dumps(page).encode())
    found = KINDS["instatus"].parse(bodies, source("instatus"), NOON)
    assert [c.name for c in found.components] == ["Platform", "API", "Website", "Jobs"]


def test_a_newer_instatus_page_has_both_of_its_paths_elsewhere():
    newer = replace(source("instatus"), path="/v3/summary.json")
    assert KINDS["instatus"].paths_of(newer) == ("/v3/summary.json", "/v3/components.json")


def monitored(minutes, *, kind="automatic", state="downtime", **more):
    """The names of the incidents, where a monitor has posted one so many minutes ago."""
    page = json.loads(PAGES["betterstack", "clear"][0])
    starts = (NOON - timedelta(minutes=minutes)).isoformat()
    about = {"title": "Down", "report_type": kind, "starts_at": starts, "ends_at": None, "aggregate_state": state}
    page["included"].append({"id": "7", "type": "status_report", "attributes": about})
    found = KINDS["betterstack"].parse((json.dumps(page).encode(),), source("betterstack", **more), NOON)
    return [i.name for i in found.incidents]


@pytest.mark.parametrize(("minutes", "count"), [(0, 0), (1.9, 0), (2, 1), (60, 1)])
def test_what_a_monitor_posts_by_itself_counts_once_it_is_two_minutes_old(minutes, count):
    assert len(monitored(minutes)) == count


def test_what_a_person_posts_counts_at_once():
    assert monitored(0, kind="manual") == ["Down"]


def test_what_a_monitor_has_ended_again_is_for_the_timeline():
    assert monitored(1, state="resolved") == ["Down"]


@pytest.mark.parametrize(("least", "count"), [(0, 1), (10, 0)])
def test_how_old_it_must_be_may_be_said_otherwise(least, count):
    assert len(monitored(5, min_minutes=least)) == count
