"""The database is used in its own threads: asyncio's debug mode logs a use in the event loop, and no log may have one."""


def test_a_bot_uses_its_database_in_no_turn_of_the_event_loop(world):
    world.is_debugging = True
    bot, driver = world.start_subscribed(), world.driver
    driver.answer("subscribe acme me", user="U1")
    world.vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    [alert, *_] = driver.wait_for(driver.alerts, what="the alert")
    driver.press(alert, "more", "This hits us", user="U2")
    driver.modal("What is wrong for you?")
    for asked in ("status", "list", "retry acme-api", "mute acme 1h"):
        driver.answer(asked, user="U2")
    bot.reload()
    driver.wait_for(lambda: "configuration reloaded" in world.said(), what="the reload")
    bot.terminate()
