"""Lengths of time as people write them."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import durations
from bot.durations import DurationError, Limits
from bot.messages import formatting

ANY = Limits(timedelta(0), timedelta.max, "0s to 999999999d", "30m, 2h or 3d")
SECONDS = Limits(timedelta(0), timedelta.max, "0s to 999999999d", "90s, 30m or 2h", bare="s")
MINUTES = Limits(timedelta(minutes=1), timedelta(days=30), "1m to 30d", "30m, 2h or 3d")
PAST = Limits(timedelta(hours=1), timedelta(days=3660), "1h to 10y", "30d, 3mo or 1y", takes_m=False)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNITS = {"s": HOUR / 3600, "m": HOUR / 60, "min": HOUR / 60, "h": HOUR, "d": DAY, "w": 7 * DAY, "mo": 30 * DAY}
UNITS |= {"y": 365 * DAY, "seconds": HOUR / 3600, "hour": HOUR, "weeks": 7 * DAY, "months": 30 * DAY}


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("30min", timedelta(minutes=30)),
        ("2h", 2 * HOUR),
        ("3d", 3 * DAY),
        ("2w", 14 * DAY),
        ("3mo", 90 * DAY),
        ("1y", 365 * DAY),
        ("1h30m", 1.5 * HOUR),
        ("1h 30m", 1.5 * HOUR),
        ("1.5h", 1.5 * HOUR),
        ("1w2d3h4m5s", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)),
        ("1y2mo", 425 * DAY),
        ("30m1h", 1.5 * HOUR),
        (" 2 H ", 2 * HOUR),
        ("90MIN", 1.5 * HOUR),
        ("1Y", 365 * DAY),
        ("1 Hour 30 Minutes", 1.5 * HOUR),
        ("45 sec", timedelta(seconds=45)),
        ("1 day", DAY),
        ("2 weeks", 14 * DAY),
        ("6 months", 180 * DAY),
        ("2 years", 730 * DAY),
        ("0s", timedelta(0)),
    ],
)
def test_a_length_is_numbers_with_units(text, length):
    assert durations.parse(text, ANY) == length


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "1x",
        "30 parsecs",
        "-5m",
        "+5m",
        "1h30",
        "5mm",
        "m",
        "h2",
        "1e9",
        "1,5h",
        "1:30",
        "2",
        "2h!",
        "1_0h",
    ],
)
def test_other_text_is_no_length(text):
    with pytest.raises(DurationError, match="is not a duration"):
        durations.parse(text, ANY)


def test_the_error_shows_the_right_form():
    with pytest.raises(DurationError, match=r"^“1x” is not a duration\. Examples: 30m, 2h or 3d\.$"):
        durations.parse("1x", ANY)


def test_the_error_repeats_no_more_than_a_line():
    with pytest.raises(DurationError) as refused:
        durations.parse("x" * 5000, ANY)
    assert len(str(refused.value)) < 150


def test_a_number_without_a_unit_is_taken_where_the_command_has_one():
    assert durations.parse(" 45 ", SECONDS) == timedelta(seconds=45)


@pytest.mark.parametrize("text", ["0h", "0m", "59s", "31d", "9999d", "99999999w", "9" * 5000 + "d", "9" * 5000 + "y"])
def test_a_length_beyond_the_limits_is_refused_with_the_limits(text):
    with pytest.raises(DurationError, match=r"out of range \(1m to 30d\)\. Write 30m, 2h or 3d\.$"):
        durations.parse(text, MINUTES)


@pytest.mark.parametrize(
    ("text", "length"), [("1m", timedelta(minutes=1)), ("60s", timedelta(minutes=1)), ("30d", 30 * DAY)]
)
def test_the_limits_themselves_are_taken(text, length):
    assert durations.parse(text, MINUTES) == length


@pytest.mark.parametrize(("text", "months"), [("12m", "12mo"), ("3M", "3mo"), ("1y 6m", "6mo"), ("90m", "90mo")])
def test_where_m_once_meant_months_it_is_refused_with_the_unit_of_months(text, months):
    with pytest.raises(DurationError, match=f"is in minutes; for months write {months}. Write 30d, 3mo or 1y.$"):
        durations.parse(text, PAST)


@pytest.mark.parametrize("text", ["90min", "90 minutes", "1h30m", "1h 30 m"])
def test_what_can_only_be_minutes_is_taken_as_minutes_there_too(text):
    assert durations.parse(text, PAST) == 1.5 * HOUR


# --- among other words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "rest", "length"),
    [
        ("acme", "acme", None),
        ("acme 2h", "acme", 2 * HOUR),
        ("2h acme", "acme", 2 * HOUR),
        ("acme 2h api", "acme api", 2 * HOUR),
        ("acme 1h 30m", "acme", 1.5 * HOUR),
        ("acme 1h30m", "acme", 1.5 * HOUR),
        ("acme 2 hours", "acme", 2 * HOUR),
        ("acme 1 hour 30 minutes", "acme", 1.5 * HOUR),
        ("acme 2 hours api", "acme api", 2 * HOUR),
        ("acme 30d 90d", "acme", 90 * DAY),
        ("acme 1h api 30m", "acme api", HOUR / 2),
        ("acme s3 2", "acme s3 2", None),
        ("acme 3 2h", "acme 3", 2 * HOUR),
        ("acme 1x", "acme 1x", None),
        ("hours", "hours", None),
        ("", "", None),
    ],
)
def test_a_length_is_found_among_words(typed, rest, length):
    assert durations.split(typed.split(), ANY) == (tuple(rest.split()), length)


@pytest.mark.parametrize(
    ("typed", "rest", "length"),
    [
        ("acme 2h", "acme", 2 * HOUR),
        ("acme 1h 30m", "acme", 1.5 * HOUR),
        ("3d acme", "3d acme", None),
        ("3d acme 2 days", "3d acme", 2 * DAY),
        ("2h", "", 2 * HOUR),
    ],
)
def test_a_length_can_be_asked_for_at_the_end_alone(typed, rest, length):
    assert durations.split(typed.split(), ANY, at_end=True) == (tuple(rest.split()), length)


def test_a_length_among_words_has_limits_too():
    with pytest.raises(DurationError, match="“31 days” is out of range"):
        durations.split(("acme", "31", "days"), MINUTES)


@pytest.mark.parametrize("word", ["1x", "-1h", "\u22121h", "30", "1h30", "5mm", "100ms", "1,5h", "1d2q"])
def test_a_word_that_looks_like_a_length_is_refused_as_one(word):
    with pytest.raises(DurationError, match=f"“{word}” is not a duration"):
        durations.refuse_mistyped(("acme", word), MINUTES)


@pytest.mark.parametrize("word", ["acme", "2h", "s3", "1password", "auth0", "v1.2", "a-1h", "", "1h!", "-"])
def test_other_words_are_no_mistyped_lengths(word):
    assert durations.refuse_mistyped(("acme", word), MINUTES) is None


# --- any text ---------------------------------------------------------------------------------------------------------

PARTS = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(sorted(UNITS))), min_size=1, max_size=6)


@given(PARTS, st.sampled_from(["", " "]), st.sampled_from(["", " "]), st.booleans())
def test_what_is_written_as_numbers_with_units_is_their_sum(parts, inside, between, is_loud):
    text = between.join(f"{number}{inside}{unit}" for number, unit in parts)
    length = sum((number * UNITS[unit] for number, unit in parts), timedelta(0))
    assert durations.parse(text.upper() if is_loud else text, ANY) == length


@given(st.integers(0, 10**9))
def test_a_length_as_we_show_it_is_read_as_what_was_shown(seconds):
    shown = formatting.format_duration(seconds)
    assert formatting.format_duration(durations.parse(shown, ANY).total_seconds()) == shown


@given(st.integers(2, 10_000_000))
def test_whole_minutes_below_a_day_survive_being_shown(minutes):
    length = timedelta(minutes=minutes % 1440)
    assert durations.parse(formatting.format_duration(length.total_seconds()), ANY) == length


@given(st.text() | st.text("0123456789.,-smhdwoy ") | st.from_regex(r"\A\d+[a-z]+\Z"))
def test_any_text_is_a_length_within_the_limits_or_a_clear_error(text):
    with suppress(DurationError):
        assert MINUTES.least <= durations.parse(text, MINUTES) <= MINUTES.most


@given(st.lists(st.text() | st.text("0123456789smhdw", max_size=4)), st.booleans())
def test_any_words_are_split_or_refused(typed, at_end):
    with suppress(DurationError):
        rest, length = durations.split(typed, ANY, at_end=at_end)
        assert (len(rest) == len(typed)) == (length is None)


@pytest.mark.parametrize("text", ["1" * 100_000, "1h" * 100_000 + "!", "1 " * 100_000, "1.1" * 100_000])
def test_a_long_text_is_refused_at_once(text):
    with pytest.raises(DurationError):
        durations.parse(text, MINUTES)


@pytest.mark.parametrize("word", ["1" * 100_000 + "!", "1ab" * 100_000 + "!", "1" + "a" * 100_000])
def test_a_long_word_is_looked_at_once(word):
    assert durations.refuse_mistyped((word,), MINUTES) is None
