"""When a digest is due: in the channel's own time, once a day or a week, whatever clocks do."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import DigestSchedule
from bot.rules.alerting import digest_schedule

BERLIN = "Europe/Berlin"
NINE = DigestSchedule(time(9), BERLIN)


def utc(*when):
    return datetime(*when, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (utc(2026, 3, 2, 8, 0), utc(2026, 3, 2, 8, 0)),
        (utc(2026, 3, 2, 7, 59), utc(2026, 3, 1, 8, 0)),
        (utc(2026, 7, 2, 7, 0), utc(2026, 7, 2, 7, 0)),
    ],
)
def test_a_daily_digest_is_due_at_its_hour_where_the_channel_is(now, last):
    assert digest_schedule.last_due(NINE, now) == last


def test_a_weekly_digest_is_due_on_its_day():
    monday = DigestSchedule(time(9), BERLIN, weekday=0)
    assert digest_schedule.last_due(monday, utc(2026, 3, 8, 12)) == utc(2026, 3, 2, 8)
    assert digest_schedule.digest_window(monday, utc(2026, 3, 9, 8)).start == utc(2026, 3, 2, 8)


def test_far_from_greenwich_the_day_is_the_channels():
    assert digest_schedule.last_due(DigestSchedule(time(9), "Pacific/Auckland"), utc(2026, 3, 1, 21)) == utc(
        2026, 3, 1, 20
    )


def test_the_hour_that_is_skipped_is_an_hour_later_by_the_clocks():
    assert digest_schedule.last_due(DigestSchedule(time(2, 30), BERLIN), utc(2026, 3, 29, 12)) == utc(
        2026, 3, 29, 1, 30
    )


def test_the_hour_that_comes_twice_counts_once():
    back = DigestSchedule(time(2, 30), BERLIN)
    first = utc(2026, 10, 25, 0, 30)
    assert [digest_schedule.last_due(back, first + timedelta(hours=h)) for h in (0, 1, 5)] == [first] * 3


@pytest.mark.parametrize(("day", "hours"), [(utc(2026, 3, 29, 7), 23), (utc(2026, 10, 25, 8), 25)])
def test_the_day_on_which_clocks_change_is_told_whole(day, hours):
    assert digest_schedule.digest_window(NINE, day).length == timedelta(hours=hours)


@pytest.mark.parametrize(("weekday", "in_time", "late"), [(None, 6, 7), (0, 36, 37)])
def test_what_was_missed_is_told_for_some_hours(weekday, in_time, late):
    wanted, at = DigestSchedule(time(9), weekday=weekday), utc(2026, 3, 2, 9)
    assert not digest_schedule.is_late(wanted, at, at + timedelta(hours=in_time))
    assert digest_schedule.is_late(wanted, at, at + timedelta(hours=late))


digests = st.builds(
    DigestSchedule,
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.sampled_from([BERLIN, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]),
    st.one_of(st.none(), st.integers(0, 6)),
)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(digests, moments)
def test_a_due_time_is_never_ahead_and_never_older_than_its_rhythm(wanted, now):
    most = timedelta(days=1 if wanted.weekday is None else 7, hours=2)
    assert timedelta() <= now - digest_schedule.last_due(wanted, now) < most


@given(digests, moments)
def test_periods_follow_each_other_without_a_gap(wanted, now):
    at = digest_schedule.last_due(wanted, now)
    before = digest_schedule.digest_window(wanted, at)
    assert before.end == at
    assert digest_schedule.last_due(wanted, before.start) == before.start < at


@given(digests, moments)
def test_each_day_has_one(wanted, now):
    at = digest_schedule.last_due(wanted, now)
    day = at.astimezone(ZoneInfo(wanted.zone)).date()
    assert digest_schedule.digest_window(wanted, at).start.astimezone(ZoneInfo(wanted.zone)).date() < day
