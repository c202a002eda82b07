"""A thread that takes no replies costs its own replies their place, and nothing else in the channel."""

import pytest

from tests.e2e.vendor import GLOBEX, Vendor

CAUSE = "A bad deploy is being rolled back."
ALL_DOWN = "All requests fail."


@pytest.fixture
def globex(world):
    (world.work / "config" / "providers" / "globex.toml").write_text(GLOBEX)
    return Vendor(world.driver, "/globex", "Globex")


def test_a_locked_thread_holds_up_no_outage_of_another_provider(world, driver, vendor, globex):
    world.start_subscribed()
    driver.answer("subscribe globex")
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    driver.fault("restricted_action_thread_locked", times=10**6, in_thread=True)
    vendor.posts("inc1", "identified", CAUSE)
    [outside] = driver.wait_for(lambda: [m for m in driver.messages() if CAUSE in m["text"]], what="the vendor's words")
    globex.opens("inc2", "Everything fails", ALL_DOWN, api="major_outage")
    [other] = driver.wait_for(
        lambda: [a for a in driver.alerts() if "Globex API" in a["text"]], what="the other provider's alert"
    )
    assert (outside.get("thread_ts"), other["channel"]) == (None, alert["channel"])
