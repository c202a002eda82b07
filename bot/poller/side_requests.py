"""``SideRequests``: what polls of a page request besides the page, without waiting long for it.

How an incident ended that left the page, and what only the list of all incidents shows, is requested from other paths,
and these may hang while the page itself shows something new. So a poll waits for them for a second. A request without
an answer by then continues by itself, within its own time limit, and a later poll gets the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.errors import ParseError, SourceError

AT_ONCE = 4  # to one page's host
PATIENCE_S = 1.0
ANSWER_VALID_S = 300.0  # an older one is requested again: polls are less than this apart

Answer = TypeVar("Answer")


@dataclass(slots=True)
class SideRequests:
    """The requests beside the polls of one page; each has a key. Times are those of the event loop, in seconds.

    ``patience_s`` is how long one poll waits for all of them together.
    """

    patience_s: float = PATIENCE_S
    _tasks: dict[Hashable, asyncio.Task[Any]] = field(default_factory=dict)
    _answered_at: dict[Hashable, float] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _poll_ends_at: float = 0.0

    def begin_poll(self) -> None:
        """Starts the time that one poll waits."""
        now = asyncio.get_running_loop().time()
        self._poll_ends_at = now + self.patience_s
        self.drop(key for key, at in tuple(self._answered_at.items()) if now - at > ANSWER_VALID_S)
        self.drop(key for key, task in tuple(self._tasks.items()) if task.cancelled())

    def is_known(self, key: Hashable) -> bool:
        """Whether this was requested, with or without an answer so far."""
        return key in self._tasks

    def start(self, key: Hashable, request: Callable[[], Coroutine[Any, Any, Answer]]) -> None:
        """Makes the request, unless it is known."""
        if key in self._tasks:
            return
        task = self._tasks[key] = asyncio.get_running_loop().create_task(self._in_turn(request))
        task.add_done_callback(lambda _: self._note_answer(key))

    async def wait(self, keys: Iterable[Hashable]) -> None:
        """Waits for the answers, for as long as this poll may."""
        pending = [task for key in keys if (task := self._tasks.get(key)) is not None and not task.done()]
        left_s = self._poll_ends_at - asyncio.get_running_loop().time()
        if pending:
            await asyncio.wait(pending, timeout=max(0.0, left_s))

    def answer(self, key: Hashable) -> Any | None:
        """The answer, or the SourceError or ParseError that the request raised; None where there is none yet."""
        task = self._tasks.get(key)
        return task.result() if task is not None and task.done() else None

    async def ask(self, key: Hashable, request: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer | None:
        """Requests, waits, and takes the answer; None where there is none in time.

        Raises the SourceError or ParseError that the request raised.
        """
        self.start(key, request)
        await self.wait([key])
        answer: Answer | SourceError | ParseError | None = self.answer(key)
        if answer is not None:
            self.drop([key])
        if isinstance(answer, (SourceError, ParseError)):
            raise answer
        return answer

    def drop(self, keys: Iterable[Hashable]) -> None:
        """Forgets the requests, and ends those without an answer."""
        for key in tuple(keys):
            self._answered_at.pop(key, None)
            task = self._tasks.pop(key, None)
            if task is not None:
                task.cancel()

    def known_keys(self) -> tuple[Hashable, ...]:
        """The keys of all requests."""
        return tuple(self._tasks)

    async def _in_turn(self, request: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer | SourceError | ParseError:
        async with self._slots:
            try:
                return await request()
            except (SourceError, ParseError) as error:
                return error

    def _note_answer(self, key: Hashable) -> None:
        if key in self._tasks:
            self._answered_at[key] = asyncio.get_running_loop().time()
