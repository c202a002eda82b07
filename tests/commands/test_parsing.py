"""What Slack makes of typed words, and what was meant by them."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import parsing
from bot.domain import QuietHours
from bot.durations import Limits
from bot.errors import UsageError


@pytest.mark.parametrize("word", ["<!subteam^S1|@ops>", "<!subteam^S1>", "<@U1|ada>", "<@W1>"])
def test_a_group_or_a_person_can_be_rung(word):
    assert f"<{parsing.parse_mention(word)}>" == word


@pytest.mark.parametrize("word", ["<!channel>", "<!here>", "@ops", "<#C1|ops>", "S1", "<!subteam^S1|@x><!channel>"])
def test_nobody_else_can(word):
    with pytest.raises(UsageError, match="Can't mention"):
        parsing.parse_mention(word)


def test_a_ring_can_be_switched_off():
    assert parsing.parse_mention("off") == ""


def test_a_mentioned_channel_is_told_from_the_other_words():
    assert parsing.split_off_channel(("claude", "<#C2|random>", "min:major")) == ("C2", ("claude", "min:major"))


MUTES = Limits(timedelta(minutes=1), timedelta(days=30), "1m to 30d", "30m, 2h or 3d")
NO_SUCH = UsageError("There is no surface")
SEVERAL = UsageError("Which one?", choices=("a", "b"))


def test_a_length_of_time_is_told_from_the_other_words():
    assert parsing.split_off_duration(("acme", "1h", "30m"), MUTES) == (("acme",), timedelta(minutes=90))


def test_a_length_beyond_the_limits_is_answered_with_them():
    with pytest.raises(UsageError, match="1m to 30d"):
        parsing.split_off_duration(("acme", "31d"), MUTES)


def refusing(error):
    def find(_):
        raise error

    return find


def test_a_name_that_looks_like_a_length_is_a_name():
    assert parsing.find_by_words(str.upper, ("8x8", "30"), MUTES) == "8X8 30"


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (("acme", "1x"), NO_SUCH, "“1x” is not a duration"),
        (("acme", "api"), NO_SUCH, "There is no surface"),
        (("acme", "1x"), SEVERAL, "Which one"),
    ],
)
def test_a_name_that_is_not_found_may_be_a_mistyped_length(words, error, says):
    with pytest.raises(UsageError, match=says):
        parsing.find_by_words(refusing(error), words, MUTES)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22:00-07:00 Europe/Berlin", QuietHours(time(22), time(7), "Europe/Berlin")),
        ("22-7", QuietHours(time(22), time(7), "UTC")),
        (" 9:30 \u2013 17:00 ", QuietHours(time(9, 30), time(17), "UTC")),
        ("", None),
        ("off", None),
    ],
)
def test_quiet_hours_are_written_as_people_write_them(text, hours):
    assert parsing.parse_quiet_hours(text) == hours


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("at night", "Use HH:MM-HH:MM"),
        ("25:00-26:00", "Use HH:MM-HH:MM"),
        ("22-7 Berlin/Mitte", "Unknown time zone"),
        ("22-7 ../../etc/passwd", "Unknown time zone"),
        ("22-22", "Start and end are the same"),
    ],
)
def test_quiet_hours_that_are_none_say_why(text, why):
    with pytest.raises(UsageError, match=why):
        parsing.parse_quiet_hours(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ask <@U2|bob> in <#C1|ops>", "ask @bob in #ops"),
        ("see <https://x.example/a|the page>", "see the page"),
        ("<https://x.example>", "https://x.example"),
        ("a &lt; b &amp; c", "a < b & c"),
        ("<!here>", "@here"),
        ("<!subteam^S1|@ops>", "@ops"),
    ],
)
def test_text_is_what_its_author_saw(text, shown):
    assert parsing.plain_text(text) == shown


@given(st.text())
def test_any_text_can_be_read(text):
    assert isinstance(parsing.plain_text(text), str)
