"""Units of work: functions that read and write the database, one at a time, outside the event loop.

What polls, deliveries and people do to the database are units. Each is a plain function, and is as if nothing else ran
meanwhile: no other unit begins before it has ended. ``UnitRunner`` is the Protocol of what runs them; a running bot has
a thread for them (``bot.app.store_thread``), everything else runs them where they are asked for (``InlineUnits``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class UnitRunner(Protocol):
    """Runs units of work. A unit's exception is raised where it was asked for.

    A unit that was asked for runs in any case, also where the caller is cancelled while it waits.
    """

    async def run(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a unit after all that were asked for before."""

    async def run_next(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a unit before those of ``run`` that wait: deliveries don't wait for polls."""

    async def run_short(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As ``run``; at once and where it is asked for if no unit runs or waits. For what takes no disk or network."""

    async def run_together(self, unit: Callable[[Sequence[T]], Sequence[R]], item: T) -> R:
        """The result for one item of a unit that takes several, given all items that came while it waited.

        As ``run_next``. Where the unit fails for several items, it runs again for each of them alone; so it must have
        no effect where it fails.
        """


class InlineUnits:
    """Runs each unit at once, where it is asked for."""

    async def run(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See ``UnitRunner.run``."""
        return unit(*args, **kwargs)

    async def run_next(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See ``UnitRunner.run_next``."""
        return unit(*args, **kwargs)

    async def run_short(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See ``UnitRunner.run_short``."""
        return unit(*args, **kwargs)

    async def run_together(self, unit: Callable[[Sequence[T]], Sequence[R]], item: T) -> R:
        """See ``UnitRunner.run_together``."""
        [result] = unit([item])
        return result


INLINE: UnitRunner = InlineUnits()
