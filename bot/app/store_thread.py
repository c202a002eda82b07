"""``StoreThread``: the thread in which the running bot reads and writes its database, one unit of work at a time.

While a unit waits for the disk or for a server, the event loop continues: it acknowledges, polls and answers. The
thread is the only user of the bot's connection while the bot runs, so units see what earlier ones wrote.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from bot.errors import PageMovedError, StoreError

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
log = logging.getLogger("brownout")

Outcome = tuple[Any, BaseException | None]  # a unit's result, or what it raised


@dataclass(slots=True)
class _Batch:
    """Items of one unit that are waiting, with the futures of their results."""

    unit: Callable[[Sequence[Any]], Sequence[Any]]
    items: list[Any] = field(default_factory=list)
    futures: list[asyncio.Future[Any]] = field(default_factory=list)


class StoreThread:
    """Runs units of work in a thread of its own (``UnitRunner``). Units are asked for in one event loop only."""

    def __init__(self) -> None:
        """Starts the thread."""
        self._first: deque[Callable[[], None]] = deque()
        self._others: deque[Callable[[], None]] = deque()
        self._tokens: SimpleQueue[str] = SimpleQueue()  # one per unit that waits; an empty one ends the thread
        self._batches: dict[Callable[..., Any], _Batch] = {}  # those that wait
        self._batches_lock = threading.Lock()
        self._pending = 0  # units that have not ended; changed in the event loop only
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)
        self._thread.start()

    async def run(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See ``UnitRunner.run``."""
        return await self._submit(self._others, partial(unit, *args, **kwargs))

    async def run_next(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See ``UnitRunner.run_next``."""
        return await self._submit(self._first, partial(unit, *args, **kwargs))

    async def run_short(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See ``UnitRunner.run_short``."""
        if self._pending or self._is_closed:
            return await self._submit(self._others, partial(unit, *args, **kwargs))
        return unit(*args, **kwargs)

    async def run_together(self, unit: Callable[[Sequence[T]], Sequence[R]], item: T) -> R:
        """See ``UnitRunner.run_together``."""
        self._require_open()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        with self._batches_lock:
            waiting = self._batches.get(unit)
            batch = waiting or self._batches.setdefault(unit, _Batch(unit))
            batch.items.append(item)
            batch.futures.append(future)
        if waiting is None:
            self._enqueue(self._first, partial(self._run_batch, batch, loop))
        return await future

    async def close(self) -> None:
        """Runs what waits, and ends the thread. What is asked for later is refused with a StoreError."""
        if not self._is_closed:
            self._is_closed = True
            self._tokens.put("")
        await asyncio.to_thread(self._thread.join)

    async def _submit(self, queue: deque[Callable[[], None]], call: Callable[[], R]) -> R:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._enqueue(queue, partial(self._run_one, call, future, loop))
        return await future

    def _enqueue(self, queue: deque[Callable[[], None]], call: Callable[[], None]) -> None:
        self._require_open()
        self._pending += 1
        queue.append(call)
        self._tokens.put("unit")

    def _require_open(self) -> None:
        if self._is_closed:
            raise StoreError("the bot is stopping; nothing is recorded any more")

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while self._tokens.get():
            (self._first or self._others).popleft()()

    def _run_one(self, call: Callable[[], Any], future: asyncio.Future[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._answer(loop, [future], [_outcome(call)])

    def _run_batch(self, batch: _Batch, loop: asyncio.AbstractEventLoop) -> None:
        with self._batches_lock:
            del self._batches[batch.unit]
        results, error = _outcome(partial(batch.unit, batch.items))
        if error is None:
            outcomes: list[Outcome] = [(result, None) for result in results]
        elif len(batch.items) == 1:
            outcomes = [(None, error)]
        else:
            alone = (_outcome(partial(batch.unit, [item])) for item in batch.items)
            outcomes = [(results[0] if error is None else None, error) for results, error in alone]
        self._answer(loop, batch.futures, outcomes)

    def _answer(
        self, loop: asyncio.AbstractEventLoop, futures: list[asyncio.Future[Any]], outcomes: list[Outcome]
    ) -> None:
        loop.call_soon_threadsafe(self._finish, futures, outcomes)

    # --- in the event loop --------------------------------------------------------------------------------------------

    def _finish(self, futures: list[asyncio.Future[Any]], outcomes: list[Outcome]) -> None:
        self._pending -= 1
        for future, (result, error) in zip(futures, outcomes, strict=True):
            if future.done():  # its caller was cancelled
                if error is not None and not isinstance(error, PageMovedError):
                    log.error("a unit of work failed after its caller was stopped: %s", error)
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)


def _outcome(call: Callable[[], Any]) -> Outcome:
    """The result of a call, or what it raised."""
    try:
        return call(), None
    except StopIteration as error:  # no future takes it
        return None, RuntimeError(f"a unit of work raised {error!r}")
    except BaseException as error:  # noqa: BLE001  (raised where it was asked for)
        return None, error
