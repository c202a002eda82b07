"""Predicates for tenacity: a retry only if the gate lets it pass.

``@retry(retry=retry_if_safe(gate("claude-api"), wait_s=600), wait=wait_random_exponential(max=60), reraise=True)``
"""

from __future__ import annotations

from typing import Callable

from tenacity import RetryCallState
from tenacity.asyncio.retry import async_retry_base
from tenacity.retry import retry_base

from brownout_gate.answers import GateTimeoutError
from brownout_gate.gates import AsyncGate, Gate
from brownout_gate.transports import is_outage


class retry_if_safe(retry_base):  # noqa: N801  (named like tenacity's own)
    """Retries where the error may pass (``on``) and the gate opens within ``wait_s`` seconds."""

    def __init__(self, gate: Gate, *, wait_s: float = 0.0, on: Callable[[BaseException], bool] = is_outage) -> None:
        self.gate, self.wait_s, self.on = gate, wait_s, on

    def __call__(self, retry_state: RetryCallState) -> bool:
        """Whether to retry; asks the gate only after a failed attempt."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if error is None or not self.on(error):
            return False
        try:
            self.gate.wait(self.wait_s)
        except GateTimeoutError:
            return False
        return True


class async_retry_if_safe(async_retry_base):  # noqa: N801  (likewise)
    """``retry_if_safe`` for coroutines, with an ``AsyncGate``."""

    def __init__(
        self, gate: AsyncGate, *, wait_s: float = 0.0, on: Callable[[BaseException], bool] = is_outage
    ) -> None:
        self.gate, self.wait_s, self.on = gate, wait_s, on

    async def __call__(self, retry_state: RetryCallState) -> bool:  # type: ignore[override]  # as tenacity's own
        """Whether to retry; asks the gate only after a failed attempt."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if error is None or not self.on(error):
            return False
        try:
            await self.gate.wait(self.wait_s)
        except GateTimeoutError:
            return False
        return True
