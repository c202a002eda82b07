"""``LoopWatch``: counts the stalls of the event loop, and logs once per place what the loop was busy with.

While one callback runs, nothing else does: no acknowledgement, no poll, no answer of the board. A stall is a turn of
the loop that took longer than ``STALL_S``. Its length is measured between two calls of the selector; the place is
sampled by a thread, so a stall that is over before the next sample is counted without one. The CPU time of the loop's
thread says whether it worked or waited for its turn: for other threads, or for the other programs of the machine.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from typing_extensions import override

log = logging.getLogger("brownout")

STALL_S = 0.05
SAMPLE_EVERY_S = 0.04  # less than STALL_S, so that most stalls are sampled
_MAX_LOGGED = 100  # places
_OWN_CODE = str(Path(__file__).resolve().parents[1])


class TimedSelector(selectors.DefaultSelector):
    """Tells a ``LoopWatch`` when a turn of the loop begins and ends."""

    def __init__(self, watch: LoopWatch) -> None:
        """``watch`` is told."""
        super().__init__()
        self._watch = watch

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._watch.turn_ended()
        try:
            return super().select(timeout)
        finally:
            self._watch.turn_began()


class LoopWatch:
    """Stalls of one event loop since ``run`` began: before, there is nothing that could have waited.

    Attributes:
        stalls: How many there were.
        longest_s: The longest, in seconds.
    """

    def __init__(
        self, elapsed: Callable[[], float] = time.monotonic, worked: Callable[[], float] = time.thread_time
    ) -> None:
        """``elapsed`` is a monotonic clock, ``worked`` the CPU time of the calling thread; both in seconds."""
        self._elapsed, self._worked = elapsed, worked
        self._worked_s = 0.0  # when the turn began
        self._began_s: float | None = None  # when the turn of the loop began; None between two turns
        self._place = ""  # where the loop was in this turn when it was sampled
        self._logged: set[str] = set()
        self.stalls = 0
        self.longest_s = 0.0

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """An event loop that is watched; for ``asyncio.Runner``."""
        return asyncio.SelectorEventLoop(TimedSelector(self))

    def turn_began(self) -> None:
        """The loop has something to run."""
        self._began_s, self._worked_s, self._place = self._elapsed(), self._worked(), ""

    def turn_ended(self) -> None:
        """The loop has run everything that was ready."""
        if self._began_s is None:
            return
        took_s, self._began_s = self._elapsed() - self._began_s, None
        if took_s > STALL_S:
            self.stalls += 1
            self.longest_s = max(self.longest_s, took_s)
            self._log(took_s, self._worked() - self._worked_s)

    def _log(self, took_s: float, worked_s: float) -> None:
        place = self._place or "unknown code"
        if place not in self._logged and len(self._logged) < _MAX_LOGGED:
            self._logged.add(place)
            log.warning(
                "nothing else ran for %.0f ms (CPU %.0f ms): %s. Logged once for this place",
                *(took_s * 1000, worked_s * 1000, place),
            )

    def sample(self, frame: FrameType | None) -> None:
        """Notes where the loop's thread is, if its turn has been long; ``frame`` is the innermost one."""
        began_s = self._began_s
        if not self._place and began_s is not None and self._elapsed() - began_s > STALL_S / 2:
            self._place = _place(frame)

    async def run(self) -> None:
        """Samples the loop's thread until it is cancelled."""
        loop_thread, stop = threading.get_ident(), threading.Event()
        self.stalls, self.longest_s = 0, 0.0

        def sample_often() -> None:
            while not stop.wait(SAMPLE_EVERY_S):
                self.sample(sys._current_frames().get(loop_thread))  # noqa: SLF001 - documented, for debuggers

        threading.Thread(target=sample_often, name="loop-watch", daemon=True).start()
        try:
            await asyncio.Event().wait()
        finally:
            stop.set()


def _place(frame: FrameType | None) -> str:
    """The innermost function of our own code, with the one that called it; else the innermost of all."""
    frames, first = [], frame if isinstance(frame, FrameType) else None
    while isinstance(frame, FrameType):  # of a thread that runs, CPython 3.11 has given a code object as a frame
        if frame.f_code.co_filename.startswith(_OWN_CODE):
            frames.append(frame)
        frame = frame.f_back
    frames = frames[:2] or ([first] if first else [])
    return ", called by ".join(f"{f.f_code.co_qualname} ({Path(f.f_code.co_filename).name})" for f in frames)
