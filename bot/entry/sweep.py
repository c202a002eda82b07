"""Python's full garbage collections: every ten minutes, not whenever enough has come together.

One goes through all that is remembered of a thousand pages, while everybody waits: with sixteen commands at once and
Python's own times, one ack in a hundred took 43 ms, and with these 8 ms (tests.bench.acks_busy). Almost nothing
waits for them, since values refer in one direction only; the small collections go on as ever.
"""

from __future__ import annotations

import gc

from bot.entry.app import Errand

EVERY_S = 600.0
NEVER = 1_000_000_000  # so many middle collections are no reason for a full one


def begin() -> None:
    """What is loaded by now stays, and is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], NEVER)


def errand() -> Errand:
    """The full collection, by the calendar."""
    return Errand("sweep", EVERY_S, _sweep, "the next one does it")


async def _sweep() -> None:
    gc.collect()
