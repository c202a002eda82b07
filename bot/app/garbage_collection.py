"""Runs Python's full garbage collections every ten minutes, not whenever Python decides, and returns freed memory.

A full collection goes through the states of a thousand pages while everything waits: with sixteen commands at once and
Python's own schedule, one ack in a hundred took 43 ms, and with this one 8 ms (tests.bench.acks_busy). There is almost
nothing to collect, since values refer in one direction only; collections of the young generations run as usual.

What a storm of incidents needed for a moment is freed, but the C library keeps it between what lives on: after one at
250 pages, 20 of 295 MB. ``malloc_trim`` makes it return that to the system.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc

COLLECTION_INTERVAL_S = 600.0
FIRST_COLLECTION_S = 60.0  # after the first round of polls: a thousand TLS handshakes leave 13 MB
DISABLED_THRESHOLD = 1_000_000_000  # middle collections before a full one: it never starts by itself


def freeze_loaded_objects() -> None:
    """Exempts all objects that exist now from collection, and stops automatic full collections."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], DISABLED_THRESHOLD)


async def collect_regularly(first_s: float = FIRST_COLLECTION_S, every_s: float = COLLECTION_INTERVAL_S) -> None:
    """A service: runs the full collection and returns freed memory at an interval, until it is cancelled."""
    await asyncio.sleep(first_s)
    while True:
        gc.collect()
        await asyncio.to_thread(return_freed_memory)
        await asyncio.sleep(every_s)


def return_freed_memory() -> bool:
    """Returns memory that was freed to the system; False where the C library has no function for it (glibc has)."""
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):
        return False
