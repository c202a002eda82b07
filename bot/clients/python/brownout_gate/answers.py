"""What a bot answered, as a value. No I/O.

The times in an answer are those of the bot's clock. They are only compared with the ``Date`` that came with them, never
with the clock of this machine, which may be wrong. All spans are in seconds.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

OnUnknown = Literal["open", "closed"]

CACHE_S = 5.0  # an answer is used again for so long at most
UNREACHABLE_S = 5.0  # a bot that did not answer is not asked again for so long
MAX_WAIT_S = 120.0  # the longest Retry-After of a bot
_ADVICE = frozenset({"retry_normally", "retry_gently", "hold_off", "fail_over", "unknown"})
_BACKOFF_BASE_S, _BACKOFF_CAP_S, _MAX_ATTEMPTS = 1.0, 60.0, 3  # where the bot's answer names none


class GateTimeoutError(TimeoutError):
    """The gate did not open in time; ``answer`` is the last answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class ServiceNotFoundError(LookupError):
    """The bot has no service with this id; the text names the closest ones."""


@dataclass(frozen=True)
class Answer:
    """One answer of the gate.

    Attributes:
        service: The service that was asked about.
        verdict: ``retry_normally``, ``retry_gently``, ``hold_off``, ``fail_over`` or ``unknown``.
        may_send: Whether this client may send now: its slot has begun, or nothing is known and ``on_unknown`` is open.
        exposure: The share of the usual load that may be sent, from 0 to 1.
        wait_s: Seconds until this client may send, or asks again; at least 1.
        reason: One sentence for people.
        instead: The id of a service to use instead, if there is one.
        max_attempts: How many attempts one request may have.
        backoff_base_s: The base of an exponential backoff with full jitter, in seconds.
        backoff_cap_s: The longest such backoff, in seconds.
        is_from_bot: False if no bot answered; then ``reason`` says why.
        lifetime_s: How long the bot vouches for it, in seconds from its arrival.
        form: The whole JSON of the bot; empty if none answered.
    """

    service: str
    verdict: str
    may_send: bool
    exposure: float = 1.0
    wait_s: float = 1.0
    reason: str = ""
    instead: str | None = None
    max_attempts: int = _MAX_ATTEMPTS
    backoff_base_s: float = _BACKOFF_BASE_S
    backoff_cap_s: float = _BACKOFF_CAP_S
    is_from_bot: bool = True
    lifetime_s: float = UNREACHABLE_S
    form: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def backoff_s(self, attempt: int) -> float:
        """A wait before retry number ``attempt`` (from 0): exponential with full jitter, in seconds."""
        longest = min(self.backoff_cap_s, self.backoff_base_s * 2.0 ** min(attempt, 30))
        return random.uniform(0, longest)  # noqa: S311  (spreads load)


def unknown_answer(service: str, reason: str, on_unknown: OnUnknown) -> Answer:
    """The answer where no bot gave one."""
    return Answer(
        service, "unknown", on_unknown == "open", wait_s=UNREACHABLE_S, reason=f"Unknown: {reason}.", is_from_bot=False
    )


def answer_from_response(
    service: str, status: int, headers: Mapping[str, str], body: bytes, on_unknown: OnUnknown
) -> Answer:
    """The answer in a response of a bot; *unknown* for whatever is none.

    Raises:
        ServiceNotFoundError: The bot has no such service.
    """
    form = _json_object(body)
    if status == 404 and "detail" in form:  # noqa: PLR2004
        raise ServiceNotFoundError(str(form["detail"])[:500])
    verdict = form.get("verdict")
    if status not in (200, 429, 503) or verdict not in _ADVICE:
        said = f": {str(form['detail'])[:200]}" if "detail" in form else ""
        return unknown_answer(service, f"the bot answered HTTP {status}{said}", on_unknown)
    backoff = form.get("backoff")
    backoff = backoff if isinstance(backoff, dict) else {}
    return Answer(
        service=service,
        verdict=verdict,
        may_send=on_unknown == "open" if verdict == "unknown" else status == 200,  # noqa: PLR2004
        exposure=1.0 if verdict == "unknown" else _number(form.get("exposure"), 0.0, 0.0, 1.0),
        wait_s=_number(form.get("retry_after_s"), 60.0, 1.0, MAX_WAIT_S),
        reason=str(form.get("reason", ""))[:500],
        instead=str(form["instead"])[:200] if form.get("instead") else None,
        max_attempts=int(_number(form.get("max_attempts"), _MAX_ATTEMPTS, 0, 100)),
        backoff_base_s=_number(backoff.get("base_s"), _BACKOFF_BASE_S, 0.01, 60.0),
        backoff_cap_s=_number(backoff.get("cap_s"), _BACKOFF_CAP_S, 0.01, 3600.0),
        lifetime_s=_lifetime_s(form, headers),
        form=form,
    )


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """The time of the bot's clock when it answered; None without a readable ``Date``."""
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        return None


def _lifetime_s(form: Mapping[str, Any], headers: Mapping[str, str]) -> float:
    """For how many seconds the answer counts, by the bot's clock alone."""
    answered_at = server_time(headers)
    try:
        valid_until = datetime.fromisoformat(str(form["valid_until"]).replace("Z", "+00:00"))
        return max(0.0, (valid_until - answered_at).total_seconds()) if answered_at else CACHE_S
    except (KeyError, TypeError, ValueError):
        return 0.0


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: object, default: float, least: float, most: float) -> float:
    """The value within its bounds; the default for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124  (NaN)
        return default
    return float(min(max(value, least), most))
