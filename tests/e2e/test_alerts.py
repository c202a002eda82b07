"""What a channel sees of an incident, from the vendor's page to Slack, through the real process."""

from dataclasses import dataclass

import pytest

from bot.commands.buttons import CLICK_HANDLERS
from tests.e2e.driver import elements, shown

TITLE = "Errors on the API"
LOOKING = "We are looking into errors."
DEPLOY = "A bad deploy is being rolled back."
WIDER = "The website has it too."
FIXED = "All fixed."


@dataclass
class Story:
    """An incident as its channel saw it: the alert after each step, and at last the thread and the calls."""

    opened: dict
    identified: dict
    wider: dict
    resolved: dict
    alerts: list
    thread: list
    replies: list
    elsewhere: list
    retry: str

    def reply(self, words):
        """The one reply that quotes these words, as it was sent."""
        [call] = [call for call in self.replies if words in shown(call)]
        return call


@pytest.fixture(scope="module")
def story(worlds):
    """The API is down; then the vendor knows why; then it is wider; then it is over."""
    with worlds() as world:
        world.start_subscribed()
        driver, vendor = world.driver, world.vendor
        vendor.opens("inc1", TITLE, LOOKING, api="major_outage")
        [opened] = driver.wait_for(driver.alerts, what="the alert")
        driver.wait_for_looks(2)
        vendor.posts("inc1", "identified", DEPLOY)
        identified = after(driver, DEPLOY)
        vendor.posts("inc1", "identified", WIDER, web="partial_outage")
        wider = after(driver, WIDER)
        vendor.resolves("inc1", FIXED, api="operational", web="operational")
        resolved = after(driver, FIXED)
        retry = driver.answer("retry acme-api")["text"]
        replies = [call["args"] for call in driver.calls("chat.postMessage") if "thread_ts" in call["args"]]
        thread = driver.replies(opened["ts"])
        yield Story(opened, identified, wider, resolved, driver.alerts(), thread, replies, driver.messages("C2"), retry)


def after(driver, words):
    """The alert once these words are in its thread and one more poll has passed."""
    driver.wait_for(lambda: [m for m in driver.messages() if words in shown(m)], what=f"a reply with {words!r}")
    driver.wait_for_looks(2)
    return driver.alerts()[0]


def test_an_incident_is_one_message_over_its_whole_life(story):
    assert [alert["ts"] for alert in story.alerts] == [story.opened["ts"]]


def test_an_alert_names_the_surface_that_is_hit_and_no_other(story):
    assert "Acme API" in story.opened["text"]
    assert "Acme Web" not in story.opened["text"]


def test_an_alert_says_the_verdict(story):
    assert "Don't retry" in shown(story.opened)


def test_the_verdict_is_in_the_plain_text_too(story):
    assert "Don't retry" in story.opened["text"]


def test_an_alert_carries_the_vendors_title(story):
    assert TITLE in shown(story.opened)


def test_an_alert_has_no_button_that_nobody_hears(story):
    assert {element["action_id"] for element in elements(story.opened)} <= set(CLICK_HANDLERS)


@pytest.mark.parametrize("words", [DEPLOY, WIDER, FIXED])
def test_each_post_of_the_vendor_is_a_reply_in_the_alerts_thread(story, words):
    assert story.reply(words)["thread_ts"] == story.opened["ts"]


def test_a_reply_is_posted_once(story):
    assert sorted(m["text"] for m in story.thread) == sorted(call["text"] for call in story.replies)
    assert len({m["text"] for m in story.thread}) == len(story.thread)


def test_an_update_that_changes_nothing_stays_in_the_thread(story):
    assert not story.reply(DEPLOY).get("reply_broadcast")


def test_a_wider_incident_is_broadcast(story):
    assert story.reply("Web is now also down")["reply_broadcast"] is True


def test_better_news_soon_after_a_broadcast_stays_in_the_thread(story):
    assert not story.reply(FIXED).get("reply_broadcast")


def test_a_new_stage_alone_leaves_the_alert_until_its_next_update(story):
    assert story.identified["text"] == story.opened["text"]


def test_a_wider_incident_edits_the_alert_in_place(story):
    assert "Web" in story.wider["text"]
    assert story.wider["ts"] == story.opened["ts"]


def test_a_resolution_edits_the_alert_in_place(story):
    assert "recovering: resolved after" in story.resolved["text"]
    assert story.resolved["ts"] == story.opened["ts"]


def test_a_surface_just_resolved_is_not_called_safe(story):
    assert "safe to retry" not in story.retry.lower()


def test_another_channel_hears_nothing(story):
    assert story.elsewhere == []


def test_a_withdrawn_incident_is_not_called_resolved(world, driver, vendor):
    vendor.opens("inc0", "An old one", "Still at it.")
    vendor.resolves("inc0", "It is over.")  # the list of all reaches back past the beginning of the next incident
    world.start_subscribed()
    vendor.opens("inc1", TITLE, LOOKING, api="major_outage")
    driver.wait_for(driver.alerts, what="the alert")
    vendor.withdraws("inc1")
    [alert] = driver.wait_for(
        lambda: [a for a in driver.alerts() if "removed by Acme" in a["text"]], what="the alert to say removed"
    )
    assert "resolved" not in alert["text"].lower()


def test_nothing_in_a_vendors_words_can_ring(world, driver, vendor):
    world.start_subscribed()
    vendor.opens("inc1", "<!channel> <@U1> *down*", "<!here> & <https://evil.example|status>", api="major_outage")
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    assert "&lt;!channel&gt;" in shown(alert)
    assert "<!channel>" not in str(driver.messages())


def test_an_incident_that_was_open_at_the_first_poll_raises_no_alarm(world, driver, vendor):
    vendor.opens("inc0", "An old one", "Still at it.", api="major_outage")
    world.start_subscribed()
    driver.wait_for_looks(2)
    assert [alert for alert in driver.alerts() if "An old one" in shown(alert)] == []


def test_a_channel_that_unsubscribed_hears_nothing(world, driver, vendor):
    world.start_subscribed()
    driver.answer("unsubscribe acme")
    vendor.opens("inc1", TITLE, LOOKING, api="major_outage")
    driver.wait_for_looks(3)
    assert driver.alerts() == []


def test_a_page_that_fails_is_blindness_told_once_and_no_all_clear(world, driver, vendor):
    world.start_subscribed()
    vendor.opens("inc1", TITLE, LOOKING, api="major_outage")
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    driver.show("/api/v2/summary.json", "<h1>Bad gateway</h1>", status=502)
    driver.wait_for(lambda: blind(driver), what="word of blindness")
    driver.wait_for_looks(3)
    assert len(blind(driver)) == 1
    [now] = [m for m in driver.messages() if m["ts"] == alert["ts"]]
    assert "Acme API outage" in now["text"]


def blind(driver):
    return [m for m in driver.messages() if "status page unreadable" in m["text"]]
