"""httpx transports that ask the gate before every retry, never before a first try, and count every outcome.

A retry is one that the transport makes itself (``retries``), one that a vendor's SDK makes (it says so in
``x-stainless-retry-count``), or a request with ``extensions={"brownout_retry": True}``. Requests and responses of httpx
and of httpx2 are handled alike.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Awaitable
from typing import Any, Callable

import anyio
import httpx

from brownout_gate.answers import Answer, GateTimeoutError, ServiceNotFoundError, unknown_answer
from brownout_gate.gates import AsyncGate, Gate

RETRY_COUNT_HEADER = "x-stainless-retry-count"  # of the SDKs of Anthropic, OpenAI and others
RETRY_EXTENSION = "brownout_retry"
MAX_VENDOR_WAIT_S = 60.0  # for a vendor's longer Retry-After, the response is returned
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
_NOT_DONE = frozenset({429, 503, 529})  # the vendor did not do the work, so any request may be sent again
_MAYBE_DONE = frozenset({408, 500, 502, 504})


def is_outage(error: BaseException) -> bool:
    """Whether an error of httpx or of a vendor's SDK may pass by itself: no connection, a timeout, 408, 429, 5xx."""
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    if isinstance(status, int):
        return status in (408, 429) or 500 <= status <= 599  # noqa: PLR2004
    if isinstance(error, (httpx.TransportError, ConnectionError, TimeoutError)):
        return True
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"TransportError", "APIConnectionError", "APITimeoutError"})


class _Rules:
    """What both transports decide alike. ``gate.outcomes`` counts, if the gate has a token."""

    def __init__(self, gate: Any, retries: int, wait_s: float) -> None:
        self.gate, self.retries, self.wait_s = gate, retries, wait_s

    def is_marked_retry(self, request: Any) -> bool:
        if request.extensions.get(RETRY_EXTENSION):
            return True
        return request.headers.get(RETRY_COUNT_HEADER, "0").strip() not in ("", "0")

    def count(self, response: Any = None, error: BaseException | None = None) -> None:
        if self.gate.outcomes is None:
            return
        if response is not None:
            code = response.status_code
            self.gate.outcomes.count("ok" if code < 400 else str(code))  # noqa: PLR2004
        else:
            self.gate.outcomes.count("timeout" if "Timeout" in type(error).__name__ else "connection")

    def may_repeat(self, request: Any, attempt: int, response: Any) -> bool:
        """Whether the transport may send a failed request again, before the gate is asked."""
        if attempt >= self.retries or not _is_replayable(request):
            return False
        is_safe = request.method in _IDEMPOTENT or "idempotency-key" in request.headers
        if response is None:
            return is_safe
        return response.status_code in _NOT_DONE or (is_safe and response.status_code in _MAYBE_DONE)

    def pause_s(self, answer: Answer, attempt: int, response: Any) -> float | None:
        """Seconds before the next attempt; None where there should be none."""
        if attempt + 1 >= max(answer.max_attempts, 1) and answer.is_from_bot and answer.verdict != "unknown":
            return None
        vendor_s = _seconds(response.headers.get("retry-after")) if response is not None else 0.0
        return None if vendor_s > MAX_VENDOR_WAIT_S else max(answer.backoff_s(attempt), vendor_s)


class GateTransport(httpx.BaseTransport):
    """Sends requests through ``inner`` and asks ``gate`` before each retry."""

    def __init__(
        self,
        gate: Gate,
        inner: Any = None,
        *,
        retries: int = 0,
        wait_s: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Wraps a transport.

        Args:
            gate: Is asked before a retry.
            inner: The transport that sends; without it httpx's own.
            retries: How often the transport itself sends a failed request again. With a vendor's SDK, leave it at 0:
                the SDK retries.
            wait_s: How long a retry may wait for the gate to open, in seconds. After it the failed response is
                returned, or for a retry of an SDK a 503 with the reason, on which the SDK does not retry.
            sleep: Waits for so many seconds.
        """
        self._inner = inner if inner is not None else httpx.HTTPTransport()
        self._rules = _Rules(gate, retries, wait_s)
        self._sleep = sleep

    def handle_request(self, request: Any) -> Any:
        """Sends one request; see httpx.BaseTransport."""
        rules, attempt = self._rules, 0
        if rules.is_marked_retry(request):
            answer, passes = self._ask()
            if not passes:
                return _held_response(request, answer)
        while True:
            response, error = self._send(request)
            if not _failed(response) or not rules.may_repeat(request, attempt, response):
                return _result(response, error)
            answer, passes = self._ask()
            pause_s = rules.pause_s(answer, attempt, response) if passes else None
            if pause_s is None:
                return _result(_forbid_retry(response), error)
            if response is not None:
                response.close()
            self._sleep(pause_s)
            attempt += 1

    def close(self) -> None:
        """Closes the inner transport, and sends what was counted."""
        self._inner.close()
        if self._rules.gate.outcomes:
            self._rules.gate.outcomes.flush()

    def _send(self, request: Any) -> tuple[Any, Exception | None]:
        try:
            response = self._inner.handle_request(request)
        except Exception as error:
            if not is_outage(error):
                raise
            self._rules.count(error=error)
            return None, error
        self._rules.count(response)
        return response, None

    def _ask(self) -> tuple[Answer, bool]:
        gate: Gate = self._rules.gate
        try:
            return gate.wait(self._rules.wait_s), True
        except GateTimeoutError as error:
            return error.answer, False
        except ServiceNotFoundError as error:
            return unknown_answer(gate.service, str(error), gate.on_unknown), gate.on_unknown == "open"


class AsyncGateTransport(httpx.AsyncBaseTransport):
    """Sends requests through ``inner`` and asks ``gate`` before each retry; see ``GateTransport``."""

    def __init__(
        self,
        gate: AsyncGate,
        inner: Any = None,
        *,
        retries: int = 0,
        wait_s: float = 0.0,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """Wraps a transport; see ``GateTransport``."""
        self._inner = inner if inner is not None else httpx.AsyncHTTPTransport()
        self._rules = _Rules(gate, retries, wait_s)
        self._sleep = sleep

    async def handle_async_request(self, request: Any) -> Any:
        """Sends one request; see httpx.AsyncBaseTransport."""
        rules, attempt = self._rules, 0
        if rules.is_marked_retry(request):
            answer, passes = await self._ask()
            if not passes:
                return _held_response(request, answer)
        while True:
            response, error = await self._send(request)
            if not _failed(response) or not rules.may_repeat(request, attempt, response):
                return _result(response, error)
            answer, passes = await self._ask()
            pause_s = rules.pause_s(answer, attempt, response) if passes else None
            if pause_s is None:
                return _result(_forbid_retry(response), error)
            if response is not None:
                await response.aclose()
            await self._sleep(pause_s)
            attempt += 1

    async def aclose(self) -> None:
        """Closes the inner transport, and sends what was counted."""
        await self._inner.aclose()
        if self._rules.gate.outcomes:
            await anyio.to_thread.run_sync(self._rules.gate.outcomes.flush)

    async def _send(self, request: Any) -> tuple[Any, Exception | None]:
        try:
            response = await self._inner.handle_async_request(request)
        except Exception as error:
            if not is_outage(error):
                raise
            self._rules.count(error=error)
            return None, error
        self._rules.count(response)
        return response, None

    async def _ask(self) -> tuple[Answer, bool]:
        gate: AsyncGate = self._rules.gate
        try:
            return await gate.wait(self._rules.wait_s), True
        except GateTimeoutError as error:
            return error.answer, False
        except ServiceNotFoundError as error:
            return unknown_answer(gate.service, str(error), gate.on_unknown), gate.on_unknown == "open"


def _failed(response: Any) -> bool:
    return response is None or response.status_code in _NOT_DONE or response.status_code in _MAYBE_DONE


def _result(response: Any, error: Exception | None) -> Any:
    if error is not None:
        raise error
    return response


def _forbid_retry(response: Any) -> Any:
    """The failed response, on which a vendor's SDK above does not retry either."""
    if response is not None:
        response.headers["x-should-retry"] = "false"
    return response


def _held_response(request: Any, answer: Answer) -> Any:
    """A 503 in place of a retry that the gate did not let pass; its text is the bot's reason."""
    library = sys.modules[type(request).__module__.partition(".")[0]]
    error = {"type": "brownout_held", "message": answer.reason, "instead": answer.instead}
    headers = {
        "content-type": "application/json",
        "retry-after": str(int(answer.wait_s)),
        "x-should-retry": "false",
        "x-brownout-verdict": answer.verdict,
    }
    return library.Response(503, headers=headers, content=json.dumps({"type": "error", "error": error}).encode())


def _is_replayable(request: Any) -> bool:
    library = sys.modules[type(request).__module__.partition(".")[0]]
    return isinstance(request.stream, library.ByteStream)


def _seconds(header: str | None) -> float:
    """A Retry-After in seconds; 0 for none and for a date."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0
