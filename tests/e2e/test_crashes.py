"""What is left when the process dies or Slack has a bad day: every alert arrives, and duplicates are counted honestly."""

import sqlite3
from contextlib import closing

import pytest

from tests.e2e.driver import PATIENCE


@pytest.fixture
def bot(world):
    return world.start_subscribed()


def api_goes_down(vendor):
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")


def tried(driver):
    """The attempts to post to the channel itself."""
    return [c for c in driver.calls("chat.postMessage") if "thread_ts" not in c["args"] and "metadata" in c["args"]]


def alerts_after_a_while(driver, patience=PATIENCE):
    """How many alerts the channel shows, once there is one and a second would have come too."""
    driver.wait_for(driver.alerts, what="the alert", patience=patience)
    driver.wait_for_looks(3)
    return len(driver.alerts())


def is_sound(world):
    with closing(sqlite3.connect(world.db)) as connection:
        return connection.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_a_kill_between_the_record_and_the_post_loses_nothing_and_repeats_nothing(bot, world, driver, vendor):
    driver.fault("hang", times=99)
    api_goes_down(vendor)
    driver.wait_for(lambda: tried(driver), what="the attempt to post")
    bot.kill()
    assert is_sound(world)
    driver.fault("hang", times=0)
    world.start()
    assert alerts_after_a_while(driver) == 1


def test_a_kill_between_slacks_acceptance_and_the_receipt_costs_one_duplicate_at_most_and_the_log_says_so(
    bot, world, driver, vendor
):
    driver.fault("lost")
    api_goes_down(vendor)
    driver.wait_for(lambda: [c for c in tried(driver) if c["status"] == 200], what="Slack to take the post")
    bot.kill()
    assert is_sound(world)
    world.start()
    assert alerts_after_a_while(driver) == 1 + world.said().count("sent again") <= 2


def test_where_the_history_may_be_read_that_kill_costs_nothing_at_all(world, driver, vendor):
    driver.grant("channels:history")
    bot = world.start_subscribed()
    driver.fault("lost")
    api_goes_down(vendor)
    driver.wait_for(lambda: [c for c in tried(driver) if c["status"] == 200], what="Slack to take the post")
    bot.kill()
    world.start()
    driver.wait_for(lambda: "it was delivered" in world.said(), what="word of it")
    assert alerts_after_a_while(driver) == 1


def test_an_incident_that_came_while_the_process_was_dead_is_told_after_the_restart(bot, world, driver, vendor):
    bot.kill()
    api_goes_down(vendor)
    world.start()
    assert alerts_after_a_while(driver) == 1


def test_an_incident_that_opened_and_ended_while_the_process_was_dead_is_told_once_and_late(bot, world, driver, vendor):
    bot.kill()
    last_seen(world, minutes_ago=10)
    api_goes_down(vendor)
    vendor.resolves("inc1", "All fixed.", api="operational")
    world.start()
    assert alerts_after_a_while(driver) == 1
    [alert] = driver.alerts()
    assert "missed while Brownout was offline" in alert["text"]
    assert driver.replies(alert["ts"]) == []


def last_seen(world, *, minutes_ago):
    """As if the bot had been dead for so long."""
    then = (f"-{minutes_ago} minutes",)
    with closing(sqlite3.connect(world.db)) as connection, connection:
        connection.execute("UPDATE sources SET seen_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)", then)
        connection.execute("UPDATE worlds SET world = json_set(world, '$.seen_at', (SELECT max(seen_at) FROM sources))")


def test_a_restart_repeats_no_alert(bot, world, driver, vendor):
    api_goes_down(vendor)
    driver.wait_for(driver.alerts, what="the alert")
    driver.wait_for_looks(1)
    bot.kill()
    world.start()
    assert alerts_after_a_while(driver) == 1


@pytest.mark.parametrize("kind", ["slow_down", "error", "drop"])
def test_a_bad_day_of_slack_delays_an_alert_and_repeats_nothing(bot, driver, vendor, kind):
    driver.fault(kind, times=2)
    api_goes_down(vendor)
    # a connection that breaks twice: 5 s and 15 s, since each repetition may be a duplicate
    assert alerts_after_a_while(driver, patience=60) == 1


def test_refused_blocks_still_give_an_alert(bot, driver, vendor):
    driver.fault("invalid_blocks", times=2)  # with the attachment, and without it
    api_goes_down(vendor)
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    assert "Acme API" in alert["text"]
    assert "blocks" not in alert


def test_an_alert_that_was_deleted_is_posted_afresh(bot, driver, vendor):
    api_goes_down(vendor)
    [first] = driver.wait_for(driver.alerts, what="the alert")
    driver.fault("message_not_found", method="chat.update")
    vendor.resolves("inc1", "All fixed.", api="operational")
    driver.wait_for(lambda: [a for a in driver.alerts() if a["ts"] != first["ts"]], what="a new alert")


def test_a_channel_that_can_not_be_posted_to_does_not_hold_up_the_others(bot, driver, vendor):
    driver.answer("subscribe acme", channel="C2")
    driver.fault("is_archived")
    api_goes_down(vendor)
    driver.wait_for(lambda: driver.alerts("C1") or driver.alerts("C2"), what="an alert in the other channel")


def test_sigterm_ends_it_in_time_with_exit_code_0(bot, world):
    code, seconds = bot.terminate()
    assert code == 0, world.said()
    assert seconds < 5


def test_sigterm_ends_it_in_time_while_slack_hangs(bot, world, driver, vendor):
    driver.fault("hang", times=99)
    api_goes_down(vendor)
    driver.wait_for(lambda: tried(driver), what="the attempt to post")
    code, seconds = bot.terminate()
    assert code == 0, world.said()
    assert seconds < 5


def test_sigterm_loses_no_alert(bot, world, driver, vendor):
    driver.fault("hang", times=99)
    api_goes_down(vendor)
    driver.wait_for(lambda: tried(driver), what="the attempt to post")
    bot.terminate()
    assert is_sound(world)
    driver.fault("hang", times=0)
    world.start()
    assert alerts_after_a_while(driver) == 1
