"""The evidence behind an attribution, in sentences."""

from datetime import UTC, datetime, timedelta

from bot import settings
from bot.core import scope
from bot.core.why import explain
from bot.model import Component, Condition, Impact, Incident, Stage, Transition, Update

CLAUDE = settings.load().provider("claude")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
API = "k8w3r06qmzrp"
OK, P = Condition.OPERATIONAL, Condition.PARTIAL_OUTAGE


def story(*posts, components=()):
    updates = tuple(
        Update(f"u{n}", Stage.INVESTIGATING, body, NOON + timedelta(minutes=20 * n), moves)
        for n, (body, moves) in enumerate(posts)
    )
    listed = tuple(Component(c, c, OK) for c in components)
    return Incident("i", "Trouble", Stage.INVESTIGATING, Impact.MAJOR, NOON, updates, listed)


def told(of, page=None):
    return "\n".join(explain(scope.scope(of, page or {}, CLAUDE, of.updates[-1].display_at), of, CLAUDE))


def moved(old, new):
    return (Transition(API, "Claude API", old, new),)


def test_a_transition_is_told_with_its_time():
    assert (
        "Claude API: hit since 02 Mar 12:00 UTC, because “Claude API” went from operational to partly down "
        "in the investigating post of 12:00 UTC." in told(story(("", moved(OK, P))), {API: P})
    )


def test_words_are_quoted_and_called_inferred():
    said = told(story(("The mobile app crashes.", None)))
    assert (
        "because the vendor says “The mobile app crashes”. This is inferred: no component of the page says so." in said
    )


def test_an_exoneration_says_until_when_it_counts():
    said = told(story(("", moved(OK, P)), ("The API works as intended.", moved(P, OK))), {API: OK})
    assert "taken out again" in said
    assert "That counts until 13:20 UTC, or until the first sign to the contrary." in said


def test_a_bulk_link_is_told_as_one():
    said = told(story(("", None), components=(API,)), {API: OK})
    assert "watched since 02 Mar 12:00 UTC, and not known to be hit, because the incident lists its component" in said


def test_what_follows_from_a_need_says_so():
    assert "because it cannot work without Claude login" in told(story(("Users are unable to log in.", None)))


def test_an_incident_that_points_nowhere_says_that():
    assert told(story(("", None), components=("else",))) == "Nothing in it points to a surface of Claude that we know."


def test_what_it_does_not_speak_of_is_told_last():
    assert told(story(("The mobile app crashes.", None))).splitlines()[-1].startswith("It says nothing of claude.ai")
