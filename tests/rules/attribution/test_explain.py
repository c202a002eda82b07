"""The evidence behind an attribution, in sentences."""

from datetime import UTC, datetime, timedelta

from bot import settings
from bot.domain import Component, ComponentTransition, Condition, Impact, Incident, Stage, Update
from bot.rules.attribution import attribute
from bot.rules.attribution.explain import evidence_by_surface

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


def evidence(of, surface, page=None):
    attributions = attribute.attribute_incident(of, page or {}, CLAUDE, of.updates[-1].display_at)
    return " ".join(evidence_by_surface(attributions, of, CLAUDE).get(surface, ()))


def moved(old, new):
    return (ComponentTransition(API, "Claude API", old, new),)


def test_a_change_of_the_component_has_the_time_of_its_post():
    broken = story(("", moved(OK, P)))
    assert evidence(broken, "claude-api", {API: P}) == "The post of 12:00 UTC set it to partial outage."


def test_of_several_changes_the_last_one_counts():
    cleared = story(("", moved(OK, P)), ("The API works as intended.", moved(P, OK)))
    assert evidence(cleared, "claude-api", {API: OK}).startswith("The post of 12:20 UTC set it to operational.")


def test_a_component_without_a_change_is_what_the_page_shows():
    listed = story(("Errors.", None), components=(API,))
    assert "Its component on the status page shows partial outage." in evidence(listed, "claude-api", {API: P})


def test_words_are_quoted_and_their_missing_component_is_named():
    in_words = evidence(story(("Users see errors on logout.", None)), "claude-login")
    assert in_words.endswith("It has no component on the status page.")


def test_a_quote_names_its_vendor():
    assert "Anthropic wrote “" in evidence(story(("Users are unable to log in.", None)), "claude-login")


def test_a_component_that_is_only_listed_says_so():
    listed = story(("", None), components=(API,))
    assert evidence(listed, "claude-api", {API: OK}) == "The incident lists its component, which stayed operational."


def test_what_follows_from_a_need_names_it():
    assert "It needs Claude login." in evidence(story(("Users are unable to log in.", None)), "claude-code")


def test_an_incident_that_points_nowhere_has_no_evidence():
    assert evidence(story(("", None), components=("else",)), "claude-api") == ""
