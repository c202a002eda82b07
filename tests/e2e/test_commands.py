"""What people type and what they get back, through the real process."""

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _running(bot):
    pass


@pytest.fixture
def outage(driver, vendor):
    """The channel follows Acme, and its API is down."""
    driver.answer("subscribe acme")
    driver.wait_for_looks(1)
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    driver.wait_for(driver.alerts, what="the alert")


def is_private(message, user="U1"):
    return message.get("subtype") == "ephemeral" and message["ephemeral_to"] == user


def test_subscribe_answers_in_the_channel(driver):
    assert not is_private(driver.answer("subscribe acme"))


def test_subscribe_says_how_to_undo_it(driver):
    assert "/brownout unsubscribe acme" in driver.answer("subscribe acme")["text"]


def test_unsubscribe_says_how_to_undo_it(driver):
    driver.answer("subscribe acme")
    answer = driver.answer("unsubscribe acme")
    assert not is_private(answer)
    assert "/brownout subscribe acme" in answer["text"]


@pytest.mark.parametrize(
    "words", ["status", "retry acme-api", "summary", "timeline inc1", "list", "help", "statsu", ""]
)
def test_a_question_is_answered_to_the_one_who_asked(outage, driver, words):
    assert is_private(driver.answer(words, user="U2"), user="U2")


def test_status_names_every_surface_when_all_is_well(driver):
    text = driver.answer("status acme")["text"]
    assert "Acme API" in text
    assert "Acme Web" in text


def test_status_says_what_is_down(outage, driver):
    text = driver.answer("status")["text"]
    assert "Acme API" in text
    assert "down" in text


def test_retry_says_hold_off_while_it_is_down(outage, driver):
    assert "hold off" in driver.answer("retry acme-api")["text"].lower()


def test_retry_knows_a_surface_by_its_name(outage, driver):
    assert "hold off" in driver.answer("retry Acme API")["text"].lower()


def test_retry_of_an_unknown_surface_names_the_nearest(driver):
    assert "acme-api" in driver.answer("retry acme-apo")["text"]


def test_summary_tells_of_the_incident(outage, driver):
    text = driver.answer("summary")["text"]
    assert "Errors on the API" in text
    assert "Acme API" in text


def test_timeline_quotes_the_vendors_posts(outage, driver):
    assert "We are looking into errors." in driver.answer("timeline inc1")["text"]


def test_list_shows_the_subscriptions_of_this_channel_only(outage, driver):
    assert "acme" in driver.answer("list")["text"].lower()
    assert "subscribe acme" not in driver.answer("list", channel="C2")["text"]


def test_help_names_every_verb(driver):
    text = driver.answer("help")["text"]
    verbs = ["status", "retry", "summary", "timeline", "subscribe", "unsubscribe", "list", "help"]
    assert [verb for verb in verbs if verb not in text] == []


def test_an_unknown_word_gets_the_nearest_match(driver):
    assert "subscribe" in driver.answer("subscrbe acme")["text"]


def test_what_was_typed_is_shown_harmless(driver):
    assert "<!channel>" not in driver.answer("<!channel>")["text"]


def test_a_subscription_outlives_a_restart(bot, start, driver, vendor):
    driver.answer("subscribe acme")
    bot.terminate()
    start()
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    driver.wait_for(driver.alerts, what="the alert")
