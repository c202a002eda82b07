"""The words of a digest: complete, in the channel's own time, and a line where nothing broke."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Condition, DigestSchedule, Impact, Incident, Stage
from bot.domain.reliability import IncidentCourse, TimeWindow, VerdictAccuracy
from bot.messages import block_kit, digest
from bot.messages.digest import DigestContent
from tests.support.samples import hostile
from tests.support.slack_limits import assert_sendable

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY = TimeWindow(START, START + timedelta(days=1))
WANTED = DigestSchedule(time(9), "Europe/Berlin")
CALM = DigestContent(DAY, ["acme", "globex-api"])
MINUTE = timedelta(minutes=1)


def course(name="Errors on the API", minutes=40, number=1):
    posted = START + timedelta(hours=4)
    return IncidentCourse(
        f"inc{number}", "acme", name, posted, (), closed_at=posted + minutes * MINUTE if minutes else None
    )


FULL = DigestContent(
    DAY,
    ["acme"],
    broke=[("Acme", course())],
    lost=[("Acme API", {Condition.DEGRADED: 10 * MINUTE, Condition.MAJOR_OUTAGE: 150 * MINUTE})],
    judged=VerdictAccuracy(2, 1, 70 * MINUTE),
    estimates=(3, 4),
    blind=[("Globex", 25 * MINUTE)],
    planned=("Acme", Incident("m1", "x", Stage.SCHEDULED, Impact.NONE, START, scheduled_for=START + timedelta(days=3))),
)


def said(found, wanted=WANTED):
    message = digest.digest_message(found, wanted)
    assert_sendable(replace(message, text=block_kit.truncate_mrkdwn(message.text, block_kit.MAX_TEXT)))
    return unescape(message.text)


def test_where_nothing_broke_it_is_one_line():
    assert said(CALM) == "Daily digest: no incidents for acme, globex-api (1 day)."


def test_a_planned_maintenance_is_told_in_calm_times_too():
    assert "Planned: Acme maintenance, 4 Mar 09:00: m1" in said(replace(CALM, planned=FULL.planned))


def test_a_page_that_could_not_be_read_is_no_calm():
    assert "No incidents for acme, globex-api (1 day), as far as the status pages could be read" in said(
        replace(CALM, blind=FULL.blind)
    )


def test_an_incident_is_told_with_its_time_in_the_channels_zone_and_how_long_it_took():
    assert "Longest: Acme, 1 Mar 13:00, 40 min: inc1\n> Errors on the API" in said(FULL)


def test_an_open_one_is_told_as_open():
    assert "20 h, still open at the end" in said(replace(FULL, broke=[("Acme", course(minutes=0))]))


def test_minutes_lost_are_told_by_condition_and_long_ones_in_hours_too():
    assert "• Acme API · 2 h 40 min · degraded and outage · 3 incidents" in said(replace(FULL, counts={"Acme API": 3}))


def test_the_verdicts_record_is_told():
    assert "Advice: 2 re-openings, 1 too early · held 1 h 10 min" in said(FULL)
    lately = VerdictAccuracy(3, 1, MINUTE * 5, 1)
    assert "3 re-openings, 1 too early, 1 not yet judged" in said(replace(FULL, judged=lately))
    assert "1 re-opening, 0 too early" in said(replace(FULL, judged=VerdictAccuracy(1, 0, MINUTE * 5)))


def test_estimates_and_blind_minutes_are_told():
    assert "Duration estimates: 3 of 4 right" in said(FULL)
    assert "Unreadable: Globex page, 25 min" in said(FULL)


def test_services_that_do_not_fit_are_counted():
    many = [(f"Acme {n}", {Condition.DEGRADED: MINUTE}) for n in range(20)]
    assert "+12 more services: /brownout uptime" in said(replace(FULL, lost=many))


def test_incidents_at_the_same_time_are_not_counted_twice():
    two = [("Acme", course(number=n)) for n in range(2)]
    assert "2 incidents, 40 min with an open incident for acme" in said(replace(FULL, broke=two))


def test_a_rhythm_in_words():
    assert digest.describe_schedule(WANTED) == "every day at 09:00 Europe/Berlin"
    assert digest.describe_schedule(DigestSchedule(time(8, 30), weekday=4, on_calm=False)) == (
        "every Friday at 08:30 UTC, only if something happened"
    )


@given(hostile, st.integers(0, 30), st.integers(0, 30))
def test_slack_takes_every_digest(words, incidents, surfaces):
    found = replace(
        FULL,
        targets=[words or "x"] * 9,
        broke=[(words[:100], course(words, number=n)) for n in range(incidents)],
        lost=[(words[:200], {Condition.DEGRADED: MINUTE}) for _ in range(surfaces)],
        blind=[(words[:100], MINUTE)] * surfaces,
    )
    assert said(found)
