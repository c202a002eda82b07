"""Pages that people name, and pages that fail their owner: ``/brownout watch``, the alarm, a page that has moved."""

import pytest

from bot.adapters.page_fetcher import REFUSAL_MESSAGE
from bot.formats.detection import NOT_PUBLIC_TEXT
from tests.adapters.test_page_fetcher_hostile import TYPED
from tests.e2e.conftest import SETTINGS
from tests.e2e.driver import elements
from tests.e2e.network_namespace import PUBLIC
from tests.formats.pages import PAGES

ADDRESS = f"http://{PUBLIC}/example"
SUMMARY = "/example/api/v2/summary.json"
CLEAR, TROUBLE = (PAGES["statuspage", name][0] for name in ("all-clear", "mid-incident"))
EARLIER = CLEAR.replace(b"2026-01-10T12:00", b"2026-01-10T08:00")  # before the trouble: an older page is no news
ALARM_AFTER = 5


def heard(driver, words, channel="C1"):
    """The first message with these words, once there is one."""
    return driver.wait_for(
        lambda: next((m for m in driver.messages(channel) if words in m["text"]), None),
        what=f"a message with {words!r}",
    )


# --- a page that somebody names ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def added(worlds):
    """Ada names a page and confirms what she is shown; then the page tells of an incident."""
    with worlds() as world:
        driver = world.driver
        world.start()
        driver.show(SUMMARY, EARLIER)
        driver.command(f"watch <{ADDRESS}|{PUBLIC}/example>")
        world.proposal = heard(driver, "serves Statuspage")
        world.before = sorted(f.name for f in (world.work / "config" / "providers").iterdir())
        driver.press(world.proposal, "watch")
        world.confirmed = heard(driver, "Now watching")
        driver.answer("subscribe example-cloud")
        driver.wait_for(lambda: driver.looks(SUMMARY) > 3, what="the bot to look at the new page")
        driver.show(SUMMARY, TROUBLE)
        [world.alert] = driver.wait_for(driver.alerts, what="the alert")
        yield world


def test_a_page_is_shown_before_anything_is_written(added):
    assert added.before == ["acme.toml"]
    assert "example-cloud-api: API" in added.proposal["text"]
    assert [e["text"]["text"] for e in elements(added.proposal)] == ["Watch it", "Cancel"]


def test_only_who_asked_sees_it(added):
    assert added.proposal["ephemeral"] if "ephemeral" in added.proposal else added.proposal["subtype"] == "ephemeral"


def test_the_file_is_kept(added):
    assert (added.work / "config" / "providers" / "example-cloud.toml").is_file()


def test_the_running_bot_watches_it_without_a_restart(added):
    assert added.alert["text"].startswith("Example Cloud")
    assert len(added.bots) == 1


def test_the_log_says_who_added_what(added):
    assert f"ada (U1) added the provider example-cloud: {ADDRESS} as statuspage" in added.said()


def refusals(driver):
    return sum(REFUSAL_MESSAGE in m["text"] or NOT_PUBLIC_TEXT in m["text"] for m in driver.messages("C2"))


def test_twenty_hostile_addresses_are_refused_and_leave_no_file(added):
    driver, files = added.driver, sorted((added.work / "config" / "providers").iterdir())
    for number, typed in enumerate(TYPED, 1):
        driver.command(f"watch {typed}", channel="C2")
        driver.wait_for(lambda n=number: refusals(driver) == n, what=f"a refusal of {typed}")
    assert sorted((added.work / "config" / "providers").iterdir()) == files


# --- a page that fails its owner --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lost(worlds):
    """The page is gone for a while. C1 listens to it; C2 is the channel of whoever runs the bot."""
    with worlds() as world:
        settings = f'{SETTINGS}blind_after = 2\nalarm_after = {ALARM_AFTER}\n[slack]\nowner = "C2"\n'
        (world.work / "config" / "brownout.toml").write_text(settings)
        world.start_subscribed()
        world.driver.show("/api/v2/summary.json", "<h1>Not found</h1>", status=404)
        heard(world.driver, "Acme: no data for", "C2")
        world.driver.wait_for_looks(2)
        world.vendor.opens("inc1", "Errors", "We look.", api="major_outage")
        heard(world.driver, "Acme: data again", "C2")
        heard(world.driver, "status page readable again")
        yield world


def texts(world, channel):
    return [m["text"] for m in world.driver.alerts(channel) if "outage" not in m["text"]]


def test_the_owner_hears_of_a_source_without_usable_data_once_and_of_its_end_once(lost):
    assert [" data again" in text for text in texts(lost, "C2")] == [False, True]


def test_a_channel_that_listens_has_its_own_words_and_no_alarm(lost):
    assert ["no data for" in text for text in texts(lost, "C1")] == [False] * len(texts(lost, "C1"))
    assert "status page readable again" in texts(lost, "C1")[0]  # an edit of the message that it was unreadable


def test_the_log_says_it_too(lost):
    assert f"acme: no data for {ALARM_AFTER} checks" in lost.said()


@pytest.fixture(scope="module")
def moved(worlds):
    """The vendor moves to Instatus; nobody listens, and the bot has an admin."""
    with worlds() as world:
        (world.work / "config" / "brownout.toml").write_text(f'{SETTINGS}[slack]\nadmins = ["U1"]\n')
        world.start()
        world.driver.show("/api/v2/summary.json", "<h1>Not found</h1>", status=404)
        for path, body in zip(("/summary.json", "/v2/components.json"), PAGES["instatus", "clear"], strict=True):
            world.driver.show(path, body)
        world.told = world.driver.wait_for(lambda: to_admin(world), what="a word to the admin")
        world.driver.wait_for_looks(3)
        yield world


def to_admin(world):
    return [c["args"]["text"] for c in world.driver.calls("chat.postMessage") if c["args"]["channel"] == "U1"]


def test_an_admin_hears_of_a_page_that_moved_with_what_its_address_serves_now(moved):
    assert "the status page has changed" in moved.told[0]
    assert 'serves Instatus (kind = "instatus"). Nothing was switched' in moved.told[0]


def test_they_hear_of_it_once(moved):
    assert (
        sum("the status page has changed" in text for text in to_admin(moved)) == 1
    )  # after 30 looks there is an alarm, too
