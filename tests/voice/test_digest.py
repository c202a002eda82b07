"""The words of a digest: complete, in the channel's own time, and a line where nothing broke."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from bot.model import Condition, Digest, Impact, Incident, Stage
from bot.voice import blocks, digest
from bot.voice.digest import Lookback
from bot.years import Course, Judged, Window
from tests.voice.samples import hostile
from tests.voice.slack_limits import assert_sendable

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
WANTED = Digest(time(9), "Europe/Berlin")
CALM = Lookback(DAY, ["acme", "globex-api"])
MINUTE = timedelta(minutes=1)


def course(name="Errors on the API", minutes=40, number=1):
    posted = START + timedelta(hours=4)
    return Course(f"inc{number}", "acme", name, posted, (), closed_at=posted + minutes * MINUTE if minutes else None)


FULL = Lookback(
    DAY,
    ["acme"],
    broke=[("Acme", course())],
    lost=[("Acme API", {Condition.DEGRADED: 10 * MINUTE, Condition.MAJOR_OUTAGE: 150 * MINUTE})],
    judged=Judged(2, 1, 70 * MINUTE),
    estimates=(3, 4),
    blind=[("Globex", 25 * MINUTE)],
    planned=("Acme", Incident("m1", "x", Stage.SCHEDULED, Impact.NONE, START, scheduled_for=START + timedelta(days=3))),
)


def said(found, wanted=WANTED):
    message = digest.digest(found, wanted)
    assert_sendable(replace(message, text=blocks.fit(message.text, blocks.TEXT)))
    return unescape(message.text)


def test_where_nothing_broke_it_is_one_line():
    assert said(CALM) == "Digest, Sun 01 Mar 09:00 to Mon 02 Mar 09:00: nothing broke on acme and globex-api."


def test_a_planned_maintenance_is_told_in_calm_times_too():
    assert "Next planned maintenance: Wed 04 Mar 09:00, Acme, m1." in said(replace(CALM, planned=FULL.planned))


def test_a_page_that_could_not_be_read_is_no_calm():
    assert "Nothing broke on acme and globex-api, as far as could be seen." in said(replace(CALM, blind=FULL.blind))


def test_an_incident_is_told_with_its_time_in_the_channels_zone_and_how_long_it_took():
    assert "Sun 01 Mar 13:00, Acme, over after 40 min: inc1\n> Errors on the API" in said(FULL)


def test_an_open_one_is_told_as_open():
    assert "open, for 20 h by then" in said(replace(FULL, broke=[("Acme", course(minutes=0))]))


def test_minutes_lost_are_told_by_condition_and_long_ones_in_hours_too():
    assert "• Acme API: 10 min degraded and 150 min (2 h 30 min) down" in said(FULL)


def test_the_verdicts_record_is_told():
    assert (
        "Verdicts: let work through again 2 times after a hold, 1 of them too early: bad again within the hour;"
        " held for 1 h 10 min in all." in said(FULL)
    )
    lately = Judged(3, 1, MINUTE * 5, 1)
    assert (
        "3 times after a hold, 1 of them too early: bad again within the hour and 1 of them so lately that it is too"
        " soon to tell;" in said(replace(FULL, judged=lately))
    )
    assert "1 time after a hold, never too early" in said(replace(FULL, judged=Judged(1, 0, MINUTE * 5)))


def test_estimates_and_blind_minutes_are_told():
    assert "Estimates: 3 of 4 incidents were over within what 9 of 10 should be." in said(FULL)
    assert "Blind, so that nothing is known of that time: Globex 25 min." in said(FULL)


def test_what_does_not_fit_is_counted():
    many = [("Acme", course(number=n)) for n in range(20)]
    assert "… and 8 more: /brownout history" in said(replace(FULL, broke=many))


def test_a_rhythm_in_words():
    assert digest.told(WANTED) == "every day at 09:00 Europe/Berlin"
    assert digest.told(Digest(time(8, 30), weekday=4, on_calm=False)) == (
        "every Friday at 08:30 UTC, only if something broke"
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
