"""The gate client: what it makes of a bot's answers, of a bot that is away or slow, and of a clock that is wrong."""

import asyncio
import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from brownout_gate import (
    Answer,
    AsyncGate,
    Gate,
    GateTimeoutError,
    ServiceNotFoundError,
    async_gate,
    gate,
)

from tests.support.gate_answers import Clock, Script, before_slot, go, hold, slowly, unknown

NOTHING_KNOWN = {
    "an unknown state": unknown(),
    "no bot": httpx.ConnectError("refused"),
    "a page": httpx.Response(200, text="<html>hello</html>"),
    "a list": httpx.Response(200, json=["retry_normally"]),
    "no advice": httpx.Response(200, json={"verdict": "yes"}),
    "a redirect": httpx.Response(302, headers={"location": "http://elsewhere.example/"}),
    "another host": httpx.Response(421, json={"detail": "this bot is not called that"}),
    "a proxy's 404": httpx.Response(404, text="nginx"),
    "deep JSON": httpx.Response(200, content=b"[" * 60_000),
    "a long answer": httpx.Response(200, content=b" " * 100_000),
}
BOUNDED = [
    {"exposure": float("nan")},
    {"exposure": "all"},
    {"retry_after_s": -5},
    {"retry_after_s": 10**9},
    {"backoff": 3},
    {"max_attempts": None},
    {"valid_until": "soon"},
]


def scripted(*answers, clock=None, **settings):
    script, clock = Script(*answers), clock or Clock()
    made = Gate("acme-api", transport=script.transport, clock=clock, sleep=clock.sleep, client="me", **settings)
    return made, script, clock


def test_a_service_that_works_may_be_sent_to():
    made, _, _ = scripted(go())
    assert made.ok()


def test_a_service_that_is_held_may_not():
    made, _, _ = scripted(hold())
    assert not made.ok()


def test_the_client_is_named_so_that_it_has_a_slot():
    made, script, _ = scripted(go())
    made.ok()
    assert str(script.requests[0].url) == "http://127.0.0.1:8787/v1/surfaces/acme-api/retry?client=me"


def test_an_answer_is_used_again_for_five_seconds():
    made, script, clock = scripted(go())
    made.ok()
    clock.now += 4.9
    made.ok()
    clock.now += 0.2
    made.ok()
    assert len(script.requests) == 2


def test_a_slot_that_begins_within_the_five_seconds_is_not_overslept():
    made, _, clock = scripted(before_slot(2), slowly(1.0))
    assert not made.ok()
    clock.now += 2
    assert made.ok()


def test_an_answer_is_not_used_after_its_end():
    made, script, clock = scripted(go(valid_until="2026-03-02T12:00:01Z"))
    made.ok()
    clock.now += 1.1
    made.ok()
    assert len(script.requests) == 2


def test_waiting_ends_when_the_gate_opens():
    made, _, clock = scripted(hold(), hold(), go())
    assert made.wait(timeout=3600).verdict == "retry_normally"
    assert [90 <= waited <= 99 for waited in clock.slept] == [True, True]


def test_waiting_ends_with_the_reason_when_the_time_is_over():
    made, _, clock = scripted(hold(reason="Don't retry: partial outage."))
    with pytest.raises(GateTimeoutError, match="partial outage") as caught:
        made.wait(timeout=200)
    assert (sum(clock.slept) <= 200, caught.value.answer.verdict) == (True, "hold_off")


def test_a_slot_is_waited_for():
    made, _, clock = scripted(before_slot(40), slowly(1.0))
    made.wait(timeout=60)
    assert 40 <= sum(clock.slept) <= 44


def test_of_the_calls_only_the_share_passes():
    made, _, _ = scripted(slowly(0.2))
    assert sum(made.ok() for _ in range(1000)) in (199, 200, 201)


def test_of_many_clients_with_one_call_each_the_share_passes():
    passed = sum(scripted(slowly(0.2))[0].ok() for _ in range(1000))
    assert 130 < passed < 270  # of 1,000 with a mean of 200, five standard deviations


def test_an_unknown_service_is_an_error_with_the_bots_words():
    made, _, _ = scripted(httpx.Response(404, json={"detail": "No service “acme-ipa”. Closest: acme-api."}))
    with pytest.raises(ServiceNotFoundError, match="Closest: acme-api"):
        made.ok()


def test_an_odd_setting_is_refused_at_once():
    with pytest.raises(ValueError, match="'open' or 'closed'"):
        gate("acme-api", on_unknown="maybe")


@pytest.mark.parametrize(("on_unknown", "may_send"), [("open", True), ("closed", False)])
@pytest.mark.parametrize("what", NOTHING_KNOWN)
def test_where_nothing_is_known_the_choice_decides(what, on_unknown, may_send):
    made, _, _ = scripted(NOTHING_KNOWN[what], on_unknown=on_unknown)
    assert (made.ok(), made.ask().verdict) == (may_send, "unknown")


@pytest.mark.parametrize("changed", BOUNDED, ids=str)
def test_odd_values_in_an_answer_are_bounded(changed):
    body = httpx.Response(429, text=json.dumps({"verdict": "retry_gently", "exposure": 0.1} | changed))
    found = scripted(body)[0].ask()
    assert (0 <= found.exposure <= 1, 1 <= found.wait_s <= 120, 0 <= found.max_attempts <= 100) == (True, True, True)


def test_a_bot_that_is_away_is_not_asked_again_for_five_seconds():
    made, script, clock = scripted(httpx.ConnectError("refused"))
    made.ok()
    clock.now += 4
    made.ok()
    assert len(script.requests) == 1


def test_of_threads_that_ask_at_once_one_does_it_for_all():
    made, script, _ = scripted(go())
    threads = [threading.Thread(target=made.ok) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(script.requests) == 1


@pytest.mark.anyio
async def test_of_tasks_that_ask_at_once_one_does_it_for_all():
    script = Script(go())
    made = AsyncGate("acme-api", transport=script.transport)
    assert (await asyncio.gather(*[made.ok() for _ in range(20)]), len(script.requests)) == ([True] * 20, 1)


def test_a_gate_outlives_its_event_loop():
    made = AsyncGate("acme-api", transport=Script(hold(), go()).transport, clock=(clock := Clock()))
    assert not asyncio.run(made.ok())
    clock.now += 100
    assert asyncio.run(made.ok())


@pytest.mark.anyio
async def test_coroutines_wait_alike():
    clock = Clock()
    made = AsyncGate(
        "acme-api", transport=Script(hold(), before_slot(30), go()).transport, clock=clock, sleep=clock.sleep_async
    )
    assert (await made.wait(timeout=200)).verdict == "retry_normally"
    with pytest.raises(GateTimeoutError):
        await AsyncGate("acme-api", transport=Script(hold()).transport, clock=clock).wait(timeout=1)


@pytest.mark.parametrize("skew", [timedelta(hours=-9), timedelta(0), timedelta(days=400)], ids=str)
def test_the_clock_of_this_machine_does_not_matter(skew):
    """The bot's times are compared with each other only: whatever its clock shows, the answer lives for five seconds."""
    at = datetime(2026, 3, 2, 12, tzinfo=UTC) + skew
    date, valid_until = at.strftime("%a, %d %b %Y %H:%M:%S GMT"), (at + timedelta(seconds=120)).isoformat()
    made, script, clock = scripted(go(date=date, valid_until=valid_until))
    made.ok()
    clock.now += 4.9
    assert (made.ok(), len(script.requests)) == (True, 1)


def test_the_backoff_has_full_jitter_up_to_its_cap():
    found = Answer("acme-api", "retry_normally", may_send=True, backoff_base_s=1, backoff_cap_s=60)
    waits = [found.backoff_s(20) for _ in range(2000)]
    assert (max(waits) <= 60, max(waits) > 57, min(waits) < 3) == (True, True, True)


# --- with a real bot --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "verdict", "may_send"),
    [("well", "retry_normally", True), ("breaks", "fail_over", False), ("recovers", "retry_gently", False)],
)
def test_a_real_bot_answers(live_bot, story, verdict, may_send):
    found = gate("acme-api", bot=live_bot(story).url, client="me").ask()
    assert (found.verdict, found.may_send, found.is_from_bot) == (verdict, may_send, True)


def test_a_real_bot_names_what_to_use_instead(live_bot):
    assert gate("acme-api", bot=live_bot("breaks").url).ask().instead == "globex-api"


def test_the_address_may_come_from_the_environment(live_bot, monkeypatch):
    monkeypatch.setenv("BROWNOUT_URL", live_bot("breaks").url)
    assert not gate("acme-api").ok()


def test_a_real_bot_does_not_know_every_service(live_bot):
    with pytest.raises(ServiceNotFoundError, match="acme-api"):
        gate("acme-ipa", bot=live_bot().url).ok()


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_bot_that_is_not_public_tells_nothing_without_its_token(live_bot, token):
    found = gate("acme-api", bot=live_bot("breaks", public=False).url, token=token).ask()
    assert (found.verdict, "HTTP 401" in found.reason) == ("unknown", True)


def test_a_bot_that_is_not_public_answers_its_token(live_bot):
    bot = live_bot("breaks", public=False)
    assert gate("acme-api", bot=bot.url, token=bot.token).ask().verdict == "fail_over"


@pytest.mark.anyio
async def test_a_coroutine_asks_a_real_bot(live_bot):
    bot = await asyncio.to_thread(live_bot, "breaks")
    assert not await async_gate("acme-api", bot=bot.url).ok()


def hanging_server(feed):
    """A server that accepts and then does what ``feed`` says with each connection; returns its address and its end."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=feed, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def say_nothing(connection):
    with connection:
        connection.settimeout(5)
        while connection.recv(65536):
            pass


def drip(connection):
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        try:
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.05)
        except OSError:
            return


@pytest.mark.parametrize("feed", [say_nothing, drip], ids=["silent", "dripping"])
def test_a_bot_that_hangs_holds_nobody_up_for_long(feed):
    url, listener = hanging_server(feed)
    with listener:
        began = time.monotonic()
        assert gate("acme-api", bot=url, ask_timeout_s=0.3).ok()
        assert time.monotonic() - began < 3


def test_a_bot_that_hangs_may_close_the_gate():
    url, listener = hanging_server(say_nothing)
    with listener:
        assert not gate("acme-api", bot=url, ask_timeout_s=0.3, on_unknown="closed").ok()


def test_a_bot_that_comes_back_is_found(live_bot):
    """Closed while the bot is away, open when it answers."""
    bot = live_bot()
    clock = Clock()
    made = Gate("acme-api", bot="http://127.0.0.1:9", on_unknown="closed", clock=clock)
    assert not made.ok()
    made.url = bot.url
    clock.now += 6
    assert made.ok()
