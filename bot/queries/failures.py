"""Explains a failed request: the reading of its text (bot.rules.failures) beside the verdict on the service.

The answer repeats nothing of the error text and nothing that a vendor wrote, so it is safe to show to an agent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot import lookup
from bot.domain import Advice, Provider, Surface
from bot.errors import UsageError
from bot.messages import failures as failure_texts
from bot.queries.current import StatusQueries
from bot.queries.schemas import FailureExplanation, RetryAnswer
from bot.rules.failures import FailureReading, FailureSide, read_failure

MAX_ATTEMPTS = 3  # where the verdict names none
LIMIT_WAIT_S = 60.0  # after a rate limit that says no time
_HELD = (Advice.HOLD_OFF, Advice.FAIL_OVER)
_MAY_COME_OF_AN_OUTAGE = ("auth", "permission", "not_found", "limit")


def explain_failure(
    queries: StatusQueries, error: str, service: str | None = None, client: str | None = None
) -> FailureExplanation:
    """Whose side a failure is on, and when to retry.

    Args:
        queries: Answers for the service.
        error: An error text, a response body, or a status such as ``529``.
        service: The service that was called; without it, the one that the text names.
        client: A name that gives the client its slot.

    Raises:
        UsageError: ``service`` names none, or several.
    """
    reading, now = read_failure(error), queries.now()
    found = queries.resolve_surface(service) if service else _find(queries, reading.service)
    if found is None:
        return _explanation(reading, None, None, now)
    provider, surface = found
    return _explanation(reading, surface, queries.verdict_json(provider, surface, client), now)


def hook_sentence(queries: StatusQueries, error: str, service: str | None = None) -> str:
    """What to add to an agent's failed step; empty where the bot knows nothing that helps.

    That is where no service that is watched failed, or where the mistake is the agent's own.
    """
    explanation = explain_failure(queries, error, service)
    is_known = explanation.is_watched and explanation.verdict != Advice.UNKNOWN
    is_about_a_service = is_known and explanation.kind not in ("unknown", "own_code")
    if not is_about_a_service or (explanation.side is FailureSide.YOURS and explanation.retry in ("no", "yes")):
        return ""
    return failure_texts.hook_text(explanation.model_dump(), queries.now())


def _find(queries: StatusQueries, service: str | None) -> tuple[Provider, Surface] | None:
    """The provider and service of this id; None where it is not watched."""
    try:
        return lookup.surface_by_id(queries.providers, service) if service else None
    except UsageError:
        return None


def _explanation(
    reading: FailureReading, surface: Surface | None, form: dict[str, Any] | None, now: datetime
) -> FailureExplanation:
    call = Advice(form["verdict"]) if form else Advice.UNKNOWN
    side = _side(reading, call)
    retry = _retry(reading, side, call)
    retry_at = _retry_at(reading, form, retry, now)
    explanation = FailureExplanation(
        service=surface.id if surface else reading.service,
        is_watched=surface is not None,
        kind=reading.kind.id,
        side=side,
        status=reading.status,
        retry=retry,
        retry_at=retry_at,
        retry_after_s=None if retry_at is None else max(1, round((retry_at - now).total_seconds())),
        max_attempts=0 if retry in ("no", "later") else (form or {}).get("max_attempts") or MAX_ATTEMPTS,
        exposure=None if call is Advice.UNKNOWN or form is None else form["exposure"],
        instead=form["instead"] if form else None,
        verdict=call,
        reason=form["reason"] if form else None,
        incidents=form["incidents"] if form else [],
        text="",
    )
    text = failure_texts.explanation_text(reading.kind.meaning, surface, explanation.model_dump(), now)
    return explanation.model_copy(update={"text": text})


def _side(reading: FailureReading, call: Advice) -> FailureSide:
    """Whose side it is on, now that the service's state is known."""
    side = reading.kind.side
    if call not in _HELD:
        return side
    if side is FailureSide.UNCLEAR:
        return FailureSide.PROVIDER
    return FailureSide.UNCLEAR if reading.kind.id in _MAY_COME_OF_AN_OUTAGE else side


def _retry(reading: FailureReading, side: FailureSide, call: Advice) -> RetryAnswer:
    if side is FailureSide.YOURS and not reading.kind.can_retry:
        return "no"
    if call in _HELD:
        return "later"
    return "slowly" if call is Advice.RETRY_GENTLY else "yes"


def _retry_at(
    reading: FailureReading, form: dict[str, Any] | None, retry: RetryAnswer, now: datetime
) -> datetime | None:
    """The earliest time of a retry: the vendor's wait, the slot, or for a held service the next update."""
    if retry == "no":
        return None
    wait_s = reading.wait_s or (LIMIT_WAIT_S if reading.kind.id == "limit" else 1.0)
    vendor_at = now + timedelta(seconds=wait_s)
    if form is None or retry == "yes":
        return vendor_at
    named = (form["review_at"] or form["retry_at"]) if retry == "later" else form["retry_at"]
    return max(vendor_at, datetime.fromisoformat(named)) if named else vendor_at
