"""What a text states, sentence by sentence as worked out by hand; and what holds for every sentence of a form."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Condition, Impact
from bot.domain.reliability import IncidentCourse, StatedTimes, TimeWindow
from bot.rules.reliability.stated import stated_claims, stated_times
from tests.reference import stated as second_reader

POSTED = datetime(2026, 7, 10, 19, 0, tzinfo=UTC)  # noon in Los Angeles, a Friday


def posts(text, title="Errors in the API", posted=POSTED):
    return ((title, posted), (text, posted))


def shown(windows):
    return [f"{a:%m-%d %H:%M} {b:%m-%d %H:%M}" for a, b in windows]


def read(text, title="Errors in the API", posted=POSTED):
    """The windows as text, by the product; the second reader must read the same."""
    found = posts(text, title, posted)
    ours = shown((w.start, w.end) for w in stated_times(found).windows)
    assert ours == shown(second_reader.windows(found))
    return ours


WINDOWS = {
    "Between 10:05 and 11:40 UTC calls failed.": ["07-10 10:05 07-10 11:40"],
    "From 10:05 to 11:40 (UTC) calls failed.": ["07-10 10:05 07-10 11:40"],
    "Calls failed from 10:05 UTC until 11:40 UTC.": ["07-10 10:05 07-10 11:40"],
    "Calls failed from 16:23UTC to 16:27UTC.": ["07-10 16:23 07-10 16:27"],
    "Calls failed 16:02-16:39 UTC.": ["07-10 16:02 07-10 16:39"],
    "Calls failed from 16:02\N{EN DASH}16:39 GMT.": ["07-10 16:02 07-10 16:39"],
    "From **10:05** to **11:40** UTC calls failed.": ["07-10 10:05 07-10 11:40"],
    "Between 9:15am and 10:40am PT calls failed.": ["07-10 16:15 07-10 17:40"],
    "Between 9:15 and 10:40 am PT calls failed.": ["07-10 16:15 07-10 17:40"],
    "From 9 to 10:30am Pacific time calls failed.": ["07-10 16:00 07-10 17:30"],
    "Calls failed from 11:36 to 12:10 p.m. PDT.": ["07-10 18:36 07-10 19:10"],
    "Calls failed from roughly 5:00am PST until about 5:30am PST.": ["07-10 12:00 07-10 12:30"],
    "Between 14:00 CET and 15:00 CET calls failed.": ["07-10 12:00 07-10 13:00"],
    "From 23:30 UTC on July 8 to 00:10 UTC on July 9 calls failed.": ["07-08 23:30 07-09 00:10"],
    "On July 8, between 09:00 and 10:00 UTC, calls failed.": ["07-08 09:00 07-08 10:00"],
    "Calls failed from 2026-07-08 09:00 UTC to 2026-07-09 01:00 UTC.": ["07-08 09:00 07-09 01:00"],
    "Yesterday between 09:00 and 10:00 UTC calls failed.": ["07-09 09:00 07-09 10:00"],
    "On Wednesday from 09:00 to 10:00 UTC calls failed.": ["07-08 09:00 07-08 10:00"],
    "Between 10:00 and 10:10 UTC and again from 10:30 to 10:40 UTC calls failed.": [
        "07-10 10:00 07-10 10:10",
        "07-10 10:30 07-10 10:40",
    ],
    "The outage started at 10:05 UTC. It was resolved by 11:40 UTC.": ["07-10 10:05 07-10 11:40"],
    "The outage began at 9:05am and ended at 10:40am PT.": ["07-10 16:05 07-10 17:40"],
    "Starting at 16:05 UTC for approximately 25 minutes, calls failed.": ["07-10 16:05 07-10 16:30"],
    "Between 2:58 and 3:10 Eastern time calls failed.": ["07-10 18:58 07-10 19:10"],
    "The incident began at 2026-07-10 09:00 and ended at 2026-07-10 09:30 (all times are US/Pacific).": [
        "07-10 16:00 07-10 16:30"
    ],
}
NOT_STATED = {
    "no zone": "Between 10:05 and 11:40 calls failed.",
    "a zone of several places": "Between 10:05 and 11:40 CST calls failed.",
    "no end": "Since 10:05 UTC calls failed.",
    "no failure": "We will deploy the next version between 10:05 and 11:40 UTC.",
    "a maintenance": "A scheduled maintenance ran from 10:05 to 11:40 UTC, with errors.",
    "what was well": "Between 10:05 and 11:40 UTC there was no impact.",
    "others were well": "Logins were not affected between 10:05 and 11:40 UTC.",
    "a rollout": "The change was rolled back between 10:05 and 10:10 UTC.",
    "half a day off": "Between 1:05 and 1:40 PT calls failed.",
    "a day that can't be read": "On 7/8 between 10:05 and 11:40 UTC calls failed.",
    "several days": "On July 8 and on July 9 calls failed, from 10:05 to 11:40 UTC.",
    "two months before": "On May 1 between 10:05 and 11:40 UTC calls failed.",
    "another weekday": "On Monday, July 8, between 10:05 and 11:40 UTC calls failed.",
    "no such day": "On June 31 between 10:05 and 11:40 UTC calls failed.",
    "over midnight with one day": "From 10:58pm to 12:10am PT on July 9th calls failed.",
    "no such time": "Between 10:75 and 25:40 UTC calls failed.",
    "two times that are no window": "Errors rose at 10:05 UTC and 11:40 UTC.",
    "longer than a week": "From June 20 10:05 UTC to July 8 11:40 UTC calls failed.",
    "a share": "Errors went from 10% to 20% UTC-wide.",
    "a version": "Errors in 3.5 to 4.0 UTC.",
}


@pytest.mark.parametrize("text", WINDOWS)
def test_the_windows_that_a_sentence_states(text):
    assert read(text) == WINDOWS[text]


@pytest.mark.parametrize("why", NOT_STATED)
def test_nothing_is_made_up(why):
    assert read(NOT_STATED[why], title="Notice") == []


def test_the_title_may_have_the_zone_and_the_times():
    assert read("Calls failed.", title="Errors between 11:58-12:10 PM Pacific time") == ["07-10 18:58 07-10 19:10"]


def test_a_window_of_two_zones_counts_once():
    assert read("Calls failed 11:13 - 11:19 PDT / 18:13 - 18:19 UTC.") == ["07-10 18:13 07-10 18:19"]


def test_standard_time_in_summer_is_the_local_time_of_the_place():
    assert read("From 9:00am to 10:00am PST calls failed.") == read("From 9:00am to 10:00am PDT calls failed.")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("The API was down for approximately 25 minutes.", 25),
        ("The outage lasted 1 hour and 10 minutes.", 70),
        ("There were 7 minutes of downtime.", 7),
        ("Calls failed for half an hour.", 30),
        ("Calls failed for one hour.", 60),
        ("Calls failed for a while.", None),
        ("We will monitor the errors for 30 minutes.", None),
        ("Calls failed for 10 minutes, and logins failed for 20 minutes.", None),
    ],
)
def test_a_length_without_times_is_no_window(text, minutes):
    found = stated_times(posts(text))
    assert found == StatedTimes((), None if minutes is None else timedelta(minutes=minutes))


def test_a_window_makes_a_length_superfluous():
    found = stated_times(posts("For around 5 min from 10:09 to 10:14 UTC calls failed."))
    assert (found.length, found.total) == (None, timedelta(minutes=5))


ZONES = {
    "UTC": "UTC",
    "PT": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "EST": "America/New_York",
    "CET": "Europe/Paris",
}
minutes = st.integers(0, 10 * 24 * 60)


@given(
    start=minutes,
    length=st.integers(1, 300),
    after=st.integers(0, 350),
    clock=st.sampled_from([("UTC", "%H:%M"), *((zone, "%I:%M%p") for zone in sorted(ZONES))]),
    form=st.sampled_from(
        ["Between {a} and {b} {z} calls failed.", "Calls failed from {a} {z} to {b} {z}.", "Errors, {a} - {b} {z}."]
    ),
)
def test_a_window_that_is_written_down_is_read_again(start, length, after, clock, form):
    zone, shape = clock
    begin = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=start)
    end = begin + timedelta(minutes=length)
    local = [at.astimezone(ZoneInfo(ZONES[zone])) for at in (begin, end)]
    a, b = (at.strftime(shape).lower() for at in local)
    found = stated_times(posts(form.format(a=a, b=b, z=zone), posted=end + timedelta(minutes=after)))
    assert found.windows == (TimeWindow(begin, end),)


WORDS = st.sampled_from(
    [
        "between",
        "from",
        "to",
        "and",
        "10:05",
        "11:40am",
        "UTC",
        "PT",
        "July 9",
        "9",
        "errors",
        "for",
        "25 minutes",
        "until",
        "-",
    ]
)


@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_whatever_a_text_says_a_window_ends_after_it_begins_and_both_readers_agree(text):
    found = stated_times(posts(text)).windows
    assert all(timedelta() < w.length <= timedelta(days=7) for w in found)
    assert shown((w.start, w.end) for w in found) == shown(second_reader.windows(posts(text)))
    assert found == () or any(zone in text for zone in ("UTC", "PT"))


def test_the_impact_says_how_bad_a_stated_window_was():
    window = TimeWindow(POSTED - timedelta(hours=2), POSTED - timedelta(hours=1))
    course = IncidentCourse("i", "acme", "T", POSTED, (), surfaces=("api",), stated=StatedTimes((window,)))
    found = {i: stated_claims([replace(course, impact=i)], "api")[0].condition for i in (Impact.NONE, Impact.MAJOR)}
    assert found == {Impact.NONE: Condition.DEGRADED, Impact.MAJOR: Condition.PARTIAL_OUTAGE}
    assert stated_claims([course], "web") == ()
