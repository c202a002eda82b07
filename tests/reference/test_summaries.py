"""Summary, timeline and exports of odd incidents say what the figures say; the sentences were worked out by hand."""

import json

import pytest

from tests.reference.test_audit import FRAME, written
from tests.support.dated_history import API, DOWN, GREEN, SLOW, incident
from tests.support.past_incidents import file, run

LATE = written(incident("late", API, ("07-12 00:30", "resolved")), "Between 23:30 and 00:10 UTC calls failed.")
BACK = written(  # the post is dated back to the beginning
    incident("back", API, ("07-13 10:00", "resolved"), ("07-13 18:00", "postmortem")),
    "From 10:00 to 10:40 UTC calls failed.",
    "Text.",
)
LONG = written(incident("long", API, ("07-14 12:30", "resolved")), "The API was down for about 25 minutes.")
SHUT = incident("shut", API, ("07-15 09:00", "scheduled"), ("07-16 09:00", "completed"), impact="maintenance")
FIRST = incident("one", API, ("07-20 23:50", "investigating", GREEN, DOWN), ("07-21 00:20", "resolved", DOWN, SLOW))
NEXT = incident("two", API, ("07-21 00:20", "investigating", SLOW, SLOW), ("07-21 02:00", "resolved", SLOW, GREEN))


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    folder = tmp_path_factory.mktemp("summaries")
    run("backfill", file(folder, *FRAME, LATE, BACK, LONG, SHUT, FIRST, NEXT), "--db", folder / "b.db")
    return folder / "b.db"


def said(db, *words):
    return " ".join(run(*words, "--db", db).split())


def test_a_summary_has_the_times_that_a_late_post_states_with_their_dates(db):
    when = "2026-07-11 23:30 to 2026-07-12 00:10 UTC (40 min as stated), posted 2026-07-12 00:30 UTC after it was over"
    assert f"Claude partial outage, resolved · {when}" in said(db, "summary", "late")


def test_its_status_is_from_the_text_and_begins_and_ends(db):
    assert ("API: partial outage (from text) 2026-07-11 23:30 → operational 2026-07-12 00:10 UTC") in said(
        db, "summary", "late"
    )


def test_its_timeline_has_them_in_order(db):
    found = said(db, "timeline", "late")
    steps = ("2026-07-11 23:30 API: partial outage", "2026-07-12 00:10 API: operational", "2026-07-12 00:30 Anthropic")
    assert sorted(map(found.index, steps)) == list(map(found.index, steps))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("markdown", "- Stated in the text: 2026-07-11 23:30 UTC to 2026-07-12 00:10 UTC"),
        ("html", "<dd>2026-07-11 23:30 UTC to 2026-07-12 00:10 UTC</dd>"),
        ("ics", "DTSTART:20260711T233000Z DTEND:20260712T001000Z"),
    ],
)
def test_its_exports_say_the_same(db, form, text):
    assert text in said(db, "export", "late", "--format", form)


def test_its_json_has_the_windows_and_their_length(db):
    found = json.loads(run("export", "late", "--format", "json", "--db", db))
    window = {"start": "2026-07-11T23:30:00Z", "end": "2026-07-12T00:10:00Z"}
    assert (found["stated_windows"], found["stated_min"]) == ([window], 40)
    assert (found["began_at"], found["ended_at"]) == (window["start"], window["end"])


def test_a_post_that_is_dated_back_is_dated_and_its_status_ends(db):
    found = said(db, "summary", "back")
    assert (
        "2026-07-13 10:00 to 10:40 UTC (40 min as stated), posted after it was over, dated 2026-07-13 10:00 UTC"
        in found
    )
    assert "Status: API: partial outage (from text) 2026-07-13 10:00 → operational 10:40 UTC" in found


def test_no_timeline_says_that_what_was_posted_when_it_was_over_opened(db):
    assert "opened" not in said(db, "timeline", "back")


def test_a_length_without_times_is_said_to_have_none(db):
    assert "posted 2026-07-14 12:30 UTC after it was over, 25 min as stated without times" in said(
        db, "summary", "long"
    )


def test_a_maintenance_that_ended_without_a_start_did_not_begin(db):
    when = "announced 2026-07-15 09:00 UTC, ended 2026-07-16 09:00 UTC, no start posted"
    assert f"Claude maintenance, completed · {when}" in said(db, "summary", "shut")


def test_a_maintenance_is_completed_and_not_resolved(db):
    found = said(db, "export", "shut", "--format", "markdown")
    assert "- Began: no start posted - Ended: 2026-07-16 09:00 UTC, completed by Anthropic" in found


def test_what_goes_on_after_an_incident_names_the_one_that_it_goes_on_as(db):
    course = "API: outage 2026-07-20 23:50 → degraded (as two) 2026-07-21 00:20 UTC (still affected when this incident ended)"
    assert course in said(db, "summary", "one")


def test_what_was_so_before_an_incident_names_the_one_that_it_began_as(db):
    course = "API: outage (as one) since 2026-07-20 23:50 → degraded 2026-07-21 00:20 → operational 02:00 UTC"
    assert course in said(db, "summary", "two")


def test_a_month_has_incidents_and_time_to_resolve_by_provider_and_service(db, tmp_path):
    page = tmp_path / "month.html"
    run("reliability", "--month", "2026-07", "--html", page, "--db", db)
    table = page.read_text().partition("Incidents and time to resolve")[2].partition("</table>")[0]
    rows = [
        [cell.partition(">")[2].partition("<")[0] for cell in row.split("<t")[1:] if "<" in cell]
        for row in table.replace("\n", "").split("<tr>")[1:]
    ]
    assert rows[0] == [
        *("provider, service", "incidents", "began before", "posted late", "late share", "resolved", "P50", "P90"),
        *("longest", "post lag median", "with a post lag"),
    ]
    assert [row[0] for row in rows[1:]] == ["Claude", "Claude web", "Claude API"]
    assert rows[3] == ["Claude API", "5", "0", "3", "60%", "2", "1 h 5 min", "1 h 40 min", "1 h 40 min", "1 h", "1"]


def test_a_month_says_how_long_it_took_to_resolve(db):
    assert "Time to resolve • Claude: P50 16 min, P90 1 h 40 min, longest 1 h 40 min (n = 4)" in said(
        db, "reliability", "--month", "2026-07"
    )
