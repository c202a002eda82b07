"""Cards of pasted links and answers with tables, through the real process.

The emulator has neither ``link_shared`` nor ``chat.unfurl``: the proxy sends the event over the socket and takes the
calls. Tables it takes as it takes every block, so that a refusal comes from the proxy too.
"""

import json
import time

import pytest

from tests.e2e.driver import PAGE_URL
from tests.support.provider_toml import provider_toml, surface_toml

LINK = f"{PAGE_URL}/i/inc1"


def now():
    return f"{time.time():.6f}"


def shared(url, ts, user="U2"):
    return {
        "type": "link_shared",
        "channel": "C1",
        "is_bot_user_member": True,
        "user": user,
        "message_ts": ts,
        "unfurl_id": f"C1.{ts}.x",
        "source": "conversations_history",
        "links": [{"domain": "127.0.0.1", "url": url}],
        "event_ts": ts,
    }


def titles(calls):
    entities = [e for call in calls for e in call["args"].get("metadata", {}).get("entities", ())]
    return [e["entity_payload"]["attributes"]["title"]["text"] for e in entities]


def opens(world):
    world.vendor.opens("inc1", "Errors on the API", "We look into errors.", api="major_outage")
    world.driver.command("subscribe acme")
    world.driver.wait_for(world.driver.alerts, what="the alert")


@pytest.fixture(scope="module")
def story(worlds):
    """A link is pasted, its card follows the incident over a kill -9, a pane is opened; strangers' links come too."""
    with worlds() as world:
        world.start()
        driver = world.driver
        opens(world)
        ts = now()
        driver.event(shared("https://stranger.example/incidents/inc1", now()))
        driver.event(shared(LINK, now(), user="U0BOT"))
        driver.event(shared(LINK, ts))
        first = driver.wait_for(lambda: driver.calls("chat.unfurl"), what="the card")
        driver.event(
            {
                "type": "entity_details_requested",
                "user": "U2",
                "external_ref": first[0]["args"]["metadata"]["entities"][0]["external_ref"],
                "entity_url": LINK,
                "link": {"url": LINK, "domain": "127.0.0.1"},
                "event_ts": now(),
                "trigger_id": "1.2.x",
                "user_locale": "en-US",
                "channel": "C1",
            }
        )
        pane = driver.wait_for(lambda: driver.calls("entity.presentDetails"), what="the pane")
        world.bots[-1].kill()
        world.vendor.resolves("inc1", "This is over.", api="operational")
        world.start()
        after = driver.wait_for(
            lambda: len(calls := driver.calls("chat.unfurl")) > len(first) and calls, what="another card", patience=60
        )
        yield {"ts": ts, "first": first, "pane": pane, "after": after, "log": world.said()}


def test_a_pasted_link_gets_one_card_and_strangers_links_and_our_own_get_none(story):
    assert titles(story["first"]) == ["🔴 Acme API outage"]
    assert [call["args"]["unfurl_id"] for call in story["first"]] == [f"C1.{story['ts']}.x"]


def test_the_card_follows_the_incident_after_a_kill(story):
    assert story["after"][-1]["args"]["unfurl_id"] == f"C1.{story['ts']}.x"
    assert titles(story["after"])[-1] != titles(story["first"])[0]


def test_an_opened_pane_has_the_timeline(story):
    [call] = story["pane"]
    assert call["args"]["trigger_id"] == "1.2.x"
    assert "Errors on the API" in json.dumps(call["args"]["metadata"])
    assert "We look into errors." in json.dumps(call["args"]["metadata"])


def test_no_link_is_in_the_log(story):
    assert "stranger.example" not in story["log"]


def test_without_work_objects_a_link_gets_plain_blocks(world):
    world.start()
    opens(world)
    world.driver.fault("invalid_metadata_format", method="chat.unfurl")
    world.driver.event(shared(LINK, now()))
    first, second = world.driver.wait_for(
        lambda: len(calls := world.driver.calls("chat.unfurl")) == 2 and calls, what="both tries"
    )
    assert "metadata" in first["args"]
    assert list(second["args"]["unfurls"]) == [LINK]
    assert "Slack takes no Work Objects (invalid_metadata_format)" in world.said()


def ask(driver, words):
    """Mentions the bot with these words; the reply once it is there."""
    before = len(driver.calls("chat.postMessage"))
    driver._ask("POST", "/_control/message", {"channel": "C1", "user": "U2", "text": f"<@U0BOT> {words}"})
    return driver.wait_for(
        lambda: [
            c for c in driver.calls("chat.postMessage")[before:] if c["status"] == 200 and c["args"].get("thread_ts")
        ],
        what=f"an answer to {words}",
    )


def kinds(call):
    blocks = call["args"].get("blocks") or []
    return [block["type"] for block in (json.loads(blocks) if isinstance(blocks, str) else blocks)]


def test_an_answer_with_a_table_is_sent_plain_where_slack_refuses_it_and_not_tried_again(world):
    services = [surface_toml(f"big-{n}", f"Big {n}", f"cmp-{n}", f"part{n}") for n in range(5)]
    (world.work / "config" / "providers" / "big.toml").write_text(
        provider_toml("big", "Big", f"{PAGE_URL}/big", services)
    )
    broken = [{"id": f"cmp-{n}", "name": f"Part {n}", "status": "major_outage", "group": False} for n in range(5)]
    page = {"page": {"id": "big", "name": "Big"}, "components": broken, "incidents": [], "scheduled_maintenances": []}
    world.driver.show("/big/api/v2/summary.json", page)
    world.start()
    driver = world.driver
    driver.wait_for(lambda: driver.looks("/big/api/v2/summary.json") > 2, what="looks at the page")
    answer = ask(driver, "status big")
    assert "table" in kinds(answer[-1])
    driver.fault("invalid_blocks")
    refused = ask(driver, "status big")
    driver.wait_for(
        lambda: len(driver.calls("chat.postMessage")) > 0 and "invalid_blocks" in world.said(), what="the log"
    )
    plain = ask(driver, "status big")
    assert refused
    assert "table" not in kinds(plain[-1])
    assert world.said().count("Slack takes no blocks of the type table") == 1
