"""Sets how long a thread keeps Python's interpreter while the event loop waits for it.

Each time that the loop has sent or received something it needs the interpreter again, and a thread that computes (a
unit of the database, a question, a page of the board) keeps it for the switch interval: 5 ms by default. A turn of the
loop that writes ten answers then waits for 50 ms; with this interval for 5.
"""

from __future__ import annotations

import sys

SWITCH_INTERVAL_S = 0.0005


def let_event_loop_in_soon() -> None:
    """Shortens the interval for the whole process."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
