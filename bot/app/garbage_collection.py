"""Runs Python's full garbage collections every ten minutes, instead of whenever Python decides.

A full collection goes through the states of a thousand pages while everything waits: with sixteen commands at once and
Python's own schedule, one ack in a hundred took 43 ms, and with this one 8 ms (tests.bench.acks_busy). There is almost
nothing to collect, since values refer in one direction only; collections of the young generations run as usual.
"""

from __future__ import annotations

import asyncio
import gc

COLLECTION_INTERVAL_S = 600.0
DISABLED_THRESHOLD = 1_000_000_000  # middle collections before a full one: it never starts by itself


def freeze_loaded_objects() -> None:
    """Exempts all objects that exist now from collection, and stops automatic full collections."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], DISABLED_THRESHOLD)


async def collect_regularly(every_s: float = COLLECTION_INTERVAL_S) -> None:
    """A service: runs the full collection at an interval, until it is cancelled."""
    while True:
        await asyncio.sleep(every_s)
        gc.collect()
