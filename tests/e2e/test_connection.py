"""Coming online, and staying so: what Slack does to the bot's connection, and what becomes of it."""

import pytest


@pytest.mark.parametrize("kind", ["error", "drop", "slow_down", "internal_error"])
def test_a_bad_day_of_slack_at_the_start_only_delays_it(world, driver, kind):
    driver.fault(kind, method="apps.connections.open", times=2)
    world.start()
    assert "Acme API" in driver.answer("status acme")["text"]


@pytest.mark.parametrize("seconds", [0, 12])
def test_a_socket_that_breaks_is_opened_again(world, driver, seconds):
    world.start()
    driver.restart_slack(after=seconds)
    driver.wait_for(driver.connections, what="the bot to come back")
    assert "Acme API" in driver.answer("status acme")["text"]


def test_a_broken_socket_costs_no_alert(world, driver, vendor):
    world.start_subscribed()
    driver.restart_slack()
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    driver.wait_for(driver.alerts, what="the alert")
    driver.wait_for_looks(3)
    assert len(driver.alerts()) == 1


def test_a_token_that_slack_refuses_ends_it_with_one_clear_line(world, driver):
    driver.fault("invalid_auth", method="apps.connections.open", times=99)
    bot = world.launch()
    code = bot.wait()
    assert code == 1
    assert "SLACK_APP_TOKEN" in world.said().splitlines()[-1]
