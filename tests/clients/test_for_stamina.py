"""stamina's own loop with the gate's hook."""

import httpx
import pytest

stamina = pytest.importorskip("stamina", reason="stamina is not installed")

from brownout_gate import Gate  # noqa: E402  (after the skip)
from brownout_gate.for_stamina import retry_if_safe  # noqa: E402

from tests.support.gate_answers import Clock, Script, go, hold  # noqa: E402


def run(errors, *answers, **options):
    """Calls a job that fails with these errors; returns how often it was called, and the error that was raised."""
    errors, calls, clock = list(errors), 0, Clock()
    gate = Gate("acme-api", transport=Script(*answers).transport, clock=clock, sleep=clock.sleep)
    try:
        for attempt in stamina.retry_context(
            on=retry_if_safe(gate, **options), attempts=3, wait_initial=0, wait_max=0, wait_jitter=0
        ):
            with attempt:
                calls += 1
                if errors:
                    raise errors.pop(0)
    except (httpx.HTTPError, KeyError) as error:
        return calls, type(error)
    return calls, None


def test_a_failure_is_retried_where_the_gate_is_open():
    assert run([httpx.ConnectError("x")], go()) == (2, None)


def test_a_failure_is_raised_where_the_gate_is_closed():
    assert run([httpx.ConnectError("x")], hold()) == (1, httpx.ConnectError)


def test_it_may_wait_for_the_gate():
    assert run([httpx.ConnectError("x")], hold(), go(), wait_s=300) == (2, None)


def test_another_error_is_raised():
    assert run([KeyError("mine")], go()) == (1, KeyError)
