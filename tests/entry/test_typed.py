"""What Slack makes of typed words, and what was meant by them."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.entry import typed
from bot.errors import UsageError
from bot.model import Quiet


@pytest.mark.parametrize("word", ["<!subteam^S1|@ops>", "<!subteam^S1>", "<@U1|ada>", "<@W1>"])
def test_a_group_or_a_person_can_be_rung(word):
    assert f"<{typed.mention(word)}>" == word


@pytest.mark.parametrize("word", ["<!channel>", "<!here>", "@ops", "<#C1|ops>", "S1", "<!subteam^S1|@x><!channel>"])
def test_nobody_else_can(word):
    with pytest.raises(UsageError, match="I can't ring"):
        typed.mention(word)


def test_a_ring_can_be_switched_off():
    assert typed.mention("off") == ""


def test_a_mentioned_channel_is_told_from_the_other_words():
    assert typed.channel(("claude", "<#C2|random>", "min:major")) == ("C2", ("claude", "min:major"))


@pytest.mark.parametrize(("word", "minutes"), [("30m", 30), ("2h", 120), ("1d", 1440), ("90MIN", 90)])
def test_a_span_is_a_number_and_a_unit(word, minutes):
    assert typed.span(word) == timedelta(minutes=minutes)


@pytest.mark.parametrize("word", ["claude", "2", "h", "2 h", "-1h", ""])
def test_what_is_no_span_is_none(word):
    assert typed.span(word) is None


@pytest.mark.parametrize("word", ["0m", "31d", "9999d"])
def test_a_span_has_bounds(word):
    with pytest.raises(UsageError, match="out of range"):
        typed.span(word)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22:00-07:00 Europe/Berlin", Quiet(time(22), time(7), "Europe/Berlin")),
        ("22-7", Quiet(time(22), time(7), "UTC")),
        (" 9:30 \u2013 17:00 ", Quiet(time(9, 30), time(17), "UTC")),
        ("", None),
        ("off", None),
    ],
)
def test_quiet_hours_are_written_as_people_write_them(text, hours):
    assert typed.quiet(text) == hours


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("at night", "no time span"),
        ("25:00-26:00", "no time span"),
        ("22-7 Berlin/Mitte", "don't know the time zone"),
        ("22-7 ../../etc/passwd", "don't know the time zone"),
        ("22-22", "begin when they end"),
    ],
)
def test_quiet_hours_that_are_none_say_why(text, why):
    with pytest.raises(UsageError, match=why):
        typed.quiet(text)


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
    assert typed.plain(text) == shown


@given(st.text())
def test_any_text_can_be_read(text):
    assert isinstance(typed.plain(text), str)
