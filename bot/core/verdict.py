"""Tracks, hits and a moment -> a verdict for each surface: may I retry? R60/15 of safe-to-retry.md part C.

The rules are a table, worst answer first, and the first that applies decides: worse evidence never gives a better
verdict. Nothing here says "normally" on data older than five minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core import reason
from bot.core.facts import Case, Facts, gather
from bot.core.fuse import Ruling, fuse
from bot.core.standing import Standing, is_told
from bot.core.track import advance
from bot.model import Call, Provider, Stage, Surface, Verdict

__all__ = ["RULES", "Case", "Rule", "advance", "changes_at", "judge", "judge_all"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: its name is the verdict's reason code."""

    name: str
    call: Call
    applies: Callable[[Facts], bool]
    seen: Callable[[Facts], str]
    unlock: Callable[[Facts], str]


def _too_old(facts: Facts) -> bool:
    return facts.age is not None and facts.age > facts.rules.stale_unknown


def _getting_old(facts: Facts) -> bool:
    return facts.age is None or facts.age > facts.rules.stale_gentle


def _is_expired(facts: Facts) -> bool:
    hit = facts.hit
    return facts.worst is Standing.BAD and hit is not None and hit.expires is not None and not hit.condition.is_bad


def _is_unconfirmed(facts: Facts) -> bool:
    return _is_expired(facts) and facts.hit is not None and not is_told(facts.hit)


def _is_red(facts: Facts) -> bool:
    hit = facts.hit
    return facts.worst is Standing.BAD and hit is not None and (not hit.incident or hit.stage is Stage.MONITORING)


def _is_dwelling(facts: Facts) -> bool:
    return facts.at < facts.normal_at


def _has_just_closed(facts: Facts) -> bool:
    closed, watched = facts.track.closed_at, facts.track.watched_since
    return closed is not None and (watched is None or closed >= watched)


def _was_just_maintained(facts: Facts) -> bool:
    over = facts.track.maintained_until
    return over is not None and facts.at < over + facts.rules.maintenance_dwell


def _is_bad(facts: Facts) -> bool:
    return facts.worst is Standing.BAD


def _stands(word: Standing) -> Callable[[Facts], bool]:
    return lambda facts: facts.worst is word


RULES = (
    Rule("never_seen", Call.UNKNOWN, lambda f: f.age is None, reason.unread, reason.readable),
    Rule("stale_unknown", Call.UNKNOWN, _too_old, reason.old, reason.readable),
    Rule("unconfirmed", Call.HOLD_OFF, _is_unconfirmed, reason.unconfirmed, reason.then_gentle),
    Rule("exoneration_expired", Call.HOLD_OFF, _is_expired, reason.expired, reason.then_gentle),
    Rule("component_down", Call.HOLD_OFF, _is_red, reason.red, reason.then_gentle),
    Rule("down", Call.HOLD_OFF, _is_bad, reason.posted, reason.then_gentle),
    Rule("maintenance", Call.HOLD_OFF, _stands(Standing.MAINTENANCE), reason.maintained, reason.completed),
    Rule("settling", Call.HOLD_OFF, lambda f: not f.is_settled, reason.clean, reason.when_settled),
    Rule("exonerated", Call.RETRY_GENTLY, _stands(Standing.EXONERATED), reason.cleared, reason.said_again),
    Rule("named", Call.RETRY_GENTLY, _stands(Standing.NAMED), reason.named, reason.moved_on),
    Rule("watch", Call.RETRY_GENTLY, _stands(Standing.WATCH), reason.linked, reason.moved_on),
    Rule("verifying", Call.RETRY_GENTLY, _stands(Standing.VERIFYING), reason.verified, reason.completed),
    Rule("residual_errors", Call.RETRY_GENTLY, lambda f: f.is_residual, reason.residual, reason.dwelt),
    Rule("crowded", Call.RETRY_GENTLY, lambda f: f.is_crowded and _is_dwelling(f), reason.crowded, reason.dwelt),
    Rule(
        "recovering_flapping",
        Call.RETRY_GENTLY,
        lambda f: f.is_open and bool(f.relapses) and _is_dwelling(f),
        reason.recovering,
        reason.dwelt,
    ),
    Rule("recovering", Call.RETRY_GENTLY, lambda f: f.is_open and _is_dwelling(f), reason.recovering, reason.dwelt),
    Rule(
        "resolved_recently",
        Call.RETRY_GENTLY,
        lambda f: _has_just_closed(f) and _is_dwelling(f),
        reason.over,
        reason.dwelt,
    ),
    Rule(
        "seen_recently",
        Call.RETRY_GENTLY,
        lambda f: f.is_after_witnesses and _is_dwelling(f),
        reason.outlived,
        reason.dwelt,
    ),
    Rule("maintained_recently", Call.RETRY_GENTLY, _was_just_maintained, reason.kept_up, reason.dwelt),
    Rule("starting", Call.RETRY_GENTLY, _is_dwelling, reason.watched, reason.dwelt),
    Rule("stale", Call.RETRY_GENTLY, _getting_old, reason.old, reason.readable),
    Rule("recovered", Call.RETRY_NORMALLY, lambda f: f.is_open, reason.recovered, reason.new_post),
    Rule("quiet", Call.RETRY_NORMALLY, lambda _: True, reason.quiet, reason.new_post),
)


def judge(case: Case) -> Verdict:
    """The verdict on one surface by its own evidence: the page's, and what other witnesses make of it (C.4)."""
    facts = gather(case)
    rule = next(rule for rule in RULES if rule.applies(facts))
    verdict = Verdict(
        surface=case.surface.id,
        call=rule.call,
        as_of=case.at,
        exposure=_exposure(rule.call, facts),
        reason="",
        reason_code=rule.name,
        review_at=_review_at(rule.call, facts),
        inferred=facts.hit is not None and facts.hit.inferred,
        incidents=_incidents(rule.call, facts),
    )
    ruling = fuse(Ruling(verdict, rule.seen(facts), rule.unlock(facts)), facts)
    return _with_reason(ruling.verdict, case.surface, ruling.seen, ruling.unlock)


def _with_reason(verdict: Verdict, surface: Surface, seen: str, unlock: str) -> Verdict:
    because = f"{seen}; {unlock}"
    return replace(verdict, reason=reason.sentence(verdict, surface.name, seen, unlock), because=because)


def judge_all(
    provider: Provider, cases: Iterable[Case], elsewhere: Mapping[str, Verdict] | None = None
) -> dict[str, Verdict]:
    """The verdicts on every surface of a provider, by surface id; there is a case for each.

    First each by its own evidence, then what it needs, then where else to go. ``elsewhere`` are other providers'
    verdicts by surface id.
    """
    given = {case.surface.id: case for case in cases}
    own = {s: judge(case) for s, case in given.items()}
    known = {**(elsewhere or {}), **own}
    needing = {s.id: _with_needs(s, own[s.id], known, provider) for s in provider.surfaces}
    known |= needing
    return {
        s.id: _or_elsewhere(s, needing[s.id], known, provider) if _may_last(given[s.id]) else needing[s.id]
        for s in provider.surfaces
    }


def changes_at(case: Case) -> datetime | None:
    """The next time at which the call or its rule may change without new evidence; None where time changes nothing."""
    return min(gather(case).times(), default=None)


def _exposure(call: Call, facts: Facts) -> float:
    if call is Call.RETRY_NORMALLY:
        return 1.0
    return round(facts.ramp, 3) if call is Call.RETRY_GENTLY else 0.0


def _review_at(call: Call, facts: Facts) -> datetime | None:
    """When to look again: never a promise (C.1)."""
    if call is Call.RETRY_NORMALLY:
        return None
    wait = facts.rules.review
    if call is Call.RETRY_GENTLY:
        return min(max(facts.normal_at, facts.at), facts.at + wait)
    if facts.worst is Standing.MAINTENANCE:
        wait = facts.rules.overrun_review
    if facts.worst is Standing.BAD and facts.forecast is not None:
        wait = min(wait, facts.forecast.p50)
    if facts.worst not in (Standing.BAD, Standing.MAINTENANCE) and facts.track.bad_until is not None:
        wait = min(wait, max(facts.track.bad_until + facts.settle - facts.at, facts.rules.looks_apart))
    return facts.at + wait


def _incidents(call: Call, facts: Facts) -> tuple[str, ...]:
    """The incidents behind it: the open ones, or while it still dwells those that held it last."""
    open_ones = tuple(dict.fromkeys(h.incident for h, s in facts.said if h.incident and s is not Standing.GONE))
    if open_ones or call is Call.RETRY_NORMALLY:
        return open_ones
    return tuple(i for i in facts.track.bad_by if i)


# --- second pass: what a surface needs, and where else to go ----------------------------------------------------------

_WORST_LAST = {call: place for place, call in enumerate(Call)}


def _with_needs(surface: Surface, own: Verdict, known: Mapping[str, Verdict], provider: Provider) -> Verdict:
    """A surface is never better off than what it cannot work without."""
    worst = max((known[n] for n in _needs(surface, provider) if n in known), key=_badness, default=own)
    if _badness(worst) <= _badness(own):
        return own
    if worst.call is own.call:
        said = own.reason.replace(f"({own.exposure:.0%})", f"({worst.exposure:.0%})", 1)
        return replace(own, exposure=worst.exposure, reason=said)
    name = next((s.name for s in provider.surfaces if s.id == worst.surface), worst.surface)
    verdict = replace(
        worst,
        surface=surface.id,
        exposure=min(own.exposure, worst.exposure),
        reason_code="needs",
        incidents=tuple(dict.fromkeys((*own.incidents, *worst.incidents))),
    )
    seen = f"it needs {name}, which is {worst.call.replace('_', ' ')} ({worst.reason_code.replace('_', ' ')})"
    return _with_reason(verdict, surface, seen, f"a better verdict on {name} frees it")


def _badness(verdict: Verdict) -> tuple[int, float]:
    return _WORST_LAST[verdict.call], -verdict.exposure


def _needs(surface: Surface, provider: Provider) -> list[str]:
    """Every surface that it needs, at any remove."""
    needs = {s.id: s.needs for s in provider.surfaces}
    found: list[str] = []
    ahead = list(surface.needs)
    while ahead:
        if (one := ahead.pop()) not in found and one != surface.id:
            found.append(one)
            ahead += needs.get(one, ())
    return found


def _may_last(case: Case) -> bool:
    """Half of all incidents last longer than this allows; without an estimate the prior says so (A.2, P50 44 min)."""
    return case.forecast is None or case.forecast.p50 > case.rules.fail_over_after


def _or_elsewhere(
    surface: Surface,
    verdict: Verdict,
    known: Mapping[str, Verdict],
    provider: Provider,
) -> Verdict:
    """Fail over from a hold that may last, to a surface that is normal by itself and shares no fault domain (C.1)."""
    if verdict.call is not Call.HOLD_OFF or verdict.reason_code == "settling":
        return verdict
    domains = {s.id: s.fault_domain or s.provider for s in provider.surfaces}
    for other in surface.instead:
        found = known.get(other)
        is_apart = domains.get(other) != domains[surface.id]
        if found is not None and is_apart and found.call is Call.RETRY_NORMALLY:
            moved = replace(verdict, call=Call.FAIL_OVER, instead=other, reason_code="fail_over")
            why = verdict.reason.partition(": ")[2].rstrip(".")
            return replace(moved, reason=f"Use {other} instead of {surface.name}: {why}.")
    return verdict
