"""The gate, for threads and for asyncio or trio: asks a bot whether one service may be retried by this client.

A request to the bot is a connection of its own (the bot is asked once in five seconds at most), so a gate needs no
closing, and survives a fork and the end of an event loop.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Awaitable, Mapping
from typing import Any, Callable
from urllib.parse import quote

import anyio
import anyio.lowlevel
import httpx

from brownout_gate.answers import (
    CACHE_S,
    UNREACHABLE_S,
    Answer,
    GateTimeoutError,
    OnUnknown,
    answer_from_response,
    unknown_answer,
)
from brownout_gate.outcomes import OutcomeReporter

DEFAULT_URL = "http://127.0.0.1:8787"
URL_VARIABLE, TOKEN_VARIABLE = "BROWNOUT_URL", "BROWNOUT_TOKEN"
ASK_TIMEOUT_S = 1.0
MAX_BODY = 65_536  # bytes of an answer
WAIT_JITTER = 0.1  # a wait is up to this share longer, so that the threads of one client do not return at once


class _GateBase:
    """What both gates have: the settings, the last answer, and the share that may pass."""

    def __init__(
        self,
        service: str,
        *,
        bot: str | None = None,
        client: str | None = None,
        on_unknown: OnUnknown = "open",
        token: str | None = None,
        ask_timeout_s: float = ASK_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes the settings of a gate; nothing is asked yet.

        Args:
            service: The id of a service, such as ``claude-api``.
            bot: The bot's address; without it ``$BROWNOUT_URL``, or port 8787 of this machine.
            client: A name for this client that stays the same: it gives the client its slot after an outage. Without
                it the name of this machine.
            on_unknown: What to do while no bot answers, or the bot knows nothing: ``open`` sends, ``closed`` does not.
            token: A token of the bot: sends counts of outcomes, and reads where the bot is not public. Without it
                ``$BROWNOUT_TOKEN``; without both nothing is counted.
            ask_timeout_s: How long connecting and each part of an answer may take, in seconds.
            clock: A monotonic clock, in seconds.
        """
        if on_unknown not in ("open", "closed"):
            raise ValueError(f"on_unknown must be 'open' or 'closed', not {on_unknown!r}")
        self.service = service
        self.url = (bot or os.environ.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/")
        self.client = client or socket.gethostname()
        self.on_unknown: OnUnknown = on_unknown
        self.ask_timeout_s = ask_timeout_s
        self._clock = clock
        self._answer: Answer | None = None
        self._use_until = 0.0
        self._share_lock = threading.Lock()
        self._share = random.random()  # noqa: S311  (so that of many clients the right share passes at once)
        secret = token or os.environ.get(TOKEN_VARIABLE)
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self.outcomes: OutcomeReporter | None = (
            OutcomeReporter(service, url=self.url, token=secret, client=self.client) if secret else None
        )

    def _request(self) -> tuple[str, dict[str, str]]:
        return f"{self.url}/v1/surfaces/{quote(self.service, safe='')}/retry", {"client": self.client}

    def _cached(self) -> Answer | None:
        return self._answer if self._answer and self._clock() < self._use_until else None

    def _keep(self, answer: Answer) -> Answer:
        lifetime_s = min(CACHE_S, answer.lifetime_s) if answer.is_from_bot else UNREACHABLE_S
        # a slot that begins within the five seconds is not overslept
        lifetime_s = lifetime_s if answer.may_send else min(lifetime_s, answer.wait_s)
        self._answer, self._use_until = answer, self._clock() + lifetime_s
        return answer

    def _received(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        return self._keep(answer_from_response(self.service, status, headers, body, self.on_unknown))

    def _unreachable(self, error: Exception) -> Answer:
        what = f"no bot answers at {self.url} ({type(error).__name__})"
        return self._keep(unknown_answer(self.service, what, self.on_unknown))

    def _takes_share(self, answer: Answer) -> bool:
        """Whether this call is among the share that may pass: one of ten at an exposure of 0.1."""
        with self._share_lock:
            self._share += answer.exposure
            passes = self._share >= 1.0
            if passes:
                self._share -= 1.0
        return passes

    def _passes(self, answer: Answer) -> bool:
        return answer.may_send and (answer.exposure >= 1.0 or self._takes_share(answer))

    @staticmethod
    def _pause_s(answer: Answer, attempt: int) -> float:
        """How long to wait after an answer that let nothing pass, in seconds."""
        if answer.may_send:  # not among the share
            return max(0.05, answer.backoff_s(attempt + 1))
        return answer.wait_s * random.uniform(1.0, 1.0 + WAIT_JITTER)  # noqa: S311  (spreads load)


class Gate(_GateBase):
    """Asks about one service. Safe to share between threads; of threads that ask at once, one does it for all."""

    def __init__(
        self, service: str, *, sleep: Callable[[float], None] = time.sleep, transport: Any = None, **settings: Any
    ) -> None:
        """Takes the settings of a gate (see ``gate``), ``sleep`` and an httpx transport for tests."""
        super().__init__(service, **settings)
        self._sleep = sleep
        self._transport = transport
        self._ask_lock = threading.Lock()

    def ask(self) -> Answer:
        """The bot's answer, at most five seconds old.

        Raises:
            ServiceNotFoundError: The bot has no such service.
        """
        with self._ask_lock:
            return self._cached() or self._ask_bot()

    def ok(self) -> bool:
        """Whether this client may send a request now. At an exposure of 0.1, it says yes to one call in ten.

        Raises:
            ServiceNotFoundError: The bot has no such service.
        """
        return self._passes(self.ask())

    def wait(self, timeout: float) -> Answer:
        """Waits until this client may send, and returns the answer that allowed it.

        Args:
            timeout: How long to wait at most, in seconds.

        Raises:
            GateTimeoutError: It may not by then.
            ServiceNotFoundError: The bot has no such service.
        """
        deadline, attempt = self._clock() + timeout, 0
        while True:
            answer = self.ask()
            if self._passes(answer):
                return answer
            pause_s = self._pause_s(answer, attempt)
            if self._clock() + pause_s > deadline:
                raise GateTimeoutError(answer)
            self._sleep(pause_s)
            attempt += 1

    def _ask_bot(self) -> Answer:
        url, query = self._request()
        try:
            with httpx.Client(  # noqa: SIM117  (one statement of two lines is not Python 3.9)
                timeout=self.ask_timeout_s, transport=self._transport, verify=_verify(url)
            ) as client:
                with client.stream("GET", url, params=query, headers=self._headers) as response:
                    body, give_up_at = b"", self._clock() + self.ask_timeout_s
                    for chunk in response.iter_bytes():
                        body = _checked(body + chunk, self._clock(), give_up_at)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return self._unreachable(error)
        return self._received(response.status_code, response.headers, body)


class AsyncGate(_GateBase):
    """Asks about one service, for asyncio and trio."""

    def __init__(
        self,
        service: str,
        *,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        transport: Any = None,
        **settings: Any,
    ) -> None:
        """Takes the settings of a gate (see ``gate``), ``sleep`` and an httpx transport for tests."""
        super().__init__(service, **settings)
        self._sleep = sleep
        self._transport = transport
        self._lock: anyio.Lock | None = None
        self._lock_owner: object = None

    async def ask(self) -> Answer:
        """See ``Gate.ask``."""
        async with self._loop_lock():
            return self._cached() or await self._ask_bot()

    async def ok(self) -> bool:
        """See ``Gate.ok``."""
        return self._passes(await self.ask())

    async def wait(self, timeout: float) -> Answer:  # noqa: ASYNC109  (of the answer; a cancel scope works as well)
        """See ``Gate.wait``."""
        deadline, attempt = self._clock() + timeout, 0
        while True:
            answer = await self.ask()
            if self._passes(answer):
                return answer
            pause_s = self._pause_s(answer, attempt)
            if self._clock() + pause_s > deadline:
                raise GateTimeoutError(answer)
            await self._sleep(pause_s)
            attempt += 1

    def _loop_lock(self) -> anyio.Lock:
        """The lock of the event loop that runs: of tasks that ask at once, one does it for all."""
        owner = anyio.lowlevel.current_token()
        if self._lock is None or owner != self._lock_owner:
            self._lock, self._lock_owner = anyio.Lock(), owner
        return self._lock

    async def _ask_bot(self) -> Answer:
        url, query = self._request()
        try:
            with anyio.fail_after(2 * self.ask_timeout_s):
                async with (
                    httpx.AsyncClient(
                        timeout=self.ask_timeout_s, transport=self._transport, verify=_verify(url)
                    ) as client,
                    client.stream("GET", url, params=query, headers=self._headers) as response,
                ):
                    body = b""
                    async for chunk in response.aiter_bytes():
                        body = _checked(body + chunk, 0.0, 0.0)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return self._unreachable(error)
        return self._received(response.status_code, response.headers, body)


def gate(service: str, **settings: Any) -> Gate:
    """A gate for threads; the settings are those of ``Gate``."""
    return Gate(service, **settings)


def async_gate(service: str, **settings: Any) -> AsyncGate:
    """A gate for asyncio and trio; the settings are those of ``Gate``."""
    return AsyncGate(service, **settings)


def _checked(body: bytes, now: float, give_up_at: float) -> bytes:
    """The body so far. TimeoutError where it takes too long, ValueError where it is too long."""
    if len(body) > MAX_BODY:
        raise ValueError("the answer is too long")
    if now > give_up_at:
        raise TimeoutError("the answer takes too long")
    return body


def _verify(url: str) -> bool:
    """Without TLS there is nothing to verify, and loading the certificates would take longer than the answer."""
    return url.startswith("https:")
