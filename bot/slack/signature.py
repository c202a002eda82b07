"""Checks that Slack has signed a request within the last minutes. No I/O.

Slack signs ``v0:{timestamp}:{body}`` with HMAC-SHA256 under the app's signing secret
(bot/docs/slack-limits.md#request-signatures). Bolt's own check parses the body first, and answers a timestamp that is
no number with a 500 and a traceback (bot/docs/decisions.md#requests-to-slacks-endpoint). So this check runs over the
raw bytes, before anything parses them.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

WINDOW_S = 300  # in both directions: an older request may be a replay, a later one means that a clock is wrong

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature that Slack would send with this body."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, sha256).hexdigest()


def signature_error(
    secret: str, timestamps: Sequence[str], signatures: Sequence[str], body: bytes, now: datetime
) -> str | None:
    """Why the signature is not accepted; None if it is.

    ``timestamps`` and ``signatures`` are the values of all such headers of the request.
    """
    if len(timestamps) != 1 or len(signatures) != 1:
        return "no signature"
    [timestamp], [signature] = timestamps, signatures
    if not _TIMESTAMP.fullmatch(timestamp):
        return "a timestamp that is no number"
    if abs(now.timestamp() - int(timestamp)) > WINDOW_S:
        return "a timestamp more than five minutes away from our clock"
    if not secret or not hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode()):
        return "a wrong signature"
    return None
