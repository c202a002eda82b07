"""When each client may retry after an outage, so that not all clients retry at once.

Held work is spread over a window (W) in slots that are stable over restarts (bot/docs/verdict-rules.md#retry-slots): a
client's slot is a hash of its id and the incident's id, never random.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

WORK_SHARE = 0.1  # of the held work is retried, where the client does not say how much
RETRY_BUDGET = 0.2  # the retry budget of Finagle, Linkerd and Envoy (bot/docs/verdict-rules.md#retry-slots)
GENTLE_RETRY_BUDGET = 0.1
MIN_WINDOW = timedelta(minutes=5)
MAX_WINDOW = timedelta(minutes=60)


def retry_window(outage: timedelta, *, share: float = WORK_SHARE, gentle: bool = False) -> timedelta:
    """The window (W) over which held work is spread after an outage of this length: 5 to 60 minutes.

    ``share`` is the part of the held work that is retried, 0 to 1; ``gentle`` halves the retry budget.
    """
    spread = outage * (share / (GENTLE_RETRY_BUDGET if gentle else RETRY_BUDGET))
    return min(max(spread, MIN_WINDOW), MAX_WINDOW)


def client_slot(client: str, incident: str) -> float:
    """The client's place in the window, from 0 to below 1; the same on every machine and after every restart."""
    digest = hashlib.sha256(f"{client}\0{incident}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def client_retry_time(opened_at: datetime, spread: timedelta, client: str, incident: str) -> datetime:
    """When this client's slot begins, in a window of length ``spread``.

    A relapse cancels the slot: read the verdict again before retrying.
    """
    return opened_at + client_slot(client, incident) * spread
