"""When the next Socket Mode connection may be opened (``apps.connections.open`` is a Tier 1 method).

A connection that lives for less than a minute counts as failed: Slack closes new ones at once when there are too many
or when Socket Mode is switched off, and the SDK would open the next one without a pause
(bot/docs/slack-limits.md#socket-mode).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import uniform
from time import monotonic

MIN_LIFE_S = 60.0  # a connection that lived for less counts as failed
FIRST_WAIT_S, MAX_WAIT_S = 1.0, 60.0
JITTER = 0.2  # of the wait, to both sides
MAX_OPENS, WINDOW_S = 10, 60.0


@dataclass(slots=True)
class ConnectionPace:
    """Counts connections.

    Attributes:
        clock: The monotonic clock, in seconds.
        jitter: A random factor around 1.
        waits_s: The first wait, and the longest.
    """

    clock: Callable[[], float] = monotonic
    jitter: Callable[[], float] = lambda: uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    waits_s: tuple[float, float] = (FIRST_WAIT_S, MAX_WAIT_S)
    _opened: deque[float] = field(default_factory=deque)
    _up_since: float | None = None
    _failures: int = 0

    def record_open(self) -> None:
        """A connection is asked for."""
        self._opened.append(self.clock())
        while len(self._opened) > MAX_OPENS:
            self._opened.popleft()

    def record_up(self) -> None:
        """A connection is up."""
        self._up_since = self.clock()

    def record_failure(self) -> None:
        """No connection came about."""
        self._up_since = None
        self._failures += 1

    def next_wait_s(self) -> float:
        """Seconds to wait before the next connection is opened, after the last one has ended or failed."""
        now = self.clock()
        if self._up_since is not None:
            self._failures = 0 if now - self._up_since >= MIN_LIFE_S else self._failures + 1
            self._up_since = None
        wait = 0.0
        if self._failures:
            wait = min(self.waits_s[0] * 2.0 ** min(self._failures - 1, 20), self.waits_s[1]) * self.jitter()
        if len(self._opened) == MAX_OPENS:
            wait = max(wait, self._opened[0] + WINDOW_S - now)
        return max(0.0, wait)
