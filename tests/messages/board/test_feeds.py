"""Feeds, calendars and badges, read by libraries that know their formats."""

import json
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.board import feeds
from bot.messages.board.feeds import CalendarEntry, FeedEntry
from bot.messages.words import Status

AT = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> & \x00\x1b[31m \ud800 ]]> \u2028 'quotes\""
TEXTS = st.text(max_size=60)


def entry(title="Errors on the API", text="We see errors.", identity="i-1"):
    return FeedEntry(identity, "Acme", title, "investigating", text, AT, AT + timedelta(minutes=5))


def atom(*entries):
    return feeds.atom_feed("Incidents", entries, "http://board", "/feeds/all.atom")


def test_an_atom_feed_is_read_by_a_feed_reader():
    [read] = feedparser.parse(atom(entry())).entries
    assert (read.title, read.link, read.summary, read.updated) == (
        "Acme: Errors on the API (investigating)",
        "http://board/incidents/i-1",
        "We see errors.",
        "2026-03-02T11:05:00Z",
    )


def test_a_feed_without_incidents_is_a_feed():
    read = feedparser.parse(atom())
    assert (read.bozo, read.feed.title, read.entries) == (False, "Incidents", [])


@pytest.mark.hostile(49)
@given(TEXTS, TEXTS, st.text(min_size=1, max_size=20))
def test_whatever_a_vendor_writes_is_text_in_the_feed(title, text, identity):
    root = ElementTree.fromstring(atom(entry(title, text, identity)))
    assert len(root.findall(f"{{{feeds.ATOM}}}entry")) == 1


@pytest.mark.hostile(49)
def test_markup_in_a_title_is_no_markup():
    assert "<script>" not in atom(entry(HOSTILE, HOSTILE))


def test_a_json_feed_says_the_same():
    [item] = json.loads(feeds.json_feed("Incidents", [entry()], "http://board", "/feeds/all.json"))["items"]
    assert (item["title"], item["url"], item["date_modified"]) == (
        "Acme: Errors on the API (investigating)",
        "http://board/incidents/i-1",
        "2026-03-02T11:05:00Z",
    )


def test_a_maintenance_is_an_entry_of_the_calendar():
    text = feeds.calendar([CalendarEntry("m-1", "Acme", "Upgrade, part 2", AT, AT + timedelta(hours=2), AT)])
    lines = text.split("\r\n")
    assert {"DTSTART:20260302T110000Z", r"SUMMARY:Acme: Upgrade\, part 2"} <= set(lines)


@given(TEXTS)
def test_no_line_of_a_calendar_is_too_long(title):
    text = feeds.calendar([CalendarEntry("m-1", "Acme", title, AT, AT, AT)])
    assert all(len(line.encode("utf-8", "replace")) <= 75 for line in text.split("\r\n"))


@pytest.mark.parametrize("status", list(Status))
def test_a_badge_says_name_and_status_in_words(status):
    root = ElementTree.fromstring(feeds.badge("Acme API", status))
    assert root.attrib["aria-label"] == f"Acme API: {status}"


@pytest.mark.hostile(49)
def test_a_name_with_markup_stays_a_name_in_a_badge():
    assert (
        ElementTree.fromstring(feeds.badge(HOSTILE, Status.OUTAGE)).find("{http://www.w3.org/2000/svg}script") is None
    )


@pytest.mark.parametrize("status", list(Status))
def test_the_favicon_has_a_colour_for_each_status(status):
    assert ElementTree.fromstring(feeds.icon(status)).tag == "{http://www.w3.org/2000/svg}svg"
