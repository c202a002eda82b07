"""The types of what the scheduler runs besides polls: services and periodic jobs.

A separate module, since commands that share code with a job need neither the engine nor APScheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

Service = Callable[[], Coroutine[Any, Any, None]]  # runs until it is cancelled


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """A coroutine function that the scheduler runs at an interval. It may take long, but must not block the event loop.

    Attributes:
        name: The job's id, also used in the log.
        every_s: The interval in seconds.
        do: The function.
        then: What follows if it fails, as the end of the log line.
        first_s: Seconds from the start to the first run; None for one interval.
        is_jittered: Whether the interval is varied by the scheduler's ``JITTER``.
        is_for_each: Whether each bot that shares pages runs it, and not only the one that leads.
    """

    name: str
    every_s: float
    do: Callable[[], Coroutine[Any, Any, None]]
    then: str
    first_s: float | None = None
    is_jittered: bool = False
    is_for_each: bool = False
