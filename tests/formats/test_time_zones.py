from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.formats import json_fields, time_zones

NOON = datetime(2026, 3, 2, 12, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("13:02", "CET"),
        ("14:02", "CEST"),
        ("13:02", "BST"),
        ("17:32", "IST"),
        ("21:02", "JST"),
        ("07:02", "EST"),
        ("04:02", "pst"),
        ("23:02", "AEDT"),
        ("12:02", "GMT"),
    ],
)
def test_a_named_zone_says_which_moment_a_clock_shows(written, zone):
    local = datetime.fromisoformat(f"2026-03-02T{written}")
    assert time_zones.to_utc(local, zone) == NOON


@pytest.mark.parametrize(("day", "hour"), [("2026-01-15", 17), ("2026-07-15", 16)])
def test_a_zone_without_s_or_d_follows_the_season(day, hour):
    assert time_zones.to_utc(datetime.fromisoformat(f"{day}T12:00"), "ET").hour == hour


def test_a_name_that_is_not_known_gives_no_time():
    assert time_zones.to_utc(datetime(2026, 3, 2, 12), "XYZT") is None  # noqa: DTZ001


@pytest.mark.parametrize(
    "written", ["2026-03-02 13:02 CET", "2026-03-02T13:02:00 CET", "2026-03-02T12:02:00Z", "2026-03-02T13:02+01:00"]
)
def test_json_may_name_its_zone(written):
    assert json_fields.parse_iso_time(written) == NOON


def test_a_leap_second_is_the_second_before_it():
    assert json_fields.parse_iso_time("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("written", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00 JST", "2026-03-02 13:02 XYZT", "CET"])
def test_what_is_no_plausible_time_is_none(written):
    assert json_fields.parse_iso_time(written) is None


@given(st.text(max_size=40) | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)? ?[A-Za-z]{0,5}", fullmatch=True))
def test_no_text_breaks_the_reading_of_a_time(text):
    time = json_fields.parse_iso_time(text)
    assert time is None or time.tzinfo is UTC
