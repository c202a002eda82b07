"""An outage that ends and a client's name -> when that client comes back, so that not all come at once.

Held work is spread over W minutes in slots that are stable over restarts (safe-to-retry.md C.6): a client's slot is a
hash of its id and the incident's, never a draw.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

SHARE = 0.1  # of the held work is worth retrying, where the client does not say
BUDGET = 0.2  # the retry budget of Finagle, Linkerd and Envoy (B.2)
GENTLE_BUDGET = 0.1
SHORTEST = timedelta(minutes=5)
LONGEST = timedelta(minutes=60)


def window(outage: timedelta, *, share: float = SHARE, gentle: bool = False) -> timedelta:
    """W: over how long held work is spread after an outage of this length."""
    spread = outage * (share / (GENTLE_BUDGET if gentle else BUDGET))
    return min(max(spread, SHORTEST), LONGEST)


def slot(client: str, incident: str) -> float:
    """The client's place in the wave, 0 to below 1; the same on every machine and after every restart."""
    digest = hashlib.sha256(f"{client}\0{incident}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def retry_at(opened_at: datetime, spread: timedelta, client: str, incident: str) -> datetime:
    """When this client's slot begins. A relapse cancels it: ask for the verdict again before using it."""
    return opened_at + slot(client, incident) * spread
