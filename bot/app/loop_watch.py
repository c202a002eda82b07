"""``LoopWatch``: counts the stalls of the event loop, and logs once per place what the loop was busy with.

While one callback runs, nothing else does: no acknowledgement, no poll, no answer of the board. A stall is a turn of
the loop that took longer than ``STALL_S``. Its length is measured between two calls of the selector; the place is
sampled by a thread, so a stall that is over before the next sample is counted without one. The CPU time of the loop's
thread says whether it worked or waited for its turn: for other threads, or for the other programs of the machine.

The stack is read by ``faulthandler``, which makes no objects and lets no other thread run meanwhile. The frames of a
thread that runs are not safe to follow: with ``sys._current_frames`` and ``f_back``, CPython 3.11.7 gave a code object
as a frame once in two hours, and ended with a segmentation fault in ``PyFrame_GetBack`` once.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import re
import selectors
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from typing_extensions import override

log = logging.getLogger("brownout")

STALL_S = 0.05
SAMPLE_EVERY_S = 0.04  # less than STALL_S, so that most stalls are sampled
_MAX_LOGGED = 100  # places
_OWN_CODE = str(Path(__file__).resolve().parents[1])
_THREAD = re.compile(r"^(?:Current thread|Thread) 0x([0-9a-f]+) ", re.MULTILINE)
_CALL = re.compile(r'^  File "(.*)", line .+ in (.+)$', re.MULTILINE)

Call = tuple[str, str]  # the file of a function's code, and its name


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

    def sample(self, read_stack: Callable[[], Sequence[Call]]) -> None:
        """Notes where the loop's thread is, if its turn is long by now. ``read_stack``: the innermost call first."""
        began_s = self._began_s
        if not self._place and began_s is not None and self._elapsed() - began_s > STALL_S / 2:
            self._place = _place(read_stack())

    async def run(self) -> None:
        """Samples the loop's thread until it is cancelled."""
        loop_thread, stop = threading.get_ident(), threading.Event()
        self.stalls, self.longest_s = 0, 0.0

        def sample_often() -> None:
            with tempfile.TemporaryFile() as file:
                while not stop.wait(SAMPLE_EVERY_S):
                    self.sample(lambda: stack_of(loop_thread, file))

        threading.Thread(target=sample_often, name="loop-watch", daemon=True).start()
        try:
            await asyncio.Event().wait()
        finally:
            stop.set()


def stack_of(thread: int, file: BinaryIO) -> list[Call]:
    """The calls of a thread (``threading.get_ident``), the innermost first; none of one that has ended.

    They are written to ``file``, whose content is lost, and read from it.
    """
    file.seek(0)
    file.truncate()
    faulthandler.dump_traceback(file, all_threads=True)
    file.seek(0)
    _, *parts = _THREAD.split(file.read().decode(errors="replace"))  # a number, the calls of that thread, a number ...
    stacks = {int(number, 16): calls for number, calls in zip(parts[::2], parts[1::2], strict=True)}
    return _CALL.findall(stacks.get(thread, ""))


def _place(calls: Sequence[Call]) -> str:
    """The innermost function of our own code, with the one that called it; else the innermost of all."""
    own = [call for call in calls if call[0].startswith(_OWN_CODE)]
    return ", called by ".join(f"{name} ({Path(file).name})" for file, name in own[:2] or calls[:1])
