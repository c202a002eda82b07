"""In asyncio's debug mode, logs each use of the database in the thread of an event loop, which waits for it meanwhile.

``PYTHONASYNCIODEBUG=1 brownout run`` shows where; the tests that start a bot do so too.
"""

from __future__ import annotations

import asyncio
import logging

log = logging.getLogger("brownout")

WORDS = "the database was used in the thread of the event loop"


def log_use_in_event_loop() -> None:
    """Logs this call and where it comes from, if the thread runs an event loop in debug mode."""
    loop = asyncio._get_running_loop()  # noqa: SLF001  (in asyncio's __all__; get_running_loop raises an error)
    if loop is not None and loop.get_debug():
        log.error(WORDS, stack_info=True)
