"""tenacity's own loop with the gate's predicate."""

import httpx
import pytest

tenacity = pytest.importorskip("tenacity", reason="tenacity is not installed")

from brownout_gate import AsyncGate, Gate  # noqa: E402  (after the skip)
from brownout_gate.for_tenacity import async_retry_if_safe, retry_if_safe  # noqa: E402

from tests.support.gate_answers import Clock, Script, go, hold  # noqa: E402


class Job:
    """Fails with these errors, then works."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def gate_of(*answers):
    script, clock = Script(*answers), Clock()
    return Gate("acme-api", transport=script.transport, clock=clock, sleep=clock.sleep), script


def run(job, gate, **options):
    loop = tenacity.Retrying(retry=retry_if_safe(gate, **options), sleep=lambda _: None, reraise=True)
    return loop(job)


def test_a_failure_is_retried_where_the_gate_is_open():
    gate, _ = gate_of(go())
    assert run(Job(httpx.ConnectError("x")), gate) == "done"


def test_a_first_try_asks_nobody():
    gate, script = gate_of(go())
    run(Job(), gate)
    assert script.requests == []


def test_a_failure_is_raised_where_the_gate_is_closed():
    job, (gate, _) = Job(httpx.ConnectError("x")), gate_of(hold())
    with pytest.raises(httpx.ConnectError):
        run(job, gate)
    assert job.calls == 1


def test_it_may_wait_for_the_gate():
    gate, _ = gate_of(hold(), go())
    assert run(Job(httpx.ConnectError("x")), gate, wait_s=300) == "done"


def test_another_error_is_raised_without_asking():
    gate, script = gate_of(go())
    with pytest.raises(KeyError):
        run(Job(KeyError("mine")), gate)
    assert script.requests == []


@pytest.mark.anyio
async def test_coroutines_are_retried_alike():
    clock = Clock()
    gate = AsyncGate("acme-api", transport=Script(go(), hold()).transport, clock=clock)
    errors = [httpx.ConnectError("1"), httpx.ConnectError("2")]

    async def job():
        clock.now += 10
        if errors:
            raise errors.pop(0)

    async def sleep(_):
        pass

    loop = tenacity.AsyncRetrying(retry=async_retry_if_safe(gate), sleep=sleep, reraise=True)
    with pytest.raises(httpx.ConnectError, match="2"):
        await loop(job)
