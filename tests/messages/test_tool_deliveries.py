"""What the tools got, in lines and as JSON."""

import pytest

from bot.domain import DeliveryPause
from bot.messages import tool_deliveries
from bot.storage.outbox import PausedChannel, ToolDelivery
from tests.support.samples import NOON, at

SENT = ToolDelivery("notify:oncall", "inc1:alert", "sent", 1, "", NOON, NOON, at(1))
WAITS = ToolDelivery("notify:oncall", "inc1:over:2026", "waiting", 3, "PagerDuty answered 500", at(2), at(9), None)
PAUSE = PausedChannel(DeliveryPause("notify:oncall", "http_403", "check the key", NOON), 1, at(5), is_told=False)


@pytest.mark.parametrize(
    ("key", "phase"),
    [
        ("inc1:alert", "triggered"),
        ("acme-web@2026-12-01T07:22:07Z:alert", "triggered"),
        ("inc1:ack:2026-12-01T07:22:07", "acknowledged"),
        ("inc1:over:2026-12-01T07:22:07", "resolved"),
        ("inc1:ours:4711", "updated"),
    ],
)
def test_a_key_says_what_a_notification_does(key, phase):
    assert tool_deliveries.phase_of(key) == phase


def test_a_delivery_is_one_line():
    assert tool_deliveries.delivery_line(SENT) == "2026-05-04 12:00 UTC  oncall  triggered  inc1:alert  sent"


def test_what_waits_says_why_and_until_when():
    assert tool_deliveries.delivery_line(WAITS).endswith(
        "queued at attempt 3, next try at 12:09 UTC: PagerDuty answered 500"
    )


def test_a_tool_is_one_line():
    counts = {"sent": 4, "waiting": 1, "parked": 2}
    facts = tool_deliveries.tool_facts("oncall", "pagerduty", counts, WAITS, PAUSE, is_on=True)
    line = tool_deliveries.tool_line(facts, at(4))
    assert line.startswith("oncall (pagerduty): 4 sent, 1 queued, 2 given up, newest 2 min ago: queued")
    assert line.endswith("paused (http_403, fix: check the key), next try at 12:05 UTC")


def test_a_tool_without_a_delivery_is_one_line():
    facts = tool_deliveries.tool_facts("mail", "email", {}, None, None, is_on=False)
    assert tool_deliveries.tool_line(facts, NOON) == "mail (email, off): 0 sent"


def test_programs_get_the_same():
    facts = tool_deliveries.tool_facts("oncall", "pagerduty", {"sent": 1}, SENT, None, is_on=True)
    found = tool_deliveries.tool_json(facts)
    assert (found["sent"], found["paused"], found["newest"]["phase"]) == (1, None, "triggered")
