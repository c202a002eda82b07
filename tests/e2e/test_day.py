"""A day of one channel, typed and clicked as people do: from the first word to the last, through the real process.

Twice: once over Socket Mode, and once with every request signed and posted to the bot's own web door.
"""

import re
from dataclasses import dataclass, field

import pytest

from tests.e2e.driver import elements

GROUP = "!subteam^S1"
FIXED = "All fixed."


@dataclass
class Day:
    """What was answered and shown, by what was done."""

    said: dict = field(default_factory=dict)
    alert: str = ""
    alerts: list = field(default_factory=list)
    posts: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)
    errors: dict = field(default_factory=dict)
    menu: dict = field(default_factory=dict)
    list: str = ""

    def post(self, words):
        """The one post with these words, as it was sent."""
        [found] = [p for p in self.posts if words in p["text"]]
        return found


def types(day, driver, text, **who):
    day.said[text] = driver.answer(text, **who)["text"]


def until(driver, words):
    driver.wait_for(lambda: [m for m in driver.messages() if words in m["text"]], what=words)


@pytest.fixture(scope="module", params=["socket", "http"])
def day(worlds, request):
    with worlds(request.param) as world:
        driver, vendor, day = world.driver, world.vendor, Day()
        world.rings = {GROUP}
        world.start()
        day.menu = driver.answer("")
        types(day, driver, f"subscribe acme mention:<{GROUP}|@ops>")
        driver.wait_for_looks(1)
        vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
        [alert] = driver.wait_for(driver.alerts, what="the alert")
        vendor.posts("inc1", "identified", "A bad deploy is being rolled back.")
        until(driver, "A bad deploy")
        driver.press(alert, "affected", user="U1")
        driver.press(alert, "affected", user="U2")
        driver.press(alert, "ack", user="U2")
        until(driver, "Acknowledged by bob")
        types(day, driver, "note we moved the batch", user="U2")
        types(day, driver, "report acme-api it hangs", user="U1")
        types(day, driver, "status", user="U2")
        driver.press(alert, "mute", "until it is over")
        until(driver, "Muted in this channel")
        vendor.resolves("inc1", FIXED, api="operational")
        until(driver, FIXED)
        day.alert = driver.wait_for(lambda: [a for a in driver.alerts() if "over since" in a["text"]], what="its end")[
            0
        ]
        summary = driver.answer("summary inc1", user="U2")
        day.said["summary"] = summary["text"]
        driver.press(summary, "share", user="U2")
        until(driver, "bob shares")
        driver.command("settings")
        day.settings = driver.modal()
        day.errors = driver.submit({"quiet": {"text": {"type": "plain_text_input", "value": "at night"}}})
        driver.submit({"quiet": {"text": {"type": "plain_text_input", "value": "22-7 Europe/Berlin"}}})
        until(driver, "Settings of this channel")
        day.list = driver.answer("list")["text"]
        types(day, driver, "mute all 2h")
        types(day, driver, "unmute")
        types(day, driver, "unsubscribe acme")
        day.alerts = driver.alerts()
        day.posts = [call["args"] for call in driver.calls("chat.postMessage")]
        yield day


def test_the_bare_command_of_a_new_channel_says_how_to_begin(day):
    assert "/brownout subscribe claude" in day.menu["text"]


def test_the_menu_has_a_surface_to_look_up_and_buttons(day):
    assert [e["type"] for e in elements(day.menu)] == ["external_select", "button", "button", "button"]


def test_subscribing_says_whom_it_rings(day):
    assert "a complete outage rings @ops" in day.said[f"subscribe acme mention:<{GROUP}|@ops>"]


def test_the_outage_rings_the_group_once(day):
    assert [p["text"].startswith(f"<{GROUP}> ") for p in day.posts if GROUP in p["text"]] == [True]


def test_the_thread_grew(day):
    assert day.post("A bad deploy is being rolled back.")["thread_ts"] == day.alert["ts"]


def test_the_alert_shows_who_is_affected_and_who_takes_care(day):
    assert "People affected here: Acme API 2." in day.alert["text"]
    assert "Acknowledged by bob" in day.alert["text"]


def test_a_typed_note_is_in_the_thread(day):
    assert day.post("bob notes:")["thread_ts"] == day.alert["ts"]


def test_a_report_is_in_the_status_without_a_name(day):
    assert "Reported here within the last hour: Acme API (1 person)." in day.said["status"]
    assert re.search(r"\bada\b", day.said["status"]) is None


def test_the_end_passes_the_mute(day):
    assert day.post(FIXED)["reply_broadcast"] is True


def test_it_was_one_message_all_day(day):
    assert len([a for a in day.alerts if not a["text"].startswith("Settings")]) == 1


@pytest.mark.parametrize("words", ["Errors on the API", "we moved the batch", "Acme API 2"])
def test_the_summary_tells_it_all(day, words):
    assert words in day.said["summary"]


def test_the_settings_open_as_a_modal(day):
    assert day.settings["callback_id"] == "settings"


def test_settings_that_make_no_sense_say_so_in_the_modal(day):
    assert "no time span" in day.errors["quiet"]


def test_settings_are_told_to_the_channel(day):
    assert "quiet hours 22:00-07:00 Europe/Berlin" in day.post("Settings of this channel")["text"]


def test_the_list_says_how_the_channel_is_told(day):
    assert "Quiet hours: 22:00-07:00 Europe/Berlin" in day.list


@pytest.mark.parametrize(
    ("typed", "undone"),
    [
        ("mute all 2h", "/brownout unmute all"),
        ("unmute", "hears of all"),
        ("unsubscribe acme", "/brownout subscribe acme"),
    ],
)
def test_what_changes_the_channel_says_how_to_undo_it(day, typed, undone):
    assert undone in day.said[typed]
