"""The stage itself, and the Slack edge on the emulator."""

import json
import socket
import subprocess
import sys

import pytest

from tests.e2e import network_namespace
from tests.e2e.driver import PAGE_URL, ROOT, SLACK_API_URL

EDGE = f"""
import asyncio, json, sys
from bot.adapters.slack_client import SlackClient
from bot.domain import Message
from bot.errors import DeliveryError

block = {{"type": "section", "text": {{"type": "mrkdwn", "text": "old", "verbatim": True}}}}

async def main():
    edge = SlackClient("xoxb-test", base_url={SLACK_API_URL!r}, timeout_s=2)
    try:
        ts = await edge.post("C1", Message("old", (block,), "k1"))
        await edge.post("C1", Message("reply", (), "k2"), thread_ts=ts, broadcast=True)
        await edge.edit("C1", ts, Message("new"))
        print(json.dumps(ts))
    except DeliveryError as error:
        print(json.dumps([error.code, error.retry_after]))

asyncio.run(main())
"""


def inside(world, script):
    """What a Python script printed in the namespace, as JSON."""
    run = world.namespace.enter([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    return json.loads(run.communicate()[0])


def test_the_edge_posts_replies_and_edits_on_the_emulator(world, driver):
    ts = inside(world, EDGE)
    [parent, reply] = driver.messages()
    assert (parent["ts"], parent["text"], parent["blocks"]) == (ts, "new", [])
    assert (reply["thread_ts"], reply["text"]) == (ts, "reply")
    assert [c["args"].get("reply_broadcast") for c in driver.calls("chat.postMessage")] == [None, True]


@pytest.mark.parametrize(
    ("kind", "error", "shown"),
    [
        ("slow_down", ["ratelimited", 1], 0),
        ("error", ["internal_error", None], 0),
        ("hang", ["unknown_outcome", None], 0),
        ("drop", ["unknown_outcome", None], 0),
        ("lost", ["unknown_outcome", None], 1),
        ("is_archived", ["is_archived", None], 0),
    ],
)
def test_a_fault_is_what_it_says(world, driver, kind, error, shown):
    driver.fault(kind)
    assert inside(world, EDGE) == error
    assert len(driver.messages()) == shown


def test_the_page_shows_what_it_is_told(world, driver):
    driver.show("/api/v2/summary.json", {"page": "told"})
    read = f"import urllib.request; print(urllib.request.urlopen('{PAGE_URL}/api/v2/summary.json').read().decode())"
    assert inside(world, read) == {"page": "told"}
    assert driver.looks() == 1


def test_the_emulator_can_not_be_reached_from_outside(world):
    with socket.socket() as outside, pytest.raises(OSError, match="refused"):
        outside.connect(("127.0.0.1", network_namespace.EMULATOR))


def test_nothing_inside_can_reach_the_internet(world):
    attempt = """
import json, socket
try:
    socket.create_connection(("1.1.1.1", 443), 2)
except OSError as error:
    print(json.dumps(error.strerror))
"""
    assert inside(world, attempt) == "Network is unreachable"
