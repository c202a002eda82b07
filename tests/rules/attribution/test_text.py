"""What the words of a title or an update name. All texts are ours, in the manner of the vendors'."""

import pytest

from bot import settings
from bot.rules.attribution.phrases import Assertion
from bot.rules.attribution.text import MAX_TEXT_LENGTH, read_text

CATALOGUE = {p.id: p for p in settings.load().providers}


def hit(text, provider="claude"):
    return {w.surface for w in read_text(text, CATALOGUE[provider]).affected_mentions()}


def implied(text, provider="claude"):
    return {w.surface for w in read_text(text, CATALOGUE[provider]).affected_mentions(implied=True)}


def saying(text, say, provider="claude"):
    return {w.surface for w in read_text(text, CATALOGUE[provider]).mentions if w.assertion is say}


@pytest.mark.parametrize(
    ("text", "surfaces"),
    [
        ("Errors on claude.ai, the console and Claude Code", {"claude-web", "claude-console", "claude-code"}),
        ("claude.ai down & API slow", {"claude-web", "claude-api"}),
        ("Problems with Claude and the Console", {"claude-web", "claude-console"}),
        ("Claude.code is slow", {"claude-code"}),
        ("The API console does not load", {"claude-console"}),
        ("Claude API latency", {"claude-api"}),
        ("The claude.ai API is slow", {"claude-web"}),
        ("Sign-ins with SSO fail on the iOS app", {"claude-login", "claude-mobile"}),
        ("The Windows app crashes", {"claude-desktop"}),
        ("Errors in api.example.com", set()),
    ],
)
def test_names_what_stands_in_the_text(text, surfaces):
    assert hit(text) == surfaces


def test_the_longest_name_wins():
    assert "claude-web" not in hit("Claude Code is down")


@pytest.mark.parametrize(
    "text",
    [
        "The API is not affected.",
        "The API remains available.",
        "The Claude API is working as intended.",
        "There is no impact on the API.",
        "API requests continue to be processed normally.",
        "This incident does not currently impact the API.",
        "The API and the console are operating normally.",
        "The console is down, but the API is up.",
        "Trouble on claude.ai. The API is not.",
        "The login is failing, and not the API.",
        "claude.ai is unavailable; the API should still work.",
    ],
)
def test_spares_what_it_calls_unaffected(text):
    assert "claude-api" in saying(text, Assertion.SPARED)
    assert "claude-api" not in hit(text)


@pytest.mark.parametrize(
    "text",
    [
        "We are working on the API.",
        "We are working with our upstream to restore the API.",
        "Some API methods are not working.",
        "The API is not fully operational.",
        "API requests are failing to complete.",
        "The API is unable to respond.",
        "The API should recover soon.",
        "We see the first signs of recovery on the API.",
        "The API is not available.",
    ],
)
def test_working_on_is_no_exoneration_and_neither_is_hope(text):
    assert "claude-api" in hit(text)


@pytest.mark.parametrize(
    "text",
    [
        "The API has recovered.",
        "The API is back to normal.",
        "The issues on the API have been resolved.",
        "The API is working again.",
        "We are no longer seeing errors on the API.",
    ],
)
def test_tells_a_repair_from_an_exoneration(text):
    assert saying(text, Assertion.RECOVERED) == {"claude-api"}


def test_one_clause_is_broken_and_the_other_is_not():
    text = "The API has recovered and claude.ai is still down."
    assert (saying(text, Assertion.RECOVERED), saying(text, Assertion.BROKEN)) == ({"claude-api"}, {"claude-web"})


def test_everything_but_one_is_not_that_one():
    assert implied("All services except the API are down") == {s.id for s in CATALOGUE["claude"].surfaces} - {
        "claude-api"
    }


@pytest.mark.parametrize(
    "text", ["This only affects claude.ai.", "The trouble is limited to claude.ai.", "Only claude.ai is affected."]
)
def test_only_is_heard(text):
    assert read_text(text, CATALOGUE["claude"]).only


def test_not_limited_to_is_no_only():
    assert not read_text("This is not limited to claude.ai.", CATALOGUE["claude"]).only


def test_all_others_are_spared():
    assert read_text("claude.ai is down. All other services are unaffected.", CATALOGUE["claude"]).others_spared


def test_the_login_for_a_product_is_the_login():
    words = read_text("Login for Claude Code is failing", CATALOGUE["claude"]).mentions
    assert {(w.surface, w.behind) for w in words} == {("claude-login", False), ("claude-code", True)}


def test_a_product_that_fails_on_its_login_is_named_beside_it():
    words = read_text("Claude Code errors on login", CATALOGUE["claude"]).mentions
    assert {(w.surface, w.behind) for w in words} == {("claude-code", False), ("claude-login", False)}


def test_a_model_of_several_surfaces_beside_a_name_only_points_to_them():
    assert hit("claude.ai and Claude Opus 4 are failing") == {"claude-web"}


def test_logins_of_a_product_are_the_login():
    words = read_text("Elevated errors for ChatGPT logins", CATALOGUE["openai"]).mentions
    assert {(w.surface, w.behind) for w in words} == {("openai-login", False), ("chatgpt-web", True)}


@pytest.mark.parametrize("text", ["API authentication errors", "The API is slow due to authentication latencies"])
def test_a_key_is_no_login(text):
    assert hit(text) == {"claude-api"}


@pytest.mark.parametrize(
    "text", ["Only logged in users see the banner.", "Please log in again.", "Users should log out and sign in again."]
)
def test_advice_to_log_in_is_no_trouble_with_the_login(text):
    assert hit(text) == set()


def test_users_who_cannot_log_in_are():
    assert hit("Users are unable to log in") == {"claude-login"}


def test_a_cause_is_not_what_is_hit():
    assert hit("claude.ai is down due to a change in the console") == {"claude-web"}


def test_a_model_alone_means_every_surface_that_serves_it():
    assert {"claude-web", "claude-api", "claude-code"} <= implied("Errors on Claude Opus 4.6")


def test_a_model_beside_a_name_means_no_more_than_the_name():
    assert (hit("Errors on Opus 4.6 in the API"), implied("Errors on Opus 4.6 in the API")) == ({"claude-api"}, set())


def test_a_model_that_one_surface_serves_counts_beside_another():
    assert hit("Errors on gpt-4 and ChatGPT", "openai") == {"chatgpt-web", "openai-api"}


def test_models_and_places_are_facets():
    text = "Errors on Claude Opus 4.6 in us-east-1 and on Bedrock"
    assert read_text(text, CATALOGUE["claude"]).facets == ("Claude Opus 4.6", "us-east-1", "Bedrock")


def test_a_feature_means_its_surface_where_nothing_is_named():
    assert implied("Conversation history does not load", "openai") == {"chatgpt-web"}


def test_common_words_are_names_only_where_they_are_written_as_names():
    assert hit("We investigate issues with Actions and Pull Requests", "github") == {"github-actions", "github-pulls"}


def test_issues_is_a_product_in_a_list_of_products():
    assert "github-issues" in hit("Degraded performance for Issues, Pages and Actions", "github")


def test_tags_and_addresses_name_nothing():
    assert hit('All is slow.<br /><a href="https://github.com/actions">more</a>', "github") <= {"github-web"}


@pytest.mark.parametrize(
    "text",
    ["Errors remain elevated for a few", "Service is gradually coming back", "Some users may still see errors"],
)
def test_residual_errors_are_heard(text):
    assert read_text(text, CATALOGUE["claude"]).residual


@pytest.mark.parametrize("text", ["We are still monitoring.", "A fix is in place and we watch the results.", ""])
def test_watching_on_is_not_residual(text):
    assert not read_text(text, CATALOGUE["claude"]).residual


@pytest.mark.parametrize(
    "text", ["API " * 50_000, "API" + " " * 200_000 + "console", "<a" * 50_000, "'s not only " * 20_000]
)
def test_a_hostile_text_is_read_in_time(text):
    assert len(read_text(text, CATALOGUE["claude"]).mentions) <= len(CATALOGUE["claude"].surfaces) * 5


def test_what_stands_after_the_longest_text_is_not_read():
    assert hit("." * MAX_TEXT_LENGTH + " The API is down") == set()
