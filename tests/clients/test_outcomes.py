"""Counts of outcomes: once a minute, kept while the bot is away, with the bot's time instead of a wrong one."""

import json
import os
import time
from datetime import datetime, timedelta

import httpx
import pytest
from brownout_gate import Gate, GateTransport, OutcomeReporter

from tests.support.gate_answers import DATE, Script

TOKEN = "t-1"  # noqa: S105  (made up)
NOON = datetime.fromisoformat("2026-03-02T12:00:00+00:00").timestamp()
TAKEN = httpx.Response(200, json={"taken": 1}, headers={"date": DATE})


class WallClock:
    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now


def reporter(*answers, now=NOON, interval_s=60.0):
    script, clock = Script(*answers), WallClock(now)
    made = OutcomeReporter(
        *("acme-api",),
        url="http://bot.example",
        token=TOKEN,
        client="shop",
        clock=clock,
        transport=script.transport,
        interval_s=interval_s,
    )
    return made, script, clock


def sent(script):
    return [json.loads(request.content) for request in script.requests]


def test_what_was_counted_is_sent_with_its_span():
    made, script, clock = reporter(TAKEN)
    for outcome in ("ok", "ok", "529", "timeout"):
        made.count(outcome)
    clock.now += 60
    assert made.flush()
    assert sent(script) == [
        {
            "surface": "acme-api",
            "since": "2026-03-02T12:00:00.000000Z",
            "until": "2026-03-02T12:01:00.000000Z",
            "ok": 2,
            "errors": {"529": 1, "timeout": 1},
            "client": "shop",
        }
    ]
    assert script.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_nothing_is_sent_where_nothing_was_counted():
    made, script, _ = reporter(TAKEN)
    made.flush()
    assert script.requests == []


def test_what_was_sent_is_not_sent_again():
    made, script, _ = reporter(TAKEN)
    made.count("ok")
    made.flush()
    made.flush()
    assert len(script.requests) == 1


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(401)], ids=repr)
def test_counts_stay_while_the_bot_does_not_take_them(failure):
    made, script, clock = reporter(failure, TAKEN)
    made.count("ok")
    clock.now += 60
    assert not made.flush()
    made.count("529")
    clock.now += 60
    assert made.flush()
    assert sent(script)[1] | {"client": ""} == {
        "surface": "acme-api",
        "since": "2026-03-02T12:00:00.000000Z",
        "until": "2026-03-02T12:02:00.000000Z",
        "ok": 1,
        "errors": {"529": 1},
        "client": "",
    }


def test_counts_of_more_than_ten_minutes_ago_are_dropped():
    made, script, clock = reporter(httpx.ConnectError("refused"), TAKEN)
    made.count("ok")
    clock.now += 601
    made.flush()
    made.flush()
    assert len(script.requests) == 1


def test_a_refusal_is_logged_once(caplog):
    made, _, _ = reporter(httpx.Response(403, json={"detail": "the token shop is for reports, not outcomes"}))
    for _ in range(3):
        made.count("ok")
        made.flush()
    assert [record.getMessage() for record in caplog.records] == [
        'brownout: acme-api: counts refused (HTTP 403): {"detail":"the token shop is for reports, not outcomes"}'
    ]


@pytest.mark.parametrize("skew", [-7200, 7200, 90])
def test_a_wrong_clock_is_corrected_by_the_bots(skew):
    refusal = httpx.Response(422, json={"detail": "too old"}, headers={"date": DATE})
    made, script, _ = reporter(refusal, TAKEN, now=NOON + skew)
    made.count("ok")
    assert made.flush()
    assert sent(script)[1]["until"] == "2026-03-02T12:00:00.000000Z"


def test_a_refusal_that_the_clock_does_not_explain_is_not_repeated():
    made, script, _ = reporter(httpx.Response(422, json={"detail": "odd"}, headers={"date": DATE}))
    made.count("ok")
    made.flush()
    assert len(script.requests) == 1


def test_reports_go_by_themselves_once_an_interval():
    made, script, _ = reporter(TAKEN, interval_s=0.05)
    made.count("ok")
    give_up = time.monotonic() + 10
    while not script.requests and time.monotonic() < give_up:
        time.sleep(0.01)
    made.close()
    assert len(script.requests) == 1


def test_a_reporter_that_is_closed_has_sent_all():
    made, script, _ = reporter(TAKEN)
    made.count("ok")
    made.close()
    assert sent(script)[0]["ok"] == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_child_of_a_fork_counts_for_itself():
    made, _, _ = reporter(TAKEN)
    made.count("ok")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        made.count("529")
        os.write(writing, json.dumps([dict(made._counts), made._thread.is_alive()]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert json.loads(pipe.read()) == [{"529": 1}, True]
    made.close()


def test_a_real_bot_takes_the_counts_of_a_real_client(live_bot):
    bot = live_bot()
    gate = Gate("acme-api", bot=bot.url, token=bot.token, client="shop")
    vendor = Script(httpx.Response(200), httpx.Response(200), httpx.Response(529))
    with httpx.Client(transport=GateTransport(gate, vendor.transport)) as client:
        for _ in range(3):
            client.get("http://acme.example/")
    [seen] = bot.evidence.seen
    assert (seen.surface, seen.ok, dict(seen.errors), seen.client, seen.writer) == (
        "acme-api",
        2,
        {"529": 1},
        "shop",
        "shop",
    )


@pytest.mark.parametrize("hours", [-9, 9])
def test_a_real_bot_takes_the_counts_of_a_machine_with_a_wrong_clock(live_bot, hours):
    bot = live_bot()
    wrong = WallClock(time.time() + timedelta(hours=hours).total_seconds())
    made = OutcomeReporter("acme-api", url=bot.url, token=bot.token, clock=wrong)
    made.count("ok")
    assert (made.flush(), len(bot.evidence.seen)) == (True, 1)
    made.close()
