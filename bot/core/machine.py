"""A verdict and what it rests on -> the form that programs read, and the answer of a gate. safe-to-retry.md C.6 to C.8.

``retry_after_s`` is a whole number of seconds, at least 1. After ``valid_until`` a consumer must treat the verdict as
unknown. Of the vendors' SDKs, older ones of Anthropic's ignore a Retry-After above 60 s (B.3), newer ones sleep for as
long as it says, and OpenAI's gives up above 120 s, so a hold also says ``x-should-retry: false``: then none retries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core import wave
from bot.core.confidence import confidence, level
from bot.core.facts import Case
from bot.core.signs import Signs, signs
from bot.core.standing import Standing, standing
from bot.model import Basis, Call, Estimate, Verdict

SCHEMA = "retry-verdict/1"
VALID = timedelta(seconds=150)  # C.5: a look is fresh for so long
ATTEMPTS = {Call.RETRY_NORMALLY: 3, Call.RETRY_GENTLY: 3}  # B.2: Google SRE and AWS both stop at three
BACKOFF = {"kind": "full_jitter", "base_s": 1, "cap_s": 60}


def machine_form(verdict: Verdict, grounds: Case, now: datetime, *, client: str | None = None) -> dict[str, Any]:
    """The verdict as JSON values; ``grounds`` is what the judge was given.

    ``client`` is whoever asks: it gets its own slot of the wave, else the first.
    """
    valid_until = (grounds.seen_at or now) + VALID
    if now > valid_until and verdict.call is not Call.UNKNOWN:
        return machine_form(_outlived(verdict, valid_until), grounds, now, client=client)
    spread = _spread(verdict, grounds)
    retry_at = _retry_at(verdict, grounds, now, spread, client)
    heard = signs(grounds.testimony, now)
    sure = confidence(grounds.track, now, grounds.rules) if verdict.call in ATTEMPTS else None
    return {
        "schema": SCHEMA,
        "vendor": grounds.surface.provider,
        "surface": verdict.surface,
        "verdict": str(verdict.call),
        "as_of": _iso(verdict.as_of),
        "exposure": round(verdict.exposure, 3),
        "retry_after_s": max(1, math.ceil((retry_at - now).total_seconds())),
        "retry_at": _iso(retry_at),
        "review_at": _iso(verdict.review_at),
        "spread_window_s": round(spread.total_seconds()),
        "max_attempts": ATTEMPTS.get(verdict.call, 0),
        "backoff": BACKOFF,
        "confidence": sure,
        "confidence_level": level(sure, is_probed=heard.is_ok),
        "reason": verdict.reason,
        "reason_code": verdict.reason_code,
        "inferred": verdict.inferred,
        "instead": verdict.instead,
        "eta": _eta(grounds.forecast),
        "basis": [_page(grounds, now), *_others(heard, now)],
        "incidents": list(verdict.incidents),
        "flap": sum(now - t < grounds.rules.flap_lasts for t in grounds.track.relapses),
        "rules": grounds.rules.name,
        "valid_until": _iso(valid_until),
    }


def gate(form: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """The HTTP status and headers of a form: 200 where this client may go now, 429 before its slot, 503 for a hold."""
    verdict, wait = form["verdict"], form["retry_after_s"]
    headers = {"Cache-Control": "no-store", "Retry-After": str(wait)}
    if verdict == Call.RETRY_NORMALLY or (verdict == Call.RETRY_GENTLY and wait <= 1):
        return 200, headers
    if verdict == Call.RETRY_GENTLY:
        return 429, headers
    return 503, headers | {"x-should-retry": "false"}


def _outlived(verdict: Verdict, valid_until: datetime) -> Verdict:
    why = f"{verdict.surface} is unknown: what was known of it was good until {valid_until:%H:%M} UTC; ask again."
    return Verdict(verdict.surface, Call.UNKNOWN, verdict.as_of, 0.0, why, "outlived", incidents=verdict.incidents)


def _spread(verdict: Verdict, grounds: Case) -> timedelta:
    """W, from how long it was bad; nothing to spread where it never was."""
    track = grounds.track
    if track.bad_since is None:
        return timedelta(0)
    until = track.bad_until if track.bad_until and track.bad_until > track.bad_since else verdict.as_of
    return wave.window(until - track.bad_since, gentle=verdict.call is Call.RETRY_GENTLY)


def _retry_at(verdict: Verdict, grounds: Case, now: datetime, spread: timedelta, client: str | None) -> datetime:
    """The client's slot after the opening; a hold opens at its review, and may not."""
    opened = _opened_at(verdict, grounds, now)
    if client is None:
        return max(opened, now)
    incident = next(iter(verdict.incidents or grounds.track.bad_by), verdict.surface)
    return max(wave.retry_at(opened, spread, client, incident), now)


def _opened_at(verdict: Verdict, grounds: Case, now: datetime) -> datetime:
    if verdict.call in (Call.HOLD_OFF, Call.FAIL_OVER):
        return verdict.review_at or now + grounds.rules.review
    if verdict.call is Call.UNKNOWN:
        return now + timedelta(seconds=60)
    until = grounds.track.bad_until
    return now if until is None else min(until + grounds.rules.settle, now)


def _page(grounds: Case, now: datetime) -> dict[str, Any]:
    shown = (h for h in grounds.hits if h.basis is not Basis.WITNESS)
    said = sorted(shown, key=lambda h: list(Standing).index(standing(h, now, grounds.rules)))
    state = str(said[0].stage if said[0].incident else said[0].condition) if said else "operational"
    age = None if grounds.seen_at is None else max(0, round((now - grounds.seen_at).total_seconds()))
    return {
        "source": "status_page",
        "state": state if grounds.seen_at else "unread",
        "since": _iso(said[0].since) if said else _iso(grounds.track.closed_at),
        "observed_at": _iso(grounds.seen_at),
        "age_s": age,
    }


def _others(heard: Signs, now: datetime) -> Iterator[dict[str, Any]]:
    """What the other witnesses say, with the keys that apply."""
    for source, sign in (("probe", heard.probe), ("users", heard.people), ("traffic", heard.traffic)):
        told: dict[str, Any] = {"source": source, "state": str(sign.says)}
        if sign.seen_at is None:
            yield told
            continue
        told |= {"since": _iso(sign.since), "observed_at": _iso(sign.seen_at), "n": sign.n}
        told["age_s"] = max(0, round((now - sign.seen_at).total_seconds()))
        told |= {"share": round(sign.share, 4)} if source == "traffic" else {}
        told |= {"failing_from": list(sign.against), "answering_from": list(sign.by)} if source == "probe" else {}
        yield told


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
