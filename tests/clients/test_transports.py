"""The transports: the gate is asked before a retry and never before a first try; what fails is counted."""

import asyncio
import contextlib
from collections import Counter

import httpx
import pytest
from brownout_gate import AsyncGate, AsyncGateTransport, Gate, GateTransport, is_outage

from tests.support.gate_answers import Clock, Script, go, hold, slowly, unknown

FINE, OVERLOADED, BROKEN = httpx.Response(200, text="hello"), httpx.Response(529), httpx.Response(500)
RETRY = {"x-stainless-retry-count": "1"}


class Counted:
    def __init__(self):
        self.counts = Counter()

    def count(self, outcome):
        self.counts[outcome] += 1

    def flush(self):
        self.counts["flushed"] += 1


class Case:
    """A client whose vendor gives ``vendor`` and whose bot gives ``bot``."""

    def __init__(self, vendor, bot=(), **options):
        self.vendor, self.bot, self.clock, self.slept = Script(*vendor), Script(*(bot or [go()])), Clock(), []
        self.gate = Gate("acme-api", transport=self.bot.transport, clock=self.clock, sleep=self.clock.sleep)
        self.gate.outcomes = self.counted = Counted()
        transport = GateTransport(self.gate, self.vendor.transport, sleep=self.slept.append, **options)
        self.client = httpx.Client(transport=transport, base_url="http://acme.example")

    def send(self, method="GET", **how):
        return self.client.request(method, "/", **how)

    @property
    def asked(self):
        return (len(self.vendor.requests), len(self.bot.requests))


def test_a_first_try_asks_nobody():
    case = Case([FINE], [hold()])
    assert (case.send().status_code, case.asked) == (200, (1, 0))


def test_a_first_try_that_fails_without_retries_asks_nobody():
    case = Case([OVERLOADED])
    assert (case.send().status_code, case.asked) == (529, (1, 0))


def test_a_retry_asks_first():
    case = Case([OVERLOADED, FINE], retries=2)
    assert (case.send().status_code, case.asked) == (200, (2, 1))


def test_a_retry_waits_with_jitter():
    waits = []
    for _ in range(50):
        case = Case([OVERLOADED, FINE], retries=2)
        case.send()
        waits += case.slept
    assert (len(waits), max(waits) <= 1, len(set(waits)) > 40) == (50, True, True)


def test_a_retry_that_is_held_returns_the_failure_and_forbids_others():
    case = Case([OVERLOADED], [hold()], retries=2)
    found = case.send()
    assert (found.status_code, found.headers["x-should-retry"], case.asked) == (529, "false", (1, 1))


def test_a_retry_may_wait_for_the_gate():
    case = Case([OVERLOADED, FINE], [hold(), go()], retries=2, wait_s=200)
    assert (case.send().status_code, 90 <= sum(case.clock.slept) <= 99) == (200, True)


def test_only_the_share_of_the_retries_passes():
    case = Case([OVERLOADED], [slowly(0.1)], retries=1)
    for _ in range(200):
        case.send()
    assert 218 <= len(case.vendor.requests) <= 222


def test_no_more_attempts_than_the_bot_says():
    case = Case([OVERLOADED], [go(max_attempts=3)], retries=9)
    case.send()
    assert len(case.vendor.requests) == 3


@pytest.mark.parametrize(("on_unknown", "sent"), [("open", 3), ("closed", 1)])
@pytest.mark.parametrize("nobody", [unknown(), httpx.ConnectError("refused")], ids=["unknown", "away"])
def test_without_an_answer_the_choice_decides(nobody, on_unknown, sent):
    case = Case([OVERLOADED], [nobody], retries=2)
    case.gate.on_unknown = on_unknown
    case.send()
    assert len(case.vendor.requests) == sent


def test_a_service_that_the_bot_does_not_watch_is_retried_as_if_it_were_away():
    case = Case([OVERLOADED, FINE], [httpx.Response(404, json={"detail": "no such service"})], retries=1)
    assert case.send().status_code == 200


def test_a_vendors_short_retry_after_is_waited_for():
    case = Case([httpx.Response(429, headers={"retry-after": "7"}), FINE], retries=1)
    case.send()
    assert case.slept == [7.0]


def test_a_vendors_long_retry_after_ends_it():
    case = Case([httpx.Response(429, headers={"retry-after": "600"})], retries=3)
    assert (case.send().status_code, len(case.vendor.requests)) == (429, 1)


@pytest.mark.parametrize(
    ("method", "headers", "failure", "sent"),
    [
        ("GET", {}, BROKEN, 2),
        ("POST", {}, BROKEN, 1),
        ("POST", {"idempotency-key": "k"}, BROKEN, 2),
        ("POST", {}, OVERLOADED, 2),
        ("POST", {}, httpx.ReadTimeout("slow"), 1),
        ("GET", {}, httpx.ReadTimeout("slow"), 2),
        ("GET", {}, httpx.Response(400), 1),
        ("GET", {}, httpx.Response(404), 1),
    ],
    ids=str,
)
def test_only_what_does_no_harm_twice_is_sent_twice(method, headers, failure, sent):
    case = Case([failure], retries=1)
    with contextlib.suppress(httpx.ReadTimeout):
        case.send(method, headers=headers)
    assert len(case.vendor.requests) == sent


class Unread(httpx.BaseTransport):
    """Answers without reading the request; httpx's MockTransport would have read it."""

    sent = 0

    def handle_request(self, request):  # noqa: ARG002  (it is not read)
        self.sent += 1
        return httpx.Response(529)


def test_a_body_that_can_be_read_only_once_is_sent_once():
    vendor = Unread()
    gate = Gate("acme-api", transport=Script(go()).transport)
    with httpx.Client(transport=GateTransport(gate, vendor, retries=2)) as client:
        client.put("http://acme.example/", content=iter([b"once"]))
    assert vendor.sent == 1


def test_a_body_of_bytes_is_sent_whole_each_time():
    case = Case([OVERLOADED, FINE], retries=2)
    case.send("POST", json={"a": 1})
    assert [request.content for request in case.vendor.requests] == [b'{"a":1}'] * 2


def test_the_retry_of_an_sdk_asks_first():
    case = Case([FINE], [go()])
    assert (case.send(headers=RETRY).status_code, case.asked) == (200, (1, 1))


def test_the_retry_of_an_sdk_that_is_held_is_answered_with_the_reason():
    case = Case([FINE], [hold(reason="Don't retry: partial outage.", instead="globex-api")])
    found = case.send(headers=RETRY)
    assert (found.status_code, found.headers["x-should-retry"], case.asked) == (503, "false", (0, 1))
    assert found.json()["error"] == {
        "type": "brownout_held",
        "message": "Don't retry: partial outage.",
        "instead": "globex-api",
    }


def test_a_request_may_be_marked_as_a_retry():
    case = Case([FINE], [hold()])
    assert case.send(extensions={"brownout_retry": True}).status_code == 503


def test_outcomes_are_counted_by_status_and_kind():
    case = Case([FINE, OVERLOADED, httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.Response(404)])
    for _ in range(5):
        with contextlib.suppress(httpx.TransportError):
            case.send()
    assert case.counted.counts == {"ok": 1, "529": 1, "connection": 1, "timeout": 1, "404": 1}


def test_a_retry_that_is_held_is_no_outcome():
    case = Case([FINE], [hold()])
    case.send(headers=RETRY)
    assert case.counted.counts == {}


def test_closing_sends_what_was_counted():
    case = Case([FINE])
    case.client.close()
    assert case.counted.counts["flushed"] == 1


def test_a_mistake_of_the_caller_is_raised_as_it_is():
    case = Case([ValueError("mine")], retries=2)
    with pytest.raises(ValueError, match="mine"):
        case.send()
    assert case.counted.counts == {}


@pytest.mark.anyio
async def test_the_async_transport_does_the_same():
    vendor, clock, slept = Script(OVERLOADED, OVERLOADED, FINE), Clock(), []

    async def sleep(seconds):
        slept.append(seconds)

    bot = Script(go(), hold())
    gate = AsyncGate("acme-api", transport=bot.transport, clock=clock, sleep=clock.sleep_async)
    gate.outcomes = counted = Counted()
    transport = AsyncGateTransport(gate, vendor.transport, retries=2, sleep=sleep)
    async with httpx.AsyncClient(transport=transport, base_url="http://acme.example") as client:
        assert (await client.get("/")).status_code == 200
        clock.now += 10
        held = await client.get("/", headers=RETRY)
    assert (held.status_code, len(slept), counted.counts) == (503, 2, {"529": 2, "ok": 1, "flushed": 1})


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (httpx.ConnectError("x"), True),
        (TimeoutError(), True),
        (httpx.HTTPStatusError("x", request=httpx.Request("GET", "http://a"), response=OVERLOADED), True),
        (httpx.HTTPStatusError("x", request=httpx.Request("GET", "http://a"), response=httpx.Response(401)), False),
        (type("APIConnectionError", (Exception,), {})(), True),
        (type("RateLimitError", (Exception,), {"status_code": 429})(), True),
        (type("BadRequestError", (Exception,), {"status_code": 400})(), False),
        (KeyError("x"), False),
    ],
    ids=repr,
)
def test_what_may_pass_by_itself_is_an_outage(error, is_one):
    assert is_outage(error) is is_one


def test_a_real_bot_holds_the_retries_of_a_real_client(live_bot):
    gate = Gate("acme-api", bot=live_bot("breaks").url)
    vendor = Script(OVERLOADED)
    with httpx.Client(transport=GateTransport(gate, vendor.transport, retries=3)) as client:
        found = client.get("http://acme.example/")
    assert (found.headers["x-should-retry"], len(vendor.requests)) == ("false", 1)


@pytest.mark.anyio
async def test_a_real_bot_lets_the_retries_of_a_real_client_pass(live_bot):
    bot = await asyncio.to_thread(live_bot, "well")
    vendor = Script(OVERLOADED, FINE)

    async def sleep(_):
        pass

    transport = AsyncGateTransport(AsyncGate("acme-api", bot=bot.url), vendor.transport, retries=1, sleep=sleep)
    async with httpx.AsyncClient(transport=transport) as client:
        assert (await client.get("http://acme.example/")).status_code == 200
