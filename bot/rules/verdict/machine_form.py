"""The verdict as JSON for programs, and as the HTTP status and headers of a gate.

See bot/docs/verdict-rules.md#machine-form and #retry-slots.

``retry_after_s`` is a whole number of seconds, from 1 to 120, and not later than the earliest time at which the advice
may change. After ``valid_until`` a consumer must treat the verdict as
unknown. The vendors' SDKs differ on a long Retry-After (bot/docs/verdict-rules.md#client-libraries): older ones of
Anthropic ignore one above 60 s, newer ones sleep for as long as it says, and OpenAI's gives up above 120 s. So a *hold
off* also sends ``x-should-retry: false``, on which none of them retries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain import Advice, Estimate, EvidenceKind, Override, Verdict
from bot.rules.evidence.signals import CONFIRMED_AFTER, Signal, SignalKind, Signals, evaluate_signals
from bot.rules.verdict import held_record, retry_slot
from bot.rules.verdict.assessment import SurfaceAssessment, assess_attribution
from bot.rules.verdict.confidence import confidence, confidence_level
from bot.rules.verdict.history import CLOCK_JITTER
from bot.rules.verdict.inputs import VerdictCase

SCHEMA = "retry-verdict/1"
VALID_FOR = timedelta(seconds=150)  # after the poll (bot/docs/verdict-rules.md#staleness)
ATTEMPTS = {Advice.RETRY_NORMALLY: 3, Advice.RETRY_GENTLY: 3}  # bot/docs/verdict-rules.md#attempts-and-backoff
MAX_RETRY_AFTER_S = 120  # a client asks again at least this often (bot/docs/verdict-rules.md#machine-form)
BACKOFF = {"kind": "full_jitter", "base_s": 1, "cap_s": 60}


def verdict_as_json(verdict: Verdict, case: VerdictCase, now: datetime, *, client: str | None = None) -> dict[str, Any]:
    """The verdict as JSON values.

    Args:
        verdict: The verdict on one surface.
        case: What it was computed from.
        now: The present time; past ``valid_until`` the answer is *unknown*.
        client: The id of the client that asks, for a retry slot of its own; None gives the start of the window.
    """
    is_ahead = case.seen_at is not None and case.seen_at - now > CLOCK_JITTER  # the clock was set back
    valid_until = min(case.seen_at or now, now) + (timedelta(0) if is_ahead else VALID_FOR)
    if (now > valid_until or is_ahead) and verdict.call is not Advice.UNKNOWN:
        return verdict_as_json(_expired_verdict(verdict, valid_until), case, now, client=client)
    spread = _spread_window(verdict, case)
    retry_at = _retry_at(verdict, case, now, spread, client)
    signals = evaluate_signals(case.evidence, now)
    confidence_value = confidence(case.history, now, case.rules) if verdict.call in ATTEMPTS else None
    return {
        "schema": SCHEMA,
        "vendor": case.surface.provider,
        "surface": verdict.surface,
        "verdict": str(verdict.call),
        "as_of": _iso(verdict.as_of),
        "exposure": round(verdict.exposure, 3),
        "retry_after_s": _retry_after_s(retry_at, now, verdict.surface, client),
        "retry_at": _iso(retry_at),
        "review_at": _iso(verdict.review_at),
        "spread_window_s": round(spread.total_seconds()),
        "max_attempts": ATTEMPTS.get(verdict.call, 0),
        "backoff": BACKOFF,
        "confidence": confidence_value,
        "confidence_level": confidence_level(confidence_value, is_probed=signals.is_ok),
        "record": _record(verdict),
        "reason": verdict.reason,
        "reason_code": verdict.reason_code,
        "inferred": verdict.inferred,
        "instead": verdict.instead,
        "eta": _eta(case.forecast),
        "basis": [_page_evidence(case, now), *_other_evidence(signals, now)],
        "incidents": list(verdict.incidents),
        "flap": sum(now - t < case.rules.flap_lasts for t in case.history.relapses),
        "rules": case.rules.name,
        "valid_until": _iso(retry_at if verdict.call is Advice.UNKNOWN else valid_until),
    }


def gate_response(form: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """The HTTP status and headers for a verdict as JSON.

    200 where this client may retry now, 429 before its slot, 503 for *hold off*, *fail over* and *unknown*.
    """
    verdict, wait = form["verdict"], form["retry_after_s"]
    headers = {"Cache-Control": "no-store", "Retry-After": str(wait)}
    if verdict == Advice.RETRY_NORMALLY or (verdict == Advice.RETRY_GENTLY and wait <= 1):
        return 200, headers
    if verdict == Advice.RETRY_GENTLY:
        return 429, headers
    return 503, headers | {"x-should-retry": "false"}


def _expired_verdict(verdict: Verdict, valid_until: datetime) -> Verdict:
    reason = f"Unknown: the last good check was valid until {valid_until:%H:%M} UTC. Ask again."
    return Verdict(verdict.surface, Advice.UNKNOWN, verdict.as_of, 0.0, reason, "outlived", incidents=verdict.incidents)


def _spread_window(verdict: Verdict, case: VerdictCase) -> timedelta:
    """The window (W) for as long as the surface was bad; zero where it never was."""
    history = case.history
    if history.bad_since is None:
        return timedelta(0)
    until = history.bad_until if history.bad_until and history.bad_until > history.bad_since else verdict.as_of
    return retry_slot.retry_window(until - history.bad_since, gentle=verdict.call is Advice.RETRY_GENTLY)


def _retry_after_s(retry_at: datetime, now: datetime, surface: str, client: str | None) -> int:
    """Seconds until this client may retry or asks again, 1 to 120.

    A longer wait is cut to two minutes, and for a named client to its own second of the last one of them, so that not
    all ask again at once.
    """
    wait_s = max(1, math.ceil((retry_at - now).total_seconds()))
    if wait_s <= MAX_RETRY_AFTER_S or client is None:
        return min(wait_s, MAX_RETRY_AFTER_S)
    return math.ceil(MAX_RETRY_AFTER_S * (1 + retry_slot.client_slot(client, surface)) / 2)


def _retry_at(verdict: Verdict, case: VerdictCase, now: datetime, spread: timedelta, client: str | None) -> datetime:
    """When this client may retry: its slot in the window after the verdict opens."""
    opens_at = _opening_time(verdict, case, now)
    if client is None:
        return max(opens_at, now)
    incident = next(iter(verdict.incidents or case.history.bad_by), verdict.surface)
    return max(retry_slot.client_retry_time(opens_at, spread, client, incident), now)


def _opening_time(verdict: Verdict, case: VerdictCase, now: datetime) -> datetime:
    """The earliest time at which retries may begin; nothing promises that they may then."""
    if verdict.call in (Advice.HOLD_OFF, Advice.FAIL_OVER):
        probe = evaluate_signals(case.evidence, now).probe
        confirmed_at = probe.since + CONFIRMED_AFTER if probe.says is SignalKind.OK and probe.since else None
        possible = (verdict.changes_at, confirmed_at, now + case.rules.settle)
        return min(t for t in possible if t is not None and t > now)
    if verdict.call is Advice.UNKNOWN:
        return now + timedelta(seconds=60)
    until = case.history.bad_until
    return now if until is None else min(until + case.rules.settle, now)


def _page_evidence(case: VerdictCase, now: datetime) -> dict[str, Any]:
    page_attributions = (a for a in case.attributions if a.basis is not EvidenceKind.WITNESS)
    ranked = sorted(
        page_attributions, key=lambda a: list(SurfaceAssessment).index(assess_attribution(a, now, case.rules))
    )
    state = str(ranked[0].stage if ranked[0].incident else ranked[0].condition) if ranked else "operational"
    age = None if case.seen_at is None else max(0, round((now - case.seen_at).total_seconds()))
    return {
        "source": "status_page",
        "state": state if case.seen_at else "unread",
        "since": _iso(ranked[0].since) if ranked else _iso(case.history.closed_at),
        "observed_at": _iso(case.seen_at),
        "age_s": age,
    }


def _other_evidence(signals: Signals, now: datetime) -> Iterator[dict[str, Any]]:
    """An entry for each kind of evidence beside the page, with the keys that apply to it."""
    sources = [("probe", signals.probe), ("users", signals.people), ("traffic", signals.traffic)]
    if signals.trackers.says is not SignalKind.NONE:
        sources.append(("trackers", signals.trackers))
    for source, signal in sources:
        entry: dict[str, Any] = {"source": source, "state": str(signal.says)}
        if signal.seen_at is None:
            yield entry
            continue
        entry |= {"since": _iso(signal.since), "observed_at": _iso(signal.seen_at), "n": signal.n}
        entry["age_s"] = max(0, round((now - signal.seen_at).total_seconds()))
        entry |= _traffic_shares(signal) if source == "traffic" else {}
        entry |= {"alerts": list(signal.alerts)} if signal.alerts else {}
        entry |= {"shows": signal.why} if source == "trackers" and signal.why else {}
        entry |= {"failing_from": list(signal.against), "answering_from": list(signal.by)} if source == "probe" else {}
        yield entry


def override_evidence(override: Override) -> dict[str, Any]:
    """What people of the asking channel say, as an entry of ``basis``; it names nobody."""
    return {
        "source": "override",
        "state": str(override.kind),
        "since": _iso(override.mark.at),
        "until": _iso(override.until),
    }


def _traffic_shares(signal: Signal) -> dict[str, Any]:
    """The failed shares of the worst writer's clients; all of them counted alike, whatever their number of requests."""
    shares = {"share": signal.share, "share_median": signal.median, "share_worst": signal.worst}
    counts = {"clients": signal.clients, "clients_failing": signal.clients_failing}
    return {name: round(value, 4) for name, value in shares.items()} | counts


def _record(verdict: Verdict) -> dict[str, int] | None:
    """How many re-openings by the same rule held, on recorded histories."""
    found = held_record.held_of(verdict)
    return {"held": found[0], "of": found[1], "within_min": held_record.WITHIN_MIN} if found else None


def _eta(forecast: Estimate | None) -> dict[str, Any] | None:
    if forecast is None:
        return None
    return {
        "target": "mitigated",
        "p50_s": round(forecast.p50.total_seconds()),
        "p80_s": round(forecast.p80.total_seconds()),
        "p90_s": round(forecast.p90.total_seconds()),
        "elapsed_s": round(forecast.elapsed.total_seconds()),
        "n": forecast.n,
        "method": forecast.method,
    }


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
