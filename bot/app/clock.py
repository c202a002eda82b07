"""Clocks: ``FastClock``, the demo's, which runs faster than real time, and ``StepDetector``, which notices jumps.

The real clock is ``bot.cli.options.utc_now``.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta

MIN_STEP = timedelta(seconds=2)  # smaller corrections of a clock do no harm


class StepDetector:
    """Notices that a clock was set, or that the machine slept: it and a monotonic clock went different ways."""

    def __init__(self, now: Callable[[], datetime], elapsed: Callable[[], float] = time.monotonic) -> None:
        """``elapsed`` returns monotonic seconds from any fixed moment."""
        self._now, self._elapsed = now, elapsed
        self._at, self._at_s = now(), elapsed()

    def step(self) -> timedelta:
        """By how much the clock was set since the last call; zero for less than two seconds."""
        at, at_s = self._now(), self._elapsed()
        step = (at - self._at) - timedelta(seconds=at_s - self._at_s)
        self._at, self._at_s = at, at_s
        return step if abs(step) >= MIN_STEP else timedelta(0)


class FastClock:
    """A clock that shows ``start`` when it is created and runs at ``speed`` times real time."""

    def __init__(self, start: datetime, speed: float, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        """``elapsed`` returns real seconds from any fixed moment. ValueError unless ``speed`` is above 0 and finite."""
        if not 0 < speed < math.inf:
            raise ValueError(f"a clock can't run at {speed} times the speed of time")
        self._start, self._speed = start, speed
        self._elapsed, self._started_s = elapsed, elapsed()

    def now(self) -> datetime:
        """The time of this clock, timezone-aware."""
        return self._start + timedelta(seconds=(self._elapsed() - self._started_s) * self._speed)

    def wall_s(self, seconds: float) -> float:
        """Converts seconds of this clock to real seconds."""
        return seconds / self._speed

    async def sleep(self, seconds: float) -> None:
        """Waits for so many seconds of this clock; returns at once if they are negative."""
        await asyncio.sleep(max(0.0, self.wall_s(seconds)))

    async def sleep_until(self, moment: datetime) -> None:
        """Waits until this clock shows ``moment`` or later."""
        while (remaining_s := (moment - self.now()).total_seconds()) > 0:
            await self.sleep(remaining_s)
