"""A request's headers and bytes -> whether Slack has signed it, just now. Pure; every way to be wrong has its reason.

Slack signs ``v0:{timestamp}:{body}`` with HMAC-SHA256 under the app's signing secret (slack.md 3). Bolt's own check
answers a timestamp that is no number with a 500 and a traceback (performance-reliability.md 4.3), and reads the body
before it knows whose it is; so the check is made here, over the raw bytes, before anything else looks at them.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

WINDOW_S = 300  # to both sides: longer ago it may be a replay, further ahead a clock is wrong

_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature that Slack would send with this body."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, sha256).hexdigest()


def wrong(secret: str, timestamps: Sequence[str], signatures: Sequence[str], body: bytes, now: datetime) -> str | None:
    """What is wrong with it; None where it is Slack's. ``timestamps`` and ``signatures`` are all such headers."""
    if len(timestamps) != 1 or len(signatures) != 1:
        return "no signature"
    [timestamp], [signature] = timestamps, signatures
    if not _SECONDS.fullmatch(timestamp):
        return "a timestamp that is no number"
    if abs(now.timestamp() - int(timestamp)) > WINDOW_S:
        return "a timestamp more than five minutes away from our clock"
    if not secret or not hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode()):
        return "a wrong signature"
    return None
