"""A hook for stamina: a retry only if the gate lets it pass.

``@stamina.retry(on=retry_if_safe(gate("claude-api"), wait_s=600), attempts=3, timeout=None)``

The hook is called between two attempts and waits there, so in a coroutine use tenacity's ``async_retry_if_safe``.
"""

from __future__ import annotations

from typing import Callable

from brownout_gate.answers import GateTimeoutError
from brownout_gate.gates import Gate
from brownout_gate.transports import is_outage


def retry_if_safe(
    gate: Gate, *, wait_s: float = 0.0, on: Callable[[BaseException], bool] = is_outage
) -> Callable[[Exception], bool]:
    """A hook for ``on=``: true where the error may pass (``on``) and the gate opens within ``wait_s`` seconds."""

    def hook(error: Exception) -> bool:
        if not on(error):
            return False
        try:
            gate.wait(wait_s)
        except GateTimeoutError:
            return False
        return True

    return hook
