"""Coming online, and staying so: what Slack does to the bot's connection, and what becomes of it."""

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize("kind", ["error", "drop", "slow_down", "internal_error"])
def test_a_bad_day_of_slack_at_the_start_only_delays_it(world, driver, kind):
    driver.fault(kind, method="apps.connections.open", times=2)
    world.start()
    assert "API, Web, Login" in driver.answer("status acme")["text"]


@pytest.mark.parametrize("seconds", [0, 12])
def test_a_socket_that_breaks_is_opened_again(world, driver, seconds):
    world.start()
    driver.restart_slack(after=seconds)
    driver.wait_for(driver.connections, what="the bot to come back")
    assert "API, Web, Login" in driver.answer("status acme")["text"]


def test_a_broken_socket_costs_no_alert(world, driver, vendor):
    world.start_subscribed()
    driver.restart_slack()
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    driver.wait_for(driver.alerts, what="the alert")
    driver.wait_for_looks(3)
    assert len(driver.alerts()) == 1


def readiness(world):
    """What /readyz says of Slack, or why it says nothing; None where it is connected."""
    ask = """
import json, urllib.error, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:8787/readyz")
    print("null")
except urllib.error.HTTPError as error:
    print(error.read().decode())
except urllib.error.URLError as error:
    print(json.dumps(str(error)))
"""
    run = world.namespace.enter([sys.executable, "-c", ask], stdout=subprocess.PIPE)
    told = json.loads(run.communicate()[0])
    return json.dumps(told) if told else None


def test_a_socket_that_slack_disables_is_said_on_readyz_until_it_is_back(world, driver):
    world.start()
    driver.wait_for(lambda: readiness(world) is None, what="readiness")
    driver.line("link_disabled")
    why = driver.wait_for(lambda: readiness(world), what="a reason")
    assert "link_disabled" in why
    driver.line("mended")
    driver.wait_for(lambda: readiness(world) is None, what="readiness")


def test_a_slack_that_stays_gone_ends_it_where_something_starts_it_again(world, driver):
    settings = world.work / "config" / "brownout.toml"
    settings.write_text(settings.read_text() + "[slack]\ngive_up_after_min = 0.02\n")
    driver.fault("internal_error", method="apps.connections.open", times=10**6)
    bot = world.launch()
    assert bot.wait() == 1
    assert "Slack has been gone" in world.said().splitlines()[-1]


def test_a_token_that_slack_refuses_ends_it_with_one_clear_line(world, driver):
    driver.fault("invalid_auth", method="apps.connections.open", times=99)
    bot = world.launch()
    code = bot.wait()
    assert code == 1
    assert "SLACK_APP_TOKEN" in world.said().splitlines()[-1]
