"""Summaries, timelines and exports of imported incidents: whole courses of services, as the report counts them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.dated_history import API, CODE, DOWN, GREEN, HISTORY, PART, SLOW, incident, stamp
from tests.support.past_incidents import PAGE, file, run

TOGETHER = incident("together", API, ("07-12 10:00", "investigating", GREEN, DOWN), ("07-12 11:00", "resolved"))
BESIDE = incident(
    "beside", API, ("07-12 10:00", "investigating", GREEN, DOWN), ("07-12 11:00", "resolved", DOWN, GREEN)
)
RESELLER = incident(
    "reseller", ("vertex", "Claude on Vertex AI"), ("07-14 10:00", "investigating"), ("07-14 11:00", "resolved")
)


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    run("backfill", file(folder, *HISTORY, TOGETHER, BESIDE, RESELLER), "--db", folder / "b.db")
    return folder / "b.db"


def status(db, name):
    return next(line for line in run("summary", name, "--db", db).splitlines() if line.startswith("Status:"))


def steps(db, name):
    return [line for line in run("timeline", name, "--db", db).splitlines() if line[:2].isdigit()]


@pytest.mark.parametrize(
    ("name", "course"),
    [
        ("slower", "web: degraded {d} 10:00 → outage (as nested) 11:00 → degraded 12:00 → operational 13:00 UTC"),
        (
            "nested",
            (
                "web: degraded (as slower) since {d} 10:00 → outage 11:00 → degraded (as slower) 12:00 UTC"
                " (still affected when this incident ended)"
            ),
        ),
        (
            "reopened",
            (
                "API: partial outage {d} 10:00 → maintenance (as maintenance) 10:30 → partial outage 10:45 → operational"
                " 11:00 → partial outage 11:30 → operational 12:30 UTC"
            ),
        ),
        ("together", "API: outage {d} 10:00 → operational 11:00 UTC"),
        ("beside", "API: outage {d} 10:00 → operational 11:00 UTC"),
        ("wordy", "Code: partial outage (from impact) {d} 10:00 → operational 10:30 UTC"),
        ("unfinished", "web: degraded {d} 10:00 UTC (still affected when the imported history ended)"),
    ],
)
def test_the_course_of_a_service_is_whole_and_names_the_other_incident(db, name, course):
    days = {"slower": 5, "nested": 5, "reopened": 2, "together": 12, "beside": 12, "wordy": 8, "unfinished": 20}
    assert status(db, name) == f"Status: {course.format(d=f'2026-07-{days[name]:02}')}"


def test_the_timeline_has_what_another_incident_changed_meanwhile(db):
    assert steps(db, "slower") == [
        "10:00  Anthropic, investigating:",
        "10:00  web: degraded",
        "11:00  web: outage (as nested)",
        "12:00  web: degraded",
        "13:00  Anthropic, resolved:",
        "13:00  web: operational",
    ]


def test_the_timeline_begins_with_what_a_service_was_in_already(db):
    assert steps(db, "nested")[0] == "10:00  web: degraded (as slower)"


def test_an_incident_of_no_known_service_names_the_components_of_the_page(db):
    said = run("summary", "reseller", "--db", db)
    assert "Affected: no service named (components of the page: Claude on Vertex AI)" in said


@pytest.mark.parametrize("form", ["markdown", "html", "ics"])
def test_every_export_has_the_course_that_the_summary_has(db, form):
    text = run("export", "slower", "--format", form, "--db", db).replace("\n ", "").replace("\r", "")
    assert "web: degraded 2026-07-05 10:00 → outage (as nested) 11:00 → degraded 12:00 → operational 13:00 UTC" in text


def recording(folder, *polls):
    """A recording of polls: minute, statuses of API and Code, and the incidents."""
    began = datetime(2026, 7, 6, tzinfo=UTC)
    lines = []
    for minute, statuses, incidents in polls:
        parts = [{"id": c[0], "name": c[1], "status": s} for c, s in zip((API, CODE), statuses, strict=True)]
        body = {"page": PAGE, "components": parts, "incidents": incidents, "scheduled_maintenances": []}
        lines.append(json.dumps({"polled_at": (began + timedelta(minutes=minute)).isoformat(), "body": body}))
    (folder / "polls.ndjson").write_text("\n".join(lines))
    run("backfill", "claude", "--from", folder / "polls.ndjson", "--db", folder / "polls.db")
    return folder / "polls.db"


@pytest.fixture
def late(tmp_path):
    """A poll 26 minutes after an outage began, when one of two services is well again and the other is better."""
    api = incident(
        "late",
        API,
        ("07-06 01:00", "investigating", GREEN, PART),
        ("07-06 01:06", "investigating", PART, DOWN),
        ("07-06 01:24", "investigating", DOWN, PART),
    )
    code = [("07-06 01:00", GREEN, SLOW), ("07-06 01:21", SLOW, GREEN)]
    for when, old, new in code:
        update = next((u for u in api["incident_updates"] if u["created_at"] == stamp(when)), None)
        move = {"code": CODE[0], "name": CODE[1], "old_status": old, "new_status": new}
        if update:
            update["affected_components"].append(move)
        else:
            more = {"id": "late-x", "status": "investigating", "body": "Code is well.", "affected_components": [move]}
            api["incident_updates"].insert(1, more | {"display_at": stamp(when), "created_at": stamp(when)})
    return recording(tmp_path, (0, (GREEN, GREEN), []), (86, (PART, GREEN), [api]), (120, (GREEN, GREEN), []))


def test_what_polls_saw_late_is_in_the_summary_as_transitions_say(late):
    said = run("summary", "late", "--db", late)
    assert (
        "• API: partial outage 2026-07-06 01:00 → outage 01:06 → partial outage 01:24 → operational 02:00 UTC" in said
    )
    assert "• Code: degraded 2026-07-06 01:00 → operational 01:21 UTC" in said


def test_the_report_has_the_minutes_of_the_summary_for_what_polls_saw_late(late):
    services = json.loads(run("reliability", "--json", "--db", late))["surfaces"]
    api, code = services["claude-api"]["minutes"], services["claude-code"]["minutes"]
    assert (api["partial_outage"], api["major_outage"], code["degraded"]) == (42, 18, 21)


def test_a_service_that_was_well_again_before_the_first_poll_is_one_of_the_incident(late):
    assert json.loads(run("reliability", "--json", "--db", late))["surfaces"]["claude-code"]["incidents"] == 1


def test_the_timeline_of_recorded_polls_says_whose_times_it_has(late):
    assert "posts have the vendor's times, other steps those of the recorded polls." in run(
        "timeline", "late", "--db", late
    )
