"""Our figures and those of the second implementation on a history with every kind; the numbers were worked out by hand."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.reference.__main__ import compare
from tests.support.dated_history import API, DOWN, GREEN, HISTORY, WEB
from tests.support.past_incidents import PAGE, file, run


@pytest.fixture
def history(tmp_path):
    return file(tmp_path, *HISTORY)


@pytest.fixture
def db(tmp_path, history):
    run("backfill", history, "--db", tmp_path / "b.db")
    return tmp_path / "b.db"


@pytest.fixture
def report(db):
    return json.loads(run("reliability", "--json", "--db", db))


def bad(figures):
    return {c: m for c, m in figures["minutes"].items() if m and c not in ("operational", "unknown")}


def test_both_implementations_agree_on_every_cell(history):
    found = compare(history, "claude")
    assert (found.unexplained, found.differing, sum(found.reasons.values())) == ([], 0, 0)


def test_an_outage_over_midnight_a_reopened_one_and_a_maintenance_inside_it(report):
    assert bad(report["surfaces"]["claude-api"]) == {"major_outage": 180, "partial_outage": 105, "maintenance": 15}


def test_an_outage_inside_a_slow_time_counts_once(report):
    web = report["surfaces"]["claude-web"]
    assert {k: round(v) for k, v in bad(web).items()} == {"degraded": 240, "major_outage": 60}


def test_an_incident_without_transitions_is_charged_by_its_impact_and_inferred(report):
    code = report["surfaces"]["claude-code"]
    assert (bad(code), code["inferred_min"], code["inferred_pct"]) == ({"partial_outage": 30}, 30, 100)


def test_a_reopened_incident_takes_until_its_last_resolved(report):
    api = report["surfaces"]["claude-api"]
    assert (api["to_resolve_h"]["n"], api["to_resolve_h"]["p50"], api["to_resolve_h"]["longest"]) == (2, 2.75, 3)


def test_an_incident_is_in_the_month_of_its_first_post(report):
    assert report["surfaces"]["claude-api"]["months"] == {"2026-06": 1, "2026-07": 1}


def test_the_provider_counts_each_incident_once_and_no_maintenance(report):
    assert (report["providers"]["claude"]["incidents"], report["providers"]["claude"]["to_resolve_h"]["n"]) == (7, 6)


def test_an_incident_of_a_history_that_ended_is_open_when_the_history_ended(db):
    said = run("history", "claude", "10y", "--db", db)
    assert "degraded, open when the history ended (2026-07-20 12:00 UTC) · unfinished" in said


def test_a_maintenance_is_listed_from_its_window(db):
    said = run("history", "claude", "10y", "--db", db)
    assert "2026-07-02 10:30 UTC · maintenance, 15 min · maintenance" in said


def recording(folder, *polls):
    """A file of polls: minute, and the statuses of components, None where the page could not be read."""
    began, lines = datetime(2026, 6, 1, tzinfo=UTC), []
    for minute, statuses in polls:
        components = [{"id": c[0], "name": c[1], "status": s} for c, s in (statuses or {}).items()]
        body = {"page": PAGE, "components": components, "incidents": [], "scheduled_maintenances": []}
        at = (began + timedelta(minutes=minute)).isoformat()
        lines.append(json.dumps({"polled_at": at, "body": body if statuses is not None else None}))
    path = folder / "polls.ndjson"
    path.write_text("\n".join(lines))
    run("backfill", "claude", "--from", path, "--db", folder / "b.db")
    return path


def figures_of(folder, surface):
    return json.loads(run("reliability", "--json", "--db", folder / "b.db"))["surfaces"][surface]


def test_a_recording_is_unknown_from_the_first_unreadable_poll_to_the_next_usable_one(tmp_path):
    red, green = {API: DOWN}, {API: GREEN}
    polls = [(0, green), (30, red), (40, None), (70, red), (90, green), (200, None), (210, green), (300, green)]
    path = recording(tmp_path, *polls)
    api = figures_of(tmp_path, "claude-api")
    assert (round(api["blind_min"]), api["minutes"]["major_outage"], api["outages"]) == (30, 30, 1)
    assert compare(path, "claude").unexplained == []


LATE_AND_GONE = ((0, {WEB: GREEN}), (60, {WEB: GREEN, API: GREEN}), (90, {WEB: GREEN, API: DOWN}))
LATE_AND_GONE += ((120, {WEB: GREEN, API: GREEN}), (180, {WEB: GREEN}), (240, {WEB: GREEN}))


def test_a_service_begins_and_ends_with_its_component(tmp_path):
    path = recording(tmp_path, *LATE_AND_GONE)
    api = figures_of(tmp_path, "claude-api")
    assert (api["since"], api["until"]) == ("2026-06-01T01:00:00Z", "2026-06-01T03:00:00Z")
    assert {c: m for c, m in api["minutes"].items() if m} == {"operational": 90, "major_outage": 30}
    assert compare(path, "claude").unexplained == []


def test_the_report_says_since_when_and_until_when_a_service_counts(tmp_path):
    recording(tmp_path, *LATE_AND_GONE)
    said = " ".join(run("reliability", "--db", tmp_path / "b.db").split())
    assert "since: the service did not exist before" in said
    assert "until: the service existed no longer" in said


def test_a_service_whose_component_is_missing_for_a_while_is_unknown_then(tmp_path):
    both = {WEB: GREEN, API: GREEN}
    path = recording(tmp_path, (0, both), (60, {WEB: GREEN}), (100, both), (240, both))
    api = figures_of(tmp_path, "claude-api")
    assert {c: round(m) for c, m in api["minutes"].items() if m} == {"operational": 200, "unknown": 40}
    assert compare(path, "claude").unexplained == []


def test_a_service_that_a_recording_never_lists_is_in_no_figure(tmp_path):
    recording(tmp_path, (0, {WEB: GREEN}), (240, {WEB: GREEN}))
    assert "claude-api" not in json.loads(run("reliability", "--json", "--db", tmp_path / "b.db"))["surfaces"]


def test_the_csv_has_services_and_providers_with_their_months(db):
    rows = csv.DictReader(io.StringIO(run("reliability", "--csv", "--db", db)))
    found = {row["surface"]: (row["kind"], row["months"]) for row in rows}
    assert found["claude-api"] == ("service", "2026-06:1 2026-07:1")
    assert found["claude"] == ("provider", "2026-06:1 2026-07:6")
