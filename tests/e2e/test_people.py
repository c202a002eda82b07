"""What people do about an incident with Slack's buttons and modals, through the real process."""

from dataclasses import dataclass

import pytest

from tests.e2e.driver import elements

NOTE = "We moved the batch jobs to <!channel> tomorrow & all is well."


@pytest.fixture
def alert(world, driver, vendor):
    world.start_subscribed()
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    return driver.wait_for(driver.alerts, what="the alert")[0]


def shows(driver, words):
    """The alert once it shows these words."""
    found = driver.wait_for(lambda: [a for a in driver.alerts() if words in a["text"]], what=f"an alert with {words!r}")
    return found[0]


def whispers(driver, user):
    return [m["text"] for m in driver.messages() if m.get("ephemeral_to") == user]


def test_everybody_who_is_affected_counts_once(driver, alert):
    for user in ("U1", "U2", "U1"):
        driver.press(alert, "affected", user=user)
    shows(driver, "People affected here: Acme API 2.")
    driver.wait_for(lambda: any("counted already" in w for w in whispers(driver, "U1")), what="a word to ada")


def test_an_incident_of_several_surfaces_asks_which(driver, vendor, alert):
    vendor.posts("inc1", "identified", "The website has it too.", web="partial_outage")
    shows(driver, "Acme Web")
    driver.press(alert, "affected", "Acme Web")
    shows(driver, "People affected here: Acme Web 1.")


def test_an_ack_says_who_and_a_second_press_undoes_it(driver, alert):
    driver.press(alert, "ack", user="U2")
    shows(driver, "Acknowledged by bob at")
    driver.press(alert, "ack", user="U2")
    driver.wait_for(lambda: "Acknowledged" not in driver.alerts()[0]["text"], what="the ack to be gone")


def test_an_ack_is_not_undone_by_another(driver, alert):
    driver.press(alert, "ack", user="U2")
    shows(driver, "Acknowledged by bob")
    driver.press(alert, "ack", user="U1")
    driver.wait_for(lambda: any("bob acknowledged" in w for w in whispers(driver, "U1")), what="a word to ada")
    assert "Acknowledged by bob" in driver.alerts()[0]["text"]


def test_a_mute_says_until_when_and_turns_into_its_own_undoing(driver, alert):
    driver.press(alert, "mute", "until it is over")
    now = shows(driver, "Muted in this channel by ada until it is over.")
    assert "Unmute" in [e.get("text", {}).get("text") for e in elements(now)]
    driver.press(alert, "mute")
    driver.wait_for(lambda: "Muted" not in driver.alerts()[0]["text"], what="the mute to be gone")


def test_the_summary_is_for_who_asked_and_can_be_shared(driver, alert):
    driver.press(alert, "summary", user="U2")
    [summary] = driver.wait_for(lambda: [m for m in driver.messages() if m.get("ephemeral_to") == "U2"], what="it")
    driver.press(summary, "share", user="U2")
    shared = driver.wait_for(
        lambda: [m for m in driver.messages() if m["text"].startswith("bob shares /brownout summary inc1")], what="it"
    )
    assert "ephemeral_to" not in shared[0]
    assert "Errors on the API" in shared[0]["text"]


@dataclass
class Noted:
    """An alert with a note: the modal that took it, the thread, and the timeline here and elsewhere."""

    modal: dict
    thread: list
    here: str
    elsewhere: str


@pytest.fixture(scope="module")
def noted(worlds):
    with worlds() as world:
        world.start_subscribed()
        driver = world.driver
        world.vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
        [alert] = driver.wait_for(driver.alerts, what="the alert")
        driver.press(alert, "note", user="U2")
        modal = driver.modal()
        assert driver.submit({"note": {"text": {"type": "plain_text_input", "value": NOTE}}}, user="U2") == {}
        noted = driver.wait_for(
            lambda: [m for m in driver.replies(alert["ts"]) if " notes:" in m["text"]], what="the note"
        )
        here, elsewhere = (driver.answer("timeline inc1", channel=c)["text"] for c in ("C1", "C2"))
        yield Noted(modal, noted, here, elsewhere)


def test_the_note_is_asked_for_in_a_modal_that_names_the_incident(noted):
    assert "Errors on the API" in str(noted.modal["blocks"])


def test_a_note_stands_in_the_thread_with_its_author_and_rings_nobody(noted):
    [note] = noted.thread
    assert "bob notes:" in note["text"]
    assert "&lt;!channel&gt; tomorrow &amp; all is well." in note["text"]


def test_a_note_is_in_the_timeline_of_its_channel(noted):
    assert "&lt;!channel&gt; tomorrow &amp; all is well." in noted.here


def test_a_note_is_in_no_timeline_of_another_channel(noted):
    assert "tomorrow" not in noted.elsewhere


def test_buttons_work_after_a_restart(world, driver, vendor):
    bot = world.start_subscribed()
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    driver.press(alert, "affected")
    shows(driver, "Acme API 1.")
    bot.kill()
    world.start()
    driver.press(alert, "affected", user="U2")
    shows(driver, "Acme API 2.")
