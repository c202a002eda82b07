"""What people type and what they get back, through the real process."""

import pytest

from tests.e2e.driver import elements

QUESTIONS = [
    "status",
    "status acme",
    "retry acme-api",
    "retry Acme API",
    "retry acme-apo",
    "summary",
    "summary inc1",
    "timeline inc1",
    "list",
    "help",
    "statsu",
    "<!channel>",
    "",
]
VERBS = ["status", "retry", "summary", "timeline", "subscribe", "unsubscribe", "list", "help"]


@pytest.fixture(scope="module")
def answers(worlds):
    """Everything asked once: ada subscribes, Acme's API goes down, bob asks, and ada has heard enough."""
    with worlds() as world:
        world.start()
        driver = world.driver
        said = {"subscribe acme": driver.answer("subscribe acme", user="U1")}
        driver.wait_for_looks(1)
        world.vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
        driver.wait_for(driver.alerts, what="the alert")
        said |= {words: driver.answer(words, user="U2") for words in QUESTIONS}
        said["list elsewhere"] = driver.answer("list", channel="C2")
        said["unsubscribe acme"] = driver.answer("unsubscribe acme", user="U1")
        yield said


@pytest.fixture
def text(answers):
    return {words: answer["text"] for words, answer in answers.items()}


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_question_is_answered_to_the_one_who_asked(answers, words):
    assert (answers[words].get("subtype"), answers[words].get("ephemeral_to")) == ("ephemeral", "U2")


@pytest.mark.parametrize("words", ["subscribe acme", "unsubscribe acme"])
def test_what_changes_the_channel_is_answered_in_the_channel(answers, words):
    assert "ephemeral_to" not in answers[words]


@pytest.mark.parametrize("words", ["subscribe acme", "unsubscribe acme"])
def test_a_change_can_be_undone_by_a_button(answers, words):
    assert "Undo" in [element["text"]["text"] for element in elements(answers[words]) if element["type"] == "button"]


def test_status_says_what_is_down(text):
    assert "Acme API outage" in text["status"]


def test_status_counts_only_what_is_broken(text):
    assert "outage" in text["status"].splitlines()[0]


def test_status_of_a_provider_names_every_surface(text):
    assert "API · outage since" in text["status acme"]
    assert "Web, Login · operational" in text["status acme"]


@pytest.mark.parametrize("words", ["retry acme-api", "retry Acme API"])
def test_retry_says_not_to_while_it_is_down(text, words):
    assert "don't retry" in text[words].lower()


def test_retry_of_an_unknown_surface_names_the_nearest(text):
    assert "acme-api" in text["retry acme-apo"]


@pytest.mark.parametrize("words", ["summary", "summary inc1"])
def test_summary_tells_of_the_incident(text, words):
    assert "Errors on the API" in text[words]
    assert "Affected: API" in text[words]


def test_timeline_quotes_the_vendors_posts(text):
    assert "We are looking into errors." in text["timeline inc1"]


def test_list_shows_what_this_channel_listens_to(text):
    assert "acme" in text["list"]


def test_list_shows_nothing_of_another_channel(text):
    assert "acme" not in text["list elsewhere"]


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_the_verb(text, verb):
    assert verb in text["help"]


def test_an_unknown_word_gets_the_nearest_match(text):
    assert "Did you mean status?" in text["statsu"]


def test_what_was_typed_is_shown_harmless(text):
    assert "<!channel>" not in text["<!channel>"]


def test_the_bare_command_is_an_answer_too(text):
    assert "Acme API" in text[""]
