"""App Home, direct messages, Export and the digest, through the real process: a day of somebody who likes menus."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

BOB = "U2"


@dataclass
class Story:
    """What bob saw, in his Home, in his direct messages and in a channel."""

    empty: dict = field(default_factory=dict)
    modal: dict = field(default_factory=dict)
    confirmed: list = field(default_factory=list)
    alert: dict = field(default_factory=dict)
    edited: dict = field(default_factory=dict)
    trouble: dict = field(default_factory=dict)
    advice: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    digest: dict = field(default_factory=dict)
    over: dict = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(worlds):
    with worlds() as world:
        world.start_subscribed()
        told = Story()
        _subscribes(world, told)
        _an_outage(world, told)
        _exports(world, told)
        _a_digest(world, told)
        _unsubscribes(world, told)
        yield told


def _subscribes(world, told):
    driver = world.driver
    told.empty = driver.open_home(BOB)
    driver.press_home("home_pick", user=BOB, picked="acme-api")
    told.modal = driver.modal()
    what = {"text": {"type": "external_select", "selected_option": {"value": "acme-api"}}}
    minimum = {"text": {"type": "static_select", "selected_option": {"value": "degraded"}}}
    driver.submit({"target": what, "minimum": minimum}, user=BOB)
    driver.wait_for(lambda: driver.direct(BOB), what="a word to bob")
    told.confirmed = driver.messages(driver.direct(BOB))
    driver.wait_for(lambda: "acme-api" in str(driver.home(BOB)), what="bob's Home with it")


def _an_outage(world, told):
    driver = world.driver
    world.vendor.opens("inc1", "Errors on the API", "We are looking into errors.", api="major_outage")
    [told.alert] = driver.wait_for(lambda: _shown(driver, "Acme API down"), what="the alert for bob")
    world.vendor.posts("inc1", "identified", "A bad disk.", api="partial_outage")
    [told.edited] = driver.wait_for(lambda: _shown(driver, "Acme API partly down"), what="the alert for bob, edited")
    driver.press_home("home_refresh", user=BOB)
    driver.wait_for(lambda: "): partly down" in str(driver.home(BOB)), what="trouble in bob's Home")
    told.trouble = driver.home(BOB)
    driver.press_home("home_ask", user=BOB)
    told.advice = driver.wait_for(
        lambda: [m for m in [driver.modal()] if "Acme API" in str(m["blocks"])], what="advice"
    )[0]


def _shown(driver, words):
    """Bob's direct messages with these words, without threads."""
    return [m for m in driver.messages(driver.direct(BOB)) if words in m["text"] and not m.get("thread_ts")]


def _exports(world, told):
    driver = world.driver
    summary = driver.answer("summary", user=BOB)
    driver.press(summary, "export", user=BOB)
    [told.files] = driver.wait_for(lambda: [m for m in driver.messages() if m.get("files")], what="the files")


def _a_digest(world, told):
    """The bot was asleep at the digest's time, one minute ago."""
    now = datetime.now(UTC)  # noqa: TID251 - the bot has the real clock
    at = (now - timedelta(minutes=1)).strftime("%H:%M")
    with closing(sqlite3.connect(world.db, timeout=10)) as book, book:
        yesterday = (now - timedelta(days=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        book.execute("INSERT INTO digests VALUES ('C1', ?, 'UTC', NULL, 1, ?)", (at, yesterday))
    driver = world.driver
    found = driver.wait_for(
        lambda: [m for m in driver.messages() if m["text"].startswith("Digest, ")], what="the digest", patience=40
    )
    told.digest = found[0]


def _unsubscribes(world, told):
    driver = world.driver
    driver.press_home("home_change", user=BOB, choice="Unsubscribe")
    driver.wait_for(lambda: "Begin here" in str(driver.home(BOB)), what="bob's Home without it")
    told.over = driver.home(BOB)


def test_a_new_home_says_how_to_begin_and_that_nothing_is_broken(story):
    shown = str(story.empty["blocks"])
    assert "No incident known" in shown
    assert "Begin here" in shown


def test_a_pick_opens_a_modal_with_it(story):
    assert story.modal["blocks"][0]["element"]["initial_option"]["value"] == "acme-api"


def test_a_subscription_to_oneself_is_confirmed_in_direct_messages(story):
    [said] = story.confirmed
    assert "You now hear of acme-api" in said["text"]


def test_the_alert_comes_there_and_is_edited_in_place(story):
    assert story.alert["ts"] == story.edited["ts"]


def test_home_shows_the_trouble_with_its_verdict_and_what_to_do(story):
    shown = str(story.trouble["blocks"])
    assert "*Acme API* (`acme-api`): partly down" in shown
    assert "Errors on the API" in shown
    assert "Acme API" in str(story.advice["blocks"])


def test_an_exported_summary_arrives_as_files(story):
    assert [f["name"] for f in story.files["files"]] == ["acme-inc1.md", "acme-inc1.json", "acme-inc1.png"]
    assert "bob exports the incident inc1 of Acme." in story.files["text"]


def test_a_digest_that_was_missed_is_told_late_and_of_its_own_day(story):
    assert story.digest["text"].endswith(": nothing broke on acme.")  # until then; the outage is of today


def test_a_subscription_is_ended_in_home(story):
    assert "home_change" not in json.dumps(story.over)
