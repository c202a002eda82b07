"""What a channel sees of an incident, from the vendor's page to Slack, through the real process."""

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture
def subscribed(bot, driver):
    """A channel that follows Acme, with a bot that has looked at the green page."""
    driver.answer("subscribe acme")
    driver.wait_for_looks(1)
    return bot


@pytest.fixture
def alert(subscribed, driver, vendor):
    """The API is down, and the channel knows."""
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    return alert


def shown(driver):
    [alert] = driver.alerts()
    return alert


def broadcast(driver, text):
    """Whether the reply that holds this text was sent to the channel too."""
    [call] = [c for c in driver.calls("chat.postMessage") if text in c["args"]["text"]]
    return call["args"].get("reply_broadcast", False)


def reply(driver, alert, text):
    """The one reply in the alert's thread that holds this text."""
    [found] = driver.wait_for(
        lambda: [m for m in driver.replies(alert["ts"]) if text in m["text"]], what=f"a reply with {text!r}"
    )
    return found


def test_an_incident_is_one_message_that_names_the_surface(alert, driver):
    driver.wait_for_looks(3)
    assert len(driver.alerts()) == 1
    assert "Acme API" in alert["text"]
    assert "Acme Web" not in alert["text"]


def test_an_alert_says_the_verdict(alert):
    assert "hold off" in str(alert["blocks"]).lower()


def test_the_verdict_is_in_the_plain_text_too(alert):
    assert "hold off" in alert["text"].lower()


def test_an_alert_carries_the_vendors_title(alert):
    assert "Errors on the API" in alert["text"]


def test_an_update_is_a_reply_in_the_alerts_thread(alert, driver, vendor):
    vendor.posts("inc1", "identified", "A bad deploy is being rolled back.")
    reply(driver, alert, "A bad deploy is being rolled back.")


def test_an_update_that_changes_nothing_stays_in_the_thread(alert, driver, vendor):
    vendor.posts("inc1", "identified", "A bad deploy is being rolled back.")
    reply(driver, alert, "A bad deploy is being rolled back.")
    assert not broadcast(driver, "A bad deploy is being rolled back.")


def test_an_update_edits_the_alert_in_place(alert, driver, vendor):
    vendor.posts("inc1", "identified", "The website has it too.", web="partial_outage")
    driver.wait_for(lambda: "Acme Web" in shown(driver)["text"], what="the alert to name Acme Web")
    assert shown(driver)["ts"] == alert["ts"]


def test_a_wider_incident_is_broadcast(alert, driver, vendor):
    vendor.posts("inc1", "identified", "The website has it too.", web="partial_outage")
    reply(driver, alert, "The website has it too.")
    assert broadcast(driver, "The website has it too.")


def test_a_resolution_edits_the_alert_in_place(alert, driver, vendor):
    vendor.resolves("inc1", "All fixed.", api="operational")
    driver.wait_for(lambda: "over" in shown(driver)["text"].lower(), what="the alert to say that it is over")
    assert shown(driver)["ts"] == alert["ts"]


def test_a_resolution_is_a_broadcast_reply(alert, driver, vendor):
    vendor.resolves("inc1", "All fixed.", api="operational")
    reply(driver, alert, "All fixed.")
    assert broadcast(driver, "All fixed.")


def test_a_surface_just_resolved_is_not_called_safe(alert, driver, vendor):
    vendor.resolves("inc1", "All fixed.", api="operational")
    reply(driver, alert, "All fixed.")
    assert "retry normally" not in driver.answer("retry acme-api")["text"].lower().replace(
        "not yet safe to retry normally", ""
    )


def test_a_withdrawn_incident_is_not_called_resolved(alert, driver, vendor):
    vendor.withdraws("inc1")
    driver.wait_for(lambda: "withdrawn" in shown(driver)["text"].lower(), what="the alert to say withdrawn")
    assert "resolved" not in shown(driver)["text"].lower()


def test_nothing_in_a_vendors_words_can_ring(subscribed, driver, vendor):
    vendor.opens("inc1", "<!channel> <@U1> *down*", "<!here> & <https://evil.example|status>", api="major_outage")
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    assert "&lt;!channel&gt;" in alert["text"]
    assert "<!channel>" not in str(driver.messages())


def test_an_incident_that_was_open_at_the_first_look_raises_no_alarm(start, driver, vendor):
    vendor.opens("inc0", "An old one", "Still at it.", api="major_outage")
    start()
    driver.answer("subscribe acme")
    driver.wait_for_looks(3)
    assert [a for a in driver.alerts() if "An old one" in a["text"]] == []


def test_another_channel_hears_nothing(alert, driver):
    assert driver.messages("C2") == []


def test_a_channel_that_unsubscribed_hears_nothing(subscribed, driver, vendor):
    driver.answer("unsubscribe acme")
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    driver.wait_for_looks(3)
    assert driver.alerts() == []


def test_a_page_that_turns_to_html_is_blindness_and_not_an_outage(alert, driver):
    driver.show("/api/v2/summary.json", "<h1>Bad gateway</h1>", status=502)
    driver.wait_for(lambda: [m for m in driver.messages() if "blind" in m["text"].lower()], what="word of blindness")
    assert "over" not in shown_alert(driver, alert)["text"].lower()


def shown_alert(driver, alert):
    [now] = [m for m in driver.messages() if m["ts"] == alert["ts"]]
    return now


def test_a_click_finds_no_dead_button(alert):
    """A button that nobody handles is a lie: so far an alert has none."""
    assert [b for b in alert["blocks"] if b["type"] == "actions"] == []
