"""A team's own incident, from the vendor's outage to the summary, with PagerDuty beside Slack; and ``kill -9`` in between.

The day: the vendor is down, an alert comes, PagerDuty is triggered; Ada acknowledges in Slack, and there. Bob declares an
incident; notes; the vendor posts more; it is safe to retry; Bob closes and reads the summary.
"""

from dataclasses import dataclass, field

import pytest

from tests.e2e.driver import PAGE_URL, shown

PAGER = "/pagerduty/v2/enqueue"
TITLE = "Checkout fails"
FAST = """\
[preset.default]
settle_min = 0.02
settle_looks = 1
dwell_min = 0.05
resolved_dwell_min = 0.05
resolved_clean_min = 0.05
"""


def equip(world):
    """PagerDuty for alerts and declared incidents, and advice that is safe some seconds after the end."""
    (world.work / "pagerduty.key").write_text("routing-key")
    (world.work / "config" / "verdict.toml").write_text(FAST)
    with (world.work / "config" / "brownout.toml").open("a") as file:
        file.write(
            f'[[notify]]\nname = "oncall"\nkind = "pagerduty"\nurl = "{PAGE_URL}{PAGER}"\n'
            f'key_file = "{world.work}/pagerduty.key"\ndeclared = true\n'
        )


def api_goes_down(vendor):
    vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")


def found(driver, words, channel="C1"):
    """The first message that shows these words, once there is one."""
    hits = driver.wait_for(lambda: [m for m in driver.messages(channel) if words in shown(m)], what=repr(words))
    return hits[0]


def pages(driver, key):
    """The actions that PagerDuty was sent for one dedup_key."""
    return [e["event_action"] for e in driver.events(PAGER) if e["dedup_key"] == key]


def declare(driver, alert, *, user="U2", title=TITLE, **more):
    """Presses *This hits us* and sends the form off; what was wrong with it, by block."""
    driver.press(alert, "more", "This hits us", user=user)
    driver.modal("What is wrong for you?")
    values = {
        "title": {"text": {"type": "plain_text_input", "value": title}},
        "severity": {"text": {"type": "radio_buttons", "selected_option": {"value": "sev1"}}},
        "place": {"text": {"type": "radio_buttons", "selected_option": {"value": more.pop("place", "thread")}}},
    }
    if more.pop("when_safe", False):
        values["when_safe"] = {"text": {"type": "checkboxes", "selected_options": [{"value": "on"}]}}
    return driver.submit(values, user=user)


@dataclass
class Day:
    """What Slack and PagerDuty held at the end, and how the card looked in between."""

    card: dict = field(default_factory=dict)
    closed: dict = field(default_factory=dict)
    thread: list = field(default_factory=list)
    own: list = field(default_factory=list)
    vendors: list = field(default_factory=list)
    listed: str = ""


@pytest.fixture(scope="module")
def day(worlds):
    with worlds() as world:
        equip(world)
        world.start_subscribed()
        yield live(world)


def live(world):
    driver, vendor, day = world.driver, world.vendor, Day()
    api_goes_down(vendor)
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    driver.press(alert, "ack", user="U1")
    driver.wait_for(
        lambda: pages(driver, "brownout/acme/inc1") == ["trigger", "acknowledge"], what="the acknowledgement"
    )
    assert declare(driver, alert) == {}
    day.card = found(driver, f"SEV1: {TITLE}")
    found(driver, "Timeline of Acme")
    driver.press(day.card, "declared:1", user="U2")
    driver.answer("declared 1 note We queue the orders.", user="U1")
    found(driver, "We queue the orders.")
    vendor.posts("inc1", "identified", "A bad deploy is being rolled back.")
    driver.wait_for(
        lambda: [m for m in driver.replies(day.card["ts"]) if "A bad deploy" in shown(m)], what="the vendor's timeline"
    )
    vendor.resolves("inc1", "All fixed.", api="operational")
    offer = found(driver, "Close your incident?")
    driver.press(offer, "declared:1", user="U2")
    found(driver, "Closed by bob")
    driver.wait_for(lambda: len(pages(driver, "brownout/declared/1")) == 3, what="the end in PagerDuty")
    driver.wait_for(lambda: pages(driver, "brownout/acme/inc1")[-1] == "resolve", what="the vendor's end in PagerDuty")
    [day.closed] = [m for m in driver.messages() if m["ts"] == day.card["ts"]]
    day.listed = driver.answer("declared")["text"]
    driver.wait_for(
        lambda: [m for m in driver.replies(day.card["ts"]) if "Timeline" in shown(m) and "All fixed." in shown(m)],
        what="the whole timeline",
    )
    day.thread = driver.replies(day.card["ts"])
    day.own, day.vendors = pages(driver, "brownout/declared/1"), pages(driver, "brownout/acme/inc1")
    return day


def test_pagerduty_follows_the_vendors_incident(day):
    assert (day.vendors[0], day.vendors[1], day.vendors[-1]) == ("trigger", "acknowledge", "resolve")


def test_the_declared_incident_is_one_of_its_own_there(day):
    assert day.own == ["trigger", "acknowledge", "resolve"]


def test_the_card_names_what_is_broken_and_what_to_do(day):
    assert [words in shown(day.card) for words in ("declared by bob", "Acme API outage", "Don't retry")] == [True] * 3


def test_the_vendors_timeline_is_one_message_that_grew(day):
    [timeline] = [m for m in day.thread if "Timeline of Acme" in shown(m)]
    assert [words in shown(timeline) for words in ("looking into errors", "A bad deploy", "All fixed.")] == [True] * 3


def test_the_close_says_safe_to_retry_since(day):
    assert "Safe to retry since" in shown(day.closed)
    assert "Reopen" in shown(day.closed)


def test_the_summary_has_both_timelines(day):
    [summary] = [m for m in day.thread if "(No. 1, closed)" in shown(m)]
    words = ("looking into errors", "declared SEV1", "We queue the orders.", "safe to retry", "closed the incident")
    assert [part in shown(summary) for part in words] == [True] * 5


def test_the_list_names_it(day):
    assert "No. 1 SEV1: Checkout fails" in day.listed


def test_nothing_is_said_twice(day):
    texts = [m["text"] for m in day.thread]
    assert len(texts) == len(set(texts))


# --- kill -9 ----------------------------------------------------------------------------------------------------------


def cards(driver):
    """The messages of the channel itself that are a team's own incident."""
    shown_to_all = [m for m in driver.messages() if "thread_ts" not in m and "ephemeral_to" not in m]
    return [m for m in shown_to_all if f": {TITLE}" in m["text"]]


def test_two_people_at_once_declare_one_incident_and_the_second_is_shown_who_was_first(world, driver, vendor):
    world.start_subscribed()
    api_goes_down(vendor)
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    driver.press(alert, "more", "This hits us", user="U1")
    driver.modal("What is wrong for you?")
    assert declare(driver, alert, user="U2") == {}
    found(driver, f"SEV1: {TITLE}")
    driver.press(alert, "more", "This hits us", user="U1")
    told = driver.wait_for(
        lambda: [m for m in driver.messages() if "bob declared this at" in m["text"]], what="a word to ada"
    )
    assert told[0]["ephemeral_to"] == "U1"
    assert len(cards(driver)) == 1


@pytest.mark.parametrize("kind", ["hang", "lost"])
def test_a_kill_while_the_card_is_sent_loses_nothing_and_repeats_nothing(world, driver, vendor, kind):
    driver.grant("channels:history")
    equip(world)
    bot = world.start_subscribed()
    api_goes_down(vendor)
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    driver.wait_for_looks(1)
    driver.fault(kind, times=99)
    declare(driver, alert)
    driver.wait_for(
        lambda: [c for c in driver.calls("chat.postMessage") if TITLE in str(c["args"])], what="the attempt"
    )
    bot.kill()
    driver.fault(kind, times=0)
    world.start()
    found(driver, "Timeline of Acme")
    driver.wait_for(lambda: pages(driver, "brownout/declared/1"), what="the page")
    driver.wait_for_looks(3)
    assert len(cards(driver)) == 1
    assert len([m for m in driver.messages() if "Timeline of Acme" in m["text"]]) == 1
    assert set(pages(driver, "brownout/declared/1")) == {"trigger"}, "at least once, with one dedup_key"


@pytest.mark.parametrize("part", ["Timeline of Acme", "Closed: SEV1"])
def test_a_kill_while_a_part_of_the_thread_is_sent_loses_nothing_and_repeats_nothing(world, driver, vendor, part):
    driver.grant("channels:history")
    equip(world)
    bot = world.start_subscribed()
    api_goes_down(vendor)
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    is_close = part != "Timeline of Acme"
    if not is_close:
        driver.fault("lost", times=99, in_thread=True)
    declare(driver, alert)
    card = found(driver, f"SEV1: {TITLE}")
    if is_close:
        driver.wait_for(lambda: len(driver.replies(card["ts"])) == 1, what="the vendor's timeline")
        driver.fault("lost", times=99, in_thread=True)
        driver.press(card, "declared:3", user="U2")
    driver.wait_for(lambda: [c for c in driver.calls("chat.postMessage") if part in str(c["args"])], what="the reply")
    bot.kill()
    driver.fault("lost", times=0, in_thread=True)
    world.start()
    found(driver, "(No. 1, closed)" if is_close else part)
    driver.wait_for_looks(3)
    replies = [m["text"] for m in driver.replies(card["ts"])]
    assert [len([text for text in replies if part in text]), len(cards(driver))] == [1, 1]
    assert len(replies) == len(set(replies))


# --- what needs more scopes -------------------------------------------------------------------------------------------


def test_with_the_scopes_a_channel_is_made_the_timeline_pinned_and_marked_messages_kept(world, driver, vendor):
    driver.grant("channels:manage", "pins:write", "reactions:read", "channels:history", "users:read")
    world.start_subscribed()
    api_goes_down(vendor)
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    declare(driver, alert, place="public")
    driver.wait_for(lambda: driver.calls("conversations.create"), what="a channel")
    found(driver, "Handled in")
    [created] = driver.calls("conversations.create")
    channel = created["answer"]["channel"]["id"]
    card = found(driver, f"SEV1: {TITLE}", channel)
    [pin] = driver.wait_for(lambda: driver.calls("pins.add"), what="a pin")
    assert (created["args"]["name"], pin["args"]["channel"]) == ("inc-1-checkout-fails", channel)
    assert "Mark a message" in shown(card)
    kept = driver.write("We switched to the second region", channel=channel, user="U2")
    dropped = driver.write("Lunch?", channel=channel, user="U2")
    for ts in (kept, dropped):
        driver.react(ts, "memo", channel=channel)
    driver.wait_for(lambda: len(driver.calls("conversations.replies")) >= 2, what="two reads")
    driver.react(dropped, "memo", channel=channel, present=False)
    driver.wait_for(lambda: len(driver.calls("conversations.replies")) >= 3, what="a third read")
    summary = driver.answer("declared 1", channel=channel)["text"]
    assert "Us, bob: “We switched to the second region”" in summary
    assert "Lunch?" not in summary


def test_without_the_scopes_there_is_a_thread_and_nothing_breaks(world, driver, vendor):
    world.start_subscribed()
    api_goes_down(vendor)
    [alert] = driver.wait_for(driver.alerts, what="the alert")
    driver.press(alert, "more", "This hits us", user="U2")
    assert "needs the scope channels:manage" in str(driver.modal("What is wrong for you?"))
    declare(driver, alert, place="public")
    card = found(driver, f"SEV1: {TITLE}")
    found(driver, "No channel could be made (missing_scope)")
    found(driver, "Timeline of Acme")
    driver.react(driver.write("Hello", user="U2", thread_ts=card["ts"]), "memo")
    driver.wait_for(lambda: "is not pinned: missing_scope" in world.said(), what="word of the pin")
    driver.wait_for(lambda: "could not be read, and is not kept" in world.said(), what="word of the mark")
    assert "Hello" not in driver.answer("declared 1")["text"]
