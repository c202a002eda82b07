"""What time it is, and how to wait: the real clock, and one that runs faster for the demo.

Only ``bot.entry`` asks a clock; every other room is handed the time.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial


class Clock:
    """The real time, in UTC."""

    def __init__(self) -> None:
        self._speed = 1.0
        self._show: Callable[[], datetime] = partial(datetime.now, UTC)

    def now(self) -> datetime:
        """The moment this clock shows, timezone-aware."""
        return self._show()

    def wall_s(self, seconds: float) -> float:
        """How many seconds on the wall so many seconds of this clock take."""
        return seconds / self._speed

    async def sleep(self, seconds: float) -> None:
        """Waits for so many seconds of this clock; not at all where they are negative."""
        await asyncio.sleep(max(0.0, self.wall_s(seconds)))

    async def sleep_until(self, moment: datetime) -> None:
        """Waits until this clock shows the moment or a later one."""
        while (left := (moment - self.now()).total_seconds()) > 0:
            await self.sleep(left)


class FastClock(Clock):
    """Time that begins at ``start`` when the clock is made, and runs ``speed`` times as fast as the wall's."""

    def __init__(self, start: datetime, speed: float, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        """``elapsed`` counts seconds on the wall from anywhere. ValueError unless ``speed`` is above 0 and finite."""
        if not 0 < speed < math.inf:
            raise ValueError(f"a clock can't run at {speed} times the speed of time")
        began = elapsed()
        self._speed = speed
        self._show = lambda: start + timedelta(seconds=(elapsed() - began) * speed)
