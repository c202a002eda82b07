"""The sentences that explain a failed request to a person or an agent. They quote neither the error nor the vendor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.domain import Surface
from bot.messages import formatting

_SIDES = {
    "yours": "This is on your side.",
    "provider": "This is on the vendor's side.",
    "unclear": "The text alone does not show whose side it is on.",
}


def explanation_text(meaning: str, surface: Surface | None, explanation: Mapping[str, Any], now: datetime) -> str:
    """What failed, whose side it is on, how the service is, and what to do now; one line.

    Args:
        meaning: What the kind of failure means.
        surface: The service, if it is watched.
        explanation: The other fields of the explanation (bot.queries.schemas.FailureExplanation).
        now: The present time.
    """
    status = f" (HTTP {explanation['status']})" if explanation["status"] else ""
    parts = [f"{meaning.removesuffix('.')}{status}.", _SIDES[explanation["side"]]]
    if surface is not None:
        parts.append(f"{surface.name}: {explanation['reason']}")
    elif explanation["service"]:
        parts.append(f"Brownout does not watch {explanation['service']}.")
    return " ".join([*parts, what_to_do(explanation, now)])


def hook_text(explanation: Mapping[str, Any], now: datetime) -> str:
    """What an agent should know beside its own error: the state of the service, and what to do now."""
    return f"Brownout on {explanation['service']}: {explanation['reason']} {what_to_do(explanation, now)}"


def what_to_do(explanation: Mapping[str, Any], now: datetime) -> str:
    """Whether and when to send the request again."""
    retry, at = explanation["retry"], explanation["retry_at"]
    if retry == "no":
        return "Don't send the same request again."
    if retry == "later":
        use = f" Use {explanation['instead']} instead." if explanation["instead"] else ""
        return f"Don't retry before {_clock(at, now)}.{use}"
    how = f"Retry after {formatting.format_duration((at - now).total_seconds())}"
    attempts = f"at most {explanation['max_attempts']} times, with backoff"
    return f"{how}, slowly: {attempts}." if retry == "slowly" else f"{how}, {attempts}."


def _clock(at: datetime, now: datetime) -> str:
    return formatting.format_time(at) if at.date() == now.date() else formatting.format_datetime(at)
