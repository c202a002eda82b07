"""The demo's story: a comment for each turn, and an end card whose every number is of the run."""

from datetime import UTC, datetime, timedelta

import pytest

from bot import settings
from bot.cli.demo_story import DayStory
from bot.domain import Component, Condition
from bot.domain.reliability import VerdictAccuracy
from bot.evaluation.replay import replay
from bot.formats import recordings
from tests.support.banned_words import banned_words

END = datetime(2026, 3, 2, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def day():
    """The story after the demo's day, and its comments by their clock time."""
    found = settings.load()
    provider, comments = found.provider("claude"), {}
    story = DayStory(provider)
    with (settings.config_dir() / "demo" / "2026-03-02.json").open("rb") as file:
        for change in replay(recordings.read_recording(file), provider, found.rules_for(provider)):
            if change.at < END:
                said = story.observe(change.at, change.events, change.state.components)
                comments |= {f"{change.at:%H:%M}": text for text in said}
    return story, comments


def test_each_turn_of_the_day_has_one_comment(day):
    assert list(day[1].values()) == [
        "Login is down, the API is not: API retries may start at 10% load.",
        "The vendor corrects itself: API broken. Brownout had stopped retries 16 min earlier.",
        "Vendor says resolved. Brownout waits for stable checks.",
        "It breaks again.",
    ]


def test_the_card_tells_the_day_in_numbers(day):
    lines = day[0].card_lines(3, 7, VerdictAccuracy(4, 0, timedelta(hours=1)))
    assert lines == [
        f"3 alerts and 7 channel updates instead of {day[0].posts + day[0].component_changes} status-page changes",
        "Named login as down, although the page has no login component",
        "API retries allowed 12:21 to 13:21, stopped 16 min before it broke again",
        "4 re-openings of a service: 4 stayed open",
    ]


def test_the_card_says_what_became_of_each_re_opening(day):
    assert day[0].card_lines(0, 0, VerdictAccuracy(9, 4, timedelta(hours=1), recent=1))[-1] == (
        "9 re-openings of a service: 4 stayed open, 4 broke again within 1 h, 1 too new to tell"
    )


def test_a_day_without_events_has_an_empty_card():
    assert DayStory(settings.load().provider("claude")).card_lines(0, 0, VerdictAccuracy()) == []


def test_a_component_that_changes_is_counted_once():
    story = DayStory(settings.load().provider("claude"))
    for condition in (Condition.OPERATIONAL, Condition.DEGRADED, Condition.DEGRADED):
        story.observe(END, (), [Component("c", "C", condition)])
    assert story.component_changes == 1


def test_the_story_has_standard_words_only(day):
    card = day[0].card_lines(3, 7, VerdictAccuracy(4, 0))
    assert banned_words("\n".join((*day[1].values(), *card))) == []
